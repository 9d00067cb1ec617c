// OrderBook against a slow reference that keeps every event and recomputes the book from all of them.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "kungfu/book.hpp"

namespace {

using kungfu::BookChange;
using kungfu::Level;
using kungfu::Number;
using kungfu::OrderBook;
using kungfu::Side;

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                        \
        }                                                                        \
    } while (false)

constexpr int kUnit = -6;  // the reference counts everything in millionths

Level level(Side side, Number price, Number size) {
    Level made{};
    made.set_side(side);
    made.set_price(price);
    made.set_size(size);
    return made;
}

struct Happened {
    bool is_snapshot;
    std::uint64_t update_id;
    std::uint64_t previous_id;
    std::vector<Level> levels;
};

/// The book by the rule in book.hpp, from all events so far.
struct Reference {
    bool known = false;
    std::uint64_t update_id = 0;
    std::map<std::int64_t, std::int64_t> side[2];

    explicit Reference(const std::vector<Happened>& events) {
        std::vector<Happened> waiting;
        for (const Happened& event : events) {
            if (!event.is_snapshot) {
                take(event, waiting);
                continue;
            }
            known = true;
            update_id = event.update_id;
            side[0].clear();
            side[1].clear();
            set(event.levels);
            const std::vector<Happened> retried = waiting;
            waiting.clear();
            for (const Happened& delta : retried) take(delta, waiting);
        }
        if (!known) {
            side[0].clear();
            side[1].clear();
        }
    }

    void take(const Happened& delta, std::vector<Happened>& waiting) {
        if (known && delta.update_id <= update_id) return;
        if (known && delta.previous_id > update_id) known = false;
        if (!known) {
            waiting.push_back(delta);
            return;
        }
        set(delta.levels);
        update_id = delta.update_id;
    }

    void set(const std::vector<Level>& levels) {
        for (const Level& l : levels) {
            std::int64_t price = 0;
            std::int64_t size = 0;
            CHECK(l.get_price().at(kUnit, price) && l.get_size().at(kUnit, size));
            auto& prices = side[l.get_side() == Side::BUY ? 0 : 1];
            if (size == 0)
                prices.erase(price);
            else
                prices[price] = size;
        }
    }
};

std::int64_t units(Number value) {
    std::int64_t out = 0;
    CHECK(value.at(kUnit, out));
    return out;
}

void compare(const OrderBook& book, const std::vector<Happened>& events) {
    const Reference expected(events);
    CHECK(book.known() == expected.known);
    if (expected.known) CHECK(book.update_id() == expected.update_id);
    for (const Side side : {Side::BUY, Side::SELL}) {
        const auto& prices = expected.side[side == Side::BUY ? 0 : 1];
        CHECK(book.depth(side) == prices.size());
        std::vector<std::pair<std::int64_t, std::int64_t>> ordered(prices.begin(), prices.end());
        if (side == Side::BUY) ordered.assign(prices.rbegin(), prices.rend());
        for (std::size_t i = 0; i < ordered.size(); ++i) {
            const kungfu::PriceLevel shown = book.level(side, i);
            CHECK(units(shown.price) == ordered[i].first && units(shown.size) == ordered[i].second);
            CHECK(units(book.size_at(side, Number{ordered[i].first, kUnit})) == ordered[i].second);
        }
        CHECK(book.best(side).is_none() == ordered.empty());
    }
    const auto& bids = expected.side[0];
    const auto& asks = expected.side[1];
    const bool crossed = !bids.empty() && !asks.empty() && bids.rbegin()->first >= asks.begin()->first;
    CHECK(book.crossed() == crossed);
}

