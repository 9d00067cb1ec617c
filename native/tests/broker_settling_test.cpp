// Orders whose venue does not answer, and accounts that are compared with their venues.
#include <string>
#include <vector>

#include "broker_desk.hpp"

using namespace desk;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A desk whose venue can be asked; it has started, and its account was compared once.
struct Asked : Desk {
    explicit Asked(bool ready = true) : Desk(asking()) {
        now = 100 * kSecond;
        define_perpetual();
        define_spot();
        start();
        const auto out = run();
        if (ready) {
            answer_account(query_in(out), QueryOutcome::COMPLETE);
            run();
        }
    }

    static broker::BrokerConfig asking() {
        broker::BrokerConfig config = plain();
        config.gateways[0].capabilities.queries = true;
        return config;
    }

    void answer_order(const VenueQuery& query, QueryOutcome outcome) {
        answer(query, outcome, query.order_id);
    }
    void answer_account(const VenueQuery& query, QueryOutcome outcome) { answer(query, outcome, 0); }

    void answer(const VenueQuery& query, QueryOutcome outcome, std::uint64_t order) {
        VenueAnswer a{};
        a.query_id = query.query_id;
        a.account = query.account;
        a.order_id = order;
        a.as_of = now;
        a.set_outcome(outcome);
        put(kVenue, 0, a);
    }

    void venue_holds(const char* size, const char* cost) {
        Position p{};
        p.account = kAccount;
        p.instrument = kPerpetual;
        p.set_size(num(size));
        p.set_cost(money(cost));
        p.set_realized_pnl(Money::none());
        p.set_mark(Number::none());
        put(kVenue, 0, p);
    }

    void venue_has(const char* currency, const char* total) {
        Balance b{};
        b.account = kAccount;
        b.set_total(money(total));
        b.set_currency(currency);
        put(kVenue, 0, b);
    }

    std::vector<Record> later(std::int64_t ns) {
        now += ns;
        return run();
    }

    template <class T>
    static std::vector<T> all(const std::vector<Record>& out) {
        std::vector<T> found;
        for (const Record& record : out)
            if (record.type == T::kType) found.push_back(record.template as<T>());
        return found;
    }

    static VenueQuery query_in(const std::vector<Record>& out) {
        const auto queries = all<VenueQuery>(out);
        CHECK(queries.size() == 1);
        return queries[0];
    }

    static OrderState last_state(const std::vector<Record>& out) {
        const auto updates = all<OrderUpdate>(out);
        CHECK(!updates.empty());
        return updates.back().get_state();
    }

    void place(std::uint64_t id) {
        request(Desk::limit(id, Side::BUY, "1", "100"));
        CHECK(last_state(run()) == OrderState::SUBMITTED);
    }
};

void no_order_goes_out_before_its_account_was_compared() {
    Asked d(false);
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    auto out = d.run();
    CHECK(out.size() == 1 && Asked::last_state(out) == OrderState::RISK_REJECTED);
    CHECK(out[0].tail<OrderUpdate>().find("venue/main has not been compared") != std::string::npos);
    // Without an answer it is asked again, and an answer to the earlier query is too late.
    out = d.later(7 * kSecond);
    const VenueQuery second = Asked::query_in(out);
    VenueQuery first = second;
    first.query_id = second.query_id - 1;
    d.answer_account(first, QueryOutcome::COMPLETE);
    CHECK(Asked::all<AccountStatus>(d.run()).empty());
    d.answer_account(second, QueryOutcome::COMPLETE);
    out = d.run();
    CHECK(Asked::all<AccountStatus>(out).at(0).get_state() == AccountState::READY);
    d.place(2);
}

void an_order_carries_a_deadline_where_its_venue_can_be_asked() {
    Asked d;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    const auto sent = Asked::all<OrderRequest>(d.run());
    CHECK(sent.size() == 1 && sent[0].deadline == d.now + 5 * kSecond);
}

