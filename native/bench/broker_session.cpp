// `broker.session` and `broker.rebuild`: what an order costs as a session grows, and how fast a broker comes
// back.
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "component/runner.hpp"
#include "figure.hpp"
#include "journal/prune.hpp"
#include "kungfu/id.hpp"

using namespace kungfu;
using namespace kungfu::bench;

namespace {

constexpr std::uint64_t kStrategy = id_of("strategy");
constexpr std::uint64_t kVenue = id_of("venue");
constexpr std::uint64_t kBroker = id_of("broker");
constexpr std::uint64_t kAccount = id_of("venue/main");
constexpr std::uint64_t kInstrument = id_of("venue:perpetual:BTCUSDT");
constexpr std::uint64_t kPage = 64 << 20;
constexpr std::uint64_t kFirst = std::uint64_t{7} << 40;

using Steady = std::chrono::steady_clock;

double ns_since(Steady::time_point begin) {
    return std::chrono::duration<double, std::nano>(Steady::now() - begin).count();
}

/// Memory that belongs to the process alone, MB: mapped journal pages apart.
double own_memory() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("RssAnon:", 0) == 0) return std::stod(line.substr(8)) / 1024;
    fail("/proc/self/status has no RssAnon");
}

std::unique_ptr<journal::Writer> writer(const std::string& root, Clock& clock, const char* source,
                                        const char* name) {
    journal::WriterOptions options;
    options.root = root;
    options.source = source;
    options.name = name;
    options.page_size = kPage;
    options.clock = &clock;
    std::unique_ptr<journal::Writer> made;
    std::string error;
    if (journal::Writer::open(std::move(options), made, error) != KF_OK) fail(error);
    return made;
}

/// A broker on real journals.
struct Node {
    explicit Node(const std::string& root) : runner(&clock) {
        broker::BrokerConfig config;
        config.gateways.push_back({kVenue, "venue", {~0U, ~0U, true, true, false}});
        config.routes.push_back({kAccount, "venue/main", kVenue});
        config.history =
            std::make_unique<broker::OrderHistory>(journal::Location{root, "broker", "BROKER", ""});
        wiring = std::make_shared<Wiring>("broker", &clock, journal::core_types());
        for (const auto& [source, name] : {std::pair{"venue", "TD"}, std::pair{"strategy", "STRATEGY"}})
            if (wiring->inputs().join({root, source, name, ""}) != KF_OK) fail(wiring->inputs().error());
        wiring->add_output(writer(root, clock, "broker", "BROKER"));
        if (!runner.add(export_component(std::make_unique<broker::Broker>(std::move(config))), wiring) ||
            !runner.start()) {
            fail(runner.error());
        }
    }

    /// Works off what there is; how long that took, ns.
    double work() {
        const auto begin = Steady::now();
        std::int64_t done = 1;
        while (done > 0) done = runner.turn();
        if (done < 0) fail(runner.error());
        return ns_since(begin);
    }

    Clock clock;
    std::shared_ptr<Wiring> wiring;
    Runner runner;
};

/// Writes what strategy and venue say: an order, its acknowledgement, and three fills.
class World {
  public:
    explicit World(const std::string& root)
        : td_(writer(root, clock_, "venue", "TD")), strategy_(writer(root, clock_, "strategy", "STRATEGY")) {
        Instrument d{};
        d.instrument = kInstrument;
        d.set_product(Product::PERPETUAL);
        d.set_contract_kind(ContractKind::LINEAR);
        d.set_size_unit(SizeUnit::BASE);
        d.set_status(InstrumentStatus::TRADING);
        d.set_tick({1, -1});
        d.set_lot({1, -3});
        d.set_min_size(none_);
        d.set_max_size(none_);
        d.set_min_notional(none_);
        d.set_contract_value(none_);
        d.settle_decimals = 8;
        d.set_base("BTC");
        d.set_quote("USDT");
        d.set_settle("USDT");
        put(*td_, kVenue, 0, d);
    }

    void order(std::uint64_t n) {
        OrderRequest request{};
        request.order_id = kFirst + n;
        request.instrument = kInstrument;
        request.account = kAccount;
        request.strategy = kStrategy;
        request.set_price({600000 + static_cast<std::int64_t>(n % 100), -1});
        request.set_size({3000, -3});
        request.set_trigger_price(none_);
        request.set_trailing_offset(none_);
        request.set_display_size(none_);
        request.set_side(side(n));
        request.set_type(OrderType::LIMIT);
        request.set_time_in_force(TimeInForce::GTC);
        put(*strategy_, kStrategy, kBroker, request);
    }

