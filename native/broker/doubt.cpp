/// The broker's doubts: orders whose venue does not answer, and how their fate is found out.
///
/// Nothing is sent again unless `resend_max_age` says so. docs/reference/reconciliation.md has the rules.
#include <algorithm>

#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

std::string seconds(std::int64_t ns) { return to_text(Number{ns / 1'000'000, -3}) + " s"; }

}  // namespace

bool Broker::can_ask(std::uint64_t account) const noexcept {
    const Gateway* gateway = gateway_of(account);
    return gateway != nullptr && gateway->capabilities.queries;
}

void Broker::expect_answer(Order& order) {
    order.asked_at = port_.now();
    if (order.request.algorithm == 0 && can_ask(order.account))
        deadlines_.add(order.asked_at + timing_.answer_timeout, Purpose::ANSWER, order.id);
}

void Broker::expect_fills(Order& order) {
    if (!order.misses_fills() || !can_ask(order.account)) return;
    order.fills_due = port_.now() + timing_.fill_timeout;
    deadlines_.add(order.fills_due, Purpose::FILLS, order.id);
}

std::int64_t Broker::fire_deadlines() {
    std::int64_t fired = 0;
    while (deadlines_.next_time() <= port_.now()) {
        const Deadline deadline = deadlines_.take();
        if (!matters(deadline)) continue;
        Timer timer{};
        timer.timer_id = deadline.number;
        timer.due = deadline.due;
        emit(timer, 0);
        act_on(deadline);
        settle_ties();
        ++fired;
    }
    return fired;
}

/// Whether it still has to be acted on. What does not matter once never does again: a rebuild, which does not
/// see the deadlines that were let go by, would act on it otherwise.
bool Broker::matters(const Deadline& deadline) {
    if (deadline.purpose == Purpose::CANCELS) return !pacing_.empty() && pacing_.next_time() == deadline.due;
    if (deadline.purpose == Purpose::RECONCILE) {
        const auto sync = syncs_.find(deadline.subject);
        return sync != syncs_.end() && sync->second.connected && sync->second.next == deadline.due &&
               can_ask(deadline.subject);
    }
    if (deadline.purpose == Purpose::SETTLE) {
        const auto doubt = doubts_.find(deadline.subject);
        return doubt != doubts_.end() && doubt->second.next == deadline.due &&
               can_ask(orders_.find_kept(deadline.subject)->account);
    }
    if (deadline.purpose == Purpose::EXPIRY) return held_.expires_at(deadline.subject, deadline.due);
    const Order* order = orders_.find_kept(deadline.subject);
    if (order == nullptr || !can_ask(order->account)) return false;
    if (deadline.purpose == Purpose::FILLS) return order->misses_fills() && order->fills_due == deadline.due;
    return is_waiting(order->state) && order->asked_at + timing_.answer_timeout <= deadline.due;
}

void Broker::act_on(const Deadline& deadline) {
    if (deadline.purpose == Purpose::RECONCILE) return ask_for_account(deadline.subject);
    if (deadline.purpose == Purpose::CANCELS) return release_cancels();
    Order& order = *orders_.find_kept(deadline.subject);
    switch (deadline.purpose) {
        case Purpose::ANSWER:
            return doubt(order, "no answer from the venue within " + seconds(timing_.answer_timeout));
        case Purpose::FILLS: return doubt(order, {});
        case Purpose::SETTLE: return ask_again(order, doubts_.at(order.id));
        case Purpose::EXPIRY: return expire(order);
        case Purpose::RECONCILE:
        case Purpose::CANCELS: return;
    }
}

void Broker::doubt(Order& order, std::string_view why) {
    const auto [entry, is_new] = doubts_.try_emplace(order.id);
    const bool unheard = order.state == OrderState::SUBMITTED && order.get_venue_order_id().empty() &&
                         order.filled.is_zero() && order.venue_filled.is_none();
    if (is_waiting(order.state)) {
        orders_.change(order, [](Order& o) { o.state = OrderState::UNKNOWN; });
        tell(order, 0, false, why);
    }
    if (!is_new) return;
    Doubt& doubt = entry->second;
    doubt.since = port_.now();
    doubt.may_be_unsent = unheard;
    // A request without a deadline may still be on its way for as long as anything is retried.
    const std::int64_t last =
        order.request.deadline != 0 ? order.request.deadline : order.asked_at + timing_.longest_retry;
    doubt.absent_from = last + timing_.clock_bound;
    ask_about(order, doubt);
}

