// Orders that the broker holds, ties together or ends itself, and every race that this can come to.
#include <string>
#include <vector>

#include "broker_desk.hpp"

using namespace desk;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

struct Holding : Desk {
    explicit Holding(broker::BrokerConfig config = bare()) : Desk(std::move(config)) {
        define_perpetual();
        run();
    }

    /// A venue with market and limit orders, GTC and IOC, and nothing else.
    static broker::BrokerConfig bare() {
        broker::BrokerConfig config = plain();
        config.gateways[0].capabilities = {(1U << 1) | (1U << 2), (1U << 1) | (1U << 2), true, true};
        return config;
    }

    static OrderRequest stop(std::uint64_t id, Side side, const char* trigger, const char* size = "1",
                             const char* price = nullptr) {
        OrderRequest r = limit(id, side, size, price);
        r.set_type(price ? OrderType::STOP_LIMIT : OrderType::STOP_MARKET);
        r.set_time_in_force(TimeInForce::GTC);
        r.set_trigger_price(num(trigger));
        return r;
    }
    static OrderRequest trailing(std::uint64_t id, Side side, const char* offset) {
        OrderRequest r = stop(id, side, "1");
        r.set_type(OrderType::TRAILING_STOP);
        r.set_trigger_price(Number::none());
        r.set_trailing_offset(num(offset));
        return r;
    }
    static OrderRequest child_of(std::uint64_t parent, OrderRequest r) {
        r.parent_id = parent;
        return r;
    }
    static OrderRequest in_group_of(std::uint64_t other, OrderRequest r) {
        r.group_id = other;
        return r;
    }
    static OrderRequest until(std::int64_t time, OrderRequest r) {
        r.set_time_in_force(TimeInForce::GTD);
        r.expire_time = time;
        return r;
    }

    void trade(const char* price) {
        Trade t{};
        t.instrument = kPerpetual;
        t.set_price(num(price));
        t.set_size(num("1"));
        put(kVenue, 0, t);
    }
    void mark(const char* price) {
        MarkPrice m{};
        m.instrument = kPerpetual;
        m.set_price(num(price));
        put(kVenue, 0, m);
    }
    void command(CommandKind kind, std::uint64_t order) {
        OperatorCommand c{};
        c.set_kind(kind);
        c.order_id = order;
        put(id_of("session"), kBroker, c, "somebody: as agreed");
    }
    void accept(std::uint64_t id) { update(id, OrderState::ACCEPTED); }
    void filled(std::uint64_t id, const char* trade, Side side, const char* size, const char* price = "100") {
        fill(a_fill(id, trade, side, size, price));
    }
    /// A live buy order, and what it says is over.
    void live(std::uint64_t id, const char* size = "1") {
        request(limit(id, Side::BUY, size, "100"));
        accept(id);
        run();
    }
    std::vector<Record> later(std::int64_t span) {
        now += span;
        return run();
    }
};

template <class T>
std::vector<T> all(const std::vector<Record>& records) {
    std::vector<T> found;
    for (const Record& record : records)
        if (record.type == T::kType) found.push_back(record.as<T>());
    return found;
}

/// The last update of an order: its state, and the reason if it is asked for.
OrderState state_of(const std::vector<Record>& records, std::uint64_t id, std::string* reason = nullptr) {
    OrderState state{};
    for (const Record& record : records) {
        if (record.type != OrderUpdate::kType || record.as<OrderUpdate>().order_id != id) continue;
        state = record.as<OrderUpdate>().get_state();
        if (reason) *reason = record.tail<OrderUpdate>();
    }
    return state;
}

bool says(const std::vector<Record>& records, std::uint64_t id, OrderState state, const char* why) {
    std::string reason;
    const bool is = state_of(records, id, &reason) == state;
    if (is && reason.find(why) != std::string::npos) return true;
    std::fprintf(stderr, "order %d is %s: '%s'\n", static_cast<int>(id), name_of(state_of(records, id)),
                 reason.c_str());
    return false;
}

/// The only order that goes to the venue.
OrderRequest sent(const std::vector<Record>& records) {
    const auto requests = all<OrderRequest>(records);
    CHECK(requests.size() == 1);
    return requests[0];
}

bool nothing_sent(const std::vector<Record>& records) {
    return all<OrderRequest>(records).empty() && all<OrderCancel>(records).empty() &&
           all<OrderAmend>(records).empty();
}

// --- stops ----------------------------------------------------------------------------------------

