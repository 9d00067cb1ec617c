/// The order flow of the broker: what is sent, what is refused, and every race between the two sides.
#include <stdexcept>
#include <string>

#include "broker_desk.hpp"

using namespace desk;

namespace {

using Types = std::vector<std::uint32_t>;

struct Traded : Desk {
    Traded() {
        define_perpetual();
        define_spot();
        run();
    }

    /// The state in the only update of what the broker says next.
    OrderState state_after() { return only_update(run()).as<OrderUpdate>().get_state(); }

    void live(std::uint64_t id, const char* size = "1") {
        request(limit(id, Side::BUY, size, "100"));
        update(id, OrderState::ACCEPTED);
        run();
    }

    /// The next thing said is one anomaly whose reason has the text; the state is still `state`.
    void expect_anomaly(const char* text, OrderState state) {
        const auto out = run();
        const Record& record = only_update(out);
        CHECK(out.size() == 1);
        CHECK(record.as<OrderUpdate>().anomaly == 1);
        CHECK(record.as<OrderUpdate>().get_state() == state);
        if (record.tail<OrderUpdate>().find(text) == std::string::npos) {
            std::fprintf(stderr, "no '%s' in '%s'\n", text, record.tail<OrderUpdate>().c_str());
            CHECK(false);
        }
    }

    void expect_refused(const OrderRequest& r, const char* text) {
        request(r);
        const auto out = run();
        CHECK(out.size() == 1);
        const Record& record = only_update(out);
        CHECK(record.as<OrderUpdate>().get_state() == OrderState::RISK_REJECTED);
        CHECK(record.as<OrderUpdate>().anomaly == 0);
        CHECK(record.destination == kStrategy);
        if (record.tail<OrderUpdate>().find(text) == std::string::npos) {
            std::fprintf(stderr, "no '%s' in '%s'\n", text, record.tail<OrderUpdate>().c_str());
            CHECK(false);
        }
    }
};

void an_accepted_order_is_journaled_and_then_addressed_to_its_gateway() {
    Traded d;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    const auto out = d.run();
    CHECK((types_of(out) == Types{OrderUpdate::kType, OrderRequest::kType}));
    CHECK(out[0].as<OrderUpdate>().get_state() == OrderState::SUBMITTED);
    CHECK(out[0].destination == kStrategy);
    CHECK(out[1].destination == kVenue);
    CHECK(out[1].as<OrderRequest>().order_id == 1);
    CHECK(out[1].cause.journal == kStrategy);
}

void each_refusal_names_value_and_limit_and_sends_nothing() {
    Traded d;
    std::uint64_t id = 100;
    const auto base = [&] { return Desk::limit(++id, Side::BUY, "1", "100"); };
    OrderRequest r = base();
    r.account = 5;
    d.expect_refused(r, "account 0000000000000005 is not configured");
    r = base();
    r.instrument = 5;
    d.expect_refused(r, "instrument 0000000000000005 is not defined");
    r = base();
    r.strategy = 9;
    r.order_id = 99;
    d.expect_refused(r, "is not the sender");
    r = base();
    r.set_type(OrderType::STOP_MARKET);
    d.expect_refused(r, "a STOP_MARKET order takes no price, got 100");
    r = base();
    r.set_position_side(PositionSide::LONG);
    d.expect_refused(r, "the account has one position of the instrument, not a LONG one");
    r = base();
    r.type = 200;
    d.expect_refused(r, "takes no ? orders");
    r = base();
    r.set_time_in_force(TimeInForce::FOK);
    d.expect_refused(r, "takes no time in force FOK");
    r = base();
    r.side = 3;
    d.expect_refused(r, "side 3");
    r = base();
    r.set_size(num("0"));
    d.expect_refused(r, "size 0 is not positive");
    r = base();
    r.set_size(num("-1"));
    d.expect_refused(r, "size -1 is not positive");
    r = base();
    r.set_size(num("1.0005"));
    d.expect_refused(r, "size 1.0005 is not a multiple of the lot 0.001");
    r = base();
    r.set_size(num("101"));
    d.expect_refused(r, "size 101 is above the maximum 100");
    r = base();
    r.set_price(num("100.05"));
    d.expect_refused(r, "price 100.05 is not a multiple of the tick 0.1");
    r = base();
    r.set_price(num("-100"));
    d.expect_refused(r, "price -100 is not positive");
    r = base();
    r.set_price(Number::none());
    d.expect_refused(r, "a LIMIT order needs a price");
    r = base();
    r.set_type(OrderType::MARKET);
    d.expect_refused(r, "a MARKET order takes no price, got 100");
    r = base();
    r.set_trigger_price(num("90"));
    d.expect_refused(r, "a LIMIT order takes no trigger price, got 90");
    r = base();
    r.set_time_in_force(TimeInForce::GTD);
    r.expire_time = 999;
    d.expect_refused(r, "expire time 999 is not after now, 1000");
    r = base();
    r.set_display_size(num("2"));
    d.expect_refused(r, "display size 2");
    r = base();
    r.set_size(num("0.001"));
    d.expect_refused(r, "notional 0.100 is below the minimum 5");
    r = base();
    r.order_id = 0;
    d.expect_refused(r, "order id 0");
    d.expect_refused(r, "order id 0");
}

void an_instrument_that_does_not_trade_or_cannot_be_booked_is_refused() {
    Traded d;
    Instrument halted = Desk::definition(kSpot, Product::SPOT, ContractKind::NONE);
    halted.set_status(InstrumentStatus::HALTED);
    d.put(kVenue, 0, halted, "venue:spot:BTCUSDT");
    d.expect_refused(Desk::limit(1, Side::BUY, "1", "100", kSpot), "its status is HALTED");
    Instrument inverse = Desk::definition(77, Product::PERPETUAL, ContractKind::INVERSE);
    d.put(kVenue, 0, inverse, "venue:perpetual:BTCUSD");
    d.expect_refused(Desk::limit(2, Side::BUY, "1", "100", 77),
                     "sizes of an inverse contract must count contracts");
    Instrument fine = Desk::definition(78, Product::SPOT, ContractKind::NONE);
    fine.settle_decimals = 200;
    d.put(kVenue, 0, fine, "venue:spot:BTCEUR");
    d.expect_refused(Desk::limit(3, Side::BUY, "1", "100", 78), "no currency has so many decimals");
}

void an_order_id_is_taken_once() {
    Traded d;
    d.live(1);
    d.request(Desk::limit(1, Side::SELL, "2", "200"));
    d.expect_anomaly("already used", OrderState::ACCEPTED);
}

void fills_decide_the_state_and_come_with_their_bookings() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100", "0.01"));
    auto out = d.run();
    CHECK((types_of(out) == Types{Fill::kType, OrderUpdate::kType, CashMovement::kType, Balance::kType,
                                  Position::kType, Position::kType}));
    CHECK(out[1].as<OrderUpdate>().get_state() == OrderState::PARTIALLY_FILLED);
    CHECK(out[1].as<OrderUpdate>().get_filled() == num("0.4"));
    CHECK(out[0].destination == kStrategy && out[1].destination == kStrategy &&
          out[2].destination == kStrategy);
    CHECK(out[3].destination == 0 && out[4].destination == 0);
    CHECK(out[0].as<Fill>().strategy == kStrategy);
    for (const Record& r : out) CHECK(r.cause.journal == kVenue);
    d.fill(Desk::a_fill(1, "b", Side::BUY, "0.6", "101"));
    out = d.run();
    CHECK(out[1].as<OrderUpdate>().get_state() == OrderState::FILLED);
}

