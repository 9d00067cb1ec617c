/// What the broker books and journals of fills and cash, and what it tells of positions and balances.
#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// What is odd about a fill that is booked all the same; empty if nothing is.
std::string oddity(const Order& order, const Fill& fill, Number filled) {
    if (fill.get_side() != order.side) return std::string("the fill's side is ") + name_of(fill.get_side());
    if (!order.size.is_none() && filled > order.largest_size()) {
        return "fill of " + to_text(fill.get_size()) + " brings the filled size to " + to_text(filled) +
               ", above the order's " + to_text(order.largest_size());
    }
    const bool announced = !order.venue_filled.is_none() && order.venue_filled >= filled;
    if ((is_terminal(order.state) && !announced) || order.state == OrderState::CREATED)
        return std::string("fill of an order that is ") + name_of(order.state);
    return {};
}

}  // namespace

void Broker::book(Order& order, const Fill& reported) {
    const Market& market = *markets_.find(reported.instrument);
    const Number filled = sum(order.filled, reported.get_size(), "filled size");
    const std::string odd = oddity(order, reported, filled);
    const std::uint64_t owner = order.owner();
    Fill fill = reported;
    fill.order_id = order.id;
    fill.strategy = owner;
    fill.set_position_side(position_side(order, reported, market.definition));
    const Booking booking = accounts_.book(fill, owner, market.definition);
    orders_.change(order, [&](Order& o) {
        o.filled = filled;
        if (o.get_venue_order_id().empty()) o.set_venue_order_id(reported.get_venue_order_id());
        if (may_move(o.state, o.filled_state())) o.state = o.filled_state();
        if (is_terminal(o.state)) o.forget_amends();
    });

    emit(fill, order.strategy);
    tell(order, reported.time, !odd.empty(), odd);
    for (const Movement& m : booking) {
        CashMovement cash{};
        cash.account = order.account;
        cash.instrument = order.instrument;
        cash.order_id = order.id;
        cash.time = reported.time;
        cash.set_amount(m.amount);
        cash.set_kind(m.kind);
        cash.set_currency(m.currency.code());
        cash.set_trade_id(reported.get_trade_id());
        emit(cash, owner);
    }
    tell_balances(order.account, booking);
    const PositionSide side = fill.get_position_side();
    tell_position({order.account, order.instrument, 0, side}, booking.account, market);
    if (owner != 0) tell_position({order.account, order.instrument, owner, side}, booking.strategy, market);
    if (order.slice_of != 0) credit_parent(order, reported);
}

bool Broker::says_position(const Order& order, const Fill& fill) const {
    const Instrument& definition = markets_.find(fill.instrument)->definition;
    const bool one = is_spot(definition) || !accounts_.terms(order.account).hedging;
    return one || position_side(order, fill, definition) != PositionSide::NET;
}

PositionSide Broker::position_side(const Order& order, const Fill& fill,
                                   const Instrument& definition) const noexcept {
    const PositionSide told = fill.get_position_side();
    return accounts_.side_of(
        order.account, told == PositionSide::NET ? order.request.get_position_side() : told, definition);
}

void Broker::on_cash(const CashMovement& reported) {
    if (reported.get_amount().is_none() || reported.get_currency().empty()) {
        throw Fault("a gateway reported a cash movement without amount or currency");
    }
    const Market* market = markets_.find(reported.instrument);
    const Order* order = reported.order_id ? orders_.find(reported.order_id) : nullptr;
    const std::uint64_t strategy = order ? order->owner() : 0;
    const Booking booking = accounts_.book(reported, strategy, market);
    emit(reported, strategy);
    tell_balances(reported.account, booking);
    for (const HoldingKey& key : booking.settled) tell_position(key, accounts_.holding(key), *market);
}

void Broker::tell_balances(std::uint64_t account, const Booking& booking) {
    for (const Movement* m = booking.begin(); m != booking.end(); ++m) {
        bool told = false;
        for (const Movement* earlier = booking.begin(); earlier != m; ++earlier)
            told |= earlier->currency == m->currency;
        if (told) continue;
        Balance balance{};
        balance.account = account;
        balance.set_total(accounts_.balance(account, m->currency));
        balance.set_currency(m->currency.code());
        emit(balance, 0);
    }
}

void Broker::tell_position(const HoldingKey& key, const Holding& holding, const Market& market) {
    limits_.on_position(key, holding);
    Position position{};
    position.account = key.account;
    position.strategy = key.strategy;
    position.instrument = key.instrument;
    position.set_position_side(key.side);
    position.set_size(holding.size);
    position.set_cost(holding.cost);
    position.set_realized_pnl(holding.realized);
    position.set_unrealized_pnl(unrealized(holding, market.marking_price(), market.definition));
    position.set_mark(market.marking_price());
    position.set_currency(settlement_currency(market.definition));
    emit(position, key.strategy);
}

}  // namespace kungfu::broker
