// What the broker costs for a quote and for the whole life of an order, beside copying what it writes.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "kungfu/id.hpp"

using namespace kungfu;

namespace {

constexpr std::uint64_t kBroker = id_of("broker");
constexpr std::uint64_t kStrategy = id_of("strategy");
constexpr std::uint64_t kVenue = id_of("venue");
constexpr std::uint64_t kAccount = id_of("venue/main");
constexpr std::uint64_t kInstrument = id_of("venue:perpetual:BTCUSDT");

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

    /// Nanoseconds of processor time for working off all inputs, and the same for copying what was written.
    void measure(const char* what, std::size_t rounds) {
        broker::BrokerConfig config;
        config.gateways.push_back({kVenue, "venue", {~0U, ~0U, true, true}});
        config.routes.push_back({kAccount, "venue/main", kVenue});
        broker::Broker broker(std::move(config));
        broker.start(Port(&port_));
        const std::clock_t begin = std::clock();
        while (broker.poll() != 0) {
        }
        const std::clock_t middle = std::clock();
        std::size_t at = 0;
        for (const std::uint32_t length : lengths_) at = copy(at, inputs_.data(), length);
        const std::clock_t end = std::clock();
        const auto ns = [](std::clock_t span) { return static_cast<double>(span) * 1e9 / CLOCKS_PER_SEC; };
        const double each = ns(middle - begin) / static_cast<double>(rounds);
        std::printf("%-28s %8.1f ns", what, each);
        if (lengths_.empty()) {
            std::printf("\n");
        } else {
            std::printf("   %.1f x floor (copying the %zu events)\n",
                        each * static_cast<double>(rounds) / ns(end - middle), lengths_.size() / rounds);
        }
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
                  [](void*) -> std::uint64_t { return 0; }};
};

Instrument definition() {
    Instrument d{};
    d.instrument = kInstrument;
    d.set_product(Product::PERPETUAL);
    d.set_contract_kind(ContractKind::LINEAR);
    d.set_size_unit(SizeUnit::BASE);
    d.set_status(InstrumentStatus::TRADING);
    d.set_tick({1, -1});
    d.set_lot({1, -3});
    d.set_min_size(Number::none());
    d.set_max_size(Number::none());
    d.set_min_notional(Number::none());
    d.set_contract_value(Number::none());
    d.settle_decimals = 8;
    d.set_base("BTC");
    d.set_quote("USDT");
    d.set_settle("USDT");
    return d;
}

void put_order(Tape& tape, std::uint64_t id) {
    OrderRequest request{};
    request.order_id = id;
    request.instrument = kInstrument;
    request.account = kAccount;
    request.strategy = kStrategy;
    request.set_price({600000, -1});
    request.set_size({1000, -3});
    request.set_trigger_price(Number::none());
    request.set_trailing_offset(Number::none());
    request.set_display_size(Number::none());
    request.set_side(id % 3 == 0 ? Side::BUY : Side::SELL);
    request.set_type(OrderType::LIMIT);
    request.set_time_in_force(TimeInForce::GTC);
    tape.put(kStrategy, kBroker, request);

    OrderUpdate accepted{};
    accepted.order_id = id;
    accepted.instrument = kInstrument;
    accepted.account = kAccount;
    accepted.set_price(Number::none());
    accepted.set_size(Number::none());
    accepted.side = request.side;
    accepted.set_state(OrderState::ACCEPTED);
    tape.put(kVenue, 0, accepted);

    Fill fill{};
    fill.order_id = id;
    fill.instrument = kInstrument;
    fill.account = kAccount;
    fill.set_price({600000, -1});
    fill.set_size({1000, -3});
    fill.set_fee({30, 0});
    fill.set_realized_pnl(Money::none());
    fill.side = request.side;
    fill.set_fee_currency("USDT");
    fill.set_trade_id(std::to_string(id));
    tape.put(kVenue, 0, fill);
}

}  // namespace

int main() {
    constexpr std::size_t kQuotes = 2'000'000;
    constexpr std::size_t kOrders = 200'000;
    Quote quote{};
    quote.instrument = kInstrument;
    quote.set_bid_price({600000, -1});
    quote.set_ask_price({600001, -1});
    Tape quotes;
    quotes.put(kVenue, 0, definition());
    for (std::size_t i = 0; i < kQuotes; ++i) quotes.put(kVenue, 0, quote);
    quotes.measure("a quote", kQuotes);

    Tape orders;
    orders.put(kVenue, 0, definition());
    for (std::uint64_t id = 1; id <= kOrders; ++id) put_order(orders, id);
    orders.measure("an order, from request to fill", kOrders);
}
