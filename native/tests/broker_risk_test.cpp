/// The risk chain: its order, its failing closed, and what checks may see.
#include <functional>
#include <memory>
#include <string>

#include "broker_desk.hpp"

using namespace desk;
using broker::RiskCheck;
using broker::RiskView;

namespace {

using Judge = std::function<Verdict(const OrderRequest&, const RiskView&, std::string&)>;

struct Probe : RiskCheck {
    Probe(std::string called, Judge j) : called_(std::move(called)), judge_(std::move(j)) {}
    std::string_view name() const override { return called_; }
    Verdict judge(const OrderRequest& order, const RiskView& view, std::string& reason) override {
        return judge_(order, view, reason);
    }
    std::string called_;
    Judge judge_;
};

broker::BrokerConfig with(std::vector<Judge> judges) {
    auto config = Desk::plain();
    for (auto& j : judges) {
        const std::string name = "check " + std::to_string(config.checks.size());
        config.checks.push_back(std::make_unique<Probe>(name, std::move(j)));
    }
    return config;
}

/// The state that the request got.
OrderState outcome(Desk& d, const OrderRequest& r) {
    d.request(r);
    return only_update(d.run()).as<OrderUpdate>().get_state();
}

void hold(Desk& d, std::uint64_t id, Side side, const char* size) {
    d.request(Desk::limit(id, side, size, "100"));
    d.fill(Desk::a_fill(id, "h", side, size, "100"));
    d.run();
}

void the_first_refusal_gives_the_reason_and_ends_the_chain() {
    int later = 0;
    Desk d(with({[](const OrderRequest&, const RiskView&, std::string&) { return Verdict::ALLOWED; },
                 [](const OrderRequest&, const RiskView&, std::string& reason) {
                     reason = "first";
                     return Verdict::REFUSED;
                 },
                 [&](const OrderRequest&, const RiskView&, std::string&) {
                     ++later;
                     return Verdict::ALLOWED;
                 }}));
    d.define_perpetual();
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    const auto out = d.run();
    CHECK(out.size() == 2);
    CHECK(out[0].as<RiskVerdict>().get_verdict() == Verdict::REFUSED);
    CHECK(out[0].tail<RiskVerdict>() == "first");
    CHECK(out[1].as<OrderUpdate>().get_state() == OrderState::RISK_REJECTED);
    CHECK(out[1].tail<OrderUpdate>() == "first");
    CHECK(later == 0);
}

/// A venue may tell that an order is over before it reports the last fills of it.
void fills_that_are_still_to_come_count_when_an_order_reduces() {
    bool broken = false;
    Desk d(with({[&](const OrderRequest&, const RiskView&, std::string& reason) {
        reason = "broken";
        return broken ? Verdict::FAILED : Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    hold(d, 1, Side::BUY, "2");
    d.request(Desk::limit(2, Side::SELL, "1.5", "100"));
    d.update(2, OrderState::CANCELED, "1.5");
    d.run();
    broken = true;
    CHECK(outcome(d, Desk::limit(3, Side::SELL, "1", "100")) == OrderState::RISK_REJECTED);
    CHECK(outcome(d, Desk::limit(4, Side::SELL, "0.5", "100")) == OrderState::SUBMITTED);
    d.fill(Desk::a_fill(2, "t", Side::SELL, "1.5", "100"));
    d.update(4, OrderState::CANCELED);
    d.run();
    CHECK(outcome(d, Desk::limit(5, Side::SELL, "0.501", "100")) == OrderState::RISK_REJECTED);
    CHECK(outcome(d, Desk::limit(6, Side::SELL, "0.5", "100")) == OrderState::SUBMITTED);
}

void a_broken_check_stops_all_but_what_reduces() {
    bool broken = false;
    Desk d(with({[&](const OrderRequest&, const RiskView&, std::string& reason) {
        reason = "broken";
        return broken ? Verdict::FAILED : Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    hold(d, 1, Side::BUY, "2");
    broken = true;
    CHECK(outcome(d, Desk::limit(2, Side::BUY, "1", "100")) == OrderState::RISK_REJECTED);
    CHECK(outcome(d, Desk::limit(3, Side::SELL, "3", "100")) == OrderState::RISK_REJECTED);
    CHECK(outcome(d, Desk::limit(4, Side::SELL, "1.5", "100")) == OrderState::SUBMITTED);
    CHECK(outcome(d, Desk::limit(5, Side::SELL, "1", "100")) == OrderState::RISK_REJECTED);
    d.update(4, OrderState::CANCELED, "0");
    d.run();
    CHECK(outcome(d, Desk::limit(6, Side::SELL, "2", "100")) == OrderState::SUBMITTED);
}

void a_cancel_is_never_asked_about() {
    bool refuse = false;
    Desk d(with({[&](const OrderRequest&, const RiskView&, std::string& reason) {
        reason = "no";
        return refuse ? Verdict::REFUSED : Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    d.run();
    refuse = true;
    d.cancel(1);
    CHECK(only_update(d.run()).as<OrderUpdate>().get_state() == OrderState::PENDING_CANCEL);
}

void checks_see_the_state_of_that_moment() {
    int seen = 0;
    Desk d(with({[&](const OrderRequest& order, const RiskView& view, std::string&) {
        if (order.order_id != 9) return Verdict::ALLOWED;
        ++seen;
        CHECK(view.now() == 1000);
        CHECK(view.position(kAccount, kPerpetual) == num("2"));
        CHECK(view.open_size(kAccount, kPerpetual, Side::BUY) == num("0.7"));
        CHECK(view.open_size(kAccount, kPerpetual, Side::SELL).is_zero());
        CHECK(view.last_price(kPerpetual) == num("100.5"));
        CHECK(view.last_price(kSpot).is_none());
        CHECK(view.bid_price(kPerpetual) == num("100"));
        CHECK(view.ask_price(kPerpetual) == num("100.1"));
        CHECK(same(view.mid_price(kPerpetual), money("100.05")));
        CHECK(view.mid_price(kSpot).is_none());
        CHECK(same(view.notional(kPerpetual, num("100"), num("-0.5")), money("50")));
        CHECK(same(view.balance(kAccount, "USDT"), money("12")));
        CHECK(same(view.balance(kAccount, "EUR"), money("0")));
        CHECK(view.instrument(kPerpetual)->get_symbol() == "BTCUSDT");
        CHECK(view.instrument(12345) == nullptr);
        CHECK(view.instrument_name(kPerpetual) == "venue:perpetual:BTCUSDT");
        CHECK(!view.reduces_position());
        return Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    d.deposit("USDT", "12");
    hold(d, 1, Side::BUY, "2");
    d.request(Desk::limit(2, Side::BUY, "1", "100"));
    d.fill(Desk::a_fill(2, "p", Side::BUY, "0.3", "100"));
    d.request(Desk::limit(3, Side::SELL, "0.3", "100"));
    d.fill(Desk::a_fill(3, "q", Side::SELL, "0.3", "100"));
    Trade t{};
    t.instrument = kPerpetual;
    t.set_price(num("100.5"));
    d.put(kVenue, 0, t);
    Quote q{};
    q.instrument = kPerpetual;
    q.set_bid_price(num("100"));
    q.set_ask_price(num("100.1"));
    d.put(kVenue, 0, q);
    d.run();
    d.request(Desk::limit(9, Side::BUY, "1", "100"));
    d.run();
    CHECK(seen == 1);
}

/// The venue may work off the first amend, and fill it, before it sees the second.
void all_amends_under_way_count_until_the_last_is_answered() {
    Number open = Number::none();
    Desk d(with({[&](const OrderRequest&, const RiskView& view, std::string&) {
        open = view.open_size(kAccount, kPerpetual, Side::BUY);
        return Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    std::uint64_t next = 10;
    const auto open_now = [&] {
        d.request(Desk::limit(next, Side::BUY, "0.1", "1000"));
        d.run();
        d.update(next++, OrderState::CANCELED);
        d.run();
        return open;
    };
    d.request(Desk::limit(1, Side::BUY, "2", "100"));
    d.amend(1, "8", nullptr);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.5", "100"));
    d.amend(1, "3", nullptr);
    d.fill(Desk::a_fill(1, "b", Side::BUY, "0.5", "100"));
    d.amend(1, nullptr, "101");
    d.run();
    CHECK(open_now() == num("7"));
    d.update(1, OrderState::PARTIALLY_FILLED, "1", {}, "8", "100");
    d.run();
    CHECK(open_now() == num("7"));
    d.update(1, OrderState::PARTIALLY_FILLED, "1", {}, "3", "101");
    d.run();
    CHECK(open_now() == num("2"));
}

void an_amend_is_judged_by_what_it_may_still_fill() {
    Number asked = Number::none();
    Number open = Number::none();
    Desk d(with({[&](const OrderRequest& order, const RiskView& view, std::string& reason) {
        asked = order.get_size();
        open = view.open_size(kAccount, kPerpetual, Side::BUY);
        reason = "too much";
        return order.get_size() > num("3") ? Verdict::REFUSED : Verdict::ALLOWED;
    }}));
    d.define_perpetual();
    d.request(Desk::limit(1, Side::BUY, "2", "100"));
    d.request(Desk::limit(2, Side::BUY, "1", "100"));
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.5", "100"));
    d.run();
    d.amend(1, "3", nullptr);
    CHECK(only_update(d.run()).as<OrderUpdate>().get_state() == OrderState::PENDING_AMEND);
    CHECK(asked == num("2.5"));
    CHECK(open == num("1"));
    d.request(Desk::limit(3, Side::BUY, "1", "100"));
    d.run();
    CHECK(open == num("3.5"));
    d.amend(2, "4", nullptr);
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 1);
    CHECK(only_update(out).tail<OrderUpdate>() == "amend: too much");
}

}  // namespace

int main() {
    the_first_refusal_gives_the_reason_and_ends_the_chain();
    a_broken_check_stops_all_but_what_reduces();
    fills_that_are_still_to_come_count_when_an_order_reduces();
    a_cancel_is_never_asked_about();
    checks_see_the_state_of_that_moment();
    an_amend_is_judged_by_what_it_may_still_fill();
    all_amends_under_way_count_until_the_last_is_answered();
}