    void answers(std::uint64_t n) {
        OrderUpdate accepted{};
        accepted.order_id = kFirst + n;
        accepted.instrument = kInstrument;
        accepted.account = kAccount;
        accepted.set_price(none_);
        accepted.set_size(none_);
        accepted.set_filled(none_);
        accepted.set_side(side(n));
        accepted.set_state(OrderState::ACCEPTED);
        put(*td_, kVenue, 0, accepted);
        for (std::uint64_t i = 0; i < 3; ++i) {
            Fill fill{};
            fill.order_id = kFirst + n;
            fill.instrument = kInstrument;
            fill.account = kAccount;
            fill.set_price({600000 + static_cast<std::int64_t>(n % 100), -1});
            fill.set_size({1000, -3});
            fill.set_fee({30, 0});
            fill.set_realized_pnl(Money::none());
            fill.set_side(side(n));
            fill.set_fee_currency("USDT");
            fill.set_trade_id(std::to_string(3 * n + i));
            put(*td_, kVenue, 0, fill);
        }
    }

    static Side side(std::uint64_t n) { return n % 2 == 0 ? Side::BUY : Side::SELL; }

  private:
    template <class T>
    static void put(journal::Writer& to, std::uint64_t source, std::uint64_t destination, const T& event) {
        if (to.append(T::kType, source, destination, journal::kNoCause, &event, sizeof event) != KF_OK)
            fail(to.error());
    }

    Number none_ = Number::none();
    Clock clock_;
    std::unique_ptr<journal::Writer> td_, strategy_;
};

/// Lets a broker handle orders from `first` on; how long each took, ns.
double handle(Node& node, World& world, std::uint64_t first, std::uint64_t count) {
    constexpr std::uint64_t kBatch = 64;
    double spent = 0;
    for (std::uint64_t n = first; n < first + count; n += kBatch) {
        const std::uint64_t end = std::min(n + kBatch, first + count);
        for (std::uint64_t i = n; i < end; ++i) world.order(i);
        spent += node.work();
        for (std::uint64_t i = n; i < end; ++i) world.answers(i);
        spent += node.work();
    }
    return spent / static_cast<double>(count);
}

void session(std::uint64_t orders) {
    const Folder folder(on_disk());
    World world(folder.path());
    Node node(folder.path());
    const std::uint64_t part = orders / 100;
    std::vector<double> first;
    std::vector<double> last;
    double memory_early = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
        const double each = handle(node, world, i * part, part);
        if (i < 10) first.push_back(each);
        if (i >= 90) last.push_back(each);
        if (i == 9) memory_early = own_memory();
        // What the disk of a small machine could not hold; the broker itself reads it only for late reports.
        for (const auto& [source, name] :
             {std::pair{"venue", "TD"}, std::pair{"strategy", "STRATEGY"}, std::pair{"broker", "BROKER"}}) {
            journal::PruneRules rules;
            rules.most_bytes = 4 * kPage;
            journal::Pruned pruned;
            std::string error;
            if (journal::prune({folder.path(), source, name, ""}, rules, false, pruned, error) != KF_OK)
                fail(error);
        }
    }
    tell("broker.session", "us", median(last) / 1e3, median(first) / 1e3,
         also("orders", static_cast<double>(orders)) + also("memory_mb", own_memory()) +
             also("memory_mb_after_a_tenth", memory_early));
}

void rebuild(std::uint64_t orders) {
    const Folder folder(on_disk());
    std::uint64_t events = 0;
    {
        World world(folder.path());
        Node node(folder.path());
        handle(node, world, 0, orders);
    }
    for (const auto& [source, name] :
         {std::pair{"venue", "TD"}, std::pair{"strategy", "STRATEGY"}, std::pair{"broker", "BROKER"}}) {
        journal::JournalReader reader({folder.path(), source, name, ""});
        for (; reader.peek() != nullptr; reader.advance()) ++events;
    }
    std::vector<double> rates;
    std::vector<double> scans;
    for (int round = 0; round < 7; ++round) {
        const auto scan_begin = Steady::now();
        std::uint64_t seen = 0;
        for (const auto& [source, name] :
             {std::pair{"venue", "TD"}, std::pair{"strategy", "STRATEGY"}, std::pair{"broker", "BROKER"}}) {
            journal::JournalReader reader({folder.path(), source, name, ""}, journal::core_types(), true);
            for (; reader.peek() != nullptr; reader.advance()) ++seen;
        }
        scans.push_back(static_cast<double>(seen) * 1e3 / ns_since(scan_begin));
        Node node(folder.path());
        const auto begin = Steady::now();
        if (!node.runner.rebuild(0)) fail(node.runner.error());
        rates.push_back(static_cast<double>(events) * 1e3 / ns_since(begin));
    }
    tell("broker.rebuild", "M/s", rates, scans, also("events", static_cast<double>(events)));
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> wanted(arguments + 1, arguments + count);
    if (is_wanted("broker.session", wanted)) session(1'000'000);
    if (is_wanted("broker.rebuild", wanted)) rebuild(100'000);
}
