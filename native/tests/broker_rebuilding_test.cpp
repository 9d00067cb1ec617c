// A broker that is cut off anywhere comes back from its journals, with and without a snapshot.
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "broker_desk.hpp"
#include "clock/clock.hpp"
#include "component/runner.hpp"
#include "journal_support.hpp"

using namespace kungfu;
namespace fs = std::filesystem;

namespace {

using desk::kAccount;
using desk::kBroker;
using desk::kPerpetual;
using desk::kStrategy;
using desk::kVenue;

constexpr std::uint64_t kPage = 4 << 20;

struct Said {
    std::uint32_t type;
    std::uint64_t destination;
    std::uint64_t cause_sequence;
    std::string payload;
    bool operator==(const Said& o) const {
        return type == o.type && destination == o.destination && cause_sequence == o.cause_sequence &&
               payload == o.payload;
    }
};

std::vector<Said> said_in(const std::string& root) {
    std::vector<Said> said;
    journal::Reader reader;
    CHECK(reader.join({root, "broker", "BROKER", ""}) == KF_OK);
    kf_event event{};
    while (reader.next(event)) {
        if (event.type == NameDefinition::kType || event.type == TypeDefinition::kType) continue;
        if (event.type == Consumption::kType) continue;
        said.push_back({event.type,
                        event.frame->destination,
                        event.frame->cause_sequence,
                        {reinterpret_cast<const char*>(event.frame + 1), event.length}});
    }
    return said;
}

/// A check whose verdict is another each time: a rebuild must take what it said then.
struct FickleCheck : broker::RiskCheck {
    explicit FickleCheck(const char* called) : called_(called) {}
    Verdict judge(const OrderRequest&, const broker::RiskView&, std::string& reason) override {
        static int asked = 0;
        if (++asked % 5 != 0) return Verdict::ALLOWED;
        reason = "asked " + std::to_string(asked) + " times";
        return asked % 2 == 0 ? Verdict::REFUSED : Verdict::FAILED;
    }
    std::string_view name() const override { return called_; }

  private:
    const char* called_;
};

/// A node: a broker on real journals and in real time, with the writers of what it reads.
class Node {
  public:
    /// `variant`: which configuration it is given.
    Node(const std::string& root, bool asks, unsigned variant = 0,
         std::uint64_t snapshot_every = Runner::kSnapshotEvery)
        : root_(root), runner_(&clock_, snapshot_every) {
        broker::BrokerConfig config = desk::Desk::plain();
        config.gateways[0].capabilities.times_in_force &= ~(1U << static_cast<int>(TimeInForce::GTD));
        config.gateways[0].capabilities.queries = asks;
        config.history =
            std::make_unique<broker::OrderHistory>(journal::Location{root, "broker", "BROKER", ""});
        config.most_closed = 3;
        config.timing.answer_timeout = config.timing.fill_timeout = 200'000;
        config.timing.first_retry = config.timing.longest_retry = 100'000;
        config.timing.order_deadline = config.timing.clock_bound = 100'000;
        config.timing.reconcile_interval = config.timing.alarm_after = 500'000;
        if (asks) limit(config);
        if (variant > 0) configure_otherwise(config, variant);
        wiring_ = std::make_shared<Wiring>("broker", &clock_, journal::core_types());
        for (const auto& [source, name] : inputs())
            CHECK(wiring_->inputs().join({root, source, name, ""}) == KF_OK);
        wiring_->add_output(journal::open_writer(journal::options(root, clock_, kPage, "broker", "BROKER")));
        CHECK(runner_.add(export_component(std::make_unique<broker::Broker>(std::move(config))), wiring_));
        CHECK(runner_.start());
    }

    /// Limits and a check that depend on when things happen: what is new is another each time.
    static void limit(broker::BrokerConfig& config) {
        config.limits.push_back({Scope::GLOBAL,
                                 0,
                                 {},
                                 {{"max_order_rate", "50/10ms"},
                                  {"max_cancel_rate", "3/1ms"},
                                  {"max_position", "20"},
                                  {"duplicate_window", "1ms"},
                                  {"self_trade", "cancel_oldest"}},
                                 {}});
        config.limits.push_back({Scope::STRATEGY,
                                 kStrategy,
                                 "strategy",
                                 {{"max_drawdown", "USDT=100000"}, {"flatten", "true"}},
                                 {}});
        config.checks.push_back(std::make_unique<FickleCheck>("fickle"));
        config.hooks.budget = 3'600'000'000'000;
    }

