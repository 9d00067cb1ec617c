#include "broker/accounts.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// Whether a movement that a venue reports wins or loses something; the others are money or coins that change
/// place, and what was found to be the truth without a cause.
bool is_result(CashKind kind) noexcept {
    return kind != CashKind::TRANSFER && kind != CashKind::PRINCIPAL && kind != CashKind::CONVERSION &&
           kind != CashKind::ADJUSTMENT;
}

/// What a holding that cost so much has won when it is worth so much: an inverse contract pays the other way.
Money gain(Money worth, Money cost, const Instrument& definition) {
    return is_inverse(definition) ? sum(cost, -worth, "profit") : sum(worth, -cost, "profit");
}

/// What a holding that cost so much and has won so much is worth: the same, solved for the worth.
Money worth_after(Money won, Money cost, const Instrument& definition) {
    return is_inverse(definition) ? sum(cost, -won, "worth") : sum(cost, won, "worth");
}

/// The part of an amount that falls to a part of a signed size; all of it, unrounded, if that is the whole.
Money attributed(Money amount, Number part, Number whole, int decimals) {
    if (part == whole) return amount;
    const bool alike = (part.mantissa > 0) == (whole.mantissa > 0);
    return share(alike ? amount : -amount, magnitude(part), magnitude(whole), decimals);
}

/// A position is a number of 64 bits: where decimals of fees in kind do not fit into it any more, its last
/// ones are rounded off. The balance, which says what is there, keeps them all.
Number size_after(Number size, Money change) {
    Number out;
    if (nearest_sum(to_money(size), change, out)) return out;
    throw Fault("a position size of " + to_text(size) + " and " + to_text(change) +
                " does not fit; nothing was booked");
}

Number size_after(Number size, Number change) {
    Number out;
    return exact_sum(size, change, out) ? out : size_after(size, to_money(change));
}

void open(Holding& holding, Number size, Number price, const Instrument& definition) {
    holding.cost = sum(holding.cost, value_at(size, price, definition), "position cost");
    holding.size = size_after(holding.size, size);
}

/// Takes out a size of the other sign that is at most as large as what is held.
Money close(Holding& holding, Number size, Number price, const Instrument& definition) {
    const Number rest = size_after(holding.size, size);
    const Money removed = rest.is_zero() ? holding.cost
                                         : share(holding.cost, magnitude(size), magnitude(holding.size),
                                                 definition.settle_decimals);
    const Money realized = gain(-value_at(size, price, definition), removed, definition);
    holding.cost = rest.is_zero() ? Money{0, 0} : sum(holding.cost, -removed, "position cost");
    holding.size = rest;
    holding.realized = sum(holding.realized, realized, "realised profit");
    return realized;
}

/// Lets the size shrink by a fee in kind. The cost stays that of what is left; where nothing is left, it is
/// lost.
void take_out(Holding& holding, Money fee) {
    if (fee.mantissa == 0) return;
    const Number rest = size_after(holding.size, -fee);
    if (rest.is_zero() || (rest.mantissa > 0) != (holding.size.mantissa > 0)) {
        holding.realized = sum(holding.realized, -holding.cost, "realised profit");
        holding.cost = {0, 0};
    }
    holding.size = rest;
}

Number signed_size(const Fill& fill) noexcept {
    return fill.get_side() == Side::BUY ? fill.get_size() : -fill.get_size();
}

/// The part of a spot fill's size that its fee took away again; zero if the fee is in another currency.
Money size_taken_by_fee(const Fill& fill, const Instrument& definition) {
    const Money fee = fill.get_fee();
    const bool in_kind = is_spot(definition) && fill.get_fee_currency() == definition.get_base();
    if (fee.is_none() || !in_kind) return {0, 0};
    return fee;
}

}  // namespace

Money value_at(Number size, Number price, const Instrument& definition) {
    Money value;
    if (worth_of(size, price, definition, value)) return value;
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
    const Number beyond = size_after(size, -closing);
    const Money realized = close(holding, closing, price, definition);
    open(holding, beyond, price, definition);
    return realized;
}

Money unrealized(const Holding& holding, Number price, const Instrument& definition) noexcept {
    if (holding.size.is_zero()) return {0, 0};
    Money worth;
    Money won;
    if (!worth_of(holding.size, price, definition, worth)) return Money::none();
    const bool fits =
        is_inverse(definition) ? exact_sum(holding.cost, -worth, won) : exact_sum(worth, -holding.cost, won);
    return fits ? won : Money::none();
}

