// Orders that an algorithm works by orders of its own: what these may be, and what their fills mean.
#include <string>
#include <vector>

#include "broker_desk.hpp"

using namespace desk;

namespace {

constexpr std::uint64_t kAlgorithm = id_of("twap");

template <class T>
std::vector<T> all(const std::vector<Record>& records) {
    std::vector<T> found;
    for (const Record& record : records)
        if (record.type == T::kType) found.push_back(record.as<T>());
    return found;
}

/// Looks at what orders of a side may still fill.
struct OpenSize : broker::RiskCheck {
    Verdict judge(const OrderRequest& order, const broker::RiskView& view, std::string&) override {
        open = view.open_size(order.account, order.instrument, order.get_side());
        return Verdict::ALLOWED;
    }
    Number open{0, 0};
};

/// An order of 10 at 100 or better that the algorithm has accepted.
struct Worked : Desk {
    explicit Worked(broker::BrokerConfig config = with_algorithm()) : Desk(std::move(config)) {
        define_perpetual();
        put(kStrategy, kBroker, parent(1), "{\"over\": \"1m\"}");
        first = run();
        report(1, OrderState::ACCEPTED);
        run();
    }

    static broker::BrokerConfig with_algorithm() {
        broker::BrokerConfig config = plain();
        config.algorithms.push_back(broker::algorithm(kAlgorithm, "twap"));
        return config;
    }
    static OrderRequest parent(std::uint64_t id, const char* size = "10") {
        OrderRequest r = limit(id, Side::BUY, size, "100");
        r.algorithm = kAlgorithm;
        return r;
    }
    static OrderRequest slice(std::uint64_t id, const char* size, const char* price = "100") {
        OrderRequest r = limit(id, Side::BUY, size, price);
        r.strategy = kAlgorithm;
        r.parent_id = 1;
        return r;
    }

    /// What the algorithm says of an order that it works.
    void report(std::uint64_t id, OrderState state, std::string_view reason = {}) {
        OrderUpdate u{};
        u.order_id = id;
        u.instrument = kPerpetual;
        u.account = kAccount;
        u.set_price(Number::none());
        u.set_size(Number::none());
        u.set_filled(Number::none());
        u.set_side(Side::BUY);
        u.set_state(state);
        put(kAlgorithm, 0, u, reason);
    }
    void place(const OrderRequest& r) { put(kAlgorithm, kBroker, r); }
    void live(std::uint64_t id, const char* size) {
        place(slice(id, size));
        update(id, OrderState::ACCEPTED);
        run();
    }
    void expect_refused(const OrderRequest& r, const char* text) {
        place(r);
        const auto out = run();
        const Record& record = only_update(out);
        CHECK(record.as<OrderUpdate>().get_state() == OrderState::RISK_REJECTED);
        CHECK(record.destination == kAlgorithm);
        const bool said = record.tail<OrderUpdate>().find(text) != std::string::npos;
        if (!said) std::fprintf(stderr, "no '%s' in '%s'\n", text, record.tail<OrderUpdate>().c_str());
        CHECK(said);
    }