    static void configure_otherwise(broker::BrokerConfig& config, unsigned variant) {
        auto& limits = config.limits[0].limits;
        if (variant == 1) {
            limits = {{"max_position", "4"}, {"max_open_orders", "12"}, {"self_trade", "cancel_newest"}};
            config.limits.pop_back();
            config.checks[0] = std::make_unique<FickleCheck>("another");
            config.emulation.missed_trigger = broker::MissedTrigger::FIRE;
            config.timing.answer_timeout = 900'000;
        } else if (variant == 2) {
            limits.clear();
            config.checks.clear();
            config.hooks.budget = 0;
            config.emulation.missed_trigger = broker::MissedTrigger::CANCEL;
            config.gateways[0].capabilities.amend = false;
            config.gateways[0].capabilities.order_types |= 1U << static_cast<int>(OrderType::STOP_MARKET);
        } else {
            config.routes.clear();
            config.timing.first_retry = 300'000;
        }
    }

    static std::vector<std::pair<std::string, std::string>> inputs() {
        return {{"venue", "MD"}, {"venue", "TD"}, {"strategy", "STRATEGY"}};
    }

    void rebuild() {
        const bool rebuilt = runner_.rebuild(0);
        if (!rebuilt) std::fprintf(stderr, "%s\n", runner_.error().c_str());
        CHECK(rebuilt);
    }
    void announce() { wiring_->announce_start(ComponentKind::BROKER); }
    void snapshot() { CHECK(runner_.take_snapshot(0)); }
    std::uint64_t since_snapshot() const { return wiring_->since_snapshot(); }
    std::int64_t turn() {
        const std::int64_t done = runner_.turn();
        if (done < 0) std::fprintf(stderr, "%s\n", runner_.error().c_str());
        CHECK(done >= 0);
        return done;
    }

  private:
    std::string root_;
    Clock clock_;
    std::shared_ptr<Wiring> wiring_;
    Runner runner_;
};

/// What happens around the broker, at random: orders, reports in any order, answers or none.
class World {
  public:
    /// Orders that `expire` do so at times that no run has again.
    World(const std::string& root, std::uint32_t seed, bool expire) : random_(seed), expire_(expire) {
        md_ = journal::open_writer(journal::options(root, clock_, kPage, "venue", "MD"));
        td_ = journal::open_writer(journal::options(root, clock_, kPage, "venue", "TD"));
        strategy_ = journal::open_writer(journal::options(root, clock_, kPage, "strategy", "STRATEGY"));
        Instrument d = desk::Desk::definition(kPerpetual, Product::PERPETUAL, ContractKind::LINEAR);
        d.set_settle("USDT");
        append(*md_, kVenue, 0, d, "venue:perpetual:BTCUSDT");
        CHECK(answers_.join({root, "broker", "BROKER", ""}) == KF_OK);
    }

    void step() {
        kf_event event{};
        while (answers_.next(event))
            if (const auto* query = static_cast<const Event&>(event).as<VenueQuery>())
                queries_.push_back(*query);
        const std::uint64_t id = 1 + pick(40);
        switch (pick(11)) {
            case 0: return quote();
            case 9: return print(price());
            case 10: return command();
            case 1:
            case 2: return append(*strategy_, kStrategy, kBroker, order(++orders_));
            case 3: return cancel(id);
            case 4: return answer();
            case 5:
            case 6: return report(1 + pick(orders_ + 1));
            default: return fill(1 + pick(orders_ + 1));
        }
    }

    void place(std::uint64_t id) {
        append(*strategy_, kStrategy, kBroker, desk::Desk::limit(id, Side::BUY, "1", "100"));
    }
    void print(Number price) {
        Trade t{};
        t.instrument = kPerpetual;
        t.set_price(price);
        t.set_size(desk::num("1"));
        append(*md_, kVenue, 0, t);
    }
    void fill(std::uint64_t id, const char* trade, const char* size) {
        append(*td_, kVenue, 0, desk::Desk::a_fill(id, trade, Side::BUY, size, "100"));
    }

  private:
    std::uint64_t pick(std::uint64_t n) {
        return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_);
    }

    template <class T>
    void append(journal::Writer& to, std::uint64_t source, std::uint64_t destination, const T& event,
                std::string_view tail = {}) {
        std::string bytes(reinterpret_cast<const char*>(&event), sizeof event);
        bytes += tail;
        CHECK(to.append(T::kType, source, destination, journal::kNoCause, bytes.data(),
                        static_cast<std::uint32_t>(bytes.size())) == KF_OK);
    }