Money margin_of(Number size, Number price, Number leverage, const Instrument& definition) noexcept {
    if (size.is_zero()) return {0, 0};
    Money worth;
    Money margin;
    const bool known = worth_of(size, price, definition, worth) &&
                       share_up(magnitude(worth), leverage, definition.settle_decimals, margin);
    return known ? margin : Money::none();
}

void Accounts::set_terms(std::uint64_t account, AccountTerms terms) {
    const auto require_positive = [](Number leverage) {
        if (leverage.mantissa <= 0)
            throw std::invalid_argument("leverage " + to_text(leverage) + " is not positive");
    };
    require_positive(terms.leverage);
    for (const auto& [instrument, leverage] : terms.leverages) require_positive(leverage);
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
    const Number size = signed_size(fill);
    const Money fee_size = size_taken_by_fee(fill, definition);
    const Currency settle(settlement_currency(definition));
    const PositionSide side = side_of(fill.account, fill.get_position_side(), definition);
    const HoldingKey account_key{fill.account, fill.instrument, 0, side};
    const HoldingKey strategy_key{fill.account, fill.instrument, strategy, side};

    Booking booking;
    booking.account = holding(account_key);
    const Money ours = trade_into(booking.account, size, fill.get_price(), definition);
    // The venue's own amount is the one that is paid; what it differs by is the doing of this fill.
    const Money realized = fill.get_realized_pnl().is_none() ? ours : fill.get_realized_pnl();
    const Money difference = sum(realized, -ours, "realised profit");
    booking.account.realized = sum(booking.account.realized, difference, "realised profit");
    take_out(booking.account, fee_size);
    if (strategy != 0) {
        booking.strategy = holding(strategy_key);
        trade_into(booking.strategy, size, fill.get_price(), definition);
        booking.strategy.realized = sum(booking.strategy.realized, difference, "realised profit");
        take_out(booking.strategy, fee_size);
    }

    const auto move = [&](CashKind kind, Currency currency, Money amount) {
        if (amount.mantissa != 0) booking.movements[booking.count++] = {kind, currency, amount};
    };
    if (is_spot(definition)) {
        move(CashKind::PRINCIPAL, Currency(definition.get_base()), to_money(size));
        move(CashKind::PRINCIPAL, settle, -value_at(size, fill.get_price(), definition));
    } else {
        move(CashKind::REALIZED_PNL, settle, realized);
    }
    const Money fee = fill.get_fee().is_none() ? Money{0, 0} : fill.get_fee();
    const Currency paid_in = fill.get_fee_currency().empty() ? settle : Currency(fill.get_fee_currency());
    move(CashKind::FEE, paid_in, -fee);

    // All sums are formed before the first is kept.
    std::array<std::pair<BalanceKey, Money>, 4> totals;
    std::size_t count = 0;
    for (const Movement& m : booking) {
        std::size_t i = 0;
        while (i < count && totals[i].first.currency != m.currency) ++i;
        if (i == count) totals[count++] = {{fill.account, 0, m.currency}, balance(fill.account, m.currency)};
        totals[i].second = sum(totals[i].second, m.amount, "balance");
    }
    // A fee in kind is missing from the position already.
    const bool charged = fee.mantissa != 0 && fee_size.mantissa == 0;
    const BalanceKey account_charges{fill.account, 0, paid_in};
    const BalanceKey strategy_charges{fill.account, strategy, paid_in};
    Money account_total;
    Money strategy_total;
    if (charged) {
        account_total = sum(charges(account_charges), -fee, "fees");
        if (strategy != 0) strategy_total = sum(charges(strategy_charges), -fee, "fees");
    }
    for (std::size_t i = 0; i < count; ++i) balances_[totals[i].first] = totals[i].second;
    if (charged) {
        charges_[account_charges] = account_total;
        if (strategy != 0) charges_[strategy_charges] = strategy_total;
    }
    holdings_[account_key] = booking.account;
    if (strategy != 0) holdings_[strategy_key] = booking.strategy;
    return booking;
}

