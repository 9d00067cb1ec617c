#include "broker/accounts.hpp"

#include <utility>

#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// Movements that neither win nor lose anything: money or coins that change place.
bool is_result(CashKind kind) noexcept {
    return kind != CashKind::TRANSFER && kind != CashKind::PRINCIPAL && kind != CashKind::REALIZED_PNL &&
           kind != CashKind::SETTLEMENT && kind != CashKind::ADJUSTMENT;
}

/// What a holding that cost so much has won when it is worth so much: an inverse contract pays the other way.
Money gain(Money worth, Money cost, const Instrument& definition) {
    return is_inverse(definition) ? sum(cost, -worth, "profit") : sum(worth, -cost, "profit");
}

void open(Holding& holding, Number size, Number price, const Instrument& definition) {
    holding.cost = sum(holding.cost, value_at(size, price, definition), "position cost");
    holding.size = sum(holding.size, size, "position size");
}

/// Takes out a size of the other sign that is at most as large as what is held.
Money close(Holding& holding, Number size, Number price, const Instrument& definition) {
    const Number rest = sum(holding.size, size, "position size");
    const Money removed = rest.is_zero() ? holding.cost
                                         : share(holding.cost, magnitude(size), magnitude(holding.size),
                                                 definition.settle_decimals);
    const Money realized = gain(-value_at(size, price, definition), removed, definition);
    holding.cost = rest.is_zero() ? Money{0, 0} : sum(holding.cost, -removed, "position cost");
    holding.size = rest;
    holding.realized = sum(holding.realized, realized, "realised profit");
    return realized;
}

Number signed_size(const Fill& fill) noexcept {
    return fill.get_side() == Side::BUY ? fill.get_size() : -fill.get_size();
}

/// The part of a spot fill's size that its fee took away again; zero if the fee is in another currency.
Number size_taken_by_fee(const Fill& fill, const Instrument& definition) {
    const Money fee = fill.get_fee();
    if (fee.is_none() || fee.mantissa == 0 || definition.get_product() != Product::SPOT) return {0, 0};
    if (fill.get_fee_currency() != definition.get_base()) return {0, 0};
    Number taken;
    if (!to_number(fee, taken)) throw Fault("a fee of " + to_text(fee) + " does not fit; nothing was booked");
    return taken;
}

}  // namespace

Money value_at(Number size, Number price, const Instrument& definition) {
    Money value;
    const bool fits = is_inverse(definition) ? inverse_value(size, price, multiplier(definition),
                                                             definition.settle_decimals, value)
                                             : value_of(price, size, multiplier(definition), value);
    if (fits) return value;
    throw Fault("the value of " + to_text(size) + " at " + to_text(price) + " times " +
                to_text(multiplier(definition)) + " does not fit; nothing was booked");
}

Money trade_into(Holding& holding, Number size, Number price, const Instrument& definition) {
    const bool opens = holding.size.is_zero() || (holding.size.mantissa > 0) == (size.mantissa > 0);
    if (opens) {
        open(holding, size, price, definition);
        return {0, 0};
    }
    if (magnitude(size) <= magnitude(holding.size)) return close(holding, size, price, definition);
    const Number closing = -holding.size;
    const Number beyond = sum(size, -closing, "position size");
    const Money realized = close(holding, closing, price, definition);
    open(holding, beyond, price, definition);
    return realized;
}

Money unrealized(const Holding& holding, Number price, const Instrument& definition) {
    if (holding.size.is_zero()) return {0, 0};
    if (price.is_none()) return Money::none();
    return gain(value_at(holding.size, price, definition), holding.cost, definition);
}

void Accounts::set_terms(AccountTerms terms) {
    const std::uint64_t account = terms.account;
    terms_[account] = std::move(terms);
}

const AccountTerms& Accounts::terms(std::uint64_t account) const noexcept {
    static const AccountTerms kUsual;
    const auto found = terms_.find(account);
    return found == terms_.end() ? kUsual : found->second;
}

Number Accounts::leverage(std::uint64_t account, std::uint64_t instrument) const noexcept {
    const AccountTerms& of = terms(account);
    for (const auto& [id, leverage] : of.leverages)
        if (id == instrument) return leverage;
    return of.leverage;
}

