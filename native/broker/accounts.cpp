#include "broker/accounts.hpp"

#include "broker/exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::broker {
namespace {

Money exact_value(Number price, Number size, Number multiplier) {
    Money value;
    if (!value_of(price, size, multiplier, value)) {
        throw Fault("the exact value of " + to_text(size) + " at " + to_text(price) + " times " +
                    to_text(multiplier) + " does not fit; nothing was booked");
    }
    return value;
}

void open(Holding& holding, Number size, Number price, Number multiplier) {
    holding.cost = sum(holding.cost, exact_value(price, size, multiplier), "position cost");
    holding.size = sum(holding.size, size, "position size");
}

/// Takes out a size of the other sign that is at most as large as what is held.
Money close(Holding& holding, Number size, Number price, Number multiplier, int decimals) {
    const Number rest = sum(holding.size, size, "position size");
    const Money removed = rest.is_zero()
                              ? holding.cost
                              : share(holding.cost, magnitude(size), magnitude(holding.size), decimals);
    const Money value = exact_value(price, size, multiplier);
    const Money realized = -sum(value, removed, "realised profit");
    holding.cost = rest.is_zero() ? Money{0, 0} : sum(holding.cost, -removed, "position cost");
    holding.size = rest;
    holding.realized = sum(holding.realized, realized, "realised profit");
    return realized;
}

}  // namespace

Money trade_into(Holding& holding, Number size, Number price, Number multiplier, int decimals) {
    const bool opens = holding.size.is_zero() || (holding.size.mantissa > 0) == (size.mantissa > 0);
    if (opens) {
        open(holding, size, price, multiplier);
        return {0, 0};
    }
    if (magnitude(size) <= magnitude(holding.size)) return close(holding, size, price, multiplier, decimals);
    const Number closing = -holding.size;
    const Number beyond = sum(size, -closing, "position size");
    const Money realized = close(holding, closing, price, multiplier, decimals);
    open(holding, beyond, price, multiplier);
    return realized;
}

Booking Accounts::book(const Fill& fill, const Instrument& definition) {
    const bool spot = definition.get_product() == Product::SPOT;
    const Number size = fill.get_side() == Side::BUY ? fill.get_size() : -fill.get_size();
    const Number unit = multiplier(definition);
    Booking booking;
    booking.holding = holding(fill.account, fill.instrument);
    const Money realized =
        trade_into(booking.holding, size, fill.get_price(), unit, definition.settle_decimals);

    const std::string settle(settlement_currency(definition));
    const auto move = [&](CashKind kind, std::string_view currency, Money amount) {
        if (amount.mantissa != 0) booking.movements.push_back({kind, std::string(currency), amount});
    };
    if (spot) {
        move(CashKind::PRINCIPAL, definition.get_base(), to_money(size));
        move(CashKind::PRINCIPAL, settle, -exact_value(fill.get_price(), size, unit));
    } else {
        move(CashKind::REALIZED_PNL, settle, realized);
    }
    if (!fill.get_fee().is_none()) {
        move(CashKind::FEE, fill.get_fee_currency().empty() ? settle : fill.get_fee_currency(),
             -fill.get_fee());
    }

    std::unordered_map<std::string, Money> totals;
    for (const Movement& m : booking.movements) {
        Money& total = totals.try_emplace(m.currency, balance(fill.account, m.currency)).first->second;
        total = sum(total, m.amount, "balance");
    }
    for (auto& [currency, total] : totals) balances_[BalanceKey{fill.account, currency}] = total;
    holdings_[HoldingKey{fill.account, fill.instrument}] = booking.holding;
    return booking;
}

Money Accounts::add(std::uint64_t account, std::string_view currency, Money amount) {
    Money& total = balances_.try_emplace(BalanceKey{account, std::string(currency)}).first->second;
    return total = sum(total, amount, "balance");
}

Holding Accounts::holding(std::uint64_t account, std::uint64_t instrument) const {
    const auto found = holdings_.find(HoldingKey{account, instrument});
    return found == holdings_.end() ? Holding{} : found->second;
}

Money Accounts::balance(std::uint64_t account, std::string_view currency) const {
    const auto found = balances_.find(BalanceKey{account, std::string(currency)});
    return found == balances_.end() ? Money{0, 0} : found->second;
}

std::size_t Accounts::Hash::operator()(const BalanceKey& key) const noexcept {
    return key.account * 31 + fnv1a64(key.currency);
}

}  // namespace kungfu::broker
