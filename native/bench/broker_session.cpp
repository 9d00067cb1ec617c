// `broker.session`, `broker.rebuild` and `broker.restart`: what an order costs as a session grows, how fast a
// broker comes back without a snapshot, and that with snapshots a long history takes no longer.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "broker_node.hpp"
#include "journal/prune.hpp"

using namespace kungfu;
using namespace kungfu::bench;

namespace {

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

/// Works off what there is; how long that took, ns.
double work(BrokerNode& node) {
    const auto begin = Steady::now();
    node.work();
    return ns_since(begin);
}

/// Writes what strategy and venue say: an order, its acknowledgement, and three fills.
class World {
  public:
    explicit World(const std::string& root)
        : td_(journal_of(root, clock_, "venue", "TD")),
          strategy_(journal_of(root, clock_, "strategy", "STRATEGY")) {
        put(*td_, kVenue, 0, definition());
    }

    void order(std::uint64_t n) {
        OrderRequest request = a_request(kFirstId + n, side(n), price(n));
        request.set_size({3000, -3});
        put(*strategy_, kStrategy, kBroker, request);
    }

    void answers(std::uint64_t n) {
        put(*td_, kVenue, 0, an_update(kFirstId + n, side(n), OrderState::ACCEPTED));
        for (std::uint64_t i = 0; i < 3; ++i) {
            Fill fill{};
            fill.order_id = kFirstId + n;
            fill.instrument = kInstrument;
            fill.account = kAccount;
            fill.set_price({price(n), -1});
            fill.set_size({1000, -3});
            fill.set_fee({30, 0});
            fill.set_realized_pnl(Money::none());
            fill.set_side(side(n));
            fill.set_fee_currency("USDT");
            fill.set_trade_id(std::to_string(3 * n + i));
            put(*td_, kVenue, 0, fill);
        }
    }

  private:
    static Side side(std::uint64_t n) { return n % 2 == 0 ? Side::BUY : Side::SELL; }
    static std::int64_t price(std::uint64_t n) { return 600000 + static_cast<std::int64_t>(n % 100); }

    Clock clock_;
    std::unique_ptr<journal::Writer> td_, strategy_;
};

/// Lets a broker handle orders from `first` on; how long each took, ns.
double handle(BrokerNode& node, World& world, std::uint64_t first, std::uint64_t count) {
    constexpr std::uint64_t kBatch = 64;
    double spent = 0;
    for (std::uint64_t n = first; n < first + count; n += kBatch) {
        const std::uint64_t end = std::min(n + kBatch, first + count);
        for (std::uint64_t i = n; i < end; ++i) world.order(i);
        spent += work(node);
        for (std::uint64_t i = n; i < end; ++i) world.answers(i);
        spent += work(node);
    }
    return spent / static_cast<double>(count);
}

void session(std::uint64_t orders) {
    const Folder folder(on_disk());
    World world(folder.path());
    BrokerNode node(folder.path());
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
            rules.most_bytes = 4 * kBrokerPage;
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
        BrokerNode node(folder.path());
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
        BrokerNode node(folder.path());
        const auto begin = Steady::now();
        if (!node.runner.rebuild(0)) fail(node.runner.error());
        rates.push_back(static_cast<double>(events) * 1e3 / ns_since(begin));
    }
    tell("broker.rebuild", "M/s", rates, scans, also("events", static_cast<double>(events)));
}

/// A folder with the journals of so many orders, which end where a snapshot is nearly due.
struct History {
    explicit History(std::uint64_t orders) : folder(on_disk()) {
        World world(folder.path());
        BrokerNode node(folder.path());
        if (!node.runner.rebuild(0)) fail(node.runner.error());
        handle(node, world, 0, orders);
        while (node.wiring->since_snapshot() < Runner::kSnapshotEvery * 9 / 10)
            handle(node, world, std::exchange(orders, orders + 64), 64);
        handled = orders;
    }
    Folder folder;
    std::uint64_t handled = 0;
};

/// Opens the journals and rebuilds; how long that took, ms.
double restart_ms(const History& history, std::uint64_t& replayed) {
    const auto begin = Steady::now();
    BrokerNode node(history.folder.path());
    if (!node.runner.rebuild(0)) fail(node.runner.error());
    replayed = node.wiring->since_snapshot();
    return ns_since(begin) / 1e6;
}

void restart(std::uint64_t orders) {
    const History some(orders);
    const History ten_times(10 * orders);
    std::vector<double> with_some;
    std::vector<double> with_ten_times;
    std::uint64_t replayed_some = 0;
    std::uint64_t replayed = 0;
    for (int round = 0; round < 7; ++round) {
        with_some.push_back(restart_ms(some, replayed_some));
        with_ten_times.push_back(restart_ms(ten_times, replayed));
    }
    BrokerNode node(ten_times.folder.path());
    if (!node.runner.rebuild(0)) fail(node.runner.error());
    const auto begin = Steady::now();
    if (!node.runner.take_snapshot(0)) fail(node.runner.error());
    const double snapshot_ms = ns_since(begin) / 1e6;
    tell("broker.restart", "ms", with_ten_times, with_some,
         also("orders", static_cast<double>(ten_times.handled)) +
             also("events_replayed", static_cast<double>(replayed)) +
             also("events_replayed_of_a_tenth", static_cast<double>(replayed_some)) +
             also("snapshot_ms", snapshot_ms));
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> wanted(arguments + 1, arguments + count);
    if (is_wanted("broker.session", wanted)) session(1'000'000);
    if (is_wanted("broker.rebuild", wanted)) rebuild(100'000);
    if (is_wanted("broker.restart", wanted)) restart(50'000);
}
