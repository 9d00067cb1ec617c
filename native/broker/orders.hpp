/// Every order that the broker has seen, where it stands, and what may still fill.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/id_filter.hpp"
#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"
#include "kungfu/order_states.hpp"

namespace kungfu::broker {

/// The low bits of an order's id count up; those above are its writer's.
constexpr int kCountBits = 40;

struct Order {
    std::uint64_t id = 0;
    std::uint64_t strategy = 0;  // 0: not sent by us
    std::uint64_t account = 0;
    std::uint64_t instrument = 0;
    Number price = Number::none();
    Number size = Number::none();           // none: an external order known only by a fill
    Number asked_size = Number::none();     // by the last amend that is under way
    Number asked_price = Number::none();    // likewise
    Number pending_size = Number::none();   // the largest that amends under way ask for
    Number pending_price = Number::none();  // the one of these that trades with most
    Number filled{0, 0};                    // sum of the booked fills
    Number venue_filled = Number::none();   // largest cumulative amount that the venue has told
    Number worst_price = Number::none();  // that it may trade at, as it was judged; none if that is not known
    std::int64_t created_at = 0;          // when the broker heard of it
    std::int64_t asked_at = 0;            // when it, its cancel or its amend last went to the gateway
    std::int64_t fills_due = 0;           // when fills are asked for that its venue told of
    std::uint64_t reason_hash = 0;        // of the last reason that was passed on since the last request
    char last_trade[sizeof Fill::trade_id] = {};  // of its latest fill; each fill knows the one before
    OrderRequest request{};                       // as it was accepted; zero for an external order
    char venue_order_id[40] = {};
    Side side = Side::BUY;
    OrderState state = OrderState::CREATED;
    bool expired = false;           // the broker ended it at its time
    bool closes = false;            // the broker sent it to close a position
    std::uint8_t amends = 0;        // that are under way
    bool counts_in_parent = false;  // its parent counts what it may still fill
    std::uint64_t slice_of = 0;     // the order that an algorithm works by it
    std::uint64_t slice_for = 0;    // the strategy of that order

    Order() = default;
    explicit Order(const OrderRequest& of) noexcept
        : id(of.order_id),
          strategy(of.strategy),
          account(of.account),
          instrument(of.instrument),
          price(of.get_price()),
          size(of.get_size()),
          request(of),
          side(of.get_side()) {}

    /// The strategy whose position its fills change.
    std::uint64_t owner() const noexcept { return slice_of != 0 ? slice_for : strategy; }

    std::string_view get_venue_order_id() const noexcept {
        return fixed_text(venue_order_id, sizeof venue_order_id);
    }
    void set_venue_order_id(std::string_view value) noexcept {
        set_fixed_text(venue_order_id, sizeof venue_order_id, value);
    }

    /// Its size, or the largest that amends under way ask for: it may be that large already.
    Number largest_size() const noexcept {
        return !pending_size.is_none() && pending_size > size ? pending_size : size;
    }

    /// What fills may still come: of the largest size; once it is over, those that the venue has told of and
    /// not reported yet.
    Number remaining() const;

    /// Its price, or the one that amends under way ask for and that would trade with more: it may rest there.
    Number resting_price() const noexcept {
        return !price.is_none() && trades_with_more(pending_price, price) ? pending_price : price;
    }

    /// Notes what an amend asks for, none where it leaves that; earlier amends may still be on their way.
    void ask_for(Number wanted_size, Number wanted_price) noexcept {
        asked_size = wanted_size;
        asked_price = wanted_price;
        if (!wanted_size.is_none() && (pending_size.is_none() || wanted_size > pending_size))
            pending_size = wanted_size;
        if (pending_price.is_none() || trades_with_more(wanted_price, pending_price))
            pending_price = wanted_price;
        ++amends;
    }
    /// One of the amends under way was refused.
    void drop_amend() noexcept {
        if (amends > 0) --amends;
        if (amends == 0) forget_amends();
    }
    /// No amend is under way any more.
    void forget_amends() noexcept {
        asked_size = asked_price = pending_size = pending_price = Number::none();
        amends = 0;
    }

    /// The venue told of more than was reported fill by fill.
    bool misses_fills() const noexcept { return !venue_filled.is_none() && venue_filled > filled; }

    /// Where fills alone put an order that is alive: accepted, partially filled or (the largest size) filled.
    OrderState filled_state() const noexcept;

  private:
    bool trades_with_more(Number a, Number b) const noexcept {
        return !a.is_none() && (side == Side::BUY ? a > b : a < b);
    }
};

/// What of an order counts: in open sizes, in limits, and in what could trade with another order. Nothing by
/// default.
struct Counted {
    bool is_open = false;
    bool is_resting = false;  // in a book, or on its way there; neither waiting nor worked by others
    bool only_reduces = false;
    Number rest{0, 0};
    Number price = Number::none();
    Number worst_price = Number::none();

