/// Every order that the broker has seen, where it stands, and what may still fill.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"
#include "kungfu/order_states.hpp"

namespace kungfu::broker {

struct Order {
    std::uint64_t id = 0;
    std::uint64_t strategy = 0;  // 0: not sent by us
    std::uint64_t account = 0;
    std::uint64_t instrument = 0;
    Number price = Number::none();
    Number size = Number::none();          // none: an external order known only by a fill
    Number asked_size = Number::none();    // by the last amend that is under way
    Number pending_size = Number::none();  // the largest that amends under way ask for
    Number filled{0, 0};                   // sum of the booked fills
    Number venue_filled = Number::none();  // largest cumulative amount that the venue has told
    std::int64_t created_at = 0;           // when the broker heard of it
    std::int64_t asked_at = 0;             // when it, its cancel or its amend last went to the gateway
    std::int64_t fills_due = 0;            // when fills are asked for that its venue told of
    std::uint64_t reason_hash = 0;         // of the last reason that was passed on since the last request
    OrderRequest request{};                // as it was accepted; zero for an external order
    char venue_order_id[40] = {};
    Side side = Side::BUY;
    OrderState state = OrderState::CREATED;

    std::string_view get_venue_order_id() const noexcept {
        return fixed_text(venue_order_id, sizeof venue_order_id);
    }
    void set_venue_order_id(std::string_view value) noexcept {
        set_fixed_text(venue_order_id, sizeof venue_order_id, value);
    }

    /// What fills may still come: of the larger size while an amend is under way; once it is over, those that
    /// the venue has told of and not reported yet.
    Number remaining() const;

    /// Notes the size that an amend asks for; earlier amends may still be on their way.
    void ask_for(Number wanted) noexcept {
        asked_size = wanted;
        if (pending_size.is_none() || wanted > pending_size) pending_size = wanted;
    }
    /// No amend is under way any more.
    void forget_amends() noexcept { asked_size = pending_size = Number::none(); }

    /// The venue told of more than was reported fill by fill.
    bool misses_fills() const noexcept { return !venue_filled.is_none() && venue_filled > filled; }

    /// Where fills alone put an order that is alive: accepted, partially filled or filled.
    OrderState filled_state() const noexcept;
};

/// The state that a gateway sent as a number, or false if there is no such state.
bool is_order_state(std::uint8_t number) noexcept;

/// The update that tells where the order stands.
OrderUpdate describe(const Order& order) noexcept;

/// The order book of the broker: by id, with the open size of each account, instrument and side.
///
/// Finished orders stay, so that late and repeated reports of them are recognised.
class Orders {
  public:
    Order* find(std::uint64_t id) noexcept;

    /// The ids of all orders that are not over, in order.
    std::vector<std::uint64_t> live() const;

    /// Takes an order under an id that is not yet known.
    Order& add(const Order& order);

    /// Applies a change to an order and keeps the open sizes in step.
    template <class Change>
    void change(Order& order, Change&& apply) {
        count(order, -1);
        apply(order);
        count(order, 1);
    }

    /// What the open orders of a side may still fill.
    Number open_size(std::uint64_t account, std::uint64_t instrument, Side side) const noexcept;

    /// Whether a fill is new; from then on it is known.
    bool remember_fill(std::uint64_t order_id, const Fill& fill);

    void save(StateWriter& state) const;
    bool load(StateReader& state);

  private:
    struct OpenKey {
        std::uint64_t account;
        std::uint64_t instrument;
        Side side;
        bool operator==(const OpenKey& o) const noexcept {
            return account == o.account && instrument == o.instrument && side == o.side;
        }
    };
    struct FillKey {
        std::uint64_t account;
        std::uint64_t instrument;
        std::uint64_t order_id;
        char trade_id[sizeof Fill::trade_id];
        bool operator==(const FillKey& o) const noexcept;
    };
    struct Hash {
        std::size_t operator()(const OpenKey& key) const noexcept;
        std::size_t operator()(const FillKey& key) const noexcept;
    };

    void count(const Order& order, int sign);

    std::unordered_map<std::uint64_t, Order> orders_;
    std::unordered_map<OpenKey, Number, Hash> open_;
    std::unordered_set<FillKey, Hash> fills_;
};

}  // namespace kungfu::broker
