/// What the venue asks of the market of one instrument, whether recorded or generated.
#pragma once

#include <cstdint>
#include <string>

#include "kungfu/abi.h"
#include "kungfu/events.hpp"

namespace kungfu::sim {

/// The venue's time, and the event behind what happens at it (journal 0 if there is none).
struct Moment {
    std::int64_t time = 0;
    kf_cause cause{};
};

/// An order as it stands before a market: valid for the instrument, size being what is still open.
struct MarketOrder {
    std::uint64_t id;
    Side side;
    OrderType type;             // LIMIT, MARKET or POST_ONLY
    TimeInForce time_in_force;  // GTC, IOC or FOK
    Number price;               // absent for MARKET
    Number size;
};

/// What a market tells about our orders, in the order in which it happened.
class MarketReports {
  public:
    virtual ~MarketReports() = default;
    virtual void accepted(std::uint64_t order) = 0;
    virtual void rejected(std::uint64_t order, const char* reason) = 0;
    virtual void filled(std::uint64_t order, Number price, Number size, Liquidity liquidity) = 0;
    /// The order is over without being filled whole: CANCELED or EXPIRED.
    virtual void ended(std::uint64_t order, OrderState state, const char* reason) = 0;
};

class Market {
  public:
    virtual ~Market() = default;
    virtual void submit(const MarketOrder& order) = 0;
    /// Takes a resting order out.
    virtual void cancel(std::uint64_t order) = 0;
    /// Gives a resting order a new price and open size; says why not, or nullptr when done. What the
    /// order takes at its new price is reported after `accepted`.
    virtual const char* amend(std::uint64_t order, Number price, Number size) = 0;
    /// What taking this size would pay by the levels as they stand, sum of price times size.
    virtual Money cost_of_taking(Side side, Number size) const = 0;
};

inline constexpr const char* kWouldTake = "post-only order would take liquidity";
inline constexpr const char* kNoLiquidity = "no liquidity for the rest of the market order";
inline constexpr const char* kImmediate = "immediate-or-cancel: nothing more to take";
inline constexpr const char* kFillOrKill = "fill-or-kill: cannot be filled whole";

}  // namespace kungfu::sim