void a_stop_waits_for_its_price_and_goes_out_as_a_market_order() {
    Holding d;
    d.trade("99");
    d.request(Holding::stop(1, Side::BUY, "100"));
    auto out = d.run();
    CHECK(nothing_sent(out));
    CHECK(says(out, 1, OrderState::CREATED, "held by the broker until LAST reaches 100"));
    d.trade("99.9");
    d.mark("101");
    CHECK(d.run().empty());
    d.trade("100");
    out = d.run();
    CHECK(state_of(out, 1) == OrderState::SUBMITTED);
    const OrderRequest r = sent(out);
    CHECK(r.order_id == 1 && r.get_type() == OrderType::MARKET);
    CHECK(r.get_trigger_price().is_none() && r.get_size() == num("1"));
    d.trade("101");
    CHECK(d.run().empty());
}

void sells_fire_at_or_below_and_stop_limits_become_limit_orders() {
    Holding d;
    d.trade("100");
    d.request(Holding::stop(1, Side::SELL, "95", "1", "94"));
    CHECK(nothing_sent(d.run()));
    d.trade("94.5");
    const OrderRequest r = sent(d.run());
    CHECK(r.get_type() == OrderType::LIMIT && r.get_price() == num("94"));
}

void a_stop_on_the_mark_watches_nothing_else() {
    Holding d;
    OrderRequest r = Holding::stop(1, Side::SELL, "95");
    r.set_trigger_by(PriceKind::MARK);
    d.request(r);
    CHECK(says(d.run(), 1, OrderState::CREATED, "until MARK reaches 95"));
    d.trade("90");
    CHECK(d.run().empty());
    d.mark("95");
    CHECK(sent(d.run()).get_type() == OrderType::MARKET);
}

void a_stop_that_is_crossed_already_goes_out_at_once() {
    Holding d;
    d.trade("94");
    d.request(Holding::stop(1, Side::SELL, "95"));
    const auto out = d.run();
    CHECK(state_of(out, 1) == OrderState::SUBMITTED);
    CHECK(all<OrderUpdate>(out).size() == 1);
    CHECK(sent(out).get_type() == OrderType::MARKET);
}

void a_trailing_stop_follows_the_best_price() {
    Holding d;
    d.trade("100");
    d.request(Holding::trailing(1, Side::SELL, "5"));
    CHECK(says(d.run(), 1, OrderState::CREATED, "until LAST is 5 off its best"));
    for (const char* price : {"97", "110", "105.1"}) d.trade(price);
    CHECK(d.run().empty());
    d.trade("105");
    CHECK(sent(d.run()).get_side() == Side::SELL);
    d.request(Holding::trailing(2, Side::BUY, "5"));
    for (const char* price : {"108", "90", "94.9"}) d.trade(price);
    CHECK(nothing_sent(d.run()));
    d.trade("95");
    CHECK(sent(d.run()).order_id == 2);
}

void what_the_venue_has_is_passed_on() {
    broker::BrokerConfig config = Holding::bare();
    broker::Capabilities& venue = config.gateways[0].capabilities;
    venue.order_types |= 1U << 4;
    venue.times_in_force |= 1U << 4;
    Holding d(std::move(config));
    d.request(Holding::until(2000, Holding::stop(1, Side::BUY, "100")));
    const OrderRequest r = sent(d.run());
    CHECK(r.get_type() == OrderType::STOP_MARKET && r.get_trigger_price() == num("100"));
    CHECK(r.get_time_in_force() == TimeInForce::GTD && r.expire_time == 2000);
    d.accept(1);
    d.run();
    CHECK(d.later(5000).empty());
    // It watches the last price only: the mark is the broker's business.
    OrderRequest on_mark = Holding::stop(2, Side::BUY, "100");
    on_mark.set_trigger_by(PriceKind::MARK);
    d.request(on_mark);
    CHECK(says(d.run(), 2, OrderState::CREATED, "until MARK reaches 100"));
}

void what_cannot_be_expressed_is_refused_with_the_reason() {
    broker::BrokerConfig config = Holding::bare();
    config.gateways[0].capabilities = {1U << 2, 1U << 2, false, false};
    Holding d(std::move(config));
    OrderRequest r = Desk::limit(1, Side::BUY, "1", "100");
    r.set_time_in_force(TimeInForce::IOC);
    r.set_display_size(num("0.5"));
    d.request(r);
    CHECK(says(d.run(), 1, OrderState::RISK_REJECTED, "gateway venue takes no display size"));
    r = Holding::stop(2, Side::BUY, "100");
    r.set_time_in_force(TimeInForce::IOC);
    d.request(r);
    CHECK(says(d.run(), 2, OrderState::RISK_REJECTED,
               "takes no STOP_MARKET (it would be made of MARKET) orders"));
    d.request(Holding::until(2000, Desk::limit(3, Side::BUY, "1", "100")));
    CHECK(
        says(d.run(), 3, OrderState::RISK_REJECTED, "takes no time in force GTD (it would be made of GTC)"));
}

