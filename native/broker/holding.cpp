/// The broker's held orders: how they are placed, let out and ended, and what orders mean for one another.
#include <string>
#include <utility>

#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

std::string price_awaited(const OrderRequest& order) {
    const std::string price = name_of(order.get_trigger_by());
    if (order.get_type() != OrderType::TRAILING_STOP)
        return price + " reaches " + to_text(order.get_trigger_price());
    return price + " is " + to_text(order.get_trailing_offset()) + " off its best";
}

/// The better price for whoever waits for it to turn: the lower one of a buyer.
Number better(Side side, Number best, Number price) noexcept {
    if (best.is_none()) return price;
    return (side == Side::BUY ? price < best : price > best) ? price : best;
}

}  // namespace

bool Broker::is_tied_well(const OrderRequest& request, std::string& reason) {
    const auto is_known = [&](std::uint64_t id, const char* what) -> const Order* {
        const Order* other = id == request.order_id ? nullptr : orders_.find(id);
        if (!other || other->strategy != request.strategy) {
            refuse({what, " ", Hex{id}, " is no order of the strategy"}, reason);
        } else if (other->account != request.account || other->instrument != request.instrument) {
            refuse({what, " ", Hex{id}, " is of another account or instrument"}, reason);
        } else {
            return other;
        }
        return nullptr;
    };
    if (request.group_id != 0 && !is_known(request.group_id, "group")) return false;
    if (request.parent_id == 0 || worked_order(request)) return true;
    const Order* parent = is_known(request.parent_id, "parent");
    if (!parent) return false;
    if (!is_terminal(parent->state) || parent->filled.mantissa > 0 || parent->misses_fills()) return true;
    return refuse({"parent ", Hex{parent->id}, " is ", name_of(parent->state)}, reason);
}

void Broker::place(Order& order) {
    const OrderRequest& request = order.request;
    const Capabilities& venue = receiver_of(order)->capabilities;
    const Lacking lacks = lacking(request, venue);
    const TimeInForce time = request.get_time_in_force();
    if ((time == TimeInForce::GTD || time == TimeInForce::DAY) &&
        (lacks.expiry || lacks.trigger || request.parent_id != 0)) {
        expire_at(order,
                  time == TimeInForce::GTD ? request.expire_time : emulation_.clock.end_of_day(port_.now()));
    }
    if (request.group_id != 0) {
        held_.join(order.id, request.group_id);
        changed_.push_back(order.id);
    }
    const bool waits = request.parent_id != 0 && order.slice_of == 0;
    const Order* parent = waits ? orders_.find(request.parent_id) : nullptr;
    if (!parent) return arm(order);
    const bool venue_holds = !lacks.parent && !lacks.trigger && !held_.find(parent->id);
    if (venue_holds && !is_terminal(parent->state)) return let_out(order);
    Held held;
    held.awaited = Awaited::PARENT;
    held.instrument = order.instrument;
    held.parent = parent->id;
    if (is_terminal(parent->state) && !parent->misses_fills()) return follow(order, *parent);
    hold(order, held, "order " + hex(parent->id) + " has filled");
}

void Broker::hold(Order& order, Held held, const std::string& until) {
    held_.hold(order.id, held);
    tell(order, 0, false, "held by the broker until " + until);
}

void Broker::arm(Order& order) {
    const OrderRequest& request = order.request;
    const Gateway* receiver = receiver_of(order);
    if (!receiver || !lacking(request, receiver->capabilities).trigger) return let_out(order);
    Held held;
    held.instrument = order.instrument;
    held.best = price_of(order.instrument, request.get_trigger_by());
    if (is_crossed(request, held.best, held.best)) return let_out(order);
    hold(order, held, price_awaited(request));
}

void Broker::let_out(Order& order) {
    if (!receiver_of(order)) return end_held(order, OrderState::CANCELED, kNobodyTakesIt);
    if (!is_ready(order.account)) {
        Held held;
        held.awaited = Awaited::ACCOUNT;
        held.instrument = order.instrument;
        return hold(order, held, "its account has been compared with its venue");
    }
    const Capabilities& venue = receiver_of(order)->capabilities;
    OrderRequest sent = sent_form(order.request, venue);
    const Order* parent = sent.parent_id != 0 ? orders_.find(sent.parent_id) : nullptr;
    if (order.slice_of != 0 || (parent && is_terminal(parent->state))) sent.parent_id = 0;
    if (held_.find(order.id)) {
        held_.let_go(order.id);
        std::string reason;
        if (!is_acceptable(sent, order.strategy, &order, reason)) {
            parameters_.erase(order.id);
            orders_.change(order, [](Order& o) { o.state = OrderState::RISK_REJECTED; });
            return tell(order, 0, false, reason);
        }
        // The market has moved since it came.
        order.worst_price = limits_.worst_price(sent, *markets_.find(order.instrument));
    }
    if (sent.get_time_in_force() == order.request.get_time_in_force()) held_.drop_expiry(order.id);
    submit(order, sent, {});
}

