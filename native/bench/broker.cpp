// What the broker costs for a quote, for an order's whole life, and for an order under all limits.
#include <cstring>
#include <string>
#include <vector>

#include "broker_node.hpp"

using namespace kungfu;
using namespace kungfu::bench;

namespace {

/// Inputs lie in one buffer, outputs go round in another, as if both were mapped pages.
class Tape {
  public:
    template <class T>
    void put(std::uint64_t source, std::uint64_t destination, const T& event) {
        static_assert(sizeof(T) % 8 == 0);
        kf_frame frame{};
        frame.source = source;
        frame.destination = destination;
        frame.type = T::kType;
        offsets_.push_back(inputs_.size());
        const char* parts[] = {reinterpret_cast<const char*>(&frame), reinterpret_cast<const char*>(&event)};
        inputs_.insert(inputs_.end(), parts[0], parts[0] + sizeof frame);
        inputs_.insert(inputs_.end(), parts[1], parts[1] + sizeof event);
    }

    /// Nanoseconds for each of `count` things in the inputs.
    double work_off(std::size_t count) {
        read_ = written_ = 0;
        lengths_.clear();
        broker::Broker broker(plain());
        broker.start(Port(&port_));
        const std::int64_t begin = Clock::monotonic_now();
        while (broker.poll() != 0) {
        }
        return static_cast<double>(Clock::monotonic_now() - begin) / static_cast<double>(count);
    }

    /// The same for copying what was read, and what was written if anything was.
    double copy_all(std::size_t count) {
        const std::int64_t begin = Clock::monotonic_now();
        std::size_t at = 0;
        for (std::size_t i = 0; i + 1 < offsets_.size(); ++i)
            at = copy(at, inputs_.data() + offsets_[i],
                      static_cast<std::uint32_t>(offsets_[i + 1] - offsets_[i]));
        for (const std::uint32_t length : lengths_) at = copy(at, inputs_.data(), length);
        return static_cast<double>(Clock::monotonic_now() - begin) / static_cast<double>(count);
    }

  private:
    static std::int32_t next(void* self, kf_event* event) {
        Tape& t = *static_cast<Tape*>(self);
        if (t.read_ == t.offsets_.size()) return 0;
        const auto* frame = reinterpret_cast<const kf_frame*>(t.inputs_.data() + t.offsets_[t.read_]);
        const std::size_t stop = t.read_ + 1 < t.offsets_.size() ? t.offsets_[t.read_ + 1] : t.inputs_.size();
        event->frame = frame;
        event->type = frame->type;
        event->length = static_cast<std::uint32_t>(stop - t.offsets_[t.read_] - sizeof *frame);
        ++t.read_;
        return 1;
    }

    static std::int32_t append(void* self, std::uint32_t, std::uint32_t, std::uint64_t, const kf_cause*,
                               const void* payload, std::uint32_t length) {
        Tape& t = *static_cast<Tape*>(self);
        t.written_ = t.copy(t.written_, payload, length);
        t.lengths_.push_back(length);
        return KF_OK;
    }

    std::size_t copy(std::size_t at, const void* payload, std::uint32_t length) {
        if (at + length > outputs_.size()) at = 0;
        std::memcpy(outputs_.data() + at, payload, length);
        return at + length;
    }

