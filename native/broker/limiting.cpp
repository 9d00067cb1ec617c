/// What the broker does about its limits: kill switches, closing positions, pacing cancels, and a person's
/// commands.
#include <algorithm>
#include <optional>

#include "broker/broker.hpp"
#include "broker/exact.hpp"
#include "clock/clock.hpp"

namespace kungfu::broker {
namespace {

/// The largest whole number of lots in a size that one order may have.
Number in_lots(Number size, const Instrument& definition) noexcept {
    const Number lot = definition.get_lot();
    const Number most = definition.get_max_size();
    if (!most.is_none() && !most.is_zero() && size > most) size = most;
    if (lot.is_none() || lot.is_zero() || is_multiple(size, lot)) return size;
    Money rest = to_money(size);
    int128 step = lot.mantissa;
    if (!(rest.exponent > lot.exponent ? scale_up(rest.mantissa, rest.exponent - lot.exponent)
                                       : scale_up(step, lot.exponent - rest.exponent))) {
        return {0, 0};
    }
    const auto exponent = std::min(rest.exponent, lot.exponent);
    Number out{0, 0};
    return to_number({rest.mantissa / step * step, exponent}, out) ? out : Number{0, 0};
}

Number smaller(Number a, Number b) noexcept { return b < a ? b : a; }

}  // namespace

// --- kill switches --------------------------------------------------------------------------------

void Broker::enforce_limits(const Event& event) {
    const auto* trade = event.as<Trade>();
    const auto* mark = event.as<MarkPrice>();
    const bool books = event.as<Fill>() || event.as<CashMovement>() || event.as<VenueAnswer>();
    if (limits_.watches_results()) {
        const bool revalues = (trade && limits_.holds_watched(trade->instrument)) ||
                              (mark && limits_.holds_watched(mark->instrument));
        if (books || revalues) {
            for (auto& [s, reason] : limits_.watch_results(port_.now())) throw_switch(*s, reason);
        }
    }
    const auto* update = event.as<OrderUpdate>();
    if ((!books && !update) || !limits_.any_flattens()) return;
    if (update) {
        const Order* order = orders_.find_kept(update->order_id);
        if (!order || !is_terminal(order->state)) return;
        // An order that closed nothing would end the same way again.
        if (order->closes && order->filled.is_zero()) {
            const std::string_view why = event.tail<OrderUpdate>();
            return alarm(worded({"order ", Hex{order->id}, " was to close ", order->size, " of ",
                                 markets_.find(order->instrument)->name, " and is ", name_of(order->state),
                                 why.empty() ? "" : ": ", why, "; the position stays open"}));
        }
    }
    for (LimitScope* s : limits_.scopes())
        if (s->flattens) flatten(*s);
}

void Broker::throw_switch(LimitScope& s, const std::string& reason) {
    if (s.is_thrown) return;
    s.is_thrown = true;
    s.reason = reason;
    s.flattens = s.flattens || s.limits.flatten;
    tell_switch(s, SwitchState::THROWN, reason);
    cancel_all(s, "kill switch: " + reason);
    if (s.flattens) flatten(s);
}

void Broker::reset_switch(LimitScope& s, const std::string& reason) {
    if (!s.is_thrown && !s.flattens) return;
    s.is_thrown = s.flattens = false;
    s.reason.clear();
    limits_.forgive(s);
    tell_switch(s, SwitchState::RESET, reason);
}

void Broker::tell_switch(const LimitScope& s, SwitchState state, const std::string& reason) {
    KillSwitch told{};
    told.subject = s.subject;
    told.set_scope(s.scope);
    told.set_state(state);
    emit(told, reason, 0);
}

void Broker::cancel_all(const LimitScope& s, const std::string& why) {
    for (const std::uint64_t id : orders_.live()) {
        Order& order = *orders_.find_kept(id);
        if (order.closes || !s.has(order.account, order.owner())) continue;
        if (held_.find(id)) {
            end_held(order, OrderState::CANCELED, why);
        } else if (order.state != OrderState::PENDING_CANCEL && receiver_of(order)) {
            send_cancel(order, why);
        }
    }
}

/// Closes what a scope holds, as far as no order that is open does it already: so none can turn a position
/// over. Goes on when fills come and orders end.
void Broker::flatten(LimitScope& s) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> held;
    for (const Exposure& e : s.exposures)
        if (!e.longs.is_zero() || !e.shorts.is_zero()) held.emplace_back(e.account, e.instrument);
    std::sort(held.begin(), held.end());
    bool is_done = true;
    for (const auto& [account, instrument] : held) {
        for (const Side side : {Side::SELL, Side::BUY})
            if (close_position(s, account, instrument, side)) is_done = false;
    }
    if (is_done && !s.is_thrown && !awaits_ends(s)) s.flattens = false;
}