    std::vector<Record> first;
};

OrderUpdate update_of(const std::vector<Record>& records, std::uint64_t id) {
    OrderUpdate found{};
    for (const OrderUpdate& update : all<OrderUpdate>(records))
        if (update.order_id == id) found = update;
    CHECK(found.order_id == id);
    return found;
}

void an_order_for_an_algorithm_goes_there_with_its_parameters() {
    const Worked d;
    CHECK(update_of(d.first, 1).get_state() == OrderState::SUBMITTED);
    const Record& sent = d.first.back();
    CHECK(sent.type == OrderRequest::kType && sent.destination == kAlgorithm);
    CHECK(sent.tail<OrderRequest>() == "{\"over\": \"1m\"}");
}

void an_algorithm_that_is_not_configured_or_cannot_do_it_is_a_refusal() {
    Worked d;
    OrderRequest r = Worked::parent(2);
    r.algorithm = 99;
    d.request(r);
    CHECK(only_update(d.run()).tail<OrderUpdate>() == "algorithm 0000000000000063 is not configured");
    r = Worked::parent(3);
    r.set_time_in_force(TimeInForce::IOC);
    d.request(r);
    CHECK(only_update(d.run()).tail<OrderUpdate>() == "algorithm twap takes no time in force IOC");
}

void a_slice_goes_to_the_venue_and_its_fills_are_the_strategys() {
    Worked d;
    d.place(Worked::slice(2, "4"));
    auto out = d.run();
    CHECK(out.back().type == OrderRequest::kType && out.back().destination == kVenue);
    CHECK(out.back().as<OrderRequest>().parent_id == 0);
    CHECK(out.front().destination == kAlgorithm);
    d.fill(Desk::a_fill(2, "a", Side::BUY, "4", "99", "0.5"));
    out = d.run();
    CHECK(out[0].as<Fill>().strategy == kStrategy && out[0].destination == kAlgorithm);
    CHECK(update_of(out, 2).get_state() == OrderState::FILLED);
    const OrderUpdate of_parent = update_of(out, 1);
    CHECK(of_parent.get_state() == OrderState::PARTIALLY_FILLED && of_parent.get_filled() == num("4"));
    CHECK(out.back().destination == kStrategy);
    const auto positions = all<Position>(out);
    CHECK(positions.size() == 2 && positions[1].strategy == kStrategy);
    CHECK(positions[1].get_size() == num("4"));
    d.place(Worked::slice(3, "6"));
    d.fill(Desk::a_fill(3, "b", Side::BUY, "6", "99"));
    CHECK(update_of(d.run(), 1).get_state() == OrderState::FILLED);
}

void slices_never_exceed_what_their_parent_has_left() {
    Worked d;
    d.live(2, "4");
    d.fill(Desk::a_fill(2, "a", Side::BUY, "1", "100"));
    d.run();
    d.expect_refused(Worked::slice(3, "6.001"), "size 6.001 is above what its parent has left, 6");
    d.live(4, "6");
    d.expect_refused(Worked::slice(5, "0.001"), "has left, 0");
    // A slice may become larger by what another one gives back.
    d.update(4, OrderState::CANCELED, "0");
    d.run();
    OrderAmend amend{};
    amend.order_id = 2;
    amend.set_price(Number::none());
    amend.set_trigger_price(Number::none());
    amend.set_size(num("10"));
    d.put(kAlgorithm, kBroker, amend);
    CHECK(update_of(d.run(), 2).get_state() == OrderState::PENDING_AMEND);
    d.expect_refused(Worked::slice(6, "0.001"), "has left, 0");
}

void a_slice_that_does_not_fit_its_parent_is_refused() {
    Worked d;
    d.expect_refused(Worked::slice(2, "1", "100.1"), "price 100.1 is worse than its parent's, 100");
    d.expect_refused(Worked::slice(3, "1", nullptr), "is worse than its parent's, 100");
    OrderRequest r = Worked::slice(4, "1");
    r.set_side(Side::SELL);
    d.expect_refused(r, "its parent has another account, instrument or side");
    r = Worked::slice(5, "1");
    r.algorithm = kAlgorithm;
    d.expect_refused(r, "a part of an order goes straight to the venue");
    d.cancel(1);
    d.run();
    d.expect_refused(Worked::slice(6, "1"), "its parent is PENDING_CANCEL");
    r = Worked::slice(7, "1");
    r.parent_id = 99;
    d.expect_refused(r, "parent 0000000000000063 is no order of the strategy");
}

void what_may_still_fill_counts_once() {
    broker::BrokerConfig config = Worked::with_algorithm();
    auto owned = std::make_unique<OpenSize>();
    OpenSize& check = *owned;
    config.checks.push_back(std::move(owned));
    Worked d(std::move(config));
    d.live(2, "4");
    const auto open = [&](std::uint64_t id) {
        d.request(Desk::limit(id, Side::BUY, "0.1", "100"));
        d.update(id, OrderState::REJECTED, "0");
        d.run();
        return check.open;
    };
    CHECK(open(10) == num("10"));
    d.fill(Desk::a_fill(2, "a", Side::BUY, "1", "100"));
    d.run();
    CHECK(open(11) == num("9"));
    // A slice of an order that is over counts for itself until it is over, too.
    d.report(1, OrderState::CANCELED, "enough");
    const auto out = d.run();
    CHECK(all<OrderCancel>(out).size() == 1 && all<OrderCancel>(out)[0].order_id == 2);
    CHECK(open(12) == num("3"));
    d.update(2, OrderState::CANCELED, "1");
    d.run();
    CHECK(open(13).is_zero());
}

void a_cancel_goes_to_the_algorithm_which_ends_its_slices() {
    Worked d;
    d.live(2, "4");
    d.cancel(1);
    auto out = d.run();
    CHECK(update_of(out, 1).get_state() == OrderState::PENDING_CANCEL);
    CHECK(out.back().type == OrderCancel::kType && out.back().destination == kAlgorithm);
    d.fill(Desk::a_fill(2, "a", Side::BUY, "1", "100"));
    CHECK(update_of(d.run(), 1).get_filled() == num("1"));
    OrderCancel cancel{};
    cancel.order_id = 2;
    d.put(kAlgorithm, kBroker, cancel);
    out = d.run();
    CHECK(out.back().type == OrderCancel::kType && out.back().destination == kVenue);
    d.update(2, OrderState::CANCELED, "1");
    d.report(1, OrderState::CANCELED);
    out = d.run();
    CHECK(update_of(out, 1).get_state() == OrderState::CANCELED);
    CHECK(all<OrderCancel>(out).empty());
}

void a_fill_that_comes_after_the_parents_end_is_booked_and_told() {
    Worked d;
    d.live(2, "4");
    d.report(1, OrderState::CANCELED);
    d.run();
    d.fill(Desk::a_fill(2, "a", Side::BUY, "4", "100"));
    const OrderUpdate told = update_of(d.run(), 1);
    CHECK(told.anomaly == 1 && told.get_state() == OrderState::CANCELED && told.get_filled() == num("4"));
}

void a_worked_order_expires_and_waits_like_any_other() {
    Worked d;
    OrderRequest r = Worked::parent(5);
    r.set_time_in_force(TimeInForce::DAY);
    r.parent_id = 1;
    d.put(kStrategy, kBroker, r, "{}");
    CHECK(only_update(d.run()).as<OrderUpdate>().get_state() == OrderState::CREATED);
    d.place(Worked::slice(2, "10"));
    d.fill(Desk::a_fill(2, "a", Side::BUY, "10", "100"));
    const auto out = d.run();
    CHECK(out.back().type == OrderRequest::kType && out.back().destination == kAlgorithm);
    CHECK(out.back().tail<OrderRequest>() == "{}");
    d.now = 86'400'000'000'000;
    CHECK(d.run().back().destination == kAlgorithm);
    d.report(5, OrderState::CANCELED);
    CHECK(only_update(d.run()).as<OrderUpdate>().get_state() == OrderState::EXPIRED);
}

void a_broker_that_takes_its_state_again_still_knows_the_slices() {
    Worked d;
    d.live(2, "4");
    d.reload(Worked::with_algorithm());
    d.expect_refused(Worked::slice(3, "7"), "has left, 6");
    d.fill(Desk::a_fill(2, "a", Side::BUY, "4", "100"));
    CHECK(update_of(d.run(), 1).get_filled() == num("4"));
}

/// The broker with limits of everything, and of the strategy whose orders are worked.
broker::BrokerConfig limited(std::vector<std::pair<std::string, std::string>> of_all,
                             std::vector<std::pair<std::string, std::string>> of_strategy) {
    broker::BrokerConfig config = Worked::with_algorithm();
    config.limits.push_back({Scope::GLOBAL, 0, "", std::move(of_all), {}});
    config.limits.push_back({Scope::STRATEGY, kStrategy, "strategy", std::move(of_strategy), {}});
    return config;
}

void a_slice_keeps_to_the_limits_of_its_parents_strategy() {
    Worked d(limited({}, {{"max_order_rate", "3/1s"}}));
    d.live(2, "1");
    d.live(3, "1");
    d.expect_refused(Worked::slice(4, "1"),
                     "limit max_order_rate: more than 3 orders in 1s (strategy strategy)");
}

void what_counts_in_the_parent_counts_once_in_the_limits() {
    Worked d(limited({{"max_position", "10"}, {"max_open_orders", "1"}}, {{"max_position", "10"}}));
    d.live(2, "4");
    d.fill(Desk::a_fill(2, "a", Side::BUY, "3", "100"));
    d.run();
    d.live(3, "6");
    d.request(Desk::limit(9, Side::BUY, "0.001", "100"));
    CHECK(only_update(d.run()).as<OrderUpdate>().get_state() == OrderState::RISK_REJECTED);
}

/// Sets a limit of everything while orders are open.
void narrow(Worked& d, const char* limit, const char* setting) {
    OperatorCommand command{};
    command.set_kind(CommandKind::SET_LIMIT);
    command.set_scope(Scope::GLOBAL);
    command.set_limit(limit);
    command.set_setting(setting);
    d.put(0, kBroker, command, "me");
    d.run();
}

void what_other_slices_may_fill_counts_in_the_limits() {
    Worked d(limited({{"max_position", "10"}}, {}));
    narrow(d, "max_position", "4");
    d.live(2, "2");
    d.live(3, "2");
    d.expect_refused(Worked::slice(4, "1"),
                     "limit max_position: position 5 with all open orders filled is beyond 4");
}

void slices_reduce_a_position_only_together() {
    Worked d;
    d.request(Desk::limit(20, Side::SELL, "3", "100"));
    d.fill(Desk::a_fill(20, "a", Side::SELL, "3", "100"));
    d.run();
    narrow(d, "max_order_size", "0.5");
    d.live(2, "2");
    d.expect_refused(Worked::slice(3, "2"), "limit max_order_size");
    d.place(Worked::slice(4, "1"));
    CHECK(update_of(d.run(), 4).get_state() == OrderState::SUBMITTED);
}

void cash_of_a_slice_is_its_parents_strategys() {
    Worked d;
    d.live(2, "4");
    CashMovement rebate{};
    rebate.account = kAccount;
    rebate.instrument = kPerpetual;
    rebate.order_id = 2;
    rebate.set_amount(money("1"));
    rebate.set_kind(CashKind::FEE);
    rebate.set_currency("USDT");
    d.put(kVenue, 0, rebate);
    const auto out = d.run();
    CHECK(out[0].type == CashMovement::kType && out[0].destination == kStrategy);
}

void what_nobody_works_any_more_cannot_be_amended() {
    Worked d;
    d.reload(Desk::plain());
    d.amend(1, "11", nullptr);
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 1);
    CHECK(only_update(out).tail<OrderUpdate>().find("is not configured") != std::string::npos);
}