namespace {

using Part = std::pair<HoldingKey, Holding>;

/// Closes all that is held of an instrument for the amount that the account gets for its positions.
///
/// The amount says what a unit of size was worth, and so what each part of it was; that of an account whose
/// positions cancel out does not, and the mark says it. The account's own positions realise the amount
/// exactly. Gives what of it they did not, if there are none.
Money settle(std::vector<Part>& parts, Money amount, const Market& market) {
    const Instrument& definition = market.definition;
    Number net{0, 0};
    Money cost{0, 0};
    for (const auto& [key, held] : parts) {
        if (key.strategy != 0) continue;
        net = sum(net, held.size, "net position");
        cost = sum(cost, held.cost, "position cost");
    }
    const Number price = market.marking_price();
    const Money worth = worth_after(amount, cost, definition);
    const auto realized_by = [&](const Holding& held) {
        if (!net.is_zero()) {
            return gain(attributed(worth, held.size, net, definition.settle_decimals), held.cost, definition);
        }
        const Money open = unrealized(held, price, definition);
        return open.is_none() ? Money{0, 0} : open;
    };
    Money left = amount;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto& [key, held] = parts[i];
        const bool own = key.strategy == 0;
        const bool last = own && (i + 1 == parts.size() || parts[i + 1].first.strategy != 0);
        const Money realized = last ? left : realized_by(held);
        if (own) left = sum(left, -realized, "realised profit");
        held = {{0, 0}, {0, 0}, sum(held.realized, realized, "realised profit")};
    }
    return left;
}

}  // namespace

Booking Accounts::book(const CashMovement& cash, std::uint64_t strategy, const Market* market) {
    const Currency currency(cash.get_currency());
    Booking booking;
    booking.movements[booking.count++] = {cash.get_kind(), currency, cash.get_amount()};
    const BalanceKey key{cash.account, 0, currency};
    const Money total = sum(balance(cash.account, currency), cash.get_amount(), "balance");

    std::vector<Part> closed;
    if (cash.get_kind() == CashKind::SETTLEMENT && market != nullptr)
        closed = parts(cash.account, cash.instrument);
    Amounts charged;
    if (!closed.empty()) {
        if (currency != Currency(settlement_currency(market->definition))) {
            throw Fault("a settlement of " + market->name + " in " + std::string(currency.code()) +
                        " is not in its settlement currency; nothing was booked");
        }
        const Money left = settle(closed, cash.get_amount(), *market);
        if (left.mantissa != 0) charged.emplace_back(key, left);
    } else if (is_result(cash.get_kind())) {
        charged = shares(cash, strategy, market);
        charged.emplace_back(key, cash.get_amount());
    }
    for (auto& [whose, amount] : charged) amount = sum(charges(whose), amount, "charges");

    balances_[key] = total;
    for (const auto& [whose, amount] : charged) charges_[whose] = amount;
    for (const auto& [what, held] : closed) {
        holdings_[what] = held;
        booking.settled.push_back(what);
    }
    return booking;
}

std::vector<std::pair<HoldingKey, Holding>> Accounts::parts(std::uint64_t account,
                                                            std::uint64_t instrument) const {
    std::vector<Part> found;
    each_holding([&](const HoldingKey& key, const Holding& held) {
        if (key.account == account && key.instrument == instrument) found.emplace_back(key, held);
    });
    std::sort(found.begin(), found.end(), [](const Part& a, const Part& b) {
        return std::tie(a.first.strategy, a.first.side) < std::tie(b.first.strategy, b.first.side);
    });
    return found;
}

Accounts::Amounts Accounts::shares(const CashMovement& cash, std::uint64_t strategy,
                                   const Market* market) const {
    const Currency currency(cash.get_currency());
    if (strategy != 0) return {{{cash.account, strategy, currency}, cash.get_amount()}};
    if (market == nullptr) return {};
    const Number net = net_size(cash.account, cash.instrument);
    if (net.is_zero()) return {};
    std::vector<std::pair<std::uint64_t, Number>> sizes;
    for (const auto& [key, held] : parts(cash.account, cash.instrument)) {
        if (key.strategy == 0) continue;
        if (sizes.empty() || sizes.back().first != key.strategy) sizes.push_back({key.strategy, {0, 0}});
        sizes.back().second = sum(sizes.back().second, held.size, "net position");
    }
    Amounts amounts;
    for (const auto& [whose, size] : sizes) {
        const Money part = attributed(cash.get_amount(), size, net, market->definition.settle_decimals);
        amounts.push_back({{cash.account, whose, currency}, part});
    }
    return amounts;
}

void Accounts::adjust_holding(const HoldingKey& key, const Holding& holding) { holdings_[key] = holding; }