void held_orders_count_as_open_only_once_they_are_out() {
    Holding d;
    d.filled(77, "x", Side::BUY, "1");  // an order of somebody else: the account is long
    d.request(Holding::stop(1, Side::SELL, "95", "1"));
    d.run();
    // With the stop not counted, this one reduces the position, and its little worth is excused.
    OrderRequest small = Desk::limit(2, Side::SELL, "0.01", "100");
    d.request(small);
    CHECK(state_of(d.run(), 2) == OrderState::SUBMITTED);
    d.trade("95");
    d.run();
    small.order_id = 3;
    d.request(small);
    CHECK(says(d.run(), 3, OrderState::RISK_REJECTED, "notional"));
}

/// Refuses all orders above a size.
struct SizeCheck : broker::RiskCheck {
    explicit SizeCheck(const char* most) : most(num(most)) {}
    Verdict judge(const OrderRequest& order, const broker::RiskView&, std::string& reason) override {
        ++asked;
        if (order.get_size() <= most) return Verdict::ALLOWED;
        reason = "too large";
        return Verdict::REFUSED;
    }
    Number most;
    int asked = 0;
};

void held_orders_pass_the_checks_twice() {
    broker::BrokerConfig config = Holding::bare();
    auto owned = std::make_unique<SizeCheck>("10");
    SizeCheck& check = *owned;
    config.checks.push_back(std::move(owned));
    Holding d(std::move(config));
    d.request(Holding::stop(1, Side::BUY, "100", "11"));
    CHECK(says(d.run(), 1, OrderState::RISK_REJECTED, "too large"));
    d.request(Holding::stop(2, Side::BUY, "100", "10"));
    CHECK(state_of(d.run(), 2) == OrderState::CREATED);
    check.most = num("5");
    d.trade("100");
    const auto out = d.run();
    CHECK(says(out, 2, OrderState::RISK_REJECTED, "too large"));
    CHECK(nothing_sent(out) && check.asked == 3);
}

/// Otherwise funds that it takes would be there for others.
void an_order_counts_at_the_prices_of_the_moment_at_which_it_is_let_out() {
    broker::BrokerConfig config = Holding::bare();
    config.limits.push_back({Scope::GLOBAL, 0, "", {{"check_funds", "true"}}, {}});
    Holding d(std::move(config));
    d.define_spot();
    d.deposit("USDT", "300");
    const auto price = [&](const char* last) {
        Trade t{};
        t.instrument = kSpot;
        t.set_price(num(last));
        t.set_size(num("1"));
        d.put(kVenue, 0, t);
    };
    price("100");
    OrderRequest r = Holding::stop(1, Side::BUY, "110");
    r.instrument = kSpot;
    d.request(r);
    d.run();
    price("200");
    CHECK(sent(d.run()).order_id == 1);
    d.request(Desk::limit(2, Side::BUY, "1.9", "100", kSpot));
    CHECK(says(d.run(), 2, OrderState::RISK_REJECTED, "390.0 USDT is needed"));
}

void what_is_held_is_in_no_book_and_trades_with_none_of_ours() {
    broker::BrokerConfig config = Holding::bare();
    config.limits.push_back({Scope::GLOBAL, 0, "", {{"self_trade", "reject"}}, {}});
    Holding d(std::move(config));
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "105")));
    d.request(Desk::limit(3, Side::BUY, "1", nullptr));
    CHECK(sent(d.run()).order_id == 3);
    d.filled(1, "a", Side::BUY, "1");
    CHECK(sent(d.run()).order_id == 2);
    d.request(Desk::limit(4, Side::BUY, "1", "105"));
    CHECK(says(d.run(), 4, OrderState::RISK_REJECTED, "limit self_trade"));
}

void a_cancel_of_a_held_order_is_done_at_once_and_the_price_comes_too_late() {
    Holding d;
    d.request(Holding::stop(1, Side::BUY, "100"));
    d.cancel(1);
    d.trade("100");
    const auto out = d.run();
    CHECK(state_of(out, 1) == OrderState::CANCELED);
    CHECK(nothing_sent(out));
}

void a_cancel_that_comes_after_the_price_goes_to_the_venue() {
    Holding d;
    d.request(Holding::stop(1, Side::BUY, "100"));
    d.trade("100");
    d.cancel(1);
    auto out = d.run();
    CHECK(state_of(out, 1) == OrderState::PENDING_CANCEL);
    CHECK(sent(out).order_id == 1 && all<OrderCancel>(out).size() == 1);
    d.filled(1, "a", Side::BUY, "1");
    CHECK(state_of(d.run(), 1) == OrderState::FILLED);
}

