/// The broker's other half: what gateways report of orders, fills and cash.
#include <algorithm>

#include "broker/broker.hpp"
#include "broker/exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::broker {
namespace {

bool is_side(std::uint8_t side) noexcept {
    return side == static_cast<std::uint8_t>(Side::BUY) || side == static_cast<std::uint8_t>(Side::SELL);
}

/// The id of an order that was not sent by us and comes without one.
std::uint64_t external_id(std::uint64_t account, std::string_view venue_order_id) {
    return id_of(std::to_string(account) + ":" + std::string(venue_order_id));
}

bool is_same(Number a, Number b) noexcept {
    return a.is_none() || b.is_none() ? a.is_none() == b.is_none() : a == b;
}

/// A price or size that a report brings: present and not zero.
bool is_given(Number value) noexcept { return !value.is_none() && !value.is_zero(); }

/// Whether a state says that the venue holds or filled the order; which of these it is, fills decide.
bool is_acknowledged(OrderState state) noexcept {
    return state == OrderState::ACCEPTED || state == OrderState::PARTIALLY_FILLED ||
           state == OrderState::FILLED;
}

/// Whether a report says something of the order that is not known yet, its state left aside.
bool has_news(const Order& order, const OrderUpdate& reported, std::string_view reason) noexcept {
    return (is_given(reported.get_price()) && !is_same(reported.get_price(), order.price)) ||
           (is_given(reported.get_size()) && !is_same(reported.get_size(), order.size)) ||
           (!reported.get_venue_order_id().empty() &&
            reported.get_venue_order_id() != order.get_venue_order_id()) ||
           (!reason.empty() && fnv1a64(reason) != order.reason_hash);
}

/// Whether a report shows what the last amend under way asked for, as far as it shows anything.
bool shows_amend(const Order& order, const OrderUpdate& reported) noexcept {
    const bool has_size = !order.asked_size.is_none() && is_given(reported.get_size());
    const bool has_price = !order.asked_price.is_none() && is_given(reported.get_price());
    return (has_size || has_price) && (!has_size || reported.get_size() == order.asked_size) &&
           (!has_price || reported.get_price() == order.asked_price);
}

/// The state that a report leads to: of an order that the venue holds or filled, our fills decide which.
OrderState settled_state(const Order& order, OrderState reported) noexcept {
    const bool over = is_terminal(order.state) && order.state != OrderState::FILLED;
    if (!is_acknowledged(reported) || over) return reported;
    return order.size.is_none() && reported == OrderState::FILLED ? reported : order.filled_state();
}

/// Whether the venue says that all of the order has filled, so that it will not make it larger any more.
bool leaves_nothing_to_amend(const Order& order, const OrderUpdate& reported) noexcept {
    const Number size = is_given(reported.get_size()) ? reported.get_size() : order.size;
    return reported.get_state() == OrderState::FILLED && !size.is_none() &&
           (order.venue_filled.is_none() || order.venue_filled <= size);
}

/// What is odd if the venue ends an order at less than was booked; empty if it does not.
std::string shortfall(const Order& order, const OrderUpdate& reported) {
    const OrderState state = reported.get_state();
    const bool ends =
        state == OrderState::FILLED || state == OrderState::CANCELED || state == OrderState::EXPIRED;
    if (!ends || reported.get_filled().is_none() || reported.get_filled() >= order.filled) return {};
    return "the venue tells of " + to_text(reported.get_filled()) + " filled, its fills sum up to " +
           to_text(order.filled);
}

/// Why a fill cannot be booked at all; empty if it can.
std::string unbookable_fill(const Fill& fill, const Market* market) {
    if (!market) return "its instrument is not defined";
    if (const char* why = unbookable(market->definition)) return why;
    if (fill.get_trade_id().empty()) return "it has no trade id, so that a repetition could not be told";
    if (!is_side(fill.side)) return "its side is neither BUY nor SELL";
    if (fill.get_price().is_none()) return "it has no price";
    if (fill.get_size().is_none() || fill.size <= 0)
        return "its size " + to_text(fill.get_size()) + " is not positive";
    if (is_inverse(market->definition) && fill.price <= 0)
        return "its price " + to_text(fill.get_price()) + " is not positive";
    return {};
}

}  // namespace

Order* Broker::find_or_adopt(const OrderUpdate& reported) {
    std::uint64_t id = reported.order_id;
    if (id == 0 && !reported.get_venue_order_id().empty()) {
        id = external_id(reported.account, reported.get_venue_order_id());
    }
    if (id == 0) return nullptr;
    if (Order* known = orders_.find(id)) return known;
    if (!is_side(reported.side)) return nullptr;
    Order order;
    order.id = id;
    order.account = reported.account;
    order.instrument = reported.instrument;
    order.price = is_given(reported.get_price()) ? reported.get_price() : Number::none();
    order.size = is_given(reported.get_size()) ? reported.get_size() : Number::none();
    order.side = reported.get_side();
    order.state = OrderState::UNKNOWN;
    order.created_at = port_.now();
    Order& adopted = orders_.add(order);
    if (is_comparing(adopted.account))
        tell_difference(Difference::ORDER_ADOPTED, adopted,
                        "nobody here sent it: it is followed as external");
    return &adopted;
}