void a_fill_before_the_acknowledgement_counts_and_the_late_one_is_dropped() {
    Traded d;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    d.run();
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    CHECK(d.state_after() == OrderState::PARTIALLY_FILLED);
    d.update(1, OrderState::ACCEPTED, "0");
    CHECK(d.run().empty());
    d.fill(Desk::a_fill(1, "b", Side::BUY, "0.6", "100"));
    CHECK(d.state_after() == OrderState::FILLED);
    d.update(1, OrderState::ACCEPTED);
    d.update(1, OrderState::FILLED, "1");
    CHECK(d.run().empty());
}

void the_venues_cumulative_size_waits_for_its_fills() {
    Traded d;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    d.run();
    d.update(1, OrderState::FILLED, "1");
    CHECK(d.state_after() == OrderState::ACCEPTED);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100"));
    CHECK(d.state_after() == OrderState::FILLED);
}

void repeated_fills_and_updates_change_nothing() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.run();
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.update(1, OrderState::PARTIALLY_FILLED, "0.4");
    d.update(1, OrderState::ACCEPTED);
    CHECK(d.run().empty());
    d.update(1, OrderState::CANCELED, "0.4");
    CHECK(d.state_after() == OrderState::CANCELED);
    d.update(1, OrderState::CANCELED, "0.4", "once more");
    CHECK(d.run().empty());
}

