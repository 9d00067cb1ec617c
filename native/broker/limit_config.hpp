/// The native limits of one scope, and how each is written: docs/reference/limits.md has them all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/currency.hpp"
#include "broker/day_clock.hpp"
#include "broker/token_bucket.hpp"
#include "kungfu/enums.hpp"
#include "kungfu/number.hpp"

namespace kungfu::broker {

/// An amount for each currency; empty if nothing is limited.
using CurrencyTable = std::vector<std::pair<Currency, Money>>;

/// The amount of a currency; nullptr if the table lacks it.
const Money* amount_of(const CurrencyTable& table, Currency currency) noexcept;

/// What becomes of orders of ours that would trade with each other.
enum class SelfTrade : std::uint8_t { ALLOWED, REJECT, CANCEL_NEWEST, CANCEL_OLDEST };

/// Numbers that are none, tables that are empty and lengths of time that are 0 limit nothing.
struct LimitSettings {
    Number max_order_size = Number::none();
    CurrencyTable max_order_notional;
    Number max_position = Number::none();
    CurrencyTable max_net_notional;
    CurrencyTable max_gross_notional;
    Number max_leverage = Number::none();
    std::int64_t max_open_orders = 0;
    Rate max_order_rate;
    Rate max_cancel_rate;
    Number price_collar_last = Number::none();
    Number price_collar_mid = Number::none();
    Number price_collar_mark = Number::none();
    Number max_slippage = Number::none();
    Number max_volume_share = Number::none();
    std::int64_t volume_window = 60'000'000'000;
    std::int64_t duplicate_window = 0;
    SelfTrade self_trade = SelfTrade::ALLOWED;
    bool check_funds = false;
    std::int64_t max_data_age = 0;
    std::int64_t max_clock_offset = 0;
    std::vector<std::string> instruments;
    TradingHours trading_hours;
    CurrencyTable max_daily_loss;
    CurrencyTable max_drawdown;
    bool flatten = false;

    bool needs_reach() const noexcept {
        return !max_position.is_none() || !max_net_notional.empty() || !max_gross_notional.empty() ||
               !max_leverage.is_none();
    }
    bool limits_losses() const noexcept { return !max_daily_loss.empty() || !max_drawdown.empty(); }
};

/// Sets a limit by its name from its text; an empty text lifts it. False with the reason if there is no such
/// limit or that is not what it takes.
bool set_limit(LimitSettings& settings, std::string_view name, std::string_view text, std::string& why);

/// Whether a name matches a pattern as a shell would: `*`, `?`, `[ab]`, `[!a-c]`.
bool matches_pattern(std::string_view name, std::string_view pattern) noexcept;

/// A length of time in the largest unit that leaves no fraction.
std::string duration_text(std::int64_t ns);

/// The limits of a scope as they are configured.
struct ScopeConfig {
    Scope scope = Scope::GLOBAL;
    std::uint64_t subject = 0;  // the account or strategy; 0 of the global scope
    std::string name;           // of the subject
    std::vector<std::pair<std::string, std::string>> limits;  // names and texts
    DayClock clock;
};

}  // namespace kungfu::broker