void Broker::submit(Order& order, const OrderRequest& sent, std::string_view why) {
    const bool wants_deadline = sent.deadline == 0 && timing_.order_deadline != 0 && can_ask(order.account);
    orders_.change(order, [&](Order& o) {
        o.state = OrderState::SUBMITTED;
        o.request = sent;
        if (wants_deadline) o.request.deadline = port_.now() + timing_.order_deadline;
    });
    expect_answer(order);
    tell(order, 0, false, why);
    if (order.request.algorithm == 0 && !settle_self_trade(order)) return;
    limits_.pass(order, port_.now());
    const auto parameters = parameters_.find(order.id);
    emit(order.request, parameters == parameters_.end() ? std::string() : parameters->second,
         receiver_of(order)->source);
    parameters_.erase(order.id);
}

void Broker::let_out_waiting(std::uint64_t account) {
    std::vector<std::uint64_t> waiting;
    for (const auto& [id, held] : held_.all())
        if (held.awaited == Awaited::ACCOUNT && orders_.find_kept(id)->account == account)
            waiting.push_back(id);
    for (const std::uint64_t id : waiting) let_out(*orders_.find_kept(id));
}

void Broker::end_held(Order& order, OrderState state, std::string_view why) {
    held_.let_go(order.id);
    // Of many that end at once, some are no longer kept when ties are settled.
    held_.drop_expiry(order.id);
    slices_.erase({order.slice_of, order.id});
    parameters_.erase(order.id);
    orders_.change(order, [&](Order& o) { o.state = state; });
    tell(order, 0, false, why);
}

// --- prices -------------------------------------------------------------------------------------

Number Broker::price_of(std::uint64_t instrument, PriceKind kind) const noexcept {
    const Market* market = markets_.find(instrument);
    if (!market) return Number::none();
    return kind == PriceKind::MARK ? market->mark : market->last;
}

void Broker::watch(std::uint64_t instrument, PriceKind kind, Number price) {
    if (!held_.any_waits_for_price(instrument) || price.is_none()) return;
    for (const std::uint64_t id : held_.waiting_for_price(instrument)) {
        Order& order = *orders_.find_kept(id);
        Held& held = *held_.find(id);
        if (order.request.get_trigger_by() != kind) continue;
        const bool missed = std::exchange(held.missed_prices, false);
        held.best = better(order.side, held.best, price);
        if (!is_crossed(order.request, held.best, price)) continue;
        if (missed && emulation_.missed_trigger != MissedTrigger::FIRE) {
            on_trigger_missed(order, held, price);
        } else {
            let_out(order);
        }
    }
}

void Broker::on_trigger_missed(Order& order, Held& held, Number price) {
    const std::string why =
        "the first price since the broker started, " + to_text(price) + ", is already beyond its trigger";
    if (emulation_.missed_trigger == MissedTrigger::CANCEL) return end_held(order, OrderState::CANCELED, why);
    held.awaited = Awaited::OPERATOR;
    Held waiting = held;
    hold(order, waiting, "an operator says FIRE_TRIGGER or CANCEL_ORDER: " + why);
    alarm("order " + hex(order.id) + " is held: " + why + "; say FIRE_TRIGGER or CANCEL_ORDER");
}

void Broker::on_order_command(const OperatorCommand& command, std::string_view who) {
    const CommandKind kind = command.get_kind();
    const std::string what = name_of(kind) + std::string(" of order ") + hex(command.order_id);
    Order* order = orders_.find(command.order_id);
    if (!order) return alarm(what + ": it is not known");
    const Held* held = held_.find(order->id);
    const std::string why = std::string(name_of(kind)) + ": " + std::string(who);
    if (kind == CommandKind::FIRE_TRIGGER) {
        if (!held || held->awaited == Awaited::PARENT) return alarm(what + ": it does not wait for a price");
        return let_out(*order);
    }
    if (held) return end_held(*order, OrderState::CANCELED, why);
    if (!may_move(order->state, OrderState::PENDING_CANCEL))
        return alarm(what + ": it is already " + name_of(order->state));
    send_cancel(*order, why);
}

// --- amends and expiry --------------------------------------------------------------------------

void Broker::apply_amend(Order& order, const OrderAmend& amend) {
    orders_.change(order, [&](Order& o) {
        if (!amend.get_price().is_none()) o.price = amend.get_price();
        if (!amend.get_size().is_none()) o.size = amend.get_size();
        o.request.set_price(o.price);
        o.request.set_size(o.size);
        if (!amend.get_trigger_price().is_none()) o.request.set_trigger_price(amend.get_trigger_price());
        if (!o.request.get_display_size().is_none() && o.request.get_display_size() > o.size)
            o.request.set_display_size(o.size);
    });
    if (held_.find(order.id)->awaited == Awaited::PRICE && !amend.get_trigger_price().is_none())
        return arm(order);
    tell(order, 0, false, "amended where the broker holds it");
}

