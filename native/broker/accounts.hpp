/// Positions, balances and results, booked exactly from fills and cash movements.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/currency.hpp"
#include "broker/markets.hpp"
#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// Size and cost are signed alike; a size of zero has cost nothing.
struct Holding {
    Number size{0, 0};
    Money cost{0, 0};      // in settlement currency
    Money realized{0, 0};  // likewise, as it was journaled
};

struct HoldingKey {
    std::uint64_t account = 0;
    std::uint64_t instrument = 0;
    std::uint64_t strategy = 0;  // whose part it is; 0 for the whole account
    PositionSide side = PositionSide::NET;

    bool operator==(const HoldingKey& o) const noexcept {
        return account == o.account && instrument == o.instrument && strategy == o.strategy && side == o.side;
    }
};

struct Movement {
    CashKind kind;
    Currency currency;
    Money amount;
};

/// What booking a fill or a cash movement did.
struct Booking {
    std::array<Movement, 4> movements;
    std::size_t count = 0;
    Holding account;
    Holding strategy;                 // of the strategy behind it, if there is one
    std::vector<HoldingKey> settled;  // what a settlement closed, parts of strategies included; in order

    const Movement* begin() const noexcept { return movements.data(); }
    const Movement* end() const noexcept { return movements.data() + count; }
};

/// How an account trades: what its venue was told, or the venue's own default.
struct AccountTerms {
    bool hedging = false;  // a long and a short position of an instrument side by side
    Number leverage{1, 0};
    std::vector<std::pair<std::uint64_t, Number>> leverages;  // of single instruments, by id
};

class Accounts {
  public:
    void forget_terms() noexcept { terms_.clear(); }
    /// Throws std::invalid_argument if a leverage is not positive.
    void set_terms(std::uint64_t account, AccountTerms terms);

    /// Which of an account's positions is meant: the one that is named, where there are two.
    PositionSide side_of(std::uint64_t account, PositionSide named,
                         const Instrument& definition) const noexcept {
        return terms(account).hedging && !is_spot(definition) ? named : PositionSide::NET;
    }

    /// Books a fill of a bookable instrument; changes nothing if it throws a Fault.
    Booking book(const Fill& fill, std::uint64_t strategy, const Instrument& definition);

    /// Books a cash movement that a venue reports; changes nothing if it throws a Fault.
    ///
    /// `strategy`: of the order that it names, or 0. `market`: of its instrument, or nullptr. A settlement
    /// closes what is held of the instrument. What else wins or loses something counts for the strategy, or
    /// without one for those who hold the instrument, each by its size.
    Booking book(const CashMovement& cash, std::uint64_t strategy, const Market* market);

    /// Sets what reconciliation found to be the truth.
    void adjust_holding(const HoldingKey& key, const Holding& holding);

    /// Zero where there never was any.
    Holding holding(const HoldingKey& key) const;
    Money balance(std::uint64_t account, Currency currency) const;

    /// Signed size of an account in an instrument, long and short of hedging mode summed up.
    Number net_size(std::uint64_t account, std::uint64_t instrument) const;

    // Of one currency; none if an open position has no mark, or the sum does not fit.

    /// What an account or a strategy (or, of the global scope, all accounts) has won or lost since ever: what
    /// was realised and what stands open at the mark, less fees, plus funding, interest and the like;
    /// transfers, conversions and adjustments apart.
    Money result(Scope scope, std::uint64_t subject, Currency currency, const Markets& markets) const;
    /// What stands open at the mark, spot included.
    Money unrealized(std::uint64_t account, Currency currency, const Markets& markets) const;
    /// Balance and what stands open of contracts; spot stands in the balance of its base currency.
    Money equity(std::uint64_t account, Currency currency, const Markets& markets) const;
    /// What open positions in contracts bind at the account's leverage.
    Money margin_used(std::uint64_t account, Currency currency, const Markets& markets) const;
    /// Equity less margin used.
    Money margin_free(std::uint64_t account, Currency currency, const Markets& markets) const;

    /// Calls visit(key, holding) for each holding that is not empty, in no particular order.
    template <class Visit>
    void each_holding(Visit&& visit) const {
        for (const auto& [key, holding] : holdings_)
            if (!holding.size.is_zero()) visit(key, holding);
    }
    /// Calls visit(account, currency, total) for each balance, in no particular order.
    template <class Visit>
    void each_balance(Visit&& visit) const {
        for (const auto& [key, total] : balances_) visit(key.account, key.currency, total);
    }

    const AccountTerms& terms(std::uint64_t account) const noexcept;
    Number leverage(std::uint64_t account, std::uint64_t instrument) const noexcept;

    void save(StateWriter& state) const;
    bool load(StateReader& state);

  private:
    struct BalanceKey {
        std::uint64_t account;
        std::uint64_t strategy;  // whose part it is; 0 for the whole account
        Currency currency;
        bool operator==(const BalanceKey& o) const noexcept {
            return account == o.account && strategy == o.strategy && currency == o.currency;
        }
    };
    struct Hash {
        std::size_t operator()(const HoldingKey& key) const noexcept {
            return ((key.account * 31 + key.instrument) * 31 + key.strategy) * 31 +
                   static_cast<std::uint8_t>(key.side);
        }
        std::size_t operator()(const BalanceKey& key) const noexcept {
            return (key.account * 31 + key.strategy) * 31 + key.currency.hash();
        }
    };
    using Amounts = std::vector<std::pair<BalanceKey, Money>>;

    /// What is held of an instrument in an account: its own positions, then the strategies' parts.
    std::vector<std::pair<HoldingKey, Holding>> parts(std::uint64_t account, std::uint64_t instrument) const;
    /// What a charge amounts to for the strategies that it counts for.
    Amounts shares(const CashMovement& cash, std::uint64_t strategy, const Market* market) const;
    Money charges(const BalanceKey& key) const;
    /// start + the sum of `of(key, holding, market)` over the holdings that settle in a currency and of which
    /// `counts(key)` is true; none if one of them is.
    template <class Counts, class Of>
    Money total_of(Counts&& counts, Currency currency, const Markets& markets, Money start, Of&& of) const;

    std::unordered_map<HoldingKey, Holding, Hash> holdings_;
    std::unordered_map<BalanceKey, Money, Hash> balances_;
    std::unordered_map<BalanceKey, Money, Hash> charges_;  // fees, funding and the like
    std::unordered_map<std::uint64_t, AccountTerms> terms_;
};

/// Trades into a holding: the part that closes realises, the rest opens. Gives what was realised.
///
/// `value` of a size at a price is in settlement currency: exact for spot and linear contracts, a quotient
/// rounded once, half to even at the settlement currency's decimals, for inverse ones.
Money trade_into(Holding& holding, Number size, Number price, const Instrument& definition);

/// What closing a holding at a price would realise; none without a price, or where it does not fit.
Money unrealized(const Holding& holding, Number price, const Instrument& definition) noexcept;

/// What a size is worth at a price, in settlement currency and with the sign of the size. Throws a Fault if
/// it does not fit.
Money value_at(Number size, Number price, const Instrument& definition);

/// What a size binds at a price: its value by the leverage, rounded up at the settlement currency's decimals;
/// none without a price, or where it does not fit.
Money margin_of(Number size, Number price, Number leverage, const Instrument& definition) noexcept;

}  // namespace kungfu::broker