void an_amend_of_a_held_order_is_done_at_once() {
    Holding d;
    d.trade("100");
    d.request(Holding::stop(1, Side::BUY, "110", "1", "111"));
    d.run();
    d.amend(1, "2", "112", "105");
    auto out = d.run();
    CHECK(nothing_sent(out));
    CHECK(says(out, 1, OrderState::CREATED, "until LAST reaches 105"));
    CHECK(all<OrderUpdate>(out).back().get_size() == num("2"));
    CHECK(all<OrderUpdate>(out).back().get_price() == num("112"));
    d.amend(1, nullptr, nullptr, "105.05");
    out = d.run();
    CHECK(says(out, 1, OrderState::CREATED, "trigger price 105.05 is not a multiple of the tick"));
    CHECK(all<OrderUpdate>(out).back().anomaly == 1);
    d.trade("105");
    const OrderRequest r = sent(d.run());
    CHECK(r.get_size() == num("2") && r.get_price() == num("112"));
    // Once out it is a limit order like any other.
    d.accept(1);
    d.run();
    d.amend(1, nullptr, nullptr, "104");
    CHECK(says(d.run(), 1, OrderState::ACCEPTED, "a LIMIT order takes no trigger price"));
}

void an_amend_over_the_present_price_lets_the_order_out() {
    Holding d;
    d.trade("100");
    d.request(Holding::stop(1, Side::BUY, "110"));
    d.run();
    d.amend(1, nullptr, nullptr, "99");
    CHECK(sent(d.run()).order_id == 1);
}

// --- times ----------------------------------------------------------------------------------------

void the_broker_ends_an_order_whose_venue_has_no_gtd() {
    Holding d;
    d.request(Holding::until(5000, Desk::limit(1, Side::BUY, "1", "100")));
    const OrderRequest r = sent(d.run());
    CHECK(r.get_time_in_force() == TimeInForce::GTC && r.expire_time == 0);
    d.accept(1);
    d.run();
    CHECK(d.later(3999).empty());
    auto out = d.later(1);
    CHECK(out[0].type == Timer::kType && out[0].as<Timer>().due == 5000);
    CHECK(says(out, 1, OrderState::PENDING_CANCEL, "its time is over"));
    CHECK(all<OrderCancel>(out).size() == 1);
    d.update(1, OrderState::CANCELED, "0");
    CHECK(says(d.run(), 1, OrderState::EXPIRED, "its time is over"));
    d.update(1, OrderState::CANCELED, "0");
    CHECK(d.run().empty());
    CHECK(d.later(100 * kSecond).empty());
}

void an_expiry_that_the_venue_refuses_is_asked_for_again() {
    Holding d;
    d.request(Holding::until(5000, Desk::limit(1, Side::BUY, "1", "100")));
    d.accept(1);
    d.run();
    d.later(5000);
    d.update(1, OrderState::ACCEPTED, "0", "not now");
    CHECK(state_of(d.run(), 1) == OrderState::ACCEPTED);
    CHECK(all<OrderCancel>(d.later(30 * kSecond)).size() == 1);
    d.filled(1, "a", Side::BUY, "1");
    CHECK(state_of(d.run(), 1) == OrderState::FILLED);
    CHECK(d.later(100 * kSecond).empty());
}

void a_held_order_expires_where_it_is_held() {
    Holding d;
    d.request(Holding::until(5000, Holding::stop(1, Side::BUY, "100")));
    d.run();
    const auto out = d.later(5000);
    CHECK(says(out, 1, OrderState::EXPIRED, "its time is over"));
    CHECK(nothing_sent(out));
    d.trade("100");
    CHECK(d.run().empty());
}

void a_day_ends_in_its_zone_even_where_clocks_are_changed() {
    CHECK(broker::DayClock().end_of_day(0) == kDay);
    CHECK(broker::DayClock().end_of_day(kDay - 1) == kDay);
    const std::int64_t hour = 3600 * kSecond;
    // An hour ahead until 01:00 UTC of the second day, two from then on.
    const broker::DayClock clock({{0, hour}, {kDay + hour, 2 * hour}});
    CHECK(clock.end_of_day(kDay - hour - 1) == kDay - hour);
    CHECK(clock.end_of_day(kDay) == 2 * kDay - 2 * hour);
    // From 00:00 on it is 01:00, and the other way round: it is 23:00 once more.
    CHECK(broker::DayClock({{0, hour}, {kDay - hour, 2 * hour}}).end_of_day(kDay - hour - 1) == kDay - hour);
    CHECK(broker::DayClock({{0, hour}, {kDay - hour, 0}}).end_of_day(kDay - hour - 1) == kDay);
    Holding d;
    OrderRequest r = Desk::limit(1, Side::BUY, "1", "100");
    r.set_time_in_force(TimeInForce::DAY);
    d.request(r);
    d.accept(1);
    CHECK(sent(d.run()).get_time_in_force() == TimeInForce::GTC);
    d.now = kDay - 1;
    CHECK(d.run().empty());
    CHECK(all<OrderCancel>(d.later(1)).size() == 1);
}