void Broker::expire_at(const Order& order, std::int64_t time) {
    held_.set_expiry(order.id, time);
    deadlines_.add(time, Purpose::EXPIRY, order.id);
}

void Broker::expire(Order& order) {
    if (held_.find(order.id)) return end_held(order, OrderState::EXPIRED, kTimeIsOver);
    order.expired = true;
    // Again until it is over: a venue may refuse a cancel, or never answer it.
    expire_at(order, port_.now() + timing_.longest_retry);
    if (order.state != OrderState::PENDING_CANCEL) send_cancel(order, kTimeIsOver);
}

// --- what orders mean for one another -----------------------------------------------------------

void Broker::settle_ties() {
    for (std::size_t i = 0; i < changed_.size(); ++i) {
        if (const Order* order = orders_.find_kept(changed_[i])) settle_group(*order);
        // Orders that are over may be let go when others of the group end.
        Order* order = orders_.find_kept(changed_[i]);
        if (!order || !is_terminal(order->state)) continue;
        held_.drop_expiry(order->id);
        slices_.erase({order->slice_of, order->id});
        end_slices(*order);
        if (!order->misses_fills()) settle_children(*order);
    }
    changed_.clear();
}

void Broker::settle_children(Order parent) {
    for (const std::uint64_t id : held_.children(parent.id)) {
        Order& child = *orders_.find_kept(id);
        if (parent.filled.mantissa <= 0) {
            end_held(child, OrderState::CANCELED,
                     "its parent " + hex(parent.id) + " is " + name_of(parent.state));
            continue;
        }
        follow(child, parent);
    }
}

void Broker::follow(Order& child, const Order& parent) {
    if (parent.filled < child.size && parent.state != OrderState::FILLED) {
        orders_.change(child, [&](Order& o) {
            o.size = parent.filled;
            o.request.set_size(o.size);
        });
    }
    arm(child);
}

void Broker::settle_group(const Order& order) {
    const std::uint64_t id = order.id;
    std::vector<Leg>* legs = held_.group_of(id);
    if (!legs) return;
    bool alive = false;
    for (Leg& leg : *legs) {
        const Order* of_leg = orders_.find_kept(leg.order);
        if (!of_leg) continue;
        alive |= !is_terminal(of_leg->state);
        const Number news = sum(of_leg->filled, -leg.seen, "fills of a group");
        leg.seen = of_leg->filled;
        for (Leg& other : *legs) {
            if (&other == &leg || of_leg->filled.is_zero()) continue;
            other.ends |= of_leg->state == OrderState::FILLED;
            if (news.is_zero()) continue;
            other.owed = sum(other.owed, news, "fills of a group");
            other.filled_by = leg.order;
        }
    }
    for (Leg& leg : *legs) settle_leg(leg);
    if (!alive) held_.dissolve(id);
}

void Broker::settle_leg(Leg& leg) {
    Order* order = orders_.find_kept(leg.order);
    if (!order || is_terminal(order->state) || order->state == OrderState::PENDING_AMEND || leg.ended) return;
    const bool held = held_.find(order->id) != nullptr;
    const Gateway* receiver = receiver_of(*order);
    if (!receiver || (receiver->capabilities.oco && !held)) return;  // what has filled was at the venue, too
    const Number asked = std::exchange(leg.asked, Number::none());
    if (!asked.is_none() && order->size > asked) leg.ends = true;
    if (leg.owed.is_zero() && !leg.ends) return;
    const std::string why = "order " + hex(leg.filled_by) + " of its group has filled";
    const Number rest = sum(order->size, -leg.owed, "size of an order of a group");
    if (leg.ends || rest <= order->filled || !(held || can_shrink(*order, rest))) {
        leg.ended = order->state != OrderState::PENDING_CANCEL;
        if (held) return end_held(*order, OrderState::CANCELED, why);
        if (leg.ended) send_cancel(*order, why);
        return;
    }
    leg.owed = {0, 0};
    if (held) {
        orders_.change(*order, [&](Order& o) {
            o.size = rest;
            o.request.set_size(rest);
        });
        return tell(*order, 0, false, why + " in part: this much is left");
    }
    leg.asked = rest;
    OrderAmend amend{};
    amend.set_price(Number::none());
    amend.set_size(rest);
    amend.set_trigger_price(Number::none());
    send_amend(*order, amend, why + " in part: this much is left");
}

bool Broker::can_shrink(const Order& order, Number size) const noexcept {
    const Number least = markets_.find(order.instrument)->definition.get_min_size();
    return receiver_of(order)->capabilities.amend && may_move(order.state, OrderState::PENDING_AMEND) &&
           (least.is_none() || size >= least);
}

}  // namespace kungfu::broker