void Broker::ask_about(const Order& order, Doubt& doubt) {
    VenueQuery query{};
    query.query_id = ++last_query_;
    query.account = order.account;
    query.instrument = order.instrument;
    query.order_id = order.id;
    query.since = std::max<std::int64_t>(0, order.created_at - timing_.clock_bound);
    query.set_kind(QueryKind::ORDER);
    query.set_venue_order_id(order.get_venue_order_id());
    emit(query, gateway_of(order.account)->source);
    doubt.query = query.query_id;
    doubt.next = port_.now() + retry_after(doubt.tries++);
    deadlines_.add(doubt.next, Purpose::SETTLE, order.id);
}

std::int64_t Broker::retry_after(std::uint32_t tries) const noexcept {
    const std::int64_t factor = std::int64_t{1} << std::min<std::uint32_t>(tries, 20);
    return std::min(timing_.first_retry * factor, timing_.longest_retry);
}

void Broker::ask_again(const Order& order, Doubt& doubt) {
    if (!doubt.alarmed && port_.now() - doubt.since >= timing_.alarm_after) {
        doubt.alarmed = true;
        alarm("order " + hex(order.id) + " of account " + routes_.at(order.account).name +
              " is unknown for " + seconds(port_.now() - doubt.since) +
              "; it counts in the limits until the venue tells its fate");
    }
    ask_about(order, doubt);
}

void Broker::on_answer(const VenueAnswer& answer, std::string_view detail) {
    if (answer.order_id == 0) return on_account_answer(answer, detail);
    const auto entry = doubts_.find(answer.order_id);
    if (entry == doubts_.end()) return;
    Order& order = *orders_.find_kept(answer.order_id);
    Doubt& doubt = entry->second;
    if (answer.get_outcome() == QueryOutcome::COMPLETE && is_settled(order)) {
        doubts_.erase(entry);
    } else if (answer.get_outcome() == QueryOutcome::NOT_FOUND && answer.as_of >= doubt.absent_from &&
               answer.query_id == doubt.query && ++doubt.absences >= timing_.absences) {
        settle_as_absent(order);
    }
}

bool Broker::is_settled(const Order& order) const noexcept {
    return order.state != OrderState::UNKNOWN && !is_waiting(order.state) && !order.misses_fills();
}

bool Broker::may_send_again(const Order& order, const Doubt& doubt) const noexcept {
    // The venue itself refuses what was sent, should it still arrive: its deadline, which the broker gave it,
    // is over. A deadline of the strategy's own says that the order is not wanted any more.
    const bool is_over =
        timing_.order_deadline != 0 && order.request.deadline == order.asked_at + timing_.order_deadline;
    const bool is_young = port_.now() - order.created_at < timing_.resend_max_age;
    return doubt.may_be_unsent && is_over && is_young && order.state == OrderState::UNKNOWN &&
           order.slice_of == 0 && !order.expired && !pacing_.holds(order.id);
}

void Broker::settle_as_absent(Order& order) {
    const bool may_go = may_send_again(order, doubts_.at(order.id));
    doubts_.erase(order.id);
    std::string why = "the venue does not know it: " + std::to_string(timing_.absences) +
                      " queries after its deadline found neither order nor fills";
    if (may_go) {
        std::string refusal;
        if (is_acceptable(order.request, order.strategy, &order, refusal)) {
            why += "; it is sent again";
            tell_difference(Difference::ORDER_MISSING, order, why);
            OrderRequest again = order.request;
            again.deadline = 0;
            return submit(order, again, why);
        }
        why += "; it is not sent again: " + refusal;
    }
    const bool was_over = is_terminal(order.state);
    orders_.change(order, [&](Order& o) {
        if (!was_over) o.state = OrderState::EXPIRED;
        o.venue_filled = o.filled;  // what it told of and nobody can give any more; positions are compared
        o.forget_amends();
    });
    if (!was_over) tell(order, 0, false, why);
    changed_.push_back(order.id);
    tell_difference(Difference::ORDER_MISSING, order, why);
}

void Broker::tell_difference(Difference difference, const Order& order, std::string_view rule) {
    Reconciliation found{};
    found.query_id = last_query_;
    found.account = order.account;
    found.instrument = order.instrument;
    found.order_id = order.id;
    found.set_ours(Money::none());
    found.set_theirs(Money::none());
    found.set_difference(difference);
    emit(found, rule, 0);
}

void Broker::alarm(const std::string& message) {
    Log log{};
    log.set_level(LogLevel::ERROR);
    emit(log, message, 0);
}

}  // namespace kungfu::broker