// --- parents --------------------------------------------------------------------------------------

void a_child_waits_until_its_parent_has_filled() {
    Holding d;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    auto out = d.run();
    CHECK(says(out, 2, OrderState::CREATED, "held by the broker until order 0000000000000001 has filled"));
    CHECK(sent(out).order_id == 1);
    d.filled(1, "a", Side::BUY, "0.4");
    CHECK(nothing_sent(d.run()));
    d.filled(1, "b", Side::BUY, "0.6");
    out = d.run();
    const OrderRequest r = sent(out);
    CHECK(r.order_id == 2 && r.parent_id == 0 && r.get_size() == num("1"));
    // Everything that the fill means is said before.
    CHECK(out.back().type == OrderRequest::kType);
}

void a_parent_that_ends_in_part_lets_out_as_much_as_it_filled() {
    Holding d;
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    d.filled(1, "a", Side::BUY, "0.4");
    d.update(1, OrderState::CANCELED, "0.4");
    CHECK(sent(d.run()).get_size() == num("0.4"));
}

void a_parent_that_ends_without_a_fill_cancels_its_children() {
    Holding d;
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    d.request(Holding::child_of(2, Desk::limit(3, Side::BUY, "1", "90")));
    d.update(1, OrderState::REJECTED, "0", "no");
    const auto out = d.run();
    CHECK(says(out, 2, OrderState::CANCELED, "its parent 0000000000000001 is REJECTED"));
    CHECK(says(out, 3, OrderState::CANCELED, "its parent 0000000000000002 is CANCELED"));
}

void fills_that_a_dead_parent_still_owes_are_waited_for() {
    Holding d;
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    d.update(1, OrderState::CANCELED, "0.4");
    CHECK(nothing_sent(d.run()));
    d.filled(1, "a", Side::BUY, "0.4");
    CHECK(sent(d.run()).get_size() == num("0.4"));
}

void a_child_that_comes_late_goes_by_what_became_of_its_parent() {
    Holding d;
    d.live(1);
    d.filled(1, "a", Side::BUY, "1");
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    CHECK(sent(d.run()).order_id == 2);
    d.live(3);
    d.update(3, OrderState::CANCELED, "0");
    d.request(Holding::child_of(3, Desk::limit(4, Side::SELL, "1", "110")));
    CHECK(says(d.run(), 4, OrderState::RISK_REJECTED, "parent 0000000000000003 is CANCELED"));
    d.request(Holding::child_of(77, Desk::limit(5, Side::SELL, "1", "110")));
    CHECK(says(d.run(), 5, OrderState::RISK_REJECTED, "parent 000000000000004d is no order of the strategy"));
    d.request(Holding::in_group_of(6, Desk::limit(6, Side::SELL, "1", "110")));
    CHECK(says(d.run(), 6, OrderState::RISK_REJECTED, "group 0000000000000006 is no order of the strategy"));
}

void a_stop_that_is_a_child_waits_for_its_price_from_then_on() {
    Holding d;
    d.live(1);
    d.request(Holding::child_of(1, Holding::stop(2, Side::SELL, "95")));
    d.trade("94");
    d.trade("100");
    CHECK(nothing_sent(d.run()));
    d.filled(1, "a", Side::BUY, "1");
    CHECK(says(d.run(), 2, OrderState::CREATED, "until LAST reaches 95"));
    d.trade("95");
    CHECK(sent(d.run()).get_type() == OrderType::MARKET);
}

void a_venue_that_has_children_and_groups_is_left_to_it() {
    broker::BrokerConfig config = Holding::bare();
    config.gateways[0].capabilities.oto = config.gateways[0].capabilities.oco = true;
    Holding d(std::move(config));
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    CHECK(sent(d.run()).parent_id == 1);
    d.request(Holding::in_group_of(2, Desk::limit(3, Side::SELL, "1", "120")));
    CHECK(sent(d.run()).group_id == 2);
    d.request(Holding::in_group_of(2, Holding::stop(4, Side::SELL, "95")));
    d.accept(2);
    d.accept(3);
    d.run();
    d.filled(2, "a", Side::SELL, "1");
    const auto out = d.run();
    CHECK(all<OrderCancel>(out).empty());
    // What the venue does not have, it cannot cancel.
    CHECK(state_of(out, 4) == OrderState::CANCELED);
}