/// It does not work orders of an earlier session again; they would count for ever, and block every way out.
void an_algorithm_that_starts_anew_ends_what_it_worked() {
    Worked d;
    d.live(2, "4");
    d.cancel(1);
    d.run();
    ++d.now;
    ComponentStatus status{};
    status.set_kind(ComponentKind::STRATEGY);
    status.set_phase(ComponentPhase::START);
    d.put(kAlgorithm, 0, status);
    auto out = d.run();
    CHECK(update_of(out, 1).get_state() == OrderState::CANCELED);
    CHECK(out.back().type == OrderCancel::kType && out.back().destination == kVenue);
    d.put(kStrategy, kBroker, Worked::parent(5), "{}");
    d.put(kAlgorithm, 0, status);
    CHECK(update_of(d.run(), 5).get_state() == OrderState::SUBMITTED);
    status.set_phase(ComponentPhase::FAULT);
    d.put(kAlgorithm, 0, status);
    CHECK(update_of(d.run(), 5).get_state() == OrderState::EXPIRED);
}

void slices_of_one_size_are_no_repetition() {
    Worked d(limited({{"duplicate_window", "1h"}}, {}));
    d.live(2, "1");
    d.live(3, "1");
}

void a_kill_switch_of_the_strategy_ends_what_is_worked_for_it() {
    Worked d(limited({}, {}));
    d.live(2, "4");
    OperatorCommand kill{};
    kill.set_kind(CommandKind::KILL);
    kill.set_scope(Scope::STRATEGY);
    kill.subject = kStrategy;
    d.put(0, kBroker, kill, "me");
    const auto cancels = all<OrderCancel>(d.run());
    CHECK(cancels.size() == 2 && cancels[0].order_id == 1 && cancels[1].order_id == 2);
}