void Broker::on_update(const OrderUpdate& reported, std::string_view reason) {
    Order* order = is_order_state(reported.state) ? find_or_adopt(reported) : nullptr;
    if (!order) {
        OrderUpdate update = reported;
        update.strategy = 0;
        update.set_state(OrderState::UNKNOWN);
        update.anomaly = 1;
        return emit(
            update,
            "report of state " + std::to_string(reported.state) + " names no order that could be followed",
            0);
    }
    const Number told = reported.get_filled();
    const bool is_sent = order->state != OrderState::CREATED;
    if (is_sent && !told.is_none() && (order->venue_filled.is_none() || told > order->venue_filled))
        orders_.change(*order, [&](Order& o) { o.venue_filled = told; });
    if (const auto sync = syncs_.find(order->account); sync != syncs_.end())
        sync->second.seen.insert(order->id);
    expect_fills(*order);
    const OrderState before = order->state;
    apply(*order, reported, reason);
    if (doubts_.empty() || !is_settled(*order) || doubts_.erase(order->id) == 0) return;
    if (order->state != before)
        tell_difference(Difference::ORDER_STATE, *order, "it was in doubt: what the venue reports counts");
}

void Broker::apply(Order& order, const OrderUpdate& reported, std::string_view reason) {
    const bool expired = order.expired && reported.get_state() == OrderState::CANCELED;
    if (expired && reason.empty()) reason = kTimeIsOver;
    const OrderState target = expired ? OrderState::EXPIRED : settled_state(order, reported.get_state());
    const std::string odd = shortfall(order, reported);
    const std::string text =
        odd.empty() || reason.empty() ? std::string(reason) + odd : std::string(reason) + "; " + odd;
    const bool pending =
        order.state == OrderState::PENDING_CANCEL || order.state == OrderState::PENDING_AMEND;
    const bool repeated =
        target == order.state || (pending && reported.get_state() == OrderState::PARTIALLY_FILLED);
    const bool ends_amends = order.amends > 0 && leaves_nothing_to_amend(order, reported);
    const bool news = is_terminal(order.state) ? !odd.empty() && fnv1a64(text) != order.reason_hash
                                               : ends_amends || has_news(order, reported, text);
    // An order that was never sent is the broker's own: no venue can say what becomes of it.
    const bool is_ours = order.state == OrderState::CREATED;
    if (repeated && !news && !is_ours) return;
    if (is_ours || (target != order.state && !may_move(order.state, target))) {
        std::string why =
            std::string("reported ") + name_of(reported.get_state()) + " while " + name_of(order.state);
        if (!text.empty()) why += ": " + text;
        return tell(order, reported.time, true, why);
    }
    orders_.change(order, [&](Order& o) {
        if (!text.empty()) o.reason_hash = fnv1a64(text);
        if (is_terminal(o.state)) return;  // nothing that is told later makes it live again
        if (ends_amends || is_terminal(target) || shows_amend(o, reported)) {
            o.forget_amends();
        } else if (!reason.empty()) {
            o.drop_amend();
        }
        if (is_given(reported.get_price())) o.price = reported.get_price();
        if (is_given(reported.get_size())) o.size = reported.get_size();
        if (!reported.get_venue_order_id().empty()) o.set_venue_order_id(reported.get_venue_order_id());
        o.state = is_acknowledged(target) && !o.size.is_none() ? o.filled_state() : target;
    });
    tell(order, reported.time, !odd.empty(), text);
}

void Broker::on_fill(const Fill& reported) {
    OrderUpdate order_of{};
    order_of.order_id = reported.order_id;
    order_of.instrument = reported.instrument;
    order_of.account = reported.account;
    order_of.set_price(Number::none());
    order_of.set_size(Number::none());
    order_of.set_filled(Number::none());
    order_of.side = reported.side;
    order_of.set_venue_order_id(reported.get_venue_order_id());

    std::string why = unbookable_fill(reported, markets_.find(reported.instrument));
    Order* order = why.empty() ? find_or_adopt(order_of) : orders_.find(reported.order_id);
    if (why.empty() && !order) why = "it names no order";
    if (why.empty() && (order->instrument != reported.instrument || order->account != reported.account)) {
        why = "its account or instrument is not the order's";
    }
    if (why.empty() && !says_position(*order, reported))
        why = "neither it nor its order says whether it is of the long or of the short position";
    if (why.empty()) {
        if (!orders_.remember_fill(*order, reported.get_trade_id())) return;
        const auto sync = syncs_.find(order->account);
        const bool is_late = is_comparing(order->account) && reported.time < sync->second.began;
        if (is_late || (!doubts_.empty() && doubts_.count(order->id) != 0)) {
            tell_difference(Difference::FILL_MISSED, *order,
                            is_late ? "it came with the comparison: it is booked"
                                    : "it came while the order was in doubt: it is booked");
        }
        book(*order, reported);
        if (sync != syncs_.end()) sync->second.last_fill = std::max(sync->second.last_fill, reported.time);
        if (!doubts_.empty() && is_settled(*order)) doubts_.erase(order->id);
        return;
    }
    OrderUpdate update = order ? describe(*order) : order_of;
    if (!order) update.set_state(OrderState::UNKNOWN);
    update.time = reported.time;
    update.anomaly = 1;
    emit(update, "fill " + std::string(reported.get_trade_id()) + " is not booked: " + why,
         order ? order->strategy : 0);
}

}  // namespace kungfu::broker
