/// Positions and balances per account, booked exactly from fills and cash movements.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/markets.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// Size and cost are signed alike; cost = sum of the fills' values + sum of what was realised.
struct Holding {
    Number size{0, 0};
    Money cost{0, 0};
    Money realized{0, 0};
};

struct Movement {
    CashKind kind;
    std::string currency;
    Money amount;
};

/// What booking a fill did.
struct Booking {
    std::vector<Movement> movements;
    Holding holding;
};

/// Trades into a holding: the part that closes realises, the rest opens.
///
/// Args: signed size, price, what one unit of size is worth, and the decimals at which the cost of a
/// part that closes is rounded half to even (a whole that closes takes all of the cost, exactly).
/// Returns what was realised.
Money trade_into(Holding& holding, Number size, Number price, Number multiplier, int decimals);

class Accounts {
  public:
    /// Books a fill of a bookable instrument; changes nothing if it throws a Fault.
    Booking book(const Fill& fill, const Instrument& definition);

    /// Adds to a balance and gives the new total.
    Money add(std::uint64_t account, std::string_view currency, Money amount);

    Holding holding(std::uint64_t account, std::uint64_t instrument) const;
    Money balance(std::uint64_t account, std::string_view currency) const;

  private:
    struct HoldingKey {
        std::uint64_t account;
        std::uint64_t instrument;
        bool operator==(const HoldingKey& o) const noexcept {
            return account == o.account && instrument == o.instrument;
        }
    };
    struct BalanceKey {
        std::uint64_t account;
        std::string currency;
        bool operator==(const BalanceKey& o) const noexcept {
            return account == o.account && currency == o.currency;
        }
    };
    struct Hash {
        std::size_t operator()(const HoldingKey& key) const noexcept {
            return key.account * 31 + key.instrument;
        }
        std::size_t operator()(const BalanceKey& key) const noexcept;
    };

    std::unordered_map<HoldingKey, Holding, Hash> holdings_;
    std::unordered_map<BalanceKey, Money, Hash> balances_;
};

}  // namespace kungfu::broker