// --- groups ---------------------------------------------------------------------------------------

/// A filled entry with its take-profit (2) at the venue and its stop (3) held.
struct Bracket : Holding {
    explicit Bracket(broker::BrokerConfig config = bare()) : Holding(std::move(config)) {
        request(limit(1, Side::BUY, "1", "100"));
        request(child_of(1, limit(2, Side::SELL, "1", "110")));
        request(in_group_of(2, child_of(1, stop(3, Side::SELL, "95"))));
        filled(1, "entry", Side::BUY, "1");
        accept(2);
        run();
    }
};

void a_take_profit_that_fills_cancels_the_stop() {
    Bracket d;
    d.filled(2, "a", Side::SELL, "1", "110");
    CHECK(says(d.run(), 3, OrderState::CANCELED, "order 0000000000000002 of its group has filled"));
    d.trade("90");
    CHECK(d.run().empty());
}

void a_partial_fill_takes_its_size_off_the_held_stop() {
    Bracket d;
    d.filled(2, "a", Side::SELL, "0.4", "110");
    const auto out = d.run();
    CHECK(says(out, 3, OrderState::CREATED, "of its group has filled in part"));
    CHECK(all<OrderUpdate>(out).back().get_size() == num("0.6"));
    d.trade("95");
    CHECK(sent(d.run()).get_size() == num("0.6"));
}

void a_stop_that_fills_cancels_the_take_profit() {
    Bracket d;
    d.trade("95");
    d.filled(3, "a", Side::SELL, "1", "95");
    const auto out = d.run();
    CHECK(says(out, 2, OrderState::PENDING_CANCEL, "order 0000000000000003 of its group has filled"));
    CHECK(all<OrderCancel>(out).size() == 1);
    // Both filling at once cannot be undone: what happened is booked.
    d.filled(2, "b", Side::SELL, "1", "110");
    const auto both = d.run();
    CHECK(state_of(both, 2) == OrderState::FILLED);
    CHECK(nothing_sent(both));
    CHECK(all<Position>(both).front().get_size() == num("-1"));
}

void a_partial_fill_amends_what_is_at_the_venue() {
    Bracket d;
    d.trade("95");
    d.filled(3, "a", Side::SELL, "0.4", "95");
    auto out = d.run();
    CHECK(state_of(out, 2) == OrderState::PENDING_AMEND);
    CHECK(all<OrderAmend>(out)[0].get_size() == num("0.6"));
    // Another fill while the amend is under way is made good for when it is answered.
    d.filled(3, "b", Side::SELL, "0.1", "95");
    CHECK(nothing_sent(d.run()));
    d.update(2, OrderState::ACCEPTED, "0", {}, "0.6");
    CHECK(all<OrderAmend>(d.run())[0].get_size() == num("0.5"));
    d.update(2, OrderState::ACCEPTED, "0", {}, "0.5");
    CHECK(nothing_sent(d.run()));
    d.filled(3, "c", Side::SELL, "0.5", "95");
    CHECK(all<OrderCancel>(d.run()).size() == 1);
}

void a_refused_amend_becomes_a_cancel() {
    Bracket d;
    d.trade("95");
    d.filled(3, "a", Side::SELL, "0.4", "95");
    d.run();
    d.update(2, OrderState::ACCEPTED, "0", "not now");
    CHECK(all<OrderCancel>(d.run()).size() == 1);
    d.update(2, OrderState::ACCEPTED, "0", "not now either");
    CHECK(nothing_sent(d.run()));
}

void a_venue_that_cannot_amend_is_asked_to_cancel() {
    broker::BrokerConfig config = Holding::bare();
    config.gateways[0].capabilities.amend = false;
    Bracket d(std::move(config));
    d.trade("95");
    d.filled(3, "a", Side::SELL, "0.4", "95");
    CHECK(all<OrderCancel>(d.run()).size() == 1);
}

void a_rejected_order_leaves_the_others_of_its_group() {
    Bracket d;
    d.update(2, OrderState::REJECTED, "0", "no");
    CHECK(nothing_sent(d.run()));
    d.trade("95");
    CHECK(sent(d.run()).order_id == 3);
}