/// Whether orders that were cancelled, or sent to close something, may still fill. Those that came since are
/// no business of a command that closes what was there.
bool Broker::awaits_ends(const LimitScope& s) const {
    for (const std::uint64_t id : orders_.live()) {
        const Order& order = *orders_.find_kept(id);
        const bool is_ending = order.closes || order.state == OrderState::PENDING_CANCEL ||
                               order.state == OrderState::UNKNOWN || pacing_.holds(id);
        if (is_ending && s.has(order.account, order.owner())) return true;
    }
    return false;
}

bool Broker::close_position(const LimitScope& s, std::uint64_t account, std::uint64_t instrument, Side side) {
    const Market* market = markets_.find(instrument);
    if (!market || !gateway_of(account)) return false;
    const auto part_of = [&](const LimitScope& of) {
        for (const Exposure& e : of.exposures)
            if (e.account == account && e.instrument == instrument)
                return side == Side::SELL ? e.longs : e.shorts;
        return Number{0, 0};
    };
    // What strategies hold against each other is not there to be closed.
    const Number all = smaller(part_of(s), part_of(limits_.scope(Scope::ACCOUNT, account)));
    if (in_lots(all, market->definition).is_zero()) return false;
    Number rest = sum(all, -orders_.open_size(account, instrument, side), "size to be closed");
    if (rest.mantissa <= 0) return true;
    rest = in_lots(rest, market->definition);
    if (s.scope == Scope::STRATEGY) return submit_closing(s.subject, account, *market, side, rest), true;
    // Each strategy's part is closed on its behalf, so that its own books stay right.
    for (const LimitScope* owner : limits_.scopes()) {
        if (owner->scope != Scope::STRATEGY) continue;
        Number part = part_of(*owner);
        for (const std::uint64_t id : orders_.live()) {
            const Order& order = *orders_.find_kept(id);
            const bool closes_it = order.closes && order.strategy == owner->subject &&
                                   order.account == account && order.instrument == instrument &&
                                   order.side == side;
            if (closes_it) part = sum(part, -order.remaining(), "size to be closed");
        }
        part = in_lots(smaller(part, rest), market->definition);
        if (part.mantissa <= 0) continue;
        rest = sum(rest, -part, "size to be closed");
        submit_closing(owner->subject, account, *market, side, part);
    }
    submit_closing(0, account, *market, side, rest);
    return true;
}

void Broker::submit_closing(std::uint64_t strategy, std::uint64_t account, const Market& market, Side side,
                            Number size) {
    if (size.mantissa <= 0) return;
    const Gateway& gateway = *gateway_of(account);
    if (!gateway.capabilities.can(OrderType::MARKET)) {
        return alarm("cannot close " + to_text(size) + " of " + market.name + ": gateway " + gateway.name +
                     " takes no MARKET orders");
    }
    OrderRequest request{};
    request.order_id = next_own_id();
    request.instrument = market.definition.instrument;
    request.account = account;
    request.strategy = strategy;
    request.set_size(size);
    for (const auto set : {&OrderRequest::set_price, &OrderRequest::set_trigger_price,
                           &OrderRequest::set_trailing_offset, &OrderRequest::set_display_size}) {
        (request.*set)(Number::none());
    }
    request.set_side(side);
    request.set_type(OrderType::MARKET);
    request.set_time_in_force(gateway.capabilities.can(TimeInForce::IOC) ? TimeInForce::IOC
                                                                         : TimeInForce::GTC);
    request.reduce_only = gateway.capabilities.reduce_only;
    if (accounts_.terms(account).hedging && !is_spot(market.definition))
        request.set_position_side(side == Side::SELL ? PositionSide::LONG : PositionSide::SHORT);
    request.set_tag("flatten");
    Order order(request);
    order.created_at = port_.now();
    order.closes = true;
    order.worst_price = limits_.worst_price(request, market);
    let_out(orders_.add(order));
}