void random_streams_equal_the_reference() {
    std::mt19937_64 random(7);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    int known_checks = 0;
    for (int run = 0; run < 300; ++run) {
        OrderBook book;
        std::vector<Happened> events;
        std::uint64_t id = 100;
        for (int step = 0; step < 60; ++step) {
            Happened event{below(12) == 0, id, id, {}};
            if (event.is_snapshot) {
                event.update_id = id - below(4);
            } else {
                event.previous_id = below(15) == 0 ? id + 1 : id - below(2);
                id += below(4);
                event.update_id = id;
            }
            for (std::uint64_t n = below(6); n > 0; --n) {
                const int places = static_cast<int>(below(4));
                const auto price = static_cast<std::int64_t>(20 + below(12)) * (places == 3 ? 1001 : 1);
                const auto size = static_cast<std::int64_t>(below(3)) * (places == 2 ? 7 : 1);
                event.levels.push_back(level(below(2) != 0U ? Side::BUY : Side::SELL,
                                             {price, static_cast<std::int8_t>(-places)},
                                             {size, static_cast<std::int8_t>(-(places % 3))}));
            }
            if (event.is_snapshot) {  // a snapshot names a price once
                std::map<std::pair<int, std::int64_t>, Level> once;
                for (const Level& l : event.levels) {
                    once[{static_cast<int>(l.get_side()), units(l.get_price())}] = l;
                }
                event.levels.clear();
                for (const auto& entry : once) event.levels.push_back(entry.second);
            }
            events.push_back(event);
            const kungfu::LevelSpan span(event.levels.data(), event.levels.size());
            if (event.is_snapshot)
                book.snapshot(event.update_id, span);
            else
                book.delta(event.update_id, event.previous_id, span);
            compare(book, events);
            known_checks += book.known() ? 1 : 0;
        }
    }
    CHECK(known_checks > 1000);
}

void says_what_an_event_did() {
    OrderBook book;
    const Level bid = level(Side::BUY, {100, 0}, {5, 0});
    CHECK(book.delta(5, 4, {&bid, 1}) == BookChange::PENDING);
    CHECK(!book.known() && book.pending() == 1);
    CHECK(book.snapshot(4, {nullptr, 0}) == BookChange::APPLIED);
    CHECK(book.known() && book.update_id() == 5 && book.pending() == 0);
    CHECK(book.best_bid().size == (Number{5, 0}) && book.best_ask().is_none());
    CHECK(book.delta(5, 4, {nullptr, 0}) == BookChange::STALE);
    CHECK(book.delta(8, 6, {&bid, 1}) == BookChange::GAP);
    CHECK(!book.known() && book.depth(Side::BUY) == 0 && book.pending() == 1);
    CHECK(book.snapshot(5, {nullptr, 0}) == BookChange::GAP);
    CHECK(!book.known() && book.pending() == 1);
    CHECK(book.snapshot(6, {nullptr, 0}) == BookChange::APPLIED);
    CHECK(book.update_id() == 8);
}

void refuses_what_no_book_can_hold() {
    const Level bad[] = {
        level(Side::BUY, Number::none(), {1, 0}),
        level(Side::BUY, {1, 0}, Number::none()),
        level(Side::SELL, {1, 0}, {-1, 0}),
        level(static_cast<Side>(9), {1, 0}, {1, 0}),
        level(Side::SELL, {std::int64_t{1} << 62, -3}, {1, 0}),  // the 1 below does not fit beside it
        level(Side::SELL, {1, -127}, {1, 0}),
    };
    for (const Level& wrong : bad) {
        OrderBook book;
        const Level good = level(Side::BUY, {4'000'000'000'000'000'000, 0}, {1, 0});
        CHECK(book.snapshot(1, {&good, 1}) == BookChange::APPLIED);
        CHECK(book.delta(2, 1, {&wrong, 1}) == BookChange::MALFORMED);
        CHECK(!book.known() && book.depth(Side::BUY) == 0);
    }
}

void pending_deltas_are_bounded() {
    OrderBook book;
    const Level bid = level(Side::BUY, {100, 0}, {5, 0});
    for (std::uint64_t id = 1; id <= 2 * OrderBook::kMaxPending; ++id) book.delta(id, id - 1, {&bid, 1});
    CHECK(book.pending() <= OrderBook::kMaxPending);
    CHECK(book.snapshot(10, {&bid, 1}) == BookChange::GAP);  // what it needed has gone
    CHECK(book.snapshot(2 * OrderBook::kMaxPending - 5, {&bid, 1}) == BookChange::APPLIED);
    CHECK(book.update_id() == 2 * OrderBook::kMaxPending);
}

}  // namespace

int main() {
    random_streams_equal_the_reference();
    says_what_an_event_did();
    refuses_what_no_book_can_hold();
    pending_deltas_are_bounded();
    std::puts("book: all rules hold");
    return 0;
}
