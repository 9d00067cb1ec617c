/// The order book of one instrument, kept from book_snapshot and book_delta events.
///
/// One rule for all venues. Before a snapshot the book is unknown, and deltas are kept pending. A
/// snapshot replaces everything; then the pending deltas are tried in order. A delta whose update_id
/// is not past the book's is stale and ignored. A delta whose previous_id is past the book's
/// update_id is a gap: the book becomes unknown until the next snapshot, and that delta and those
/// after it become pending. Any other delta sets the sizes it names (0 deletes a level) and moves
/// update_id.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "kungfu/events.hpp"

namespace kungfu {

/// What an event did to a book.
enum class BookChange : std::uint8_t {
    APPLIED,   ///< the book is known and has taken the event
    PENDING,   ///< the book is unknown and keeps the delta for the next snapshot
    STALE,     ///< the book was past the delta
    GAP,       ///< something is missing; the book is unknown now
    MALFORMED  ///< a level that no book can hold (no price, negative size, too many digits); unknown now
};

/// A price and what stands there; both absent where a side is empty.
struct PriceLevel {
    Number price = Number::none();
    Number size = Number::none();

    bool is_none() const noexcept { return price.is_none(); }
};

/// The levels in the tail of a book_snapshot or a book_delta.
struct LevelSpan {
    const Level* first = nullptr;
    std::size_t count = 0;

    LevelSpan(const Level* levels, std::size_t n) noexcept : first(levels), count(n) {}
    explicit LevelSpan(std::string_view tail) noexcept
        : first(reinterpret_cast<const Level*>(tail.data())), count(tail.size() / sizeof(Level)) {}

    const Level* begin() const noexcept { return first; }
    const Level* end() const noexcept { return first + count; }
};

/// See the rule above. Prices and sizes are exact: integers at one exponent for all prices and one
/// for all sizes, which become finer when an event needs it.
class OrderBook {
    struct Rung {
        std::int64_t price;
        std::int64_t size;
    };
    using Ladder = std::vector<Rung>;  // the best level last, where most changes happen

    /// Where a price stands in a side, or would.
    template <class Rungs>
    static auto find(Rungs& levels, Side side, std::int64_t price) noexcept {
        return std::lower_bound(levels.begin(), levels.end(), price,
                                [side](const Rung& rung, std::int64_t wanted) {
                                    return side == Side::BUY ? rung.price < wanted : rung.price > wanted;
                                });
    }

  public:
    /// Pending deltas are kept up to this many levels in all (a delta counts one besides its levels);
    /// past it the oldest go, and a snapshot that would have needed them shows a gap.
    static constexpr std::size_t kMaxPending = std::size_t{1} << 16;

    bool known() const noexcept { return known_; }
    std::uint64_t update_id() const noexcept { return update_id_; }
    std::size_t pending() const noexcept { return pending_.size(); }

    /// Takes a book_snapshot: its fixed part and its tail.
    BookChange apply(const BookSnapshot& event, std::string_view tail) {
        return snapshot(event.update_id, LevelSpan(tail));
    }

    /// Takes a book_delta: its fixed part and its tail.
    BookChange apply(const BookDelta& event, std::string_view tail) {
        return delta(event.update_id, event.previous_id, LevelSpan(tail));
    }

    BookChange snapshot(std::uint64_t update_id, LevelSpan levels) {
        clear();
        // Snapshots come best first and the best stands last here, so back to front inserts at the end.
        for (std::size_t i = levels.count; i-- > 0;) {
            if (!set(levels.first[i])) return forget();
        }
        known_ = true;
        update_id_ = update_id;
        return take_pending();
    }

    BookChange delta(std::uint64_t update_id, std::uint64_t previous_id, LevelSpan levels) {
        if (!known_) {
            keep(update_id, previous_id, levels);
            return BookChange::PENDING;
        }
        if (update_id <= update_id_) return BookChange::STALE;
        if (previous_id > update_id_) {
            clear();
            keep(update_id, previous_id, levels);
            return BookChange::GAP;
        }
        for (const Level& level : levels) {
            if (!set(level)) return forget();
        }
        update_id_ = update_id;
        return BookChange::APPLIED;
    }

    /// How many levels a side has.
    std::size_t depth(Side side) const noexcept { return ladder(side).size(); }

    /// The level at a place of a side, 0 being the best; `place` must be below depth().
    PriceLevel level(Side side, std::size_t place) const noexcept {
        const Ladder& levels = ladder(side);
        return shown(levels[levels.size() - 1 - place]);
    }

    /// The best level of a side; absent if there is none.
    PriceLevel best(Side side) const noexcept { return depth(side) ? level(side, 0) : PriceLevel{}; }
    PriceLevel best_bid() const noexcept { return best(Side::BUY); }
    PriceLevel best_ask() const noexcept { return best(Side::SELL); }

    /// What a side shows at a price; 0 if nothing.
    Number size_at(Side side, Number price) const noexcept {
        std::int64_t mantissa = 0;
        if (!price.at(price_exponent_, mantissa)) return Number{};
        const Ladder& levels = ladder(side);
        const auto place = find(levels, side, mantissa);
        return place != levels.end() && place->price == mantissa ? shown(*place).size : Number{};
    }

    /// Whether the best bid is at or above the best offer, which no market in order shows.
    bool crossed() const noexcept {
        return !bids_.empty() && !asks_.empty() && bids_.back().price >= asks_.back().price;
    }

