/// Bookings: spot principal, linear positions, the one rounding rule, and what must not wrap.
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "broker/exact.hpp"
#include "broker_desk.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace desk;
using broker::Holding;
using broker::share;
using broker::trade_into;

namespace {

struct Ledger : Desk {
    Ledger() {
        define_perpetual();
        define_spot();
        run();
    }

    /// Sends and fills an order; gives what the fill led to.
    std::vector<Record> trade(Side side, const char* size, const char* price, const char* fee,
                              std::uint64_t instrument) {
        const std::uint64_t id = ++last_;
        request(limit(id, side, size, price, instrument));
        run();
        fill(a_fill(id, std::to_string(id).c_str(), side, size, price, fee, instrument));
        return run();
    }

  private:
    std::uint64_t last_ = 0;
};

struct Cash {
    CashKind kind;
    std::string currency;
    Money amount;
};

std::vector<Cash> cash_in(const std::vector<Record>& out) {
    std::vector<Cash> found;
    for (const Record& r : out) {
        if (r.type != CashMovement::kType) continue;
        const auto& c = r.as<CashMovement>();
        found.push_back({c.get_kind(), std::string(c.get_currency()), c.get_amount()});
    }
    return found;
}

Money balance_in(const std::vector<Record>& out, const char* currency) {
    Money found = Money::none();
    for (const Record& r : out) {
        if (r.type == Balance::kType && r.as<Balance>().get_currency() == currency) {
            CHECK(found.is_none());
            found = r.as<Balance>().get_total();
        }
    }
    return found;
}

void a_spot_fill_moves_both_currencies_and_the_fee() {
    Ledger d;
    d.deposit("USDT", "1000.5");
    const auto in = d.run();
    CHECK((types_of(in) == std::vector<std::uint32_t>{CashMovement::kType, Balance::kType}));
    CHECK(same(balance_in(in, "USDT"), money("1000.5")));
    const auto out = d.trade(Side::BUY, "0.3", "100.1", "0.03003", kSpot);
    const auto cash = cash_in(out);
    CHECK(cash.size() == 3);
    CHECK(cash[0].kind == CashKind::PRINCIPAL && cash[0].currency == "BTC" &&
          same(cash[0].amount, money("0.3")));
    CHECK(cash[1].kind == CashKind::PRINCIPAL && cash[1].currency == "USDT" &&
          same(cash[1].amount, money("-30.03")));
    CHECK(cash[2].kind == CashKind::FEE && cash[2].currency == "USDT" &&
          same(cash[2].amount, money("-0.03003")));
    CHECK(same(balance_in(out, "BTC"), money("0.3")));
    CHECK(same(balance_in(out, "USDT"), money("970.43997")));
    CHECK(out.back().as<Position>().get_size() == num("0.3"));
    CHECK(same(out.back().as<Position>().get_cost(), money("30.03")));
    CHECK(out.back().as<Position>().get_currency() == "USDT");
}

void a_linear_position_realises_what_closes_and_flips_through_zero() {
    Ledger d;
    CHECK(cash_in(d.trade(Side::BUY, "3", "100", "0", kPerpetual)).empty());
    auto out = d.trade(Side::SELL, "1", "110", "0.011", kPerpetual);
    auto cash = cash_in(out);
    CHECK(cash.size() == 2);
    CHECK(cash[0].kind == CashKind::REALIZED_PNL && same(cash[0].amount, money("10")));
    CHECK(same(balance_in(out, "USDT"), money("9.989")));
    out = d.trade(Side::SELL, "5", "90", "0", kPerpetual);
    cash = cash_in(out);
    CHECK(cash.size() == 1 && same(cash[0].amount, money("-20")));
    const auto& flipped = out.back().as<Position>();
    CHECK(flipped.get_size() == num("-3"));
    CHECK(same(flipped.get_cost(), money("-270")));
    CHECK(same(flipped.get_realized_pnl(), money("-10")));
    out = d.trade(Side::BUY, "3", "80", "0", kPerpetual);
    CHECK(same(cash_in(out)[0].amount, money("30")));
    CHECK(out.back().as<Position>().get_size().is_zero());
    CHECK(same(out.back().as<Position>().get_cost(), money("0")));
}

void contracts_count_with_their_value() {
    Ledger d;
    Instrument c = Desk::definition(99, Product::PERPETUAL, ContractKind::LINEAR);
    c.set_size_unit(SizeUnit::CONTRACTS);
    c.set_contract_value(num("0.01"));
    c.set_contract_currency("BTC");
    c.set_settle("USDT");
    c.set_lot(num("1"));
    d.put(kVenue, 0, c, "venue:perpetual:BTC-USDT");
    d.run();
    const auto out = d.trade(Side::SELL, "10", "100", "0", 99);
    CHECK(same(out.back().as<Position>().get_cost(), money("-10")));
}

void a_rest_that_closes_takes_all_of_the_cost() {
    const Instrument linear = Desk::definition(kPerpetual, Product::PERPETUAL, ContractKind::LINEAR);
    Holding h;
    trade_into(h, num("3"), num("33.333"), linear);
    CHECK(same(h.cost, money("99.999")));
    const Money first = trade_into(h, num("-1"), num("40"), linear);
    CHECK(same(first, money("6.67")));
    CHECK(same(h.cost, money("66.669")));
    const Money second = trade_into(h, num("-1"), num("40"), linear);
    CHECK(same(second, money("6.67")));
    const Money third = trade_into(h, num("-1"), num("40"), linear);
    CHECK(same(third, money("6.661")));
    CHECK(h.size.is_zero() && same(h.cost, money("0")));
    CHECK(same(h.realized, money("20.001")));
}

void shares_round_half_to_even_once() {
    CHECK(same(share(money("0.25"), num("1"), num("2"), 2), money("0.12")));
    CHECK(same(share(money("0.35"), num("1"), num("2"), 2), money("0.18")));
    CHECK(same(share(money("-0.25"), num("1"), num("2"), 2), money("-0.12")));
    CHECK(same(share(money("-0.35"), num("0.5"), num("1"), 2), money("-0.18")));
    CHECK(same(share(money("1"), num("1"), num("3"), 8), money("0.33333333")));
    CHECK(same(share(money("2"), num("1"), num("3"), 0), money("1")));
    CHECK(same(share(money("5"), num("0"), num("3"), 2), money("0")));
    const Money large{power_of_ten(36), -10};
    CHECK(same(share(large, num("1000000000000000001"), num("2000000000000000002"), 8),
               Money{power_of_ten(36) / 2, -10}));
}

void trailing_zeros_alone_never_overflow() {
    const Number padded{500000000000000000, -18};
    CHECK(broker::sum(padded, num("1000000"), "sum") == num("1000000.5"));
    CHECK(broker::sum(num("1000000"), -padded, "sum") == num("999999.5"));
    CHECK(same(share(Money{power_of_ten(37), -30}, padded, num("1000"), 2), money("5000")));
    Money value;
    CHECK(broker::value_of(Number{6000000000000000000, -14}, Number{9000000000000000000, -15},
                           Number{1000000000000000000, -18}, value));
    CHECK(same(value, money("540000000")));
}

void what_does_not_fit_is_a_fault_and_books_nothing() {
    broker::Accounts accounts;
    const Instrument spot = Desk::definition(kSpot, Product::SPOT, ContractKind::NONE);
    Fill f = Desk::a_fill(1, "a", Side::BUY, "9000000000000000001", "1", "0", kSpot);
    accounts.book(f, 0, spot);
    bool failed = false;
    try {
        accounts.book(f, 0, spot);
    } catch (const broker::Fault& e) {
        failed = std::string(e.what()).find("position size") != std::string::npos;
    }
    CHECK(failed);
    CHECK(same(accounts.balance(kAccount, broker::Currency("BTC")), money("9000000000000000001")));
    CHECK(accounts.holding({kAccount, kSpot, 0, PositionSide::NET}).size == num("9000000000000000001"));
}

/// An account in hedging mode with leverage, and the instruments that the tests below trade.
struct Futures {
    broker::Accounts accounts;
    broker::Markets markets;
    Instrument linear = Desk::definition(kPerpetual, Product::FUTURE, ContractKind::LINEAR);
    Instrument inverse = Desk::definition(99, Product::PERPETUAL, ContractKind::INVERSE);
    std::uint64_t fills = 0;