    OrderRequest order(std::uint64_t id) {
        OrderRequest r =
            desk::Desk::limit(id, pick(2) ? Side::BUY : Side::SELL, pick(9) ? "1" : "0.0001", "100");
        switch (pick(5)) {
            case 0:
                r.set_price(Number::none());
                r.set_type(pick(2) ? OrderType::STOP_MARKET : OrderType::TRAILING_STOP);
                (r.get_type() == OrderType::STOP_MARKET ? r.set_trigger_price(price())
                                                        : r.set_trailing_offset(desk::num("0.3")));
                break;
            case 1: r.parent_id = pick(id); break;
            case 2: r.group_id = pick(id); break;
            case 3:
                if (!expire_) break;
                r.set_time_in_force(TimeInForce::GTD);
                r.expire_time = clock_.now() + 300'000;
                break;
            default: break;
        }
        return r;
    }
    Number price() { return {static_cast<std::int64_t>(995 + pick(11)), -1}; }
    void quote() {
        Quote q{};
        q.instrument = kPerpetual;
        q.set_bid_price(desk::num("99.9"));
        q.set_ask_price(desk::num("100.1"));
        append(*md_, kVenue, 0, q);
    }
    void cancel(std::uint64_t id) {
        OrderCancel c{};
        c.order_id = id;
        c.strategy = kStrategy;
        append(*strategy_, kStrategy, kBroker, c);
    }
    /// A person changes limits while it runs.
    void command() {
        OperatorCommand c{};
        c.set_kind(CommandKind::SET_LIMIT);
        c.set_scope(pick(3) ? Scope::GLOBAL : Scope::STRATEGY);
        c.subject = c.get_scope() == Scope::GLOBAL ? 0 : kStrategy;
        c.set_limit(pick(2) ? "max_position" : "max_open_orders");
        c.set_setting(pick(3) ? std::to_string(5 + pick(20)) : std::string());
        append(*strategy_, kStrategy, kBroker, c, "a person");
    }
    void report(std::uint64_t id) {
        constexpr OrderState kStates[] = {OrderState::ACCEPTED, OrderState::PARTIALLY_FILLED,
                                          OrderState::CANCELED, OrderState::ACCEPTED, OrderState::REJECTED};
        OrderUpdate u{};
        u.order_id = id;
        u.instrument = kPerpetual;
        u.account = kAccount;
        u.set_price(Number::none());
        u.set_size(Number::none());
        u.set_filled(pick(3) ? Number::none() : desk::num("0.5"));
        u.set_side(Side::BUY);
        u.set_state(kStates[pick(5)]);
        append(*td_, kVenue, 0, u, pick(2) ? "why" : "");
    }
    void fill(std::uint64_t id) {
        const std::string trade = std::to_string(pick(4));
        append(*td_, kVenue, 0,
               desk::Desk::a_fill(id, trade.c_str(), pick(2) ? Side::BUY : Side::SELL, "0.5", "100", "0.01"));
    }
    void answer() {
        if (queries_.empty()) return;
        const VenueQuery query = queries_.back();
        queries_.pop_back();
        VenueAnswer a{};
        a.query_id = query.query_id;
        a.account = query.account;
        a.order_id = query.order_id;
        a.as_of = clock_.now();
        a.set_outcome(query.order_id == 0 ? QueryOutcome::COMPLETE : static_cast<QueryOutcome>(1 + pick(3)));
        if (query.order_id == 0) balance();
        append(*td_, kVenue, 0, a);
    }
    void balance() {
        Balance b{};
        b.account = kAccount;
        b.set_total(desk::money("1000"));
        b.set_currency("USDT");
        append(*td_, kVenue, 0, b);
    }

    std::mt19937 random_;
    bool expire_;
    Clock clock_;
    std::unique_ptr<journal::Writer> md_, td_, strategy_;
    journal::Reader answers_;
    std::vector<VenueQuery> queries_;
    std::uint64_t orders_ = 0;
};

fs::path broker_page(const std::string& root) {
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const std::string name = entry.path().filename();
        if (name.rfind("BROKER.", 0) == 0 && name.size() > 8 && name.find(".journal") == name.size() - 8)
            return entry.path();
    }
    CHECK(false);
    return {};
}

/// Makes the broker's journal end after some of its events, as a kill would have.
void cut(const std::string& root, std::uint64_t events) {
    journal::JournalReader reader({root, "broker", "BROKER", ""});
    while (reader.last_sequence() < events && reader.peek() != nullptr) reader.advance();
    reader.peek();
    const fs::path page = broker_page(root);
    const auto size = fs::file_size(page);
    std::fstream file(page, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(reader.offset()));
    const std::vector<char> zeros(size - reader.offset());
    file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
}