Booking Accounts::book(const Fill& fill, std::uint64_t strategy, const Instrument& definition) {
    const bool spot = definition.get_product() == Product::SPOT;
    const Number size = signed_size(fill);
    const Currency settle(settlement_currency(definition));
    const HoldingKey account_key{fill.account, fill.instrument, 0, fill.get_position_side()};
    const HoldingKey strategy_key{strategy, fill.instrument, fill.account, fill.get_position_side()};

    Booking booking;
    const auto move = [&](CashKind kind, Currency currency, Money amount) {
        if (amount.mantissa != 0) booking.movements[booking.count++] = {kind, currency, amount};
    };
    const Number fee_size = size_taken_by_fee(fill, definition);
    const auto trade = [&](Holding& holding) {
        Money realized = trade_into(holding, size, fill.get_price(), definition);
        if (!fill.get_realized_pnl().is_none()) {
            // The venue's own amount is the one that is paid.
            holding.realized =
                sum(holding.realized, sum(fill.get_realized_pnl(), -realized, "realised profit"),
                    "realised profit");
            realized = fill.get_realized_pnl();
        }
        holding.size = sum(holding.size, -fee_size, "position size");
        return realized;
    };
    booking.account = holding(account_key);
    const Money realized = trade(booking.account);
    if (strategy != 0) {
        booking.strategy = holding(strategy_key);
        trade(booking.strategy);
    }

    if (spot) {
        move(CashKind::PRINCIPAL, Currency(definition.get_base()), to_money(size));
        move(CashKind::PRINCIPAL, settle, -value_at(size, fill.get_price(), definition));
    } else {
        move(CashKind::REALIZED_PNL, settle, realized);
    }
    const Currency paid_in = fill.get_fee_currency().empty() ? settle : Currency(fill.get_fee_currency());
    const bool pays = !fill.get_fee().is_none();
    if (pays) move(CashKind::FEE, paid_in, -fill.get_fee());

    // All sums are formed before the first is kept.
    std::array<std::pair<BalanceKey, Money>, 4> totals;
    std::size_t count = 0;
    for (const Movement& m : booking) {
        std::size_t i = 0;
        while (i < count && totals[i].first.currency != m.currency) ++i;
        if (i == count) totals[count++] = {{fill.account, m.currency}, balance(fill.account, m.currency)};
        totals[i].second = sum(totals[i].second, m.amount, "balance");
    }
    Money account_charges{0, 0};
    Money strategy_charges{0, 0};
    const bool charged = pays && fee_size.is_zero();
    if (charged) {
        account_charges = sum(charges(fill.account, paid_in), -fill.get_fee(), "fees");
        if (strategy != 0) strategy_charges = sum(charges(strategy, paid_in), -fill.get_fee(), "fees");
    }
    for (std::size_t i = 0; i < count; ++i) balances_[totals[i].first] = totals[i].second;
    if (charged) {
        charges_[{fill.account, paid_in}] = account_charges;
        if (strategy != 0) charges_[{strategy, paid_in}] = strategy_charges;
    }
    holdings_[account_key] = booking.account;
    if (strategy != 0) holdings_[strategy_key] = booking.strategy;
    return booking;
}

Booking Accounts::book(const CashMovement& cash, const Instrument* definition) {
    const Currency currency(cash.get_currency());
    Booking booking;
    booking.movements[booking.count++] = {cash.get_kind(), currency, cash.get_amount()};
    const Money total = sum(balance(cash.account, currency), cash.get_amount(), "balance");
    const bool counts = is_result(cash.get_kind());
    const Money charged =
        counts ? sum(charges(cash.account, currency), cash.get_amount(), "charges") : Money{0, 0};
    if (cash.get_kind() == CashKind::SETTLEMENT && definition != nullptr) {
        const HoldingKey key{cash.account, cash.instrument, 0, PositionSide::NET};
        const Holding held = holding(key);
        booking.account = {{0, 0}, {0, 0}, sum(held.realized, cash.get_amount(), "realised profit")};
        holdings_[key] = booking.account;
    }
    balances_[{cash.account, currency}] = total;
    if (counts) charges_[{cash.account, currency}] = charged;
    return booking;
}

