/// Price-time priority matching of one instrument: orders in, events out; no I/O, no clock, no floats.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kungfu/enums.hpp"

namespace kungfu::sim {

enum class OrderKind : std::uint8_t { LIMIT, MARKET, POST_ONLY };

/// An order as the engine sees it: price in ticks (ignored for MARKET), size in lots.
struct EngineOrder {
    std::uint64_t id;
    Side side;
    OrderKind kind;
    TimeInForce time_in_force;  // GTC, IOC or FOK; a MARKET order never rests whatever it says
    std::int64_t price;
    std::int64_t size;
};

enum class EngineReason : std::uint8_t {
    NONE,
    BAD_SIZE,      ///< not in 1..kMaxSize
    BAD_PRICE,     ///< not in 1..kMaxPrice
    DUPLICATE_ID,  ///< an order of that id rests already
    UNKNOWN_ID,    ///< no order of that id rests
    WOULD_TAKE,    ///< a post-only order that meets the other side
    REQUESTED,     ///< canceled by its owner
    NO_LIQUIDITY,  ///< what a market order found nobody for
    TIME_IN_FORCE  ///< what IOC left over, or a FOK order that could not be filled whole
};

/// What happened to an order. An amend that loses priority reports as ACCEPTED again.
struct EngineEvent {
    enum class Kind : std::uint8_t {
        ACCEPTED,  ///< is in the market, and so are its price and size
        REJECTED,  ///< the order or amend was refused; nothing changed
        TRADE,     ///< `order` took from `maker`: price and size of the trade
        CANCELED,  ///< is over; size is what was left
        DONE       ///< is filled
    };
    Kind kind;
    EngineReason reason;
    std::uint64_t order;
    std::uint64_t maker;
    std::int64_t price;
    std::int64_t size;
};

/// The book and its rules. Every call appends what came of it to the `events` that it was given.
class MatchingEngine {
  public:
    static constexpr std::int64_t kMaxSize = std::int64_t{1} << 44;
    static constexpr std::int64_t kMaxPrice = std::int64_t{1} << 60;

    using Events = std::vector<EngineEvent>;

    void submit(const EngineOrder& order, Events& events);
    void cancel(std::uint64_t id, Events& events);

    /// Gives a resting order a new price and a new open size. A smaller size at the same price keeps
    /// its place in the queue; anything else goes to the end of it, and takes first if it can.
    void amend(std::uint64_t id, std::int64_t price, std::int64_t size, Events& events);

    /// Best price of a side in ticks; 0 if nobody is there.
    std::int64_t best(Side side) const noexcept;
    /// Sum of the open sizes at a price.
    std::int64_t size_at(Side side, std::int64_t price) const noexcept;
    /// Calls visit(price, size) for each level of a side, best first, until it says false.
    template <class Visit>
    void levels(Side side, Visit&& visit) const;
    /// Open size of a resting order; 0 if it does not rest.
    std::int64_t open_size(std::uint64_t id) const noexcept;
    std::size_t resting() const noexcept { return places_.size(); }

    /// Ends the process if the book contradicts itself; walks all of it, so for tests.
    void check() const;

  private:
    struct Resting {
        EngineOrder order;
        Resting* before;
        Resting* after;
    };
    struct Queue {
        Resting* first = nullptr;
        Resting* last = nullptr;
        std::int64_t total = 0;
    };
    using Bids = std::map<std::int64_t, Queue, std::greater<>>;
    using Asks = std::map<std::int64_t, Queue>;

    static EngineReason fault_of(const EngineOrder& order) noexcept;
    static bool reaches(const EngineOrder& taker, std::int64_t price) noexcept;
    bool would_take(const EngineOrder& order) const noexcept;
    bool can_fill(const EngineOrder& order) const noexcept;
    template <class Levels>
    void take(Levels& levels, EngineOrder& taker, Events& events);
    void match(EngineOrder& order, Events& events);
    void rest(const EngineOrder& order);
    void unlink(Resting& resting);
    void check_uncrossed() const;

    Bids bids_;
    Asks asks_;
    std::unordered_map<std::uint64_t, Resting> places_;  // nodes do not move: queues point into it
};

template <class Visit>
void MatchingEngine::levels(Side side, Visit&& visit) const {
    const auto walk = [&](const auto& book) {
        for (const auto& [price, queue] : book) {
            if (!visit(price, queue.total)) return;
        }
    };
    side == Side::BUY ? walk(bids_) : walk(asks_);
}

}  // namespace kungfu::sim