    explicit Futures(bool hedging = false) {
        linear.set_settle("USDT");
        inverse.set_settle("BTC");
        inverse.set_quote("USD");
        inverse.set_size_unit(SizeUnit::CONTRACTS);
        inverse.set_contract_value(num("100"));
        inverse.settle_decimals = 8;
        markets.define(linear, "linear");
        markets.define(inverse, "inverse");
        accounts.set_terms(kAccount, {hedging, num("5"), {{inverse.instrument, num("10")}}});
    }

    broker::Booking fill(const Instrument& of, std::uint64_t strategy, Side side, const char* size,
                         const char* price, PositionSide which = PositionSide::NET,
                         const char* told = nullptr) {
        const std::string trade = std::to_string(++fills);
        Fill f = Desk::a_fill(1, trade.c_str(), side, size, price, "0", of.instrument);
        f.set_position_side(which);
        if (told) f.set_realized_pnl(money(told));
        return accounts.book(f, strategy, of);
    }

    broker::Booking cash(CashKind kind, const char* amount, const Instrument& of) {
        CashMovement c{};
        c.account = kAccount;
        c.instrument = of.instrument;
        c.set_amount(money(amount));
        c.set_kind(kind);
        c.set_currency("USDT");
        return accounts.book(c, 0, markets.find(of.instrument));
    }