void an_order_without_answer_is_unknown_and_an_answer_decides() {
    Asked d;
    d.place(1);
    CHECK(d.later(4 * kSecond).empty());
    auto out = d.later(kSecond);
    CHECK(Asked::last_state(out) == OrderState::UNKNOWN);
    const VenueQuery query = Asked::query_in(out);
    CHECK(query.order_id == 1 && query.get_kind() == QueryKind::ORDER && query.since == 99 * kSecond);
    d.update(1, OrderState::ACCEPTED);
    d.answer_order(query, QueryOutcome::COMPLETE);
    CHECK(Asked::last_state(d.run()) == OrderState::ACCEPTED);
    CHECK(Asked::all<VenueQuery>(d.later(20 * kSecond)).empty());
}

void absence_counts_only_after_the_deadline_and_three_times() {
    Asked d;
    d.place(1);
    auto out = d.later(5 * kSecond);
    int asked = 0;
    // The order's deadline is at 105 s, the clock may be off by one: what is not found before 106 s proves
    // nothing.
    while (Asked::all<Reconciliation>(out).empty()) {
        for (const VenueQuery& query : Asked::all<VenueQuery>(out)) {
            ++asked;
            d.answer_order(query, QueryOutcome::NOT_FOUND);
        }
        out = d.run();
        if (!Asked::all<Reconciliation>(out).empty()) break;
        out = d.later(kSecond);
        CHECK(d.now < 200 * kSecond);
    }
    CHECK(asked == 4);
    CHECK(Asked::last_state(out) == OrderState::EXPIRED);
    CHECK(Asked::all<Reconciliation>(out)[0].get_difference() == Difference::ORDER_MISSING);
}

void a_venue_that_does_not_answer_leaves_it_unknown_and_alarms_once() {
    Asked d;
    d.place(1);
    int alarms = 0;
    std::size_t queries = 0;
    for (int second = 0; second < 300; ++second) {
        const auto out = d.later(kSecond);
        for (const Record& record : out)
            if (record.type == Log::kType && record.tail<Log>().find("is unknown for") != std::string::npos)
                ++alarms;
        for (const VenueQuery& query : Asked::all<VenueQuery>(out)) queries += query.order_id == 1;
    }
    CHECK(alarms == 1);
    CHECK(queries > 5 && queries < 20);
    // It still counts, and can still be cancelled.
    d.cancel(1);
    CHECK(Asked::last_state(d.run()) == OrderState::PENDING_CANCEL);
}

void fills_that_the_venue_told_of_are_asked_for() {
    Asked d;
    d.place(1);
    d.update(1, OrderState::PARTIALLY_FILLED, "0.5");
    d.run();
    auto out = d.later(kSecond);
    const VenueQuery query = Asked::query_in(out);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.5", "100"));
    d.answer_order(query, QueryOutcome::COMPLETE);
    CHECK(Asked::last_state(d.run()) == OrderState::PARTIALLY_FILLED);
    CHECK(Asked::all<VenueQuery>(d.later(10 * kSecond)).empty());
}

/// Else they would count in the limits for ever, on top of the position that comparing the account adjusts.
void fills_that_were_told_of_and_never_found_are_waited_for_no_longer() {
    Asked d;
    d.place(1);
    OrderRequest child = Desk::limit(2, Side::SELL, "1", "110");
    child.parent_id = 1;
    d.request(child);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.update(1, OrderState::CANCELED, "0.5");
    d.run();
    std::vector<Record> out;
    for (int i = 0; i < 8 && Asked::all<Reconciliation>(out).empty(); ++i) {
        for (const VenueQuery& query : Asked::all<VenueQuery>(d.later(60 * kSecond)))
            if (query.order_id == 1) d.answer_order(query, QueryOutcome::NOT_FOUND);
        out = d.run();
    }
    const auto sent = Asked::all<OrderRequest>(out);
    CHECK(sent.size() == 1 && sent[0].order_id == 2 && sent[0].get_size() == num("0.4"));
}