Holding Accounts::holding(const HoldingKey& key) const {
    const auto found = holdings_.find(key);
    return found == holdings_.end() ? Holding{} : found->second;
}

Money Accounts::balance(std::uint64_t account, Currency currency) const {
    const auto found = balances_.find({account, 0, currency});
    return found == balances_.end() ? Money{0, 0} : found->second;
}

Money Accounts::charges(const BalanceKey& key) const {
    const auto found = charges_.find(key);
    return found == charges_.end() ? Money{0, 0} : found->second;
}

Number Accounts::net_size(std::uint64_t account, std::uint64_t instrument) const {
    const Number net = holding({account, instrument, 0, PositionSide::NET}).size;
    if (!terms(account).hedging) return net;
    const Number sides = sum(holding({account, instrument, 0, PositionSide::LONG}).size,
                             holding({account, instrument, 0, PositionSide::SHORT}).size, "net position");
    return sum(net, sides, "net position");
}

template <class Counts, class Of>
Money Accounts::total_of(Counts&& counts, Currency currency, const Markets& markets, Money start,
                         Of&& of) const {
    Money total = start;
    for (const auto& [key, held] : holdings_) {
        if (!counts(key)) continue;
        const Market* market = markets.find(key.instrument);
        if (market == nullptr || Currency(settlement_currency(market->definition)) != currency) continue;
        const Money part = of(key, held, *market);
        if (part.is_none() || !exact_sum(total, part, total)) return Money::none();
    }
    return total;
}

Money Accounts::result(Scope scope, std::uint64_t subject, Currency currency, const Markets& markets) const {
    const auto counts = [&](const auto& key) {
        switch (scope) {
            case Scope::ACCOUNT: return key.strategy == 0 && key.account == subject;
            case Scope::STRATEGY: return key.strategy != 0 && key.strategy == subject;
            case Scope::GLOBAL:
            default: return key.strategy == 0;
        }
    };
    Money charged{0, 0};
    for (const auto& [key, amount] : charges_) {
        const bool fits = !counts(key) || key.currency != currency || exact_sum(charged, amount, charged);
        if (!fits) return Money::none();
    }
    return total_of(
        counts, currency, markets, charged, [](const HoldingKey&, const Holding& held, const Market& market) {
            const Money open = broker::unrealized(held, market.marking_price(), market.definition);
            Money won;
            return !open.is_none() && exact_sum(open, held.realized, won) ? won : Money::none();
        });
}

Money Accounts::unrealized(std::uint64_t account, Currency currency, const Markets& markets) const {
    return total_of([&](const HoldingKey& key) { return key.account == account && key.strategy == 0; },
                    currency, markets, {0, 0},
                    [](const HoldingKey&, const Holding& held, const Market& market) {
                        return broker::unrealized(held, market.marking_price(), market.definition);
                    });
}

Money Accounts::equity(std::uint64_t account, Currency currency, const Markets& markets) const {
    return total_of([&](const HoldingKey& key) { return key.account == account && key.strategy == 0; },
                    currency, markets, balance(account, currency),
                    [](const HoldingKey&, const Holding& held, const Market& market) {
                        if (is_spot(market.definition)) return Money{0, 0};
                        return broker::unrealized(held, market.marking_price(), market.definition);
                    });
}

Money Accounts::margin_used(std::uint64_t account, Currency currency, const Markets& markets) const {
    return total_of([&](const HoldingKey& key) { return key.account == account && key.strategy == 0; },
                    currency, markets, {0, 0},
                    [&](const HoldingKey& key, const Holding& held, const Market& market) {
                        if (is_spot(market.definition)) return Money{0, 0};
                        return margin_of(held.size, market.marking_price(), leverage(account, key.instrument),
                                         market.definition);
                    });
}

Money Accounts::margin_free(std::uint64_t account, Currency currency, const Markets& markets) const {
    const Money has = equity(account, currency, markets);
    const Money used = margin_used(account, currency, markets);
    Money free;
    return !has.is_none() && !used.is_none() && exact_sum(has, -used, free) ? free : Money::none();
}

void Accounts::save(StateWriter& state) const {
    put_map(state, holdings_);
    put_map(state, balances_);
    put_map(state, charges_);
}

bool Accounts::load(StateReader& state) {
    get_map(state, holdings_);
    get_map(state, balances_);
    get_map(state, charges_);
    return state.good();
}

}  // namespace kungfu::broker