void only_slices_would_trade_with_our_own_orders() {
    Worked d(limited({{"self_trade", "reject"}}, {}));
    d.request(Desk::limit(20, Side::SELL, "1", "99"));
    d.update(20, OrderState::ACCEPTED);
    CHECK(d.run().size() == 3);
    d.put(kStrategy, kBroker, Worked::parent(21), "{}");
    CHECK(update_of(d.run(), 21).get_state() == OrderState::SUBMITTED);
    d.expect_refused(Worked::slice(22, "1"), "limit self_trade");
}

}  // namespace

int main() {
    an_order_for_an_algorithm_goes_there_with_its_parameters();
    an_algorithm_that_is_not_configured_or_cannot_do_it_is_a_refusal();
    a_slice_goes_to_the_venue_and_its_fills_are_the_strategys();
    slices_never_exceed_what_their_parent_has_left();
    a_slice_that_does_not_fit_its_parent_is_refused();
    what_may_still_fill_counts_once();
    a_cancel_goes_to_the_algorithm_which_ends_its_slices();
    a_fill_that_comes_after_the_parents_end_is_booked_and_told();
    a_worked_order_expires_and_waits_like_any_other();
    a_broker_that_takes_its_state_again_still_knows_the_slices();
    a_slice_keeps_to_the_limits_of_its_parents_strategy();
    what_counts_in_the_parent_counts_once_in_the_limits();
    what_other_slices_may_fill_counts_in_the_limits();
    slices_reduce_a_position_only_together();
    cash_of_a_slice_is_its_parents_strategys();
    what_nobody_works_any_more_cannot_be_amended();
    an_algorithm_that_starts_anew_ends_what_it_worked();
    slices_of_one_size_are_no_repetition();
    a_kill_switch_of_the_strategy_ends_what_is_worked_for_it();
    only_slices_would_trade_with_our_own_orders();
}