void after_a_start_what_was_under_way_is_asked_about_and_not_sent_again() {
    Asked d;
    d.place(1);
    d.place(2);
    d.update(2, OrderState::ACCEPTED);
    d.run();
    d.start();
    const auto out = d.run();
    CHECK(Asked::all<OrderRequest>(out).empty());
    std::size_t of_orders = 0;
    for (const VenueQuery& query : Asked::all<VenueQuery>(out)) {
        if (query.get_kind() == QueryKind::ACCOUNT) continue;
        ++of_orders;
        CHECK(query.order_id == 1);
    }
    CHECK(of_orders == 1 && Asked::last_state(out) == OrderState::UNKNOWN);
}

/// What the broker says when a venue has told often enough that it does not have the order.
std::vector<Record> until_settled_as_absent(Asked& d) {
    std::vector<Record> out = d.run();
    for (int i = 0; i < 200; ++i) {
        for (const VenueQuery& query : Asked::all<VenueQuery>(out))
            query.order_id != 0 ? d.answer_order(query, QueryOutcome::NOT_FOUND)
                                : d.answer_account(query, QueryOutcome::COMPLETE);
        out = d.run();
        if (!Asked::all<Reconciliation>(out).empty()) return out;
        out = d.later(kSecond);
    }
    CHECK(false);
    return out;
}

broker::BrokerConfig resending(std::int64_t age, const char* most = "100") {
    auto config = Asked::asking();
    config.timing.resend_max_age = age;
    config.limits.push_back({Scope::GLOBAL, 0, {}, {{"max_order_size", most}}, {}});
    return config;
}

void a_young_order_that_was_lost_is_sent_again_once_its_absence_is_sure() {
    const auto outcome = [](std::int64_t age, auto&& happens, const char* most = "100") {
        Asked d;
        d.place(1);
        happens(d);
        d.reload(resending(age, most));
        d.start();
        const auto out = until_settled_as_absent(d);
        const auto sent = Asked::all<OrderRequest>(out);
        CHECK(sent.size() <= 1);
        CHECK(Asked::last_state(out) == (sent.empty() ? OrderState::EXPIRED : OrderState::SUBMITTED));
        if (!sent.empty()) {
            CHECK(sent[0].order_id == 1 && sent[0].deadline == d.now + 5 * kSecond);
            // It goes on like any other order.
            d.update(1, OrderState::ACCEPTED);
            CHECK(Asked::last_state(d.run()) == OrderState::ACCEPTED);
        }
        return !sent.empty();
    };
    const auto nothing = [](Asked&) {};
    CHECK(outcome(60 * kSecond, nothing));
    CHECK(!outcome(0, nothing));
    CHECK(!outcome(5 * kSecond, nothing));  // younger than its absence is proven it can never be
    CHECK(!outcome(60 * kSecond, [](Asked& d) {
        d.update(1, OrderState::ACCEPTED, nullptr, {}, nullptr, nullptr, "V1");
        d.cancel(1);
        d.run();
    }));
    CHECK(!outcome(60 * kSecond, [](Asked& d) {
        d.cancel(1);
        d.run();
    }));
    // It passes the limits of now like any order.
    CHECK(!outcome(60 * kSecond, nothing, "0.5"));
}

void an_order_whose_cancel_was_lost_too_is_not_sent_again() {
    Asked d;
    d.reload(resending(600 * kSecond));
    d.start();
    d.answer_account(Asked::query_in(d.run()), QueryOutcome::COMPLETE);
    d.run();
    d.place(1);
    CHECK(Asked::last_state(d.later(6 * kSecond)) == OrderState::UNKNOWN);
    d.cancel(1);
    CHECK(Asked::last_state(d.run()) == OrderState::PENDING_CANCEL);
    CHECK(Asked::last_state(until_settled_as_absent(d)) == OrderState::EXPIRED);
    // Without the cancel it is, whether it was the broker or the gateway that lost it.
    d.place(2);
    CHECK(Asked::last_state(d.later(6 * kSecond)) == OrderState::UNKNOWN);
    CHECK(Asked::last_state(until_settled_as_absent(d)) == OrderState::SUBMITTED);
}