void a_cancel_that_loses_the_race_leaves_the_order_filled() {
    Traded d;
    d.live(1);
    d.cancel(1);
    const auto out = d.run();
    CHECK((types_of(out) == Types{OrderUpdate::kType, OrderCancel::kType}));
    CHECK(out[0].as<OrderUpdate>().get_state() == OrderState::PENDING_CANCEL);
    CHECK(out[1].destination == kVenue);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100"));
    CHECK(d.state_after() == OrderState::FILLED);
    d.update(1, OrderState::CANCELED);
    d.expect_anomaly("reported CANCELED while FILLED", OrderState::FILLED);
    d.cancel(1);
    d.expect_anomaly("already FILLED", OrderState::FILLED);
}

void a_fill_after_the_cancel_is_booked_and_flagged_unless_it_was_announced() {
    Traded d;
    d.live(1);
    d.update(1, OrderState::CANCELED, "0");
    d.run();
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    auto out = d.run();
    CHECK(out.front().type == Fill::kType && out.back().type == Position::kType);
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 1);
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::CANCELED);
    CHECK(only_update(out).as<OrderUpdate>().get_filled() == num("0.4"));
    d.live(2);
    d.update(2, OrderState::CANCELED, "0.4");
    d.run();
    d.fill(Desk::a_fill(2, "b", Side::BUY, "0.4", "100"));
    out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 0);
    CHECK(only_update(out).as<OrderUpdate>().get_filled() == num("0.4"));
}

void more_than_the_remainder_is_booked_and_flagged() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1.5", "100"));
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 1);
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::FILLED);
    CHECK(out.back().as<Position>().get_size() == num("1.5"));
}

void less_than_was_booked_is_flagged_once() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.5", "100"));
    d.run();
    d.update(1, OrderState::CANCELED, "0.2");
    d.expect_anomaly("0.2", OrderState::CANCELED);
    d.update(1, OrderState::CANCELED, "0.2");
    CHECK(d.run().empty());
}

void a_rejection_after_a_partial_fill_ends_the_order() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.run();
    d.update(1, OrderState::REJECTED, nullptr, "self trade");
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::REJECTED);
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 0);
    CHECK(only_update(out).tail<OrderUpdate>() == "self trade");
}

void a_refused_cancel_puts_the_order_back_with_the_reason() {
    Traded d;
    d.live(1);
    d.cancel(1);
    d.run();
    d.update(1, OrderState::ACCEPTED, "0", "too late to cancel");
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::ACCEPTED);
    CHECK(only_update(out).tail<OrderUpdate>() == "too late to cancel");
}

void each_refused_amend_is_told_even_for_the_same_reason() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.run();
    for (int i = 0; i < 2; ++i) {
        d.amend(1, "2", nullptr);
        CHECK(d.state_after() == OrderState::PENDING_AMEND);
        d.update(1, OrderState::PARTIALLY_FILLED, "0.4", "not now");
        CHECK(d.state_after() == OrderState::PARTIALLY_FILLED);
    }
}

void a_stale_partial_fill_report_does_not_undo_a_pending_cancel() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0.4", "100"));
    d.cancel(1);
    d.run();
    d.update(1, OrderState::PARTIALLY_FILLED, "0.4");
    CHECK(d.run().empty());
    d.update(1, OrderState::CANCELED, "0.4");
    CHECK(d.state_after() == OrderState::CANCELED);
}

void orders_of_others_are_adopted() {
    Traded d;
    d.update(0, OrderState::ACCEPTED, "0", {}, "2", "99", "X1");
    auto out = d.run();
    const OrderUpdate adopted = only_update(out).as<OrderUpdate>();
    CHECK(adopted.strategy == 0 && adopted.order_id != 0);
    CHECK(out[0].destination == 0);
    CHECK(adopted.get_size() == num("2") && adopted.get_price() == num("99"));
    Fill f = Desk::a_fill(0, "a", Side::BUY, "2", "99");
    f.set_venue_order_id("X1");
    d.fill(f);
    out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::FILLED);
    CHECK(only_update(out).as<OrderUpdate>().order_id == adopted.order_id);
    d.fill(f);
    CHECK(d.run().empty());
    d.fill(Desk::a_fill(55, "z", Side::BUY, "2", "99"));
    CHECK(d.state_after() == OrderState::PARTIALLY_FILLED);
    d.update(55, OrderState::FILLED, "2");
    CHECK(d.state_after() == OrderState::FILLED);
}