    void mark(const Instrument& of, const char* price) {
        MarkPrice m{};
        m.instrument = of.instrument;
        m.set_price(num(price));
        markets.on_mark(m);
    }

    Money result(std::uint64_t strategy, const char* currency = "USDT") {
        return accounts.result(Scope::STRATEGY, strategy, broker::Currency(currency), markets);
    }
    Holding held(std::uint64_t strategy = 0, PositionSide side = PositionSide::NET) {
        return accounts.holding({kAccount, kPerpetual, strategy, side});
    }
};

constexpr std::uint64_t kOne = 1, kTwo = 2;

void an_inverse_contract_pays_in_base_and_each_quotient_is_rounded_once() {
    Futures f;
    f.fill(f.inverse, kOne, Side::BUY, "3", "30000.7");
    Holding held = f.accounts.holding({kAccount, 99, kOne, PositionSide::NET});
    CHECK(same(held.cost, money("0.00999977")));
    const auto booking = f.fill(f.inverse, kOne, Side::SELL, "7", "31000.3");
    CHECK(booking.count == 1 && booking.begin()->currency == broker::Currency("BTC"));
    CHECK(same(booking.begin()->amount, money("0.00032244")));
    held = booking.strategy;
    CHECK(held.size == num("-4") && same(held.cost, money("-0.0129031")));
    f.mark(f.inverse, "28000");
    CHECK(same(unrealized(held, num("28000"), f.inverse), money("0.00138261")));
    CHECK(unrealized(held, num("0"), f.inverse).is_none());
    const broker::Currency btc("BTC");
    CHECK(same(f.accounts.equity(kAccount, btc, f.markets), money("0.00170505")));
    CHECK(same(f.accounts.margin_used(kAccount, btc, f.markets), money("0.00142858")));
    CHECK(same(f.accounts.margin_free(kAccount, btc, f.markets), money("0.00027647")));
}

void long_and_short_stand_side_by_side_in_hedging_mode() {
    Futures f(true);
    f.fill(f.linear, kOne, Side::BUY, "3", "100", PositionSide::LONG);
    f.fill(f.linear, kOne, Side::SELL, "1", "110", PositionSide::SHORT);
    CHECK(f.held(0, PositionSide::LONG).size == num("3"));
    CHECK(f.held(kOne, PositionSide::SHORT).size == num("-1"));
    CHECK(f.accounts.net_size(kAccount, kPerpetual) == num("2"));
    f.mark(f.linear, "120");
    const broker::Currency usdt("USDT");
    CHECK(same(f.accounts.unrealized(kAccount, usdt, f.markets), money("50")));
    CHECK(same(f.accounts.margin_used(kAccount, usdt, f.markets), money("96")));
    const auto out = f.cash(CashKind::SETTLEMENT, "50", f.linear);
    CHECK(out.settled.size() == 4);
    CHECK(same(f.held(0, PositionSide::LONG).realized, money("60")));
    CHECK(same(f.held(0, PositionSide::SHORT).realized, money("-10")));
    CHECK(same(f.result(kOne), money("50")));
    CHECK(f.accounts.net_size(kAccount, kPerpetual).is_zero());
}

void a_profit_that_the_venue_tells_is_paid_and_moves_the_part_by_the_difference() {
    Futures f;
    f.fill(f.linear, kOne, Side::BUY, "1", "100");
    const auto booking = f.fill(f.linear, kTwo, Side::SELL, "1", "110", PositionSide::NET, "9.99");
    CHECK(same(booking.begin()->amount, money("9.99")));
    CHECK(same(booking.account.realized, money("9.99")) && same(booking.strategy.realized, money("-0.01")));
    f.mark(f.linear, "130");
    CHECK(same(f.result(kOne), money("30")) && same(f.result(kTwo), money("-20.01")));
}

void a_funding_is_shared_out_by_size_and_changes_no_balance_twice() {
    Futures f;
    f.fill(f.linear, kOne, Side::BUY, "4", "100");
    f.fill(f.linear, kTwo, Side::SELL, "1", "100");
    f.mark(f.linear, "100");
    f.cash(CashKind::FUNDING, "-0.10", f.linear);
    CHECK(same(f.accounts.balance(kAccount, broker::Currency("USDT")), money("-0.1")));
    CHECK(same(f.result(kOne), money("-0.13")) && same(f.result(kTwo), money("0.03")));
    f.fill(f.linear, kOne, Side::SELL, "3", "100");
    f.cash(CashKind::FUNDING, "-5", f.linear);  // what cancels out pays for nobody
    CHECK(same(f.result(kOne), money("-0.13")) && same(f.result(kTwo), money("0.03")));
    f.cash(CashKind::CONVERSION, "7", f.linear);
    f.cash(CashKind::INTEREST, "-1", Instrument{});
    const broker::Currency usdt("USDT");
    CHECK(same(f.accounts.balance(kAccount, usdt), money("0.9")));
    CHECK(same(f.accounts.result(Scope::ACCOUNT, kAccount, usdt, f.markets), money("-6.1")));
}

void a_settlement_closes_the_parts_of_strategies_at_what_it_paid() {
    Futures f;
    f.fill(f.linear, kOne, Side::BUY, "3", "100");
    f.fill(f.linear, kTwo, Side::SELL, "1", "110");
    const auto booking = f.cash(CashKind::SETTLEMENT, "30", f.linear);
    CHECK(same(f.held().realized, money("40")) && f.held().size.is_zero());
    CHECK(f.held(kOne).size.is_zero() && f.held(kTwo).size.is_zero());
    CHECK(same(f.held(kOne).realized, money("45")) && same(f.held(kTwo).realized, money("-5")));
    CHECK(booking.settled.size() == 3 && booking.settled[0].strategy == 0);
}

void a_fee_in_kind_that_takes_a_position_away_realises_its_cost() {
    broker::Accounts accounts;
    const Instrument spot = Desk::definition(kSpot, Product::SPOT, ContractKind::NONE);
    Fill f = Desk::a_fill(1, "a", Side::BUY, "2", "100", "0.5", kSpot);
    f.set_fee_currency("BTC");
    Holding held = accounts.book(f, 0, spot).account;
    CHECK(held.size == num("1.5") && same(held.cost, money("200")));
    f = Desk::a_fill(1, "b", Side::SELL, "1", "100", "0.5", kSpot);
    f.set_fee_currency("BTC");
    held = accounts.book(f, 0, spot).account;
    CHECK(held.size.is_zero() && held.cost.mantissa == 0 && same(held.realized, money("-100")));
    CHECK(same(accounts.balance(kAccount, broker::Currency("BTC")), money("0")));
}

void a_fault_books_nothing_anywhere() {
    Futures f;
    const auto fails = [&](auto&& what) {
        try {
            what();
        } catch (const broker::Fault&) {
            return true;
        }
        return false;
    };
    f.fill(f.linear, kOne, Side::BUY, "1", "100");
    Fill large = Desk::a_fill(1, "x", Side::SELL, "9000000000000000001", "9000000000000000001", "0");
    large.set_price({9000000000000000001, 110});
    CHECK(fails([&] { f.accounts.book(large, kOne, f.linear); }));
    const Holding held = f.held(kOne);
    CHECK(held.size == num("1") && same(held.cost, money("100")) && same(f.held().cost, money("100")));
}

void booking_a_fill_of_what_is_known_allocates_nothing() {
    Futures f;
    const auto trade = [&] {
        Fill fill = Desk::a_fill(1, "a", Side::BUY, "1", "100", "0.01");
        f.accounts.book(fill, kOne, f.linear);
        fill.set_side(Side::SELL);
        fill.set_size(num("3"));
        f.accounts.book(fill, kOne, f.linear);
    };
    trade();
    const std::size_t before = allocations;
    trade();
    CHECK(allocations == before);
}

void an_order_says_which_position_it_is_for_in_hedging_mode_alone() {
    auto hedging = Desk::plain();
    hedging.routes[0].terms.hedging = true;
    hedging.gateways[0].capabilities.position_sides = true;
    Desk d(std::move(hedging));
    d.define_perpetual();
    d.define_spot();
    const auto verdict = [](Desk& desk, OrderRequest r) {
        desk.request(r);
        const auto out = desk.run();
        return only_update(out).as<OrderUpdate>().get_state();
    };
    OrderRequest r = Desk::limit(1, Side::BUY, "1", "100");
    CHECK(verdict(d, r) == OrderState::RISK_REJECTED);
    r.order_id = 2;
    r.set_position_side(PositionSide::LONG);
    CHECK(verdict(d, r) == OrderState::SUBMITTED);
    CHECK(verdict(d, Desk::limit(3, Side::BUY, "1", "100", kSpot)) == OrderState::SUBMITTED);
    Fill f = Desk::a_fill(2, "a", Side::BUY, "1", "100");
    d.fill(f);  // its order says which
    CHECK(d.run().back().as<Position>().get_position_side() == PositionSide::LONG);
    f.order_id = 9;
    d.fill(f);
    const auto out = d.run();
    CHECK(out.size() == 1 && only_update(out).as<OrderUpdate>().anomaly == 1);
    CHECK(only_update(out).tail<OrderUpdate>().find("long or of the short") != std::string::npos);
    Desk net;
    net.define_perpetual();
    CHECK(verdict(net, r) == OrderState::RISK_REJECTED);
}

/// A position of more than nine units cannot have 18 decimals; the balance can, and stays exact.
void a_fee_in_kind_of_many_decimals_is_booked() {
    Ledger d;
    const auto booked = [&](Side side, const char* size, const char* fee, const char* position,
                            const char* balance) {
        static std::uint64_t id = 0;
        d.request(Desk::limit(++id, side, size, "100", kSpot));
        Fill f = Desk::a_fill(id, "t", side, size, "100", "0", kSpot);
        Money exact;
        CHECK(parse_money(fee, exact) == NumberError::OK);
        f.set_fee(exact);
        f.set_fee_currency("BTC");
        d.fill(f);
        Number held = Number::none();
        Money total = Money::none();
        for (const Record& r : d.run()) {
            if (r.type == Position::kType) held = r.as<Position>().get_size();
            if (r.type == Balance::kType && r.as<Balance>().get_currency() == "BTC")
                total = r.as<Balance>().get_total();
        }
        CHECK(parse_money(balance, exact) == NumberError::OK);
        return to_text(held) == position && same(total, exact);
    };
    CHECK(booked(Side::BUY, "9", "0.000000000000000001", "8.999999999999999999", "8.999999999999999999"));
    CHECK(booked(Side::BUY, "10", "0.000000000000000002", "19", "18.999999999999999997"));
    CHECK(booked(Side::BUY, "1", "0.000000000000000037", "19.99999999999999996", "19.99999999999999996"));
    // One that does not fit by itself.
    CHECK(booked(Side::BUY, "50", "10.000000000000000004", "59.99999999999999996", "59.999999999999999956"));
    CHECK(booked(Side::SELL, "59", "0", "0.99999999999999996", "0.999999999999999956"));
}

void spot_is_closed_as_the_one_position_that_it_is_in_hedging_mode_too() {
    auto config = Desk::plain();
    config.routes[0].terms.hedging = true;
    Desk d(std::move(config));
    d.define_spot();
    d.request(Desk::limit(1, Side::BUY, "1", "100", kSpot));
    d.fill(Desk::a_fill(1, "a", Side::BUY, "1", "100", "0", kSpot));
    OperatorCommand flatten{};
    flatten.set_kind(CommandKind::FLATTEN);
    flatten.set_scope(Scope::GLOBAL);
    d.put(1, kBroker, flatten, "me");
    const Record closing = d.run().back();
    CHECK(closing.as<OrderRequest>().get_side() == Side::SELL);
    CHECK(closing.as<OrderRequest>().get_position_side() == PositionSide::NET);
}

void a_leverage_must_be_positive() {
    auto config = Desk::plain();
    config.routes[0].terms.leverage = num("0");
    bool refused = false;
    try {
        const broker::Broker broker(std::move(config));
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

}  // namespace

int main() {
    a_spot_fill_moves_both_currencies_and_the_fee();
    a_linear_position_realises_what_closes_and_flips_through_zero();
    contracts_count_with_their_value();
    a_rest_that_closes_takes_all_of_the_cost();
    shares_round_half_to_even_once();
    trailing_zeros_alone_never_overflow();
    what_does_not_fit_is_a_fault_and_books_nothing();
    an_inverse_contract_pays_in_base_and_each_quotient_is_rounded_once();
    long_and_short_stand_side_by_side_in_hedging_mode();
    a_profit_that_the_venue_tells_is_paid_and_moves_the_part_by_the_difference();
    a_funding_is_shared_out_by_size_and_changes_no_balance_twice();
    a_settlement_closes_the_parts_of_strategies_at_what_it_paid();
    a_fee_in_kind_that_takes_a_position_away_realises_its_cost();
    a_fault_books_nothing_anywhere();
    booking_a_fill_of_what_is_known_allocates_nothing();
    an_order_says_which_position_it_is_for_in_hedging_mode_alone();
    a_fee_in_kind_of_many_decimals_is_booked();
    spot_is_closed_as_the_one_position_that_it_is_in_hedging_mode_too();
    a_leverage_must_be_positive();
}
