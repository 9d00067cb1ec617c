/// Bookings: spot principal, linear positions, the one rounding rule, and what must not wrap.
#include <string>

#include "broker/exact.hpp"
#include "broker_desk.hpp"

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

}  // namespace

int main() {
    a_spot_fill_moves_both_currencies_and_the_fee();
    a_linear_position_realises_what_closes_and_flips_through_zero();
    contracts_count_with_their_value();
    a_rest_that_closes_takes_all_of_the_cost();
    shares_round_half_to_even_once();
    trailing_zeros_alone_never_overflow();
    what_does_not_fit_is_a_fault_and_books_nothing();
}