void reports_that_cannot_be_followed_are_anomalies() {
    Traded d;
    d.update(0, OrderState::ACCEPTED);
    d.expect_anomaly("names no order", OrderState::UNKNOWN);
    d.live(1);
    d.update(1, static_cast<OrderState>(77));
    d.expect_anomaly("state 77", OrderState::UNKNOWN);
    d.update(1, OrderState::SUBMITTED);
    d.expect_anomaly("reported SUBMITTED while ACCEPTED", OrderState::ACCEPTED);
    d.fill(Desk::a_fill(1, "", Side::BUY, "1", "100"));
    d.expect_anomaly("no trade id", OrderState::ACCEPTED);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "0", "100"));
    d.expect_anomaly("not positive", OrderState::ACCEPTED);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100", "0", kSpot));
    d.expect_anomaly("not the order's", OrderState::ACCEPTED);
    Fill elsewhere = Desk::a_fill(1, "a", Side::BUY, "1", "100", "0", 12345);
    d.fill(elsewhere);
    d.expect_anomaly("instrument is not defined", OrderState::ACCEPTED);
    d.cancel(4711);
    d.expect_anomaly("is not known", OrderState::UNKNOWN);
    d.amend(4711, "1", nullptr);
    d.expect_anomaly("is not known", OrderState::UNKNOWN);
}

void an_amend_is_checked_forwarded_and_answered() {
    Traded d;
    d.live(1);
    d.amend(1, "2", "99");
    auto out = d.run();
    CHECK((types_of(out) == Types{OrderUpdate::kType, OrderAmend::kType}));
    CHECK(out[0].as<OrderUpdate>().get_state() == OrderState::PENDING_AMEND);
    CHECK(out[1].destination == kVenue);
    d.amend(1, "3", nullptr);
    d.expect_anomaly("the order is PENDING_AMEND", OrderState::PENDING_AMEND);
    d.update(1, OrderState::ACCEPTED, "0", {}, "2", "99");
    out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_size() == num("2"));
    CHECK(only_update(out).as<OrderUpdate>().get_price() == num("99"));
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::ACCEPTED);
    d.amend(1, "2", "99");
    d.expect_anomaly("stay as they are", OrderState::ACCEPTED);
    d.amend(1, nullptr, "99.05");
    d.expect_anomaly("not a multiple of the tick", OrderState::ACCEPTED);
    d.amend(1, "1000", nullptr);
    d.expect_anomaly("above the maximum", OrderState::ACCEPTED);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "99"));
    d.run();
    d.amend(1, "1", nullptr);
    d.expect_anomaly("not above what is filled, 1", OrderState::PARTIALLY_FILLED);
    d.amend(1, "1.5", nullptr);
    CHECK(d.state_after() == OrderState::PENDING_AMEND);
    d.update(1, OrderState::ACCEPTED, "1", "price moved");
    out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::PARTIALLY_FILLED);
    CHECK(only_update(out).as<OrderUpdate>().get_size() == num("2"));
}

void an_amend_of_a_reduce_only_order_goes_through_zero_no_more_than_an_order() {
    Traded d;
    d.live(1, "2");
    d.fill(Desk::a_fill(1, "a", Side::BUY, "2", "100"));
    OrderRequest r = Desk::limit(2, Side::SELL, "1", "110");
    r.reduce_only = 1;
    d.request(r);
    d.update(2, OrderState::ACCEPTED);
    d.run();
    d.amend(2, "3", nullptr);
    d.expect_anomaly("amend: limit reduce_only: size 3 would turn over the position 2", OrderState::ACCEPTED);
    d.amend(2, "2", nullptr);
    CHECK(d.state_after() == OrderState::PENDING_AMEND);
}

/// The venue may have made the order larger before it filled; its word on the amend decides.
void an_amend_that_makes_an_order_larger_races_its_fill() {
    const auto filled_meanwhile = [](Traded& d) {
        d.live(1, "2");
        d.amend(1, "5", nullptr);
        d.run();
        d.fill(Desk::a_fill(1, "a", Side::BUY, "2", "100"));
        CHECK(d.state_after() == OrderState::PARTIALLY_FILLED);
    };
    {
        Traded d;
        filled_meanwhile(d);
        d.update(1, OrderState::PARTIALLY_FILLED, "2", {}, "5");
        auto out = d.run();
        CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::PARTIALLY_FILLED);
        CHECK(only_update(out).as<OrderUpdate>().get_size() == num("5"));
        d.cancel(1);
        out = d.run();
        CHECK(out.back().type == OrderCancel::kType);
    }
    {
        Traded d;
        filled_meanwhile(d);
        d.update(1, OrderState::ACCEPTED, nullptr, "it has filled");
        CHECK(d.state_after() == OrderState::FILLED);
    }
    {
        Traded d;
        filled_meanwhile(d);
        d.update(1, OrderState::FILLED, "2");
        CHECK(d.state_after() == OrderState::FILLED);
    }
    {
        Traded d;
        filled_meanwhile(d);
        d.update(1, OrderState::FILLED, "5");
        CHECK(d.run().empty());
        d.fill(Desk::a_fill(1, "b", Side::BUY, "3", "100"));
        const auto out = d.run();
        CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::FILLED);
        CHECK(only_update(out).as<OrderUpdate>().anomaly == 0);
    }
}

