#include "broker/limit_config.hpp"

#include <algorithm>
#include <iterator>

namespace kungfu::broker {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Cuts off what stands before a separator, or all of it.
std::string_view take_until(std::string_view& text, char separator) noexcept {
    const std::size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

bool take_digits(std::string_view& text, std::int64_t& out) noexcept {
    std::size_t used = 0;
    out = 0;
    for (; used < text.size() && text[used] >= '0' && text[used] <= '9'; ++used) {
        if (__builtin_mul_overflow(out, 10, &out) || __builtin_add_overflow(out, text[used] - '0', &out))
            return false;
    }
    text.remove_prefix(used);
    return used > 0;
}

struct Unit {
    const char* name;
    std::int64_t length;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"d", 86'400'000'000'000}};

bool parse_duration(std::string_view text, std::int64_t& out) noexcept {
    out = 0;
    while (!text.empty()) {
        std::int64_t count = 0;
        if (!take_digits(text, count)) return false;
        std::size_t letters = 0;
        while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
        const std::string_view name = text.substr(0, letters);
        text.remove_prefix(letters);
        const auto* unit =
            std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return name == u.name; });
        if (unit == std::end(kUnits) || __builtin_mul_overflow(count, unit->length, &count) ||
            __builtin_add_overflow(out, count, &out)) {
            return false;
        }
    }
    return out > 0;
}

// --- one reader for each kind of limit; each says what it expects ----------------------------------

const char* read(std::string_view text, Number& out) noexcept {
    const bool fits = parse_number(text, out) == NumberError::OK && out.mantissa > 0;
    return fits ? nullptr : "a number above 0";
}

const char* read(std::string_view text, CurrencyTable& out) {
    out.clear();
    while (!text.empty()) {
        std::string_view amount = take_until(text, ',');
        const std::string_view currency = take_until(amount, '=');
        Money value;
        if (currency.empty() || currency.size() > sizeof(Currency) ||
            parse_money(amount, value) != NumberError::OK || value.mantissa <= 0) {
            return "amounts above 0 by currency, like \"USDT=1000,EUR=500\"";
        }
        out.emplace_back(Currency(currency), value);
    }
    return nullptr;
}

/// A count, or a length of time: the text of the latter has a unit.
const char* read_count(std::string_view text, std::int64_t& out) noexcept {
    return take_digits(text, out) && text.empty() && out > 0 ? nullptr : "a whole number above 0";
}

const char* read_duration(std::string_view text, std::int64_t& out) noexcept {
    return parse_duration(text, out) ? nullptr : "a duration like \"250ms\"";
}

const char* read(std::string_view text, Rate& out) noexcept {
    std::int64_t whole = 0;
    const bool fits = take_digits(text, out.count) && out.count > 0 && !text.empty() && text[0] == '/' &&
                      parse_duration(text.substr(1), out.interval) &&
                      !__builtin_mul_overflow(out.count, out.interval, &whole);
    return fits ? nullptr : "a count per time like \"10/1s\"";
}

const char* read(std::string_view text, bool& out) noexcept {
    out = text == "true";
    return out || text == "false" ? nullptr : "true or false";
}

const char* read(std::string_view text, SelfTrade& out) noexcept {
    if (text == "reject") return out = SelfTrade::REJECT, nullptr;
    if (text == "cancel_newest") return out = SelfTrade::CANCEL_NEWEST, nullptr;
    if (text == "cancel_oldest") return out = SelfTrade::CANCEL_OLDEST, nullptr;
    return "one of reject, cancel_newest, cancel_oldest";
}

const char* read(std::string_view text, std::vector<std::string>& out) {
    constexpr const char* kExpected = "names or patterns like \"venue:spot:*\"";
    out.clear();
    if (!text.empty() && text.back() == ',') return kExpected;
    while (!text.empty()) {
        const std::string_view entry = take_until(text, ',');
        if (entry.empty() || entry.find(' ') != std::string_view::npos) return kExpected;
        out.emplace_back(entry);
    }
    return nullptr;
}

int weekday_of(std::string_view name) noexcept {
    for (int day = 0; day < 7; ++day)
        if (name == weekday_name(day)) return day;
    return -1;
}

bool parse_minute(std::string_view text, int& out) noexcept {
    std::int64_t hour = 0;
    std::int64_t minute = 0;
    if (text.size() != 5 || !take_digits(text, hour) || text.size() != 3 || text[0] != ':') return false;
    text.remove_prefix(1);
    if (!take_digits(text, minute) || !text.empty()) return false;
    out = static_cast<int>(hour * 60 + minute);
    return minute < 60 && out <= 1440;
}

bool parse_days(std::string_view text, std::uint8_t& out) noexcept {
    const int first = weekday_of(take_until(text, '-'));
    const int last = text.empty() ? first : weekday_of(text);
    if (first < 0 || last < 0) return false;
    for (int day = first;; day = (day + 1) % 7) {
        out = static_cast<std::uint8_t>(out | (1U << day));
        if (day == last) return true;
    }
}