std::uint64_t events_of_broker(const std::string& root) {
    journal::JournalReader reader({root, "broker", "BROKER", ""});
    while (reader.peek() != nullptr) reader.advance();
    return reader.last_sequence();
}

/// A venue that repeats itself long after an order is over, and a strategy that uses an old id again.
void an_order_that_was_let_go_is_remembered() {
    const Folder folder;
    World world(folder.path(), 1, false);
    Node node(folder.path(), false);
    const auto said_about = [&](std::uint64_t id) {
        std::vector<std::string> states;
        for (const Said& said : said_in(folder.path())) {
            if (said.type != OrderUpdate::kType) continue;
            const auto& update = *reinterpret_cast<const OrderUpdate*>(said.payload.data());
            if (update.order_id == id)
                states.push_back(name_of(update.get_state()) + std::string(update.anomaly ? "!" : ""));
        }
        return states;
    };
    for (std::uint64_t id = 1; id <= 20; ++id) {
        world.place(id);
        node.turn();
        world.fill(id, "a", "0.5");
        world.fill(id, "b", "0.5");
        node.turn();
    }
    const std::vector<std::string> whole = {"SUBMITTED", "PARTIALLY_FILLED", "FILLED"};
    CHECK(said_about(2) == whole);
    world.fill(2, "a", "0.5");
    node.turn();
    CHECK(said_about(2) == whole);
    world.fill(2, "c", "0.1");
    node.turn();
    auto odd = whole;
    odd.push_back("FILLED!");
    CHECK(said_about(2) == odd);
    // What was booked late is remembered as well, once it is let go again.
    for (std::uint64_t id = 30; id <= 40; ++id) {
        world.place(id);
        world.fill(id, "a", "1");
        node.turn();
    }
    world.fill(2, "c", "0.1");
    node.turn();
    CHECK(said_about(2) == odd);
    world.place(3);
    node.turn();
    CHECK(said_about(3).back() == "FILLED!");
    // An id that nobody had is new.
    world.place(25);
    node.turn();
    CHECK(said_about(25) == std::vector<std::string>{"SUBMITTED"});
}

void copy(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
}

void a_broker_cut_off_anywhere_says_the_rest(std::uint32_t seed) {
    const Folder folder;
    const std::string root = folder.path() + "/first";
    const std::string again = folder.path() + "/again";
    {
        World world(root, seed, false);
        Node node(root, false);
        for (int i = 0; i < 400; ++i) {
            world.step();
            node.turn();
        }
    }
    const auto expected = said_in(root);
    const std::uint64_t events = events_of_broker(root);
    std::mt19937 random(seed);
    for (int trial = 0; trial < 12; ++trial) {
        copy(root, again);
        cut(again, std::uniform_int_distribution<std::uint64_t>(1, events)(random));
        {
            Node node(again, false);
            node.rebuild();
            while (node.turn() > 0) {
            }
        }
        CHECK(said_in(again) == expected);
    }
}

void a_broker_with_timers_and_starts_is_rebuilt_from_any_place(std::uint32_t seed) {
    const Folder folder;
    const std::string root = folder.path() + "/first";
    const std::string again = folder.path() + "/again";
    std::uint64_t snapshot_at = 0;
    {
        World world(root, seed, true);
        constexpr unsigned kVariants[] = {0, 1, 3, 2, 0};
        for (std::size_t session = 0; session < std::size(kVariants); ++session) {
            Node node(root, true, kVariants[session]);
            node.rebuild();
            node.announce();
            for (int i = 0; i < 200; ++i) {
                world.step();
                node.turn();
            }
            if (session == 3) {
                node.snapshot();
                snapshot_at = events_of_broker(root);
            }
        }
    }
    std::size_t timers = 0;
    std::size_t changes = 0;
    for (const Said& said : said_in(root)) {
        timers += said.type == Timer::kType;
        changes += said.type == LimitChange::kType;
    }
    CHECK(timers > 10);
    CHECK(changes > 20);
    const std::uint64_t events = events_of_broker(root);
    std::mt19937 random(seed);
    for (int trial = 0; trial < 12; ++trial) {
        copy(root, again);
        const bool without = trial % 2 == 0;
        if (without) fs::remove(again + "/broker.BROKER.snapshot");
        const std::uint64_t least = without ? 1 : snapshot_at;
        const std::uint64_t kept = std::uniform_int_distribution<std::uint64_t>(least, events)(random);
        cut(again, kept);
        // The configuration is another one than any of the journal, or one of these.
        const auto variant = static_cast<unsigned>(trial % 4);
        {
            Node node(again, true, variant);
            node.rebuild();
            node.announce();
            for (int i = 0; i < 20; ++i) node.turn();
        }
        // What it has said since then leads back to the same state again.
        Node node(again, true, (variant + 1) % 4);
        node.rebuild();
    }
}