    std::vector<char> inputs_;
    std::vector<std::size_t> offsets_;
    std::vector<char> outputs_ = std::vector<char>(std::size_t{1} << 24);
    std::vector<std::uint32_t> lengths_;
    std::size_t read_ = 0;
    std::size_t written_ = 0;
    kf_port port_{KF_ABI_VERSION,
                  sizeof(kf_port),
                  kLayoutHash,
                  this,
                  &next,
                  [](void*) -> std::int64_t { return 1; },
                  &append,
                  [](void*) { return kBroker; },
                  [](void*) -> std::uint64_t { return 0; },
                  [](void*, std::uint32_t, const void**, std::uint32_t*) -> std::int32_t { return 0; }};
};

Quote a_quote() {
    Quote quote{};
    quote.instrument = kInstrument;
    quote.set_bid_price({600000, -1});
    quote.set_bid_size({5000, -3});
    quote.set_ask_price({600001, -1});
    quote.set_ask_size({5000, -3});
    return quote;
}

void put_life(Tape& tape, std::uint64_t id) {
    const Side side = id % 3 == 0 ? Side::BUY : Side::SELL;
    tape.put(kStrategy, kBroker, a_request(id, side, 600000));
    tape.put(kVenue, 0, an_update(id, side, OrderState::ACCEPTED));
    Fill fill{};
    fill.order_id = id;
    fill.instrument = kInstrument;
    fill.account = kAccount;
    fill.set_price({600000, -1});
    fill.set_size({1000, -3});
    fill.set_fee({30, 0});
    fill.set_realized_pnl(Money::none());
    fill.set_side(side);
    fill.set_fee_currency("USDT");
    fill.set_trade_id(std::to_string(id));
    tape.put(kVenue, 0, fill);
}

void measure(const char* name, Tape& tape, std::size_t count) {
    std::vector<double> ours;
    std::vector<double> copies;
    for (int round = 0; round < 11; ++round) {
        ours.push_back(tape.work_off(count));
        copies.push_back(tape.copy_all(count));
    }
    tell(name, "ns", ours, copies);
}

void quotes() {
    constexpr std::size_t kQuotes = 200'000;
    Tape tape;
    tape.put(kVenue, 0, definition());
    for (std::size_t i = 0; i < kQuotes; ++i) tape.put(kVenue, 0, a_quote());
    measure("broker.quote", tape, kQuotes);
}

void lives() {
    constexpr std::size_t kOrders = 50'000;
    Tape tape;
    tape.put(kVenue, 0, definition());
    for (std::uint64_t id = 1; id <= kOrders; ++id) put_life(tape, id);
    measure("broker.life", tape, kOrders);
}

/// Every limit that there is, in the global scope or in all three, each so wide that the orders here pass.
std::vector<broker::ScopeConfig> all_limits(bool in_each_scope) {
    const std::vector<std::pair<std::string, std::string>> limits = {
        {"max_order_size", "10"},
        {"max_order_notional", "USDT=1000000"},
        {"max_position", "1000000"},
        {"max_net_notional", "USDT=100000000000"},
        {"max_gross_notional", "USDT=100000000000"},
        {"max_leverage", "100000"},
        {"max_open_orders", "1000000"},
        {"max_order_rate", "1000000/1s"},
        {"max_cancel_rate", "1000000/1s"},
        {"price_collar_last", "0.1"},
        {"price_collar_mid", "0.1"},
        {"price_collar_mark", "0.1"},
        {"max_slippage", "0.1"},
        {"max_volume_share", "0.5"},
        {"volume_window", "1h"},
        {"duplicate_window", "1ms"},
        {"self_trade", "reject"},
        {"check_funds", "true"},
        {"max_data_age", "1h"},
        {"max_clock_offset", "1s"},
        {"instruments", "other:*,venue:perpetual:*"},
        {"trading_hours", "00:00-24:00"},
        {"max_daily_loss", "USDT=1000000"},
        {"max_drawdown", "USDT=1000000"},
    };
    std::vector<broker::ScopeConfig> scopes;
    for (const auto& [scope, subject, name] :
         {std::tuple{Scope::GLOBAL, std::uint64_t{0}, ""}, std::tuple{Scope::ACCOUNT, kAccount, "venue/main"},
          std::tuple{Scope::STRATEGY, kStrategy, "strategy"}}) {
        scopes.push_back({scope, subject, name, limits, {}});
        if (!in_each_scope) break;
    }
    return scopes;
}

/// A broker and the writers of what it reads.
class Node {
  public:
    Node(const std::string& root, std::vector<broker::ScopeConfig> limits)
        : broker_(root, limited(std::move(limits))),
          venue_(journal_of(root, broker_.clock, "venue", "TD")),
          strategy_(journal_of(root, broker_.clock, "strategy", "STRATEGY")) {
        say(definition(), "venue:perpetual:BTCUSDT");
        say(a_quote());
        Trade trade{};
        trade.instrument = kInstrument;
        trade.set_price({600000, -1});
        trade.set_size({1000, 0});
        say(trade);
        MarkPrice mark{};
        mark.instrument = kInstrument;
        mark.set_price({600000, -1});
        say(mark);
        CashMovement cash{};
        cash.account = kAccount;
        cash.set_amount({10'000'000'000, 0});
        cash.set_kind(CashKind::TRANSFER);
        cash.set_currency("USDT");
        say(cash);
        say(ClockOffset{});
        work();
    }

    void say_update(const OrderUpdate& update) { say(update); }

    /// Nanoseconds from the request in one journal to the order in another.
    double order(const OrderRequest& request) {
        put(*strategy_, kStrategy, kBroker, request);
        const std::int64_t begin = broker_.clock.now();
        const std::int64_t done = broker_.runner.turn();
        const std::int64_t end = broker_.clock.now();
        if (done != 1) fail(broker_.runner.error());
        return static_cast<double>(end - begin);
    }

    void work() { broker_.work(); }

    std::uint64_t said() const { return broker_.wiring->output(0).last_sequence(); }

  private:
    static broker::BrokerConfig limited(std::vector<broker::ScopeConfig> limits) {
        broker::BrokerConfig config = plain();
        config.limits = std::move(limits);
        return config;
    }

    template <class T>
    void say(const T& event, std::string_view tail = {}) {
        put(*venue_, kVenue, 0, event, tail);
    }

    BrokerNode broker_;
    std::unique_ptr<journal::Writer> venue_, strategy_;
};

/// Orders that rest, a thousand at a time, from journal to journal; beside the same without a limit.
void orders() {
    constexpr std::uint64_t kRounds = 51;
    // Enough that the first, which find the caches full of the others' things, are less than one in a
    // hundred.
    constexpr std::uint64_t kOrders = 1000;
    const Folder folders[] = {Folder(in_memory()), Folder(in_memory()), Folder(in_memory())};
    Node nodes[] = {{folders[0].path(), all_limits(false)},
                    {folders[1].path(), {}},
                    {folders[2].path(), all_limits(true)}};
    std::uint64_t id = kFirstId;
    std::vector<double> all[3];
    std::vector<double> medians[3];
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        const std::uint64_t first = id + 1;
        for (std::size_t which = 0; which < 3; ++which) {
            Node& n = nodes[which];
            const std::uint64_t said = n.said();
            std::vector<double> times;
            for (std::uint64_t i = 0; i < kOrders; ++i) {
                const Side side = i % 2 == 0 ? Side::BUY : Side::SELL;
                // Not the price of the rounds before: the same order again would be refused.
                const auto away =
                    static_cast<std::int64_t>(10 + i + kOrders * (round % 50)) * (side == Side::BUY ? -1 : 1);
                times.push_back(n.order(a_request(first + i, side, 600000 + away)));
            }
            // What was read, where the order stands, and the order itself.
            if (round > 0 && n.said() != said + 3 * kOrders) fail("an order was refused");
            for (std::uint64_t i = 0; i < kOrders; ++i) {
                const Side side = i % 2 == 0 ? Side::BUY : Side::SELL;
                n.say_update(an_update(first + i, side, OrderState::CANCELED));
            }
            n.work();
            if (round == 0) continue;
            medians[which].push_back(median(times));
            all[which].insert(all[which].end(), times.begin(), times.end());
        }
        id += kOrders;
    }
    const double none = median(medians[1]);
    tell("broker.order", "ns", medians[0], medians[1],
         also("p99", quantile(all[0], 0.99)) + also("reference_p99", quantile(all[1], 0.99)) +
             also("limits", median(medians[0]) - none) +
             also("limits_of_three_scopes", median(medians[2]) - none));
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> wanted(arguments + 1, arguments + count);
    if (is_wanted("broker.quote", wanted)) quotes();
    if (is_wanted("broker.life", wanted)) lives();
    if (is_wanted("broker.order", wanted)) orders();
}