void an_order_that_joins_late_hears_of_earlier_fills() {
    Holding d;
    d.live(1);
    d.filled(1, "a", Side::BUY, "0.4");
    d.run();
    d.request(Holding::in_group_of(1, Holding::stop(2, Side::BUY, "120")));
    CHECK(all<OrderUpdate>(d.run()).back().get_size() == num("0.6"));
    d.filled(1, "b", Side::BUY, "0.6");
    d.run();
    d.request(Holding::in_group_of(1, Holding::stop(3, Side::BUY, "120")));
    CHECK(state_of(d.run(), 3) == OrderState::CANCELED);
}

void a_parent_that_fills_while_its_childs_cancel_is_under_way_does_not_let_it_out() {
    Holding d;
    d.live(1);
    d.request(Holding::child_of(1, Desk::limit(2, Side::SELL, "1", "110")));
    d.cancel(2);
    d.filled(1, "a", Side::BUY, "1");
    const auto out = d.run();
    CHECK(state_of(out, 2) == OrderState::CANCELED);
    CHECK(nothing_sent(out));
    // One that is out already is the venue's business.
    d.live(3);
    d.request(Holding::child_of(3, Desk::limit(4, Side::SELL, "1", "110")));
    d.filled(3, "b", Side::BUY, "1");
    d.cancel(4);
    CHECK(state_of(d.run(), 4) == OrderState::PENDING_CANCEL);
}

// --- after a start --------------------------------------------------------------------------------

broker::BrokerConfig on_missed(broker::MissedTrigger policy) {
    broker::BrokerConfig config = Holding::bare();
    config.emulation.missed_trigger = policy;
    return config;
}

void a_trigger_that_was_crossed_meanwhile_is_decided_by_the_policy() {
    using broker::MissedTrigger;
    for (const MissedTrigger policy : {MissedTrigger::FIRE, MissedTrigger::CANCEL, MissedTrigger::ASK}) {
        Holding d(on_missed(policy));
        d.request(Holding::stop(1, Side::SELL, "95"));
        d.start();
        d.run();
        d.trade("90");
        const auto out = d.run();
        if (policy == MissedTrigger::FIRE) {
            CHECK(sent(out).order_id == 1);
            continue;
        }
        CHECK(nothing_sent(out));
        const bool ask = policy == MissedTrigger::ASK;
        CHECK(says(out, 1, ask ? OrderState::CREATED : OrderState::CANCELED,
                   "the first price since the broker started, 90, is already beyond its trigger"));
        CHECK(all<Log>(out).size() == (ask ? 1U : 0U));
        d.trade("80");
        CHECK(d.run().empty());
    }
}

void a_trigger_that_was_not_crossed_meanwhile_goes_on_as_before() {
    Holding d(on_missed(broker::MissedTrigger::ASK));
    d.request(Holding::stop(1, Side::SELL, "95"));
    d.start();
    d.trade("100");
    CHECK(nothing_sent(d.run()));
    d.trade("95");
    CHECK(sent(d.run()).order_id == 1);
}

void an_operator_decides_what_was_asked() {
    Holding d(on_missed(broker::MissedTrigger::ASK));
    d.request(Holding::stop(1, Side::SELL, "95"));
    d.request(Holding::stop(2, Side::SELL, "95"));
    d.start();
    d.trade("90");
    d.run();
    d.command(CommandKind::FIRE_TRIGGER, 1);
    CHECK(sent(d.run()).order_id == 1);
    d.command(CommandKind::CANCEL_ORDER, 2);
    CHECK(says(d.run(), 2, OrderState::CANCELED, "CANCEL_ORDER: somebody: as agreed"));
    d.command(CommandKind::FIRE_TRIGGER, 2);
    CHECK(all<Log>(d.run()).size() == 1);
}

void a_broker_that_takes_its_state_again_goes_on_in_the_middle() {
    Bracket d;
    d.request(Holding::trailing(5, Side::SELL, "5"));
    d.request(Holding::until(9000, Desk::limit(6, Side::BUY, "1", "90")));
    d.accept(6);
    d.trade("120");
    d.run();
    d.reload(Holding::bare());
    d.filled(2, "a", Side::SELL, "0.4", "110");
    CHECK(all<OrderUpdate>(d.run()).back().get_size() == num("0.6"));
    d.trade("115");
    CHECK(sent(d.run()).order_id == 5);
    CHECK(all<OrderCancel>(d.later(9000)).at(0).order_id == 6);
}