void an_order_that_the_venue_no_longer_lists_is_asked_about() {
    Asked d;
    d.place(1);
    d.update(1, OrderState::ACCEPTED);
    d.run();
    const VenueQuery account = Asked::query_in(d.later(61 * kSecond));
    CHECK(account.get_kind() == QueryKind::ACCOUNT);
    d.answer_account(account, QueryOutcome::COMPLETE);
    const VenueQuery query = Asked::query_in(d.run());
    CHECK(query.order_id == 1);
    d.update(1, OrderState::CANCELED);
    d.answer_order(query, QueryOutcome::COMPLETE);
    CHECK(Asked::last_state(d.run()) == OrderState::CANCELED);
}

void a_first_comparison_takes_over_what_the_venue_has() {
    Asked d(false);
    const VenueQuery query = Asked::query_in(d.later(7 * kSecond));
    d.venue_has("USDT", "1000");
    d.venue_holds("2", "180");
    d.answer_account(query, QueryOutcome::COMPLETE);
    const auto out = d.run();
    CHECK(Asked::all<Reconciliation>(out).size() == 2);
    CHECK(same(Asked::all<Balance>(out).at(0).get_total(), money("1000")));
    CHECK(Asked::all<CashMovement>(out).at(0).get_kind() == CashKind::ADJUSTMENT);
    CHECK(Asked::all<Position>(out).at(0).get_size() == num("2"));
    CHECK(same(Asked::all<Position>(out).at(0).get_cost(), money("180")));
}

void a_difference_is_adjusted_only_if_it_stays() {
    Asked d;
    const auto compare = [&](const char* total) {
        const auto out = d.later(61 * kSecond);
        d.venue_has("USDT", total);
        d.answer_account(Asked::query_in(out), QueryOutcome::COMPLETE);
        return d.run();
    };
    CHECK(Asked::all<Reconciliation>(compare("5")).empty());
    CHECK(Asked::all<Reconciliation>(compare("6")).empty());
    const auto out = compare("6");
    const auto found = Asked::all<Reconciliation>(out);
    CHECK(found.size() == 1 && found[0].adjusted && same(found[0].get_theirs(), money("6")));
    CHECK(same(Asked::all<Balance>(out).at(0).get_total(), money("6")));
    CHECK(Asked::all<Reconciliation>(compare("6")).empty());
}

void a_disconnected_gateway_takes_no_orders_until_it_was_compared_again() {
    Asked d;
    const auto connection = [&](ConnectionState state) {
        Connection c{};
        c.set_state(state);
        d.put(kVenue, 0, c);
        return d.run();
    };
    connection(ConnectionState::DISCONNECTED);
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    CHECK(Asked::last_state(d.run()) == OrderState::RISK_REJECTED);
    const auto out = connection(ConnectionState::CONNECTED);
    d.answer_account(Asked::query_in(out), QueryOutcome::COMPLETE);
    d.run();
    d.place(2);
}

}  // namespace

int main() {
    no_order_goes_out_before_its_account_was_compared();
    an_order_carries_a_deadline_where_its_venue_can_be_asked();
    an_order_without_answer_is_unknown_and_an_answer_decides();
    absence_counts_only_after_the_deadline_and_three_times();
    a_venue_that_does_not_answer_leaves_it_unknown_and_alarms_once();
    fills_that_the_venue_told_of_are_asked_for();
    fills_that_were_told_of_and_never_found_are_waited_for_no_longer();
    after_a_start_what_was_under_way_is_asked_about_and_not_sent_again();
    a_young_order_that_was_lost_is_sent_again_once_its_absence_is_sure();
    an_order_whose_cancel_was_lost_too_is_not_sent_again();
    an_order_that_the_venue_no_longer_lists_is_asked_about();
    a_first_comparison_takes_over_what_the_venue_has();
    a_difference_is_adjusted_only_if_it_stays();
    a_disconnected_gateway_takes_no_orders_until_it_was_compared_again();
}