/// What it went on to read when its journal had been said again, and which led to nothing, counts later.
void what_was_read_just_before_a_start_is_read_again() {
    const Folder folder;
    World world(folder.path(), 1, false);
    {
        Node node(folder.path(), false);
        world.place(1);
        node.turn();
    }
    cut(folder.path(), events_of_broker(folder.path()) - 1);
    world.print(desk::num("101"));
    {
        Node node(folder.path(), false);
        node.rebuild();
        node.announce();
        world.fill(1, "a", "1");
        while (node.turn() > 0) {
        }
    }
    Number mark = Number::none();
    for (const Said& said : said_in(folder.path()))
        if (said.type == Position::kType)
            mark = reinterpret_cast<const Position*>(said.payload.data())->get_mark();
    CHECK(mark == desk::num("101"));
    Node node(folder.path(), false);
    node.rebuild();
}

/// However long the history is, a start reads only what came after the last snapshot.
void what_a_start_reads_again_does_not_grow(bool idle) {
    constexpr std::uint64_t kEvery = 100;
    const Folder folder;
    World world(folder.path(), 5, true);
    std::uint64_t most = 0;
    for (int session = 0; session < 20; ++session) {
        Node node(folder.path(), true, 0, kEvery);
        node.rebuild();
        most = std::max(most, node.since_snapshot());
        node.announce();
        node.turn();
        for (int i = 0; i < 60; ++i) {
            for (int n = 0; n < 3; ++n) world.step();
            while (node.turn() > 0 && idle) {
            }
        }
    }
    CHECK(events_of_broker(folder.path()) > 5000);
    // What one turn may add counts as well.
    CHECK(most < (idle ? kEvery : Runner::kLongestWait * kEvery) + 100);
    CHECK(most > 0);
}

void a_snapshot_from_beyond_the_journal_is_forgotten() {
    const Folder folder;
    const std::string snapshot = folder.path() + "/broker.BROKER.snapshot";
    World world(folder.path(), 1, false);
    {
        Node node(folder.path(), false);
        for (int i = 0; i < 200; ++i) {
            world.step();
            node.turn();
        }
        node.snapshot();
    }
    cut(folder.path(), events_of_broker(folder.path()) - 5);
    Node node(folder.path(), false);
    node.rebuild();
    CHECK(!fs::exists(snapshot));
    CHECK(node.since_snapshot() > 100);
}

void a_journal_that_says_something_else_is_refused() {
    const Folder folder;
    {
        World world(folder.path(), 1, false);
        Node node(folder.path(), false);
        for (int i = 0; i < 50; ++i) {
            world.step();
            node.turn();
        }
    }
    broker::BrokerConfig config = desk::Desk::plain();
    config.routes.clear();  // so that every order is refused
    Clock clock;
    auto wiring = std::make_shared<Wiring>("broker", &clock, journal::core_types());
    for (const auto& [source, name] : Node::inputs())
        CHECK(wiring->inputs().join({folder.path(), source, name, ""}) == KF_OK);
    wiring->add_output(
        journal::open_writer(journal::options(folder.path(), clock, kPage, "broker", "BROKER")));
    Runner runner(&clock);
    CHECK(runner.add(export_component(std::make_unique<broker::Broker>(std::move(config))), wiring));
    CHECK(runner.start());
    CHECK(!runner.rebuild(0));
    CHECK(runner.error().find("broker: cannot rebuild from broker/BROKER after event") == 0);
    CHECK(runner.error().find("but what was read leads to another") != std::string::npos);
}

}  // namespace

int main() {
    for (std::uint32_t seed = 1; seed <= 8; ++seed) {
        a_broker_cut_off_anywhere_says_the_rest(seed);
        a_broker_with_timers_and_starts_is_rebuilt_from_any_place(seed);
    }
    what_was_read_just_before_a_start_is_read_again();
    what_a_start_reads_again_does_not_grow(true);
    what_a_start_reads_again_does_not_grow(false);
    a_snapshot_from_beyond_the_journal_is_forgotten();
    a_journal_that_says_something_else_is_refused();
    an_order_that_was_let_go_is_remembered();
}
