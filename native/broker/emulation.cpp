#include "broker/emulation.hpp"

#include <algorithm>

#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

bool is_stop(OrderType type) noexcept {
    return type == OrderType::STOP_MARKET || type == OrderType::STOP_LIMIT ||
           type == OrderType::TRAILING_STOP;
}

std::vector<std::uint64_t> seconds_of(const std::set<std::pair<std::uint64_t, std::uint64_t>>& pairs,
                                      std::uint64_t first) {
    std::vector<std::uint64_t> seconds;
    for (auto pair = pairs.lower_bound({first, 0}); pair != pairs.end() && pair->first == first; ++pair)
        seconds.push_back(pair->second);
    return seconds;
}

}  // namespace

Lacking lacking(const OrderRequest& order, const Capabilities& venue) noexcept {
    const OrderType type = order.get_type();
    const TimeInForce time = order.get_time_in_force();
    Lacking lacks;
    lacks.trigger = is_stop(type) && !(venue.can(type) && venue.can(order.get_trigger_by()));
    lacks.expiry = (time == TimeInForce::GTD || time == TimeInForce::DAY) && !venue.can(time);
    lacks.parent = order.parent_id != 0 && !venue.oto;
    lacks.group = order.group_id != 0 && !venue.oco;
    return lacks;
}

OrderType sent_type(const OrderRequest& order, const Lacking& lacks) noexcept {
    if (!lacks.trigger) return order.get_type();
    return order.get_type() == OrderType::STOP_LIMIT ? OrderType::LIMIT : OrderType::MARKET;
}

TimeInForce sent_time_in_force(const OrderRequest& order, const Lacking& lacks) noexcept {
    return lacks.expiry ? TimeInForce::GTC : order.get_time_in_force();
}

OrderRequest sent_form(const OrderRequest& order, const Capabilities& venue) noexcept {
    const Lacking lacks = lacking(order, venue);
    OrderRequest sent = order;
    if (lacks.trigger) {
        sent.set_trigger_price(Number::none());
        sent.set_trailing_offset(Number::none());
        sent.set_trigger_by(PriceKind::LAST);
    }
    if (lacks.expiry) {
        sent.expire_time = 0;
    }
    sent.set_type(sent_type(order, lacks));
    sent.set_time_in_force(sent_time_in_force(order, lacks));
    if (lacks.parent) sent.parent_id = 0;
    if (lacks.group) sent.group_id = 0;
    return sent;
}

bool is_crossed(const OrderRequest& order, Number best, Number price) noexcept {
    if (price.is_none()) return false;
    const bool buys = order.get_side() == Side::BUY;
    Number trigger = order.get_trigger_price();
    if (order.get_type() == OrderType::TRAILING_STOP) {
        const Number offset = order.get_trailing_offset();
        if (best.is_none() || !exact_sum(best, buys ? offset : -offset, trigger)) return false;
    }
    return buys ? price >= trigger : price <= trigger;
}

void HeldOrders::hold(std::uint64_t order, const Held& held) {
    let_go(order);
    held_.emplace(order, held);
    if (held.awaited == Awaited::PRICE) by_instrument_.emplace(held.instrument, order);
    if (held.awaited == Awaited::PARENT) by_parent_.emplace(held.parent, order);
}

void HeldOrders::let_go(std::uint64_t order) {
    const auto found = held_.find(order);
    if (found == held_.end()) return;
    by_instrument_.erase({found->second.instrument, order});
    by_parent_.erase({found->second.parent, order});
    held_.erase(found);
}

Held* HeldOrders::find(std::uint64_t order) noexcept {
    const auto found = held_.find(order);
    return found == held_.end() ? nullptr : &found->second;
}

std::vector<std::uint64_t> HeldOrders::waiting_for_price(std::uint64_t instrument) const {
    return seconds_of(by_instrument_, instrument);
}

bool HeldOrders::any_waits_for_price(std::uint64_t instrument) const noexcept {
    const auto first = by_instrument_.lower_bound({instrument, 0});
    return first != by_instrument_.end() && first->first == instrument;
}

std::vector<std::uint64_t> HeldOrders::children(std::uint64_t parent) const {
    return seconds_of(by_parent_, parent);
}

void HeldOrders::join(std::uint64_t order, std::uint64_t other) {
    const std::uint64_t group = group_of_.try_emplace(other, other).first->second;
    std::vector<Leg>& legs = groups_[group];
    if (legs.empty()) legs.push_back({other});
    Leg leg{order};
    for (const Leg& earlier : legs) {
        if (earlier.seen.is_zero()) continue;
        leg.owed = sum(leg.owed, earlier.seen, "fills of a group");
        leg.filled_by = earlier.order;
    }
    legs.push_back(leg);
    group_of_[order] = group;
}

std::vector<Leg>* HeldOrders::group_of(std::uint64_t order) noexcept {
    const auto found = group_of_.find(order);
    return found == group_of_.end() ? nullptr : &groups_.find(found->second)->second;
}

void HeldOrders::dissolve(std::uint64_t order) {
    const auto group = groups_.find(group_of_.at(order));
    for (const Leg& leg : group->second) group_of_.erase(leg.order);
    groups_.erase(group);
}

bool HeldOrders::expires_at(std::uint64_t order, std::int64_t time) const noexcept {
    const auto found = expiries_.find(order);
    return found != expiries_.end() && found->second == time;
}

bool HeldOrders::concerns(std::uint64_t order) const noexcept {
    if (group_of_.count(order) || expiries_.count(order)) return true;
    const auto child = by_parent_.lower_bound({order, 0});
    return child != by_parent_.end() && child->first == order;
}

void HeldOrders::resume() noexcept {
    for (auto& [order, held] : held_) held.missed_prices = held.awaited == Awaited::PRICE;
}

void HeldOrders::save(StateWriter& state) const {
    put_map(state, held_);
    put_map(state, expiries_);
    state.put(static_cast<std::uint64_t>(groups_.size()));
    for (const auto& [group, legs] : groups_) {
        state.put(group);
        state.put(static_cast<std::uint64_t>(legs.size()));
        for (const Leg& leg : legs) state.put(leg);
    }
}

bool HeldOrders::load(StateReader& state) {
    std::map<std::uint64_t, Held> held;
    get_map(state, held);
    *this = {};
    for (const auto& [order, kept] : held) hold(order, kept);
    get_map(state, expiries_);
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto group = state.get<std::uint64_t>();
        std::vector<Leg>& legs = groups_[group];
        for (auto m = state.get<std::uint64_t>(); m > 0 && state.good(); --m) {
            legs.push_back(state.get<Leg>());
            group_of_[legs.back().order] = group;
        }
    }
    return state.good();
}

}  // namespace kungfu::broker