Money Accounts::adjust_balance(std::uint64_t account, Currency currency, Money total) {
    Money& held = balances_[{account, currency}];
    const Money added = sum(total, -held, "balance");
    held = total;
    return added;
}

void Accounts::adjust_holding(const HoldingKey& key, const Holding& holding) { holdings_[key] = holding; }

Holding Accounts::holding(const HoldingKey& key) const {
    const auto found = holdings_.find(key);
    return found == holdings_.end() ? Holding{} : found->second;
}

Money Accounts::balance(std::uint64_t account, Currency currency) const {
    const auto found = balances_.find({account, currency});
    return found == balances_.end() ? Money{0, 0} : found->second;
}

Money Accounts::charges(std::uint64_t owner, Currency currency) const {
    const auto found = charges_.find({owner, currency});
    return found == charges_.end() ? Money{0, 0} : found->second;
}

Number Accounts::net_size(std::uint64_t account, std::uint64_t instrument) const {
    if (!terms(account).hedging) return holding({account, instrument, 0, PositionSide::NET}).size;
    return sum(holding({account, instrument, 0, PositionSide::LONG}).size,
               holding({account, instrument, 0, PositionSide::SHORT}).size, "net position");
}

template <class Of>
Money Accounts::total_of(std::uint64_t owner, Currency currency, const Markets& markets, Money start,
                         Of&& of) const {
    Money total = start;
    for (const auto& [key, holding] : holdings_) {
        if (key.owner != owner) continue;
        const Market* market = markets.find(key.instrument);
        if (market == nullptr || Currency(settlement_currency(market->definition)) != currency) continue;
        const Money part = of(key, holding, *market);
        if (part.is_none()) return part;
        total = sum(total, part, "total of positions");
    }
    return total;
}

Money Accounts::result(std::uint64_t owner, Currency currency, const Markets& markets) const {
    return total_of(owner, currency, markets, charges(owner, currency),
                    [](const HoldingKey&, const Holding& holding, const Market& market) {
                        const Money open = unrealized(holding, market.marking_price(), market.definition);
                        return open.is_none() ? open : sum(open, holding.realized, "result");
                    });
}

Money Accounts::equity(std::uint64_t account, Currency currency, const Markets& markets) const {
    return total_of(account, currency, markets, balance(account, currency),
                    [](const HoldingKey&, const Holding& holding, const Market& market) {
                        // A spot position is part of the balance of its base currency.
                        if (market.definition.get_product() == Product::SPOT) return Money{0, 0};
                        return unrealized(holding, market.marking_price(), market.definition);
                    });
}

Money Accounts::margin_used(std::uint64_t account, Currency currency, const Markets& markets) const {
    return total_of(account, currency, markets, {0, 0},
                    [&](const HoldingKey& key, const Holding& holding, const Market& market) {
                        if (market.definition.get_product() == Product::SPOT) return Money{0, 0};
                        return margin_of(holding.size, market.marking_price(),
                                         leverage(account, key.instrument), market.definition);
                    });
}

Money margin_of(Number size, Number price, Number leverage, const Instrument& definition) {
    if (size.is_zero()) return {0, 0};
    if (price.is_none()) return Money::none();
    return share_up(magnitude(value_at(size, price, definition)), leverage, definition.settle_decimals);
}

void Accounts::save(StateWriter& state) const {
    state.put(static_cast<std::uint64_t>(holdings_.size()));
    for (const auto& [key, holding] : holdings_) state.put(key), state.put(holding);
    for (const auto* map : {&balances_, &charges_}) {
        state.put(static_cast<std::uint64_t>(map->size()));
        for (const auto& [key, total] : *map) state.put(key), state.put(total);
    }
}

bool Accounts::load(StateReader& state) {
    holdings_.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto key = state.get<HoldingKey>();
        holdings_[key] = state.get<Holding>();
    }
    for (auto* map : {&balances_, &charges_}) {
        map->clear();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
            const auto key = state.get<BalanceKey>();
            (*map)[key] = state.get<Money>();
        }
    }
    return state.good();
}

}  // namespace kungfu::broker