    Counted() = default;
    explicit Counted(const Order& order);
    bool operator==(const Counted& o) const noexcept {
        return is_open == o.is_open && only_reduces == o.only_reduces && rests_like(o) &&
               same(rest, o.rest) && same(worst_price, o.worst_price);
    }
    /// Whether anything of it does.
    bool counts() const noexcept { return is_open || is_resting || !rest.is_zero(); }
    /// Whether it rests where the other does, or neither rests.
    bool rests_like(const Counted& o) const noexcept {
        return is_resting == o.is_resting && same(price, o.price);
    }

  private:
    static bool same(Number a, Number b) noexcept {
        return a.mantissa == b.mantissa && a.exponent == b.exponent;
    }
};

/// The state that a gateway sent as a number, or false if there is no such state.
bool is_order_state(std::uint8_t number) noexcept;

/// The update that tells where the order stands.
OrderUpdate describe(const Order& order) noexcept;

class OrderHistory;

/// The orders of the broker: all that are not over, and the latest that are.
///
/// An order that is over is let go when many others were over since, and read back from the journal when a
/// late report names it. Without a history nothing is let go.
class Orders {
  public:
    Orders();
    ~Orders();

    /// Keeps no more than so many orders that are over. `said` tells the sequence of the broker's latest
    /// event: what is read back ends there.
    void set_history(std::unique_ptr<OrderHistory> history, std::size_t most_closed,
                     std::function<std::uint64_t()> said);

    /// The order, read back if need be; nullptr if there never was one.
    Order* find(std::uint64_t id);
    /// The order if it is in memory: whatever is not over is.
    Order* find_kept(std::uint64_t id) noexcept;
    const Order* find_kept(std::uint64_t id) const noexcept;

    /// `watch` hears of what counted of an order, and what does from now on.
    void set_watch(std::function<void(const Order&, const Counted&, const Counted&)> watch) {
        watch_ = std::move(watch);
    }

    /// Calls visit(order) for each order in memory, in no particular order.
    template <class Visit>
    void each(Visit&& visit) const {
        for (const auto& [id, order] : orders_) visit(order);
    }

    /// The ids of all orders that are not over, in order.
    std::vector<std::uint64_t> live() const;

    /// Takes an order under an id that is not yet known.
    Order& add(const Order& order);

    /// Applies a change to an order and keeps the open sizes in step. Orders that are over may be let go: of
    /// pointers to orders only that to `order` stays good.
    template <class Change>
    void change(Order& order, Change&& apply) {
        const Counted before(order);
        const bool was_over = is_terminal(order.state);
        apply(order);
        const Counted after(order);
        if (!(before == after)) count(order, before, after);
        if (!was_over && is_terminal(order.state)) close(order.id);
    }

    /// What the open orders of a side may still fill.
    Number open_size(std::uint64_t account, std::uint64_t instrument, Side side) const noexcept;

    /// Whether a fill of an order is new, by its trade id; from then on it is known.
    bool remember_fill(Order& order, std::string_view trade_id);

    /// How many are in memory.
    std::size_t size() const noexcept { return orders_.size(); }

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
    using TradeId = std::array<char, sizeof Fill::trade_id>;
    struct FillKey {
        std::uint64_t order_id;
        TradeId trade_id;
        bool operator==(const FillKey& o) const noexcept {
            return order_id == o.order_id && trade_id == o.trade_id;
        }
    };
    struct Hash {
        std::size_t operator()(const OpenKey& key) const noexcept;
        std::size_t operator()(const FillKey& key) const noexcept;
    };
    /// Where in the journal the orders of a writer with ids from `first` on begin.
    struct Milestone {
        std::uint64_t first;
        std::uint64_t said;
    };
    /// Ids of one writer: they count up below the same high bits.
    struct Series {
        std::uint64_t last = 0;
        std::vector<Milestone> milestones;
    };

    void count(const Order& order, const Counted& before, const Counted& after);
    /// Puts an order under its id, in the memory of one that was let go if there is any.
    Order& keep(const Order& order);
    void close(std::uint64_t id);
    void let_go(std::uint64_t id);
    Order* recall(std::uint64_t id);
    /// Notes where orders like this one stand in the journal.
    void note_place(std::uint64_t id);
    /// An event of the journal from which on all of an order stands.
    std::uint64_t place_before(std::uint64_t id) const;
    /// Whether no order can have had the id yet, as ids of its series count up.
    bool is_ahead(std::uint64_t id) const noexcept;

    using Kept = std::unordered_map<std::uint64_t, Order>;

    Kept orders_;
    std::vector<Kept::node_type> spare_;  // of orders that were let go
    std::unordered_map<OpenKey, Number, Hash> open_;
    std::unordered_map<FillKey, TradeId, Hash> fills_;  // to the trade id of the fill before
    std::deque<std::uint64_t> closed_;                  // in the order in which they were over
    IdFilter gone_;
    std::map<std::uint64_t, Series> series_;  // of our own orders, by the high bits of their ids
    std::unique_ptr<OrderHistory> history_;
    std::size_t most_closed_ = 0;
    std::function<std::uint64_t()> said_;
    std::function<void(const Order&, const Counted&, const Counted&)> watch_;
};

}  // namespace kungfu::broker