std::uint64_t Broker::next_own_id() {
    // Counts on from the time in ms, so that ids of an earlier session do not come again.
    constexpr std::uint64_t kMask = (std::uint64_t{1} << kCountBits) - 1;
    last_own_ = std::max(last_own_ + 1, static_cast<std::uint64_t>(port_.now()) / 1'000'000 & kMask);
    return (port_.source() >> kCountBits << kCountBits) | last_own_;
}

// --- cancels --------------------------------------------------------------------------------------

void Broker::send_cancel(Order& order, std::string_view why) {
    const std::uint64_t id = order.id;
    if (pacing_.holds(id) || !receiver_of(order)) return;
    pacing_.hold(id, why);
    release_cancels();
    if (pacing_.holds(id)) tell(order, 0, false, "limit max_cancel_rate: the cancel waits");
}

void Broker::release_cancels() {
    pacing_.release(
        port_.now(),
        [&](std::uint64_t id) -> std::optional<std::array<LimitScope*, 3>> {
            const Order* order = orders_.find_kept(id);
            if (!order || !receiver_of(*order) || !may_move(order->state, OrderState::PENDING_CANCEL))
                return std::nullopt;
            return limits_.paced(*order);
        },
        [&](std::uint64_t id, const std::string& why) { emit_cancel(*orders_.find_kept(id), why); });
    if (!pacing_.empty()) deadlines_.add(pacing_.next_time(), Purpose::CANCELS, 0);
}

void Broker::emit_cancel(Order& order, std::string_view why) {
    if (const auto doubt = doubts_.find(order.id); doubt != doubts_.end())
        doubt->second.may_be_unsent = false;
    orders_.change(order, [](Order& o) {
        o.state = OrderState::PENDING_CANCEL;
        o.reason_hash = 0;
    });
    expect_answer(order);
    tell(order, 0, false, why);
    OrderCancel cancel{};
    cancel.order_id = order.id;
    cancel.instrument = order.instrument;
    cancel.account = order.account;
    cancel.strategy = order.strategy;
    emit(cancel, receiver_of(order)->source);
}

// --- orders that would trade with each other ------------------------------------------------------

bool Broker::settle_self_trade(Order& order) {
    std::uint64_t met = 0;
    bool must_wait = false;
    limits_.self_trades(order, SelfTrade::CANCEL_NEWEST,
                        [&](const OwnOrders::Resting& other) { return met = other.id, true; });
    std::vector<std::uint64_t> older;
    limits_.self_trades(order, SelfTrade::CANCEL_OLDEST, [&](const OwnOrders::Resting& other) {
        if (orders_.find_kept(other.id)->state != OrderState::PENDING_CANCEL) older.push_back(other.id);
        return false;
    });
    for (const std::uint64_t id : older) {
        send_cancel(*orders_.find_kept(id),
                    "limit self_trade: order " + hex(order.id) + " would trade with it");
        if (met != 0 || !pacing_.holds(id)) continue;
        met = id;  // it must not overtake that cancel
        must_wait = true;
    }
    if (met == 0 || reduces(order)) return true;
    orders_.change(order, [](Order& o) { o.state = OrderState::CANCELED; });
    const std::string other = "our order " + hex(met);
    tell(order, 0, false,
         must_wait ? "limit self_trade: the cancel of " + other + " that it would trade with has to wait"
                   : "limit self_trade: it would trade with " + other);
    return false;
}

/// As RiskView::reduces_position, of an order that counts already.
bool Broker::reduces(const Order& order) const {
    return RiskView(port_.now(), markets_, orders_, accounts_, order.request, &order).reduces_position();
}

// --- commands -------------------------------------------------------------------------------------

