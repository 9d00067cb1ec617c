/// What the broker does for orders that a venue cannot express: it holds them back, and it ends them.
///
/// docs/reference/orders.md has the rules.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "broker/config.hpp"
#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// What of an order its venue lacks, so that the broker has to do it.
struct Lacking {
    bool trigger = false;
    bool expiry = false;
    bool parent = false;
    bool group = false;
};

Lacking lacking(const OrderRequest& order, const Capabilities& venue) noexcept;

/// What type and time in force the order goes to its venue with, by what the venue lacks.
OrderType sent_type(const OrderRequest& order, const Lacking& lacks) noexcept;
TimeInForce sent_time_in_force(const OrderRequest& order, const Lacking& lacks) noexcept;

/// The order as it goes to its venue: without a trigger, an expiry, a parent or a group that the venue lacks.
OrderRequest sent_form(const OrderRequest& order, const Capabilities& venue) noexcept;

/// Whether a price lets a stop out; `best` is the best price since a trailing stop was placed.
bool is_crossed(const OrderRequest& order, Number best, Number price) noexcept;

/// Why the broker ends an order at its time.
constexpr const char* kTimeIsOver = "its time is over";

/// Why nothing can be done for an order whose account or algorithm has left the configuration.
constexpr const char* kNobodyTakesIt = "what took it is not configured";

/// What keeps an order back.
enum class Awaited : std::uint8_t { PARENT, PRICE, ACCOUNT, OPERATOR };

/// An order that is held back.
struct Held {
    Awaited awaited = Awaited::PRICE;
    bool missed_prices = false;  // the broker was down, and no price came since
    Number best = Number::none();
    std::uint64_t instrument = 0;
    std::uint64_t parent = 0;  // 0 unless it is what is awaited
};

/// An order of a group.
struct Leg {
    std::uint64_t order = 0;
    std::uint64_t filled_by = 0;    // whose fill it last had to hear of
    Number seen{0, 0};              // what of its fills the others have heard of
    Number owed{0, 0};              // what fills of the others still have to take off it
    Number asked = Number::none();  // the size that its venue was asked for on that account
    bool ends = false;              // another one has filled, or its venue would not make it smaller
    bool ended = false;             // its cancel was asked for
};

/// The orders that the broker holds, ties together or ends itself.
class HeldOrders {
  public:
    void hold(std::uint64_t order, const Held& held);
    void let_go(std::uint64_t order);
    /// nullptr if the order is not held.
    Held* find(std::uint64_t order) noexcept;
    const std::map<std::uint64_t, Held>& all() const noexcept { return held_; }

    /// The held orders of an instrument that wait for its price, in the order of their ids.
    std::vector<std::uint64_t> waiting_for_price(std::uint64_t instrument) const;
    bool any_waits_for_price(std::uint64_t instrument) const noexcept;
    std::vector<std::uint64_t> children(std::uint64_t parent) const;

    /// Puts an order into the group of another.
    void join(std::uint64_t order, std::uint64_t other);
    /// The orders of an order's group; nullptr if it is in none.
    std::vector<Leg>* group_of(std::uint64_t order) noexcept;
    /// Forgets the order's group.
    void dissolve(std::uint64_t order);

    /// When the broker ends an order.
    void set_expiry(std::uint64_t order, std::int64_t due) { expiries_[order] = due; }
    void drop_expiry(std::uint64_t order) { expiries_.erase(order); }
    bool expires_at(std::uint64_t order, std::int64_t time) const noexcept;

    /// Whether something is to be done when the order changes.
    bool concerns(std::uint64_t order) const noexcept;

    /// The broker starts again: prices may have been missed.
    void resume() noexcept;

    void save(StateWriter& state) const;
    bool load(StateReader& state);

  private:
    using Pair = std::pair<std::uint64_t, std::uint64_t>;

    std::map<std::uint64_t, Held> held_;
    std::map<std::uint64_t, std::vector<Leg>> groups_;  // by the order that another joined first
    std::map<std::uint64_t, std::int64_t> expiries_;
    std::map<std::uint64_t, std::uint64_t> group_of_;  // derived from the above, like the two below
    std::set<Pair> by_instrument_;
    std::set<Pair> by_parent_;
};

}  // namespace kungfu::broker
