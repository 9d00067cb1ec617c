/// The broker compares its accounts with their venues: after a start, a reconnect, and now and then.
///
/// docs/reference/reconciliation.md has the rules.
#include <algorithm>

#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

Money size_of(const Position& position) noexcept {
    return position.get_size().is_none() ? Money{0, 0} : to_money(position.get_size());
}

/// Whether the venue should know it: the broker does not hold it, and no algorithm works it.
bool is_at_venue(const Order& order) noexcept {
    return order.state != OrderState::CREATED && order.request.algorithm == 0;
}

}  // namespace

void Broker::on_component_start(std::string_view settings) {
    if (!settings.empty()) {
        set_as_journaled(settings);
        give_up_unreachable();
    }
    for (const auto& [account, route] : routes_) {
        if (!can_ask(account)) continue;
        begin_reconciling(account, "the broker started");
    }
    held_.resume();
    // What was under way when it ended may or may not have reached its venue.
    for (const std::uint64_t id : orders_.live()) {
        Order& order = *orders_.find_kept(id);
        if (!can_ask(order.account) || !is_at_venue(order)) continue;
        const bool asked = order.state != OrderState::ACCEPTED && order.state != OrderState::PARTIALLY_FILLED;
        if (asked) doubt(order, "the broker was down while it was under way");
    }
}

void Broker::on_connection(const Connection& connection, std::uint64_t gateway) {
    for (const auto& [account, route] : routes_) {
        if (route.gateway != gateway || !can_ask(account)) continue;
        if (connection.get_state() == ConnectionState::CONNECTED) {
            syncs_[account].connected = true;
            begin_reconciling(account, "the gateway connected");
        } else if (connection.get_state() == ConnectionState::DISCONNECTED) {
            AccountSync& sync = syncs_[account];
            sync.connected = false;
            sync.query = 0;
            set_account_state(account, sync, AccountState::RECONCILING, "the gateway is disconnected");
        }
    }
}

void Broker::begin_reconciling(std::uint64_t account, std::string_view why) {
    AccountSync& sync = syncs_[account];
    set_account_state(account, sync, AccountState::RECONCILING, why);
    sync.tries = 0;
    if (sync.connected) ask_for_account(account);
}

void Broker::set_account_state(std::uint64_t account, AccountSync& sync, AccountState state,
                               std::string_view why) {
    sync.state = state;
    AccountStatus status{};
    status.account = account;
    status.set_state(state);
    emit(status, why, 0);
}

bool Broker::is_ready(std::uint64_t account) const noexcept {
    const auto sync = syncs_.find(account);
    return sync == syncs_.end() ? !can_ask(account) : sync->second.state == AccountState::READY;
}

void Broker::ask_for_account(std::uint64_t account) {
    AccountSync& sync = syncs_[account];
    VenueQuery query{};
    query.query_id = ++last_query_;
    query.account = account;
    query.since = std::max<std::int64_t>(0, sync.last_fill - timing_.clock_bound);
    query.set_kind(QueryKind::ACCOUNT);
    emit(query, gateway_of(account)->source);
    sync.query = query.query_id;
    sync.began = port_.now();
    sync.seen.clear();
    sync.positions.clear();
    sync.balances.clear();
    // An answer sets another time; without one it is asked again.
    ask_account_at(account, sync, port_.now() + timing_.answer_timeout + retry_after(sync.tries++));
}

void Broker::ask_account_at(std::uint64_t account, AccountSync& sync, std::int64_t time) {
    sync.next = time;
    deadlines_.add(time, Purpose::RECONCILE, account);
}

void Broker::on_position_report(const Position& reported) {
    const auto sync = syncs_.find(reported.account);
    if (sync == syncs_.end()) return;
    sync->second.positions[{reported.instrument, {}, reported.get_position_side()}] = reported;
}

void Broker::on_balance_report(const Balance& reported) {
    const auto sync = syncs_.find(reported.account);
    if (sync == syncs_.end()) return;
    sync->second.balances[{0, Currency(reported.get_currency()), {}}] = reported.get_total();
}