    /// Writes all of the book with state.put(value).
    template <class Writer>
    void save(Writer& state) const {
        state.put(known_), state.put(update_id_), state.put(price_exponent_), state.put(size_exponent_);
        for (const Ladder* levels : {&bids_, &asks_}) save_items(state, *levels);
        state.put(static_cast<std::uint64_t>(pending_.size()));
        for (const Delta& delta : pending_) {
            state.put(delta.update_id), state.put(delta.previous_id);
            save_items(state, delta.levels);
        }
    }

    /// Reads what save() wrote, with state.get<T>() and state.good().
    template <class Reader>
    void load(Reader& state) {
        *this = OrderBook();
        known_ = state.template get<bool>();
        update_id_ = state.template get<std::uint64_t>();
        price_exponent_ = state.template get<int>();
        size_exponent_ = state.template get<int>();
        for (Ladder* levels : {&bids_, &asks_}) load_items(state, *levels);
        for (auto n = state.template get<std::uint64_t>(); n > 0 && state.good(); --n) {
            Delta delta{state.template get<std::uint64_t>(), state.template get<std::uint64_t>(), {}};
            load_items(state, delta.levels);
            pending_levels_ += delta.levels.size() + 1;
            pending_.push_back(std::move(delta));
        }
    }

  private:
    template <class Writer, class Items>
    static void save_items(Writer& state, const Items& items) {
        state.put(static_cast<std::uint64_t>(items.size()));
        for (const auto& item : items) state.put(item);
    }
    template <class Reader, class Items>
    static void load_items(Reader& state, Items& items) {
        for (auto n = state.template get<std::uint64_t>(); n > 0 && state.good(); --n)
            items.push_back(state.template get<typename Items::value_type>());
    }

    struct Delta {
        std::uint64_t update_id;
        std::uint64_t previous_id;
        std::vector<Level> levels;
    };

    const Ladder& ladder(Side side) const noexcept { return side == Side::BUY ? bids_ : asks_; }
    Ladder& ladder(Side side) noexcept { return side == Side::BUY ? bids_ : asks_; }

    PriceLevel shown(const Rung& rung) const noexcept {
        return {{rung.price, static_cast<std::int8_t>(price_exponent_)},
                {rung.size, static_cast<std::int8_t>(size_exponent_)}};
    }

    /// Sets one level; false if the book cannot hold it.
    bool set(const Level& level) {
        const Number price = level.get_price();
        const Number size = level.get_size();
        const Side side = level.get_side();
        if (side != Side::BUY && side != Side::SELL) return false;
        if (price.is_none() || size.is_none() || size.mantissa < 0) return false;
        Ladder& levels = ladder(side);
        Rung rung{};
        if (size.mantissa == 0) {
            if (!price.at(price_exponent_, rung.price)) return true;  // finer than any price here
            const auto place = find(levels, side, rung.price);
            if (place != levels.end() && place->price == rung.price) levels.erase(place);
            return true;
        }
        if (bids_.empty() && asks_.empty()) {
            price_exponent_ = price.exponent;
            size_exponent_ = size.exponent;
        }
        if (!fit(price, price_exponent_, &Rung::price, rung.price)) return false;
        if (!fit(size, size_exponent_, &Rung::size, rung.size)) return false;
        const auto place = find(levels, side, rung.price);
        if (place != levels.end() && place->price == rung.price) {
            place->size = rung.size;
        } else {
            levels.insert(place, rung);
        }
        return true;
    }

    /// The value at the book's exponent, which becomes finer if it must; false if that does not fit.
    bool fit(Number value, int& exponent, std::int64_t Rung::* member, std::int64_t& out) {
        if (value.at(exponent, out)) return true;
        if (value.exponent >= exponent) return false;
        for (Ladder* levels : {&bids_, &asks_}) {
            for (Rung& rung : *levels) {
                const Number now{rung.*member, static_cast<std::int8_t>(exponent)};
                if (!now.at(value.exponent, rung.*member)) return false;
            }
        }
        exponent = value.exponent;
        out = value.mantissa;
        return true;
    }

    BookChange take_pending() {
        std::deque<Delta> waiting;
        waiting.swap(pending_);
        pending_levels_ = 0;
        BookChange outcome = BookChange::APPLIED;
        for (Delta& d : waiting) {
            const BookChange change = delta(d.update_id, d.previous_id, {d.levels.data(), d.levels.size()});
            if (change == BookChange::GAP || change == BookChange::MALFORMED) outcome = change;
        }
        return outcome;
    }

    void keep(std::uint64_t update_id, std::uint64_t previous_id, LevelSpan levels) {
        pending_.push_back({update_id, previous_id, {levels.begin(), levels.end()}});
        pending_levels_ += levels.count + 1;
        while (pending_levels_ > kMaxPending && pending_.size() > 1) {
            pending_levels_ -= pending_.front().levels.size() + 1;
            pending_.pop_front();
        }
    }

    void clear() noexcept {
        known_ = false;
        bids_.clear();
        asks_.clear();
    }

    BookChange forget() noexcept {
        clear();
        return BookChange::MALFORMED;
    }

    Ladder bids_;
    Ladder asks_;
    std::deque<Delta> pending_;
    std::size_t pending_levels_ = 0;
    std::uint64_t update_id_ = 0;
    int price_exponent_ = 0;
    int size_exponent_ = 0;
    bool known_ = false;
};

}  // namespace kungfu