void orders_of_an_account_that_has_left_the_configuration_do_no_harm() {
    Holding d;
    d.request(Holding::until(5000, Desk::limit(1, Side::BUY, "1", "100")));
    d.request(Holding::in_group_of(1, Desk::limit(2, Side::BUY, "1", "99")));
    d.request(Holding::stop(3, Side::BUY, "110"));
    d.accept(1);
    d.accept(2);
    d.run();
    auto config = Holding::bare();
    config.routes.clear();
    d.reload(std::move(config));
    d.trade("120");
    CHECK(says(d.run(), 3, OrderState::CANCELED, "is not configured"));
    CHECK(nothing_sent(d.later(10'000)));
    d.amend(1, "2", nullptr);
    CHECK(says(d.run(), 1, OrderState::ACCEPTED, "is not configured"));
    d.filled(1, "a", Side::BUY, "1");
    CHECK(says(d.run(), 1, OrderState::FILLED, ""));
}

void a_trigger_waits_while_the_account_is_compared() {
    broker::BrokerConfig config = Holding::bare();
    config.gateways[0].capabilities.queries = true;
    Holding d(std::move(config));
    d.now = 100 * kSecond;
    d.start();
    const auto answer = [&](const std::vector<Record>& out) {
        VenueAnswer a{};
        a.query_id = all<VenueQuery>(out).back().query_id;
        a.account = kAccount;
        a.as_of = d.now;
        a.set_outcome(QueryOutcome::COMPLETE);
        d.put(kVenue, 0, a);
    };
    answer(d.run());
    d.request(Holding::stop(1, Side::SELL, "95"));
    d.trade("100");
    d.run();
    Connection connection{};
    connection.set_state(ConnectionState::DISCONNECTED);
    d.put(kVenue, 0, connection);
    d.trade("95");
    CHECK(says(d.run(), 1, OrderState::CREATED, "until its account has been compared with its venue"));
    connection.set_state(ConnectionState::CONNECTED);
    d.put(kVenue, 0, connection);
    answer(d.run());
    CHECK(sent(d.run()).order_id == 1);
}

}  // namespace

int main() {
    a_stop_waits_for_its_price_and_goes_out_as_a_market_order();
    sells_fire_at_or_below_and_stop_limits_become_limit_orders();
    a_stop_on_the_mark_watches_nothing_else();
    a_stop_that_is_crossed_already_goes_out_at_once();
    a_trailing_stop_follows_the_best_price();
    what_the_venue_has_is_passed_on();
    what_cannot_be_expressed_is_refused_with_the_reason();
    held_orders_count_as_open_only_once_they_are_out();
    held_orders_pass_the_checks_twice();
    an_order_counts_at_the_prices_of_the_moment_at_which_it_is_let_out();
    what_is_held_is_in_no_book_and_trades_with_none_of_ours();
    a_cancel_of_a_held_order_is_done_at_once_and_the_price_comes_too_late();
    a_cancel_that_comes_after_the_price_goes_to_the_venue();
    an_amend_of_a_held_order_is_done_at_once();
    an_amend_over_the_present_price_lets_the_order_out();
    the_broker_ends_an_order_whose_venue_has_no_gtd();
    an_expiry_that_the_venue_refuses_is_asked_for_again();
    a_held_order_expires_where_it_is_held();
    a_day_ends_in_its_zone_even_where_clocks_are_changed();
    a_child_waits_until_its_parent_has_filled();
    a_parent_that_ends_in_part_lets_out_as_much_as_it_filled();
    a_parent_that_ends_without_a_fill_cancels_its_children();
    fills_that_a_dead_parent_still_owes_are_waited_for();
    a_child_that_comes_late_goes_by_what_became_of_its_parent();
    a_stop_that_is_a_child_waits_for_its_price_from_then_on();
    a_venue_that_has_children_and_groups_is_left_to_it();
    a_take_profit_that_fills_cancels_the_stop();
    a_partial_fill_takes_its_size_off_the_held_stop();
    a_stop_that_fills_cancels_the_take_profit();
    a_partial_fill_amends_what_is_at_the_venue();
    a_refused_amend_becomes_a_cancel();
    a_venue_that_cannot_amend_is_asked_to_cancel();
    a_rejected_order_leaves_the_others_of_its_group();
    an_order_that_joins_late_hears_of_earlier_fills();
    a_parent_that_fills_while_its_childs_cancel_is_under_way_does_not_let_it_out();
    a_trigger_that_was_crossed_meanwhile_is_decided_by_the_policy();
    a_trigger_that_was_not_crossed_meanwhile_goes_on_as_before();
    an_operator_decides_what_was_asked();
    a_broker_that_takes_its_state_again_goes_on_in_the_middle();
    orders_of_an_account_that_has_left_the_configuration_do_no_harm();
    a_trigger_waits_while_the_account_is_compared();
}