/// A fill lets a second amend go while the first is under way; what refuses the first says nothing of it.
void a_refused_amend_leaves_another_one_under_way() {
    Traded d;
    d.live(1, "2");
    d.amend(1, "3", nullptr);
    d.run();
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100"));
    d.run();
    d.amend(1, "5", nullptr);
    CHECK(d.state_after() == OrderState::PENDING_AMEND);
    d.update(1, OrderState::PARTIALLY_FILLED, "1", "too many amends");
    CHECK(d.state_after() == OrderState::PARTIALLY_FILLED);
    d.fill(Desk::a_fill(1, "b", Side::BUY, "4", "100"));
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::FILLED);
    CHECK(only_update(out).as<OrderUpdate>().anomaly == 0);
}

void an_order_that_is_over_stays_over_whatever_is_told_of_it() {
    Traded d;
    d.live(1);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100"));
    d.run();
    d.update(1, OrderState::FILLED, "0.9", {}, "2");
    d.expect_anomaly("the venue tells of 0.9 filled", OrderState::FILLED);
}

void what_is_not_addressed_to_the_broker_is_left_alone() {
    Traded d;
    d.put(kStrategy, kVenue, Desk::limit(1, Side::BUY, "1", "100"));
    d.put(kStrategy, 0, Desk::limit(2, Side::BUY, "1", "100"));
    CHECK(d.run().empty());
}

void a_journal_that_takes_nothing_ends_the_broker() {
    Traded d;
    d.append_status = KF_DISK_FULL;
    d.request(Desk::limit(1, Side::BUY, "1", "100"));
    bool failed = false;
    try {
        d.run();
    } catch (const std::exception& e) {
        failed = std::string(e.what()).find("order_update to the broker's journal: the disk is full") !=
                 std::string::npos;
    }
    CHECK(failed);
}

void a_wrong_configuration_is_named() {
    auto config = Desk::plain();
    config.routes.push_back({kAccount, "venue/main", kVenue});
    bool refused = false;
    try {
        broker::Broker twice(std::move(config));
    } catch (const std::invalid_argument& e) {
        refused = std::string(e.what()) == "account venue/main is configured twice";
    }
    CHECK(refused);
}

}  // namespace

int main() {
    an_accepted_order_is_journaled_and_then_addressed_to_its_gateway();
    each_refusal_names_value_and_limit_and_sends_nothing();
    an_instrument_that_does_not_trade_or_cannot_be_booked_is_refused();
    an_order_id_is_taken_once();
    fills_decide_the_state_and_come_with_their_bookings();
    a_fill_before_the_acknowledgement_counts_and_the_late_one_is_dropped();
    the_venues_cumulative_size_waits_for_its_fills();
    repeated_fills_and_updates_change_nothing();
    a_cancel_that_loses_the_race_leaves_the_order_filled();
    a_fill_after_the_cancel_is_booked_and_flagged_unless_it_was_announced();
    more_than_the_remainder_is_booked_and_flagged();
    less_than_was_booked_is_flagged_once();
    a_rejection_after_a_partial_fill_ends_the_order();
    a_refused_cancel_puts_the_order_back_with_the_reason();
    each_refused_amend_is_told_even_for_the_same_reason();
    a_stale_partial_fill_report_does_not_undo_a_pending_cancel();
    orders_of_others_are_adopted();
    reports_that_cannot_be_followed_are_anomalies();
    an_amend_is_checked_forwarded_and_answered();
    an_amend_of_a_reduce_only_order_goes_through_zero_no_more_than_an_order();
    an_amend_that_makes_an_order_larger_races_its_fill();
    a_refused_amend_leaves_another_one_under_way();
    an_order_that_is_over_stays_over_whatever_is_told_of_it();
    what_is_not_addressed_to_the_broker_is_left_alone();
    a_journal_that_takes_nothing_ends_the_broker();
    a_wrong_configuration_is_named();
}
