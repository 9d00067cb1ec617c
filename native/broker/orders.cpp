#include "broker/orders.hpp"

#include <algorithm>
#include <cstring>

#include "broker/exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::broker {

Number Order::remaining() const {
    Number total = size;
    if (is_terminal(state))
        total = venue_filled;
    else if (!pending_size.is_none() && pending_size > size)
        total = pending_size;
    if (total.is_none()) return {0, 0};
    const Number rest = sum(total, -filled, "rest of an order");
    return rest.mantissa > 0 ? rest : Number{0, 0};
}

OrderState Order::filled_state() const noexcept {
    if (filled.is_zero()) return OrderState::ACCEPTED;
    return !size.is_none() && filled >= size ? OrderState::FILLED : OrderState::PARTIALLY_FILLED;
}

bool is_order_state(std::uint8_t number) noexcept {
    return number >= static_cast<std::uint8_t>(OrderState::CREATED) &&
           number < sizeof kOrderMoves / sizeof kOrderMoves[0];
}

OrderUpdate describe(const Order& order) noexcept {
    OrderUpdate update{};
    update.order_id = order.id;
    update.instrument = order.instrument;
    update.account = order.account;
    update.strategy = order.strategy;
    update.set_price(order.price);
    update.set_size(order.size);
    update.set_filled(order.filled);
    update.set_side(order.side);
    update.set_state(order.state);
    update.set_venue_order_id(order.get_venue_order_id());
    return update;
}

Order* Orders::find(std::uint64_t id) noexcept {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : &found->second;
}

std::vector<std::uint64_t> Orders::live() const {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, order] : orders_)
        if (!is_terminal(order.state)) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

Order& Orders::add(const Order& order) {
    Order& added = orders_.emplace(order.id, order).first->second;
    count(added, 1);
    return added;
}

Number Orders::open_size(std::uint64_t account, std::uint64_t instrument, Side side) const noexcept {
    const auto found = open_.find(OpenKey{account, instrument, side});
    return found == open_.end() ? Number{0, 0} : found->second;
}

bool Orders::remember_fill(std::uint64_t order_id, const Fill& fill) {
    FillKey key{fill.account, fill.instrument, order_id, {}};
    set_fixed_text(key.trade_id, sizeof key.trade_id, fill.get_trade_id());
    return fills_.insert(key).second;
}

void Orders::count(const Order& order, int sign) {
    const Number rest = order.remaining();
    if (rest.is_zero()) return;
    Number& open = open_.try_emplace(OpenKey{order.account, order.instrument, order.side}).first->second;
    open = sum(open, sign < 0 ? -rest : rest, "open size");
}

void Orders::save(StateWriter& state) const {
    state.put(static_cast<std::uint64_t>(orders_.size()));
    for (const auto& [id, order] : orders_) state.put(order);
    state.put(static_cast<std::uint64_t>(fills_.size()));
    for (const FillKey& key : fills_) state.put(key);
}

bool Orders::load(StateReader& state) {
    orders_.clear();
    open_.clear();
    fills_.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) add(state.get<Order>());
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) fills_.insert(state.get<FillKey>());
    return state.good();
}

bool Orders::FillKey::operator==(const FillKey& o) const noexcept {
    return account == o.account && instrument == o.instrument && order_id == o.order_id &&
           std::memcmp(trade_id, o.trade_id, sizeof trade_id) == 0;
}

std::size_t Orders::Hash::operator()(const OpenKey& key) const noexcept {
    return (key.account * 31 + key.instrument) * 31 + static_cast<std::uint8_t>(key.side);
}

std::size_t Orders::Hash::operator()(const FillKey& key) const noexcept {
    return ((key.account * 31 + key.instrument) * 31 + key.order_id) * 31 +
           fnv1a64(fixed_text(key.trade_id, sizeof key.trade_id));
}

}  // namespace kungfu::broker