const char* read(std::string_view text, TradingHours& out) {
    out.windows.clear();
    out.text = text;
    while (!text.empty()) {
        std::string_view hours = take_until(text, ',');
        TradingHours::Window window;
        window.days = 0x7f;
        if (hours.find(' ') != std::string_view::npos) {
            window.days = 0;
            if (!parse_days(take_until(hours, ' '), window.days)) hours = {};
        }
        const std::string_view from = take_until(hours, '-');
        if (!parse_minute(from, window.from) || !parse_minute(hours, window.to) || window.from == window.to)
            return "hours like \"08:00-20:00\" or \"Mon-Fri 08:00-20:00\"";
        out.windows.push_back(window);
    }
    return nullptr;
}

template <auto Member, class Read>
const char* set(LimitSettings& settings, std::string_view text, Read read_it) {
    auto value = LimitSettings{}.*Member;
    if (!text.empty()) {
        if (const char* expected = read_it(text, value)) return expected;
    }
    settings.*Member = std::move(value);
    return nullptr;
}

template <auto Member>
const char* set(LimitSettings& settings, std::string_view text) {
    return set<Member>(settings, text, [](std::string_view t, auto& out) { return read(t, out); });
}

template <auto Member>
const char* set_count(LimitSettings& settings, std::string_view text) {
    return set<Member>(settings, text, read_count);
}

template <auto Member>
const char* set_duration(LimitSettings& settings, std::string_view text) {
    return set<Member>(settings, text, read_duration);
}

struct Limit {
    const char* name;
    const char* (*set)(LimitSettings& settings, std::string_view text);
};

using S = LimitSettings;
constexpr Limit kLimits[] = {
    {"max_order_size", set<&S::max_order_size>},
    {"max_order_notional", set<&S::max_order_notional>},
    {"max_position", set<&S::max_position>},
    {"max_net_notional", set<&S::max_net_notional>},
    {"max_gross_notional", set<&S::max_gross_notional>},
    {"max_leverage", set<&S::max_leverage>},
    {"max_open_orders", set_count<&S::max_open_orders>},
    {"max_order_rate", set<&S::max_order_rate>},
    {"max_cancel_rate", set<&S::max_cancel_rate>},
    {"price_collar_last", set<&S::price_collar_last>},
    {"price_collar_mid", set<&S::price_collar_mid>},
    {"price_collar_mark", set<&S::price_collar_mark>},
    {"max_slippage", set<&S::max_slippage>},
    {"max_volume_share", set<&S::max_volume_share>},
    {"volume_window", set_duration<&S::volume_window>},
    {"duplicate_window", set_duration<&S::duplicate_window>},
    {"self_trade", set<&S::self_trade>},
    {"check_funds", set<&S::check_funds>},
    {"max_data_age", set_duration<&S::max_data_age>},
    {"max_clock_offset", set_duration<&S::max_clock_offset>},
    {"instruments", set<&S::instruments>},
    {"trading_hours", set<&S::trading_hours>},
    {"max_daily_loss", set<&S::max_daily_loss>},
    {"max_drawdown", set<&S::max_drawdown>},
    {"flatten", set<&S::flatten>},
};

/// The set of a pattern from behind its '[', and what comes after; false if it is not closed.
bool matches_set(char c, std::string_view& pattern, bool& matches) noexcept {
    const bool inverted = pattern.size() > 1 && pattern[1] == '!';
    const std::size_t begin = inverted ? 2 : 1;
    const std::size_t end = pattern.find(']', begin + 1);  // a ']' at the front stands for itself
    if (end == std::string_view::npos) return false;
    const std::string_view set = pattern.substr(begin, end - begin);
    pattern.remove_prefix(end + 1);
    matches = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const bool range = i + 2 < set.size() && set[i + 1] == '-';
        matches |= range ? c >= set[i] && c <= set[i + 2] : c == set[i];
        if (range) i += 2;
    }
    matches = matches != inverted;
    return true;
}

}  // namespace

const Money* amount_of(const CurrencyTable& table, Currency currency) noexcept {
    for (const auto& [of, amount] : table)
        if (of == currency) return &amount;
    return nullptr;
}

bool set_limit(LimitSettings& settings, std::string_view name, std::string_view text, std::string& why) {
    if (text.find('\n') != std::string_view::npos)
        return why = "expected one line, got " + quoted(text), false;
    for (const Limit& limit : kLimits) {
        if (name != limit.name) continue;
        const char* expected = limit.set(settings, text);
        if (expected) why = std::string("expected ") + expected + ", got " + quoted(text);
        return expected == nullptr;
    }
    why = "there is no limit " + quoted(name);
    return false;
}

bool matches_pattern(std::string_view name, std::string_view pattern) noexcept {
    while (!pattern.empty()) {
        if (pattern[0] == '*') {
            pattern.remove_prefix(1);
            for (std::size_t i = 0; i <= name.size(); ++i)
                if (matches_pattern(name.substr(i), pattern)) return true;
            return false;
        }
        if (name.empty()) return false;
        bool matches = pattern[0] == '?' || pattern[0] == name[0];
        if (pattern[0] != '[' || !matches_set(name[0], pattern, matches)) pattern.remove_prefix(1);
        if (!matches) return false;
        name.remove_prefix(1);
    }
    return name.empty();
}

std::string duration_text(std::int64_t ns) {
    if (ns == 0) return "0s";
    const Unit* best = std::begin(kUnits);
    for (const Unit& unit : kUnits)
        if (ns % unit.length == 0) best = &unit;
    return std::to_string(ns / best->length) + best->name;
}

}  // namespace kungfu::broker