void Broker::on_account_answer(const VenueAnswer& answer, std::string_view detail) {
    const auto entry = syncs_.find(answer.account);
    if (entry == syncs_.end() || entry->second.query != answer.query_id || !can_ask(answer.account)) return;
    AccountSync& sync = entry->second;
    sync.query = 0;
    if (answer.get_outcome() != QueryOutcome::COMPLETE) {
        alarm("account " + routes_.at(answer.account).name +
              " cannot be compared with its venue: " + std::string(detail));
        return;  // asked again at the time that is set
    }
    ask_about_missing_orders(answer.account, sync);
    const auto found = differences(answer.account, sync);
    // What is under way (a fill on its way, a transfer) is gone the next time; what stays is true.
    const bool settled = found.empty() || !sync.ever || found == sync.differences;
    if (settled) {
        for (const auto& [what, amounts] : found) adjust(answer, sync, what, amounts);
        sync.differences.clear();
        sync.ever = true;
        sync.tries = 0;
        if (sync.state != AccountState::READY)
            set_account_state(answer.account, sync, AccountState::READY, "it agrees with its venue");
        let_out_waiting(answer.account);
    } else {
        sync.differences = found;
    }
    ask_account_at(answer.account, sync,
                   port_.now() + (settled ? timing_.reconcile_interval : timing_.first_retry));
}

void Broker::ask_about_missing_orders(std::uint64_t account, const AccountSync& sync) {
    for (const std::uint64_t id : orders_.live()) {
        Order& order = *orders_.find_kept(id);
        if (order.account != account || sync.seen.count(id) || order.asked_at >= sync.began) continue;
        if (!is_at_venue(order)) continue;
        doubt(order, "it is not among the venue's open orders");
    }
}

std::map<Compared, Amounts> Broker::differences(std::uint64_t account, const AccountSync& sync) const {
    std::map<Compared, Amounts> compared;
    for (const auto& [what, position] : sync.positions) compared[what] = {{0, 0}, size_of(position)};
    for (const auto& [what, total] : sync.balances) compared[what] = {{0, 0}, total};
    accounts_.each_holding([&](const HoldingKey& key, const Holding& holding) {
        const Market* market = markets_.find(key.instrument);
        // What is held of spot stands in the balances.
        if (key.account != account || key.strategy != 0 || (market && is_spot(market->definition))) return;
        compared.try_emplace({key.instrument, {}, key.side}, Amounts{{0, 0}, {0, 0}}).first->second.ours =
            to_money(holding.size);
    });
    accounts_.each_balance([&](std::uint64_t owner, const Currency& currency, Money total) {
        if (owner != account) return;
        compared.try_emplace({0, currency, {}}, Amounts{{0, 0}, {0, 0}}).first->second.ours = total;
    });
    for (auto it = compared.begin(); it != compared.end();)
        it = compare(it->second.ours, it->second.theirs) == 0 ? compared.erase(it) : std::next(it);
    return compared;
}

void Broker::adjust(const VenueAnswer& answer, const AccountSync& sync, const Compared& what,
                    const Amounts& amounts) {
    const bool of_balance = !what.currency.is_none();
    Reconciliation found{};
    found.query_id = answer.query_id;
    found.account = answer.account;
    found.instrument = what.instrument;
    found.set_ours(amounts.ours);
    found.set_theirs(amounts.theirs);
    found.set_difference(of_balance ? Difference::BALANCE : Difference::POSITION);
    found.adjusted = 1;
    found.set_currency(what.currency.code());
    const bool beyond = answer.history_since > sync.last_fill;
    emit(found,
         !sync.ever ? "the account was not known before: the venue's amount is taken over"
         : beyond   ? "the venue's history does not go back to what was booked last: its amount is taken over"
                    : "it stayed the same over two comparisons: the venue's amount is taken over",
         0);
    if (of_balance) {
        adjust_balance(answer, what.currency, amounts);
    } else {
        adjust_position(answer.account, sync, what, amounts);
    }
}

void Broker::adjust_balance(const VenueAnswer& answer, const Currency& currency, const Amounts& amounts) {
    CashMovement cash{};
    cash.account = answer.account;
    cash.time = answer.as_of;
    cash.set_amount(sum(amounts.theirs, -amounts.ours, "balance"));
    cash.set_kind(CashKind::ADJUSTMENT);
    cash.set_currency(currency.code());
    on_cash(cash);
}

void Broker::adjust_position(std::uint64_t account, const AccountSync& sync, const Compared& what,
                             const Amounts& amounts) {
    const Market* market = markets_.find(what.instrument);
    if (market == nullptr) return alarm("a position in " + hex(what.instrument) + ", which is not defined");
    const HoldingKey key{account, what.instrument, 0, what.side};
    Holding holding = accounts_.holding(key);
    if (!to_number(amounts.theirs, holding.size)) throw Fault("a reported position does not fit");
    const auto told = sync.positions.find(what);
    const Money cost = told == sync.positions.end() ? Money{0, 0} : told->second.get_cost();
    const Number mark = market->marking_price();
    holding.cost = !cost.is_none()  ? cost
                   : mark.is_none() ? Money{0, 0}
                                    : value_at(holding.size, mark, market->definition);
    accounts_.adjust_holding(key, holding);
    tell_position(key, holding, *market);
}

}  // namespace kungfu::broker