void Broker::on_command(const OperatorCommand& command, std::string_view said) {
    if (command.get_kind() == CommandKind::CANCEL_ORDER || command.get_kind() == CommandKind::FIRE_TRIGGER)
        return on_order_command(command, said);
    const std::string who(said);
    const std::string why = std::string(name_of(command.get_kind())) + ": " + who;
    const auto refuse = [&](const std::string& fault) {
        alarm(std::string("command ") + name_of(command.get_kind()) + " is refused: " + fault);
    };
    const Scope which = command.get_scope();
    const bool is_global = which == Scope::GLOBAL && command.subject == 0;
    const bool is_named = (which == Scope::ACCOUNT || which == Scope::STRATEGY) && command.subject != 0;
    if (!is_global && !is_named) return refuse("scope and subject do not fit each other");
    switch (command.get_kind()) {
        case CommandKind::KILL: return throw_switch(limits_.scope(which, command.subject), who);
        case CommandKind::RESET: return reset_switch(limits_.scope(which, command.subject), who);
        case CommandKind::CANCEL_ALL: return cancel_all(limits_.scope(which, command.subject), why);
        case CommandKind::FLATTEN: {
            LimitScope& s = limits_.scope(which, command.subject);
            s.flattens = true;
            cancel_all(s, why);
            return flatten(s);
        }
        case CommandKind::SET_LIMIT: {
            LimitScope& s = limits_.scope(which, command.subject);
            const std::string name(command.get_limit());
            const LimitChange change = Limits::describe_change(s, name, command.get_setting());
            std::string expected;
            if (!limits_.change(s, name, std::string(command.get_setting()), expected))
                return refuse("limit " + name + ": " + expected);
            return emit(change, who, 0);
        }
        default: return refuse("the broker does not know it");
    }
}

// --- the checks of plugins ------------------------------------------------------------------------

RiskVerdict Broker::ask(Hook& hook, const OrderRequest& order, const RiskView& view, std::string& why) {
    const std::int64_t begin = hook_terms_.budget > 0 ? Clock::monotonic_now() : 0;
    RiskVerdict said{};
    said.order_id = order.order_id;
    said.set_check(hook.name);
    if (hook.check) {
        said.set_verdict(hook.check->judge(order, view, why));
    } else {
        said.set_verdict(Verdict::FAILED);
        why = "risk check " + hook.name + " is no longer configured";
    }
    const void* recorded = nullptr;
    std::uint32_t length = 0;
    switch (port_.recorded(RiskVerdict::kType, recorded, length)) {
        case Port::Recorded::NOTHING: break;
        case Port::Recorded::OTHER: return said.set_verdict(Verdict::ALLOWED), said;
        case Port::Recorded::SAME_TYPE: {
            // What the check said then counts: it may have depended on the wall clock.
            const auto& then = *static_cast<const RiskVerdict*>(recorded);
            if (then.order_id != said.order_id || then.get_check() != said.get_check())
                return said.set_verdict(Verdict::ALLOWED), said;
            why.assign(static_cast<const char*>(recorded) + sizeof then, length - sizeof then);
            return then;
        }
    }
    if (hook_terms_.budget == 0) return said;
    said.elapsed = Clock::monotonic_now() - begin;
    if (said.elapsed > hook_terms_.budget && said.get_verdict() == Verdict::ALLOWED) {
        said.set_verdict(Verdict::OVERRAN);
        why = "risk check " + hook.name + " took " + duration_text(said.elapsed) + ", its budget is " +
              duration_text(hook_terms_.budget);
    }
    return said;
}

bool Broker::passes_checks(const OrderRequest& order, const RiskView& view, std::string& reason) {
    for (Hook& hook : hooks_) {
        std::string why;
        const RiskVerdict said = ask(hook, order, view, why);
        const Verdict verdict = said.get_verdict();
        if (verdict == Verdict::ALLOWED) continue;
        emit(said, why, 0);
        const bool is_fault = verdict != Verdict::REFUSED || said.elapsed > hook_terms_.budget;
        if (is_fault && ++hook.faults == hook_terms_.most_faults) {
            alarm("risk check " + hook.name + " is unhealthy: " + std::to_string(hook.faults) +
                  " times it failed or overran, the last: " + why);
        }
        if (verdict != Verdict::REFUSED && view.reduces_position()) continue;
        reason = why;
        return false;
    }
    return true;
}

}  // namespace kungfu::broker
