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

/// Size and cost are signed alike.
struct Holding {
    Number size{0, 0};
    Money cost{0, 0};      // in settlement currency
    Money realized{0, 0};  // likewise, as it was journaled
};

struct HoldingKey {
    std::uint64_t owner = 0;  // an account, or a strategy
    std::uint64_t instrument = 0;
    std::uint64_t account = 0;  // of a strategy's holding; 0 in an account's own
    PositionSide side = PositionSide::NET;

    bool operator==(const HoldingKey& o) const noexcept {
        return owner == o.owner && instrument == o.instrument && account == o.account && side == o.side;
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
    Holding strategy;  // of the strategy behind it, if there is one

    const Movement* begin() const noexcept { return movements.data(); }
    const Movement* end() const noexcept { return movements.data() + count; }
};

/// How an account trades: what its venue was told, or the venue's own default.
struct AccountTerms {
    std::uint64_t account = 0;
    bool hedging = false;  // a long and a short position of an instrument side by side
    Number leverage{1, 0};
    std::vector<std::pair<std::uint64_t, Number>> leverages;  // of single instruments, by id
};

class Accounts {
  public:
    void set_terms(AccountTerms terms);

    /// Books a fill of a bookable instrument; changes nothing if it throws a Fault.
    Booking book(const Fill& fill, std::uint64_t strategy, const Instrument& definition);

    /// Books a cash movement that a venue reports; its instrument's definition, or nullptr.
    Booking book(const CashMovement& cash, const Instrument* definition);

    /// Sets what reconciliation found to be the truth; gives what was added.
    Money adjust_balance(std::uint64_t account, Currency currency, Money total);
    void adjust_holding(const HoldingKey& key, const Holding& holding);

    /// Zero where there never was any.
    Holding holding(const HoldingKey& key) const;
    Money balance(std::uint64_t account, Currency currency) const;

    /// Signed size of an account in an instrument, long and short of hedging mode summed up.
    Number net_size(std::uint64_t account, std::uint64_t instrument) const;

    /// What an owner (account or strategy) has won or lost in a currency since ever: what was realised
    /// and what stands open at the mark, less fees, plus funding, interest and the like; transfers and
    /// conversions apart. None if an open position has no mark.
    Money result(std::uint64_t owner, Currency currency, const Markets& markets) const;

    /// Balance and what stands open at the mark, of one currency; none if a position has no mark.
    Money equity(std::uint64_t account, Currency currency, const Markets& markets) const;
    /// What open positions bind at the account's leverage; none if one has no mark.
    Money margin_used(std::uint64_t account, Currency currency, const Markets& markets) const;

    /// Calls visit(key, holding) for each holding that is not empty, in no particular order.
    template <class Visit>
    void each_holding(Visit&& visit) const {
        for (const auto& [key, holding] : holdings_)
            if (!holding.size.is_zero()) visit(key, holding);
    }
    /// Calls visit(account, currency, total) for each balance, in no particular order.
    template <class Visit>
    void each_balance(Visit&& visit) const {
        for (const auto& [key, total] : balances_) visit(key.owner, key.currency, total);
    }

    const AccountTerms& terms(std::uint64_t account) const noexcept;
    Number leverage(std::uint64_t account, std::uint64_t instrument) const noexcept;

    void save(StateWriter& state) const;
    bool load(StateReader& state);

  private:
    struct BalanceKey {
        std::uint64_t owner;
        Currency currency;
        bool operator==(const BalanceKey& o) const noexcept {
            return owner == o.owner && currency == o.currency;
        }
    };
    struct Hash {
        std::size_t operator()(const HoldingKey& key) const noexcept {
            return (key.owner * 31 + key.instrument) * 31 + static_cast<std::uint8_t>(key.side);
        }
        std::size_t operator()(const BalanceKey& key) const noexcept {
            return key.owner * 31 + key.currency.hash();
        }
    };

    Money charges(std::uint64_t owner, Currency currency) const;
    /// The sum of `of(key, holding, market)` over an owner's holdings that settle in a currency.
    template <class Of>
    Money total_of(std::uint64_t owner, Currency currency, const Markets& markets, Money start,
                   Of&& of) const;

    std::unordered_map<HoldingKey, Holding, Hash> holdings_;
    std::unordered_map<BalanceKey, Money, Hash> balances_;
    std::unordered_map<BalanceKey, Money, Hash> charges_;  // fees, funding and the like, by owner
    std::unordered_map<std::uint64_t, AccountTerms> terms_;
};

/// Trades into a holding: the part that closes realises, the rest opens. Gives what was realised.
///
/// `value` of a size at a price is in settlement currency: exact for spot and linear contracts, a quotient
/// rounded once, half to even at the settlement currency's decimals, for inverse ones.
Money trade_into(Holding& holding, Number size, Number price, const Instrument& definition);

/// What closing a holding at a price would realise; none without a price.
Money unrealized(const Holding& holding, Number price, const Instrument& definition);

/// What a size is worth at a price, in settlement currency and with the sign of the size. Throws a Fault if
/// it does not fit.
Money value_at(Number size, Number price, const Instrument& definition);

/// What a size binds at a price: its value by the leverage, rounded up at the settlement currency's decimals;
/// none without a price.
Money margin_of(Number size, Number price, Number leverage, const Instrument& definition);

}  // namespace kungfu::broker
