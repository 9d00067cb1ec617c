/// Exact decimals: `Number` for prices and sizes (64-bit mantissa), `Money` for cash (128-bit).
///
/// Every operation that could lose a digit reports it instead; nothing here rounds unless its name
/// says so.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

namespace kungfu {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/// The exponent that says that a value is absent.
inline constexpr std::int8_t kNoneExponent = -128;
inline constexpr int128 kInt128Max = static_cast<int128>(~static_cast<uint128>(0) >> 1);

namespace detail {
struct PowersOfTen {
    int128 of[39] = {1};
    constexpr PowersOfTen() noexcept {
        for (int i = 1; i < 39; ++i) of[i] = of[i - 1] * 10;
    }
};
inline constexpr PowersOfTen kPowersOfTen;
}  // namespace detail

/// 10^n as a 128-bit integer, n in 0..38.
constexpr int128 power_of_ten(int n) noexcept { return detail::kPowersOfTen.of[n]; }

/// Multiplies by 10^n; false if that does not fit.
inline bool scale_up(int128& value, int n) noexcept {
    if (value == 0) return true;
    if (n < 0 || n > 38) return false;
    const auto word = static_cast<std::int64_t>(value);
    if (n <= 18 && word == value) {
        // Two words always fit, and one multiplication does.
        value = static_cast<int128>(word) * static_cast<std::int64_t>(power_of_ten(n));
        return true;
    }
    return !__builtin_mul_overflow(value, power_of_ten(n), &value);
}

/// Divides by 10^n; false if a digit other than 0 would be lost.
inline bool scale_down(int128& value, int n) noexcept {
    if (value == 0) return true;
    if (n < 0 || n > 38) return false;
    const int128 factor = power_of_ten(n);
    if (value % factor != 0) return false;
    value /= factor;
    return true;
}

/// Brings a mantissa from one exponent to another; false if it does not fit exactly.
inline bool rescale(int128& mantissa, int from, int to) noexcept {
    return from >= to ? scale_up(mantissa, from - to) : scale_down(mantissa, to - from);
}

/// Nearest double of mantissa * 10^exponent.
inline double nearest_double(std::int64_t mantissa, int exponent) noexcept {
    constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    // Both operands are exact doubles, so the one rounding of the division is the nearest.
    if (mantissa > -kExact && mantissa < kExact && exponent >= -22 && exponent <= 22) {
        const auto m = static_cast<double>(mantissa);
        return exponent < 0 ? m / kTens[-exponent] : m * kTens[exponent];
    }
    char text[32];
    std::snprintf(text, sizeof text, "%llde%d", static_cast<long long>(mantissa), exponent);
    return std::strtod(text, nullptr);
}

struct Money;

/// A price, a size or a rate: mantissa * 10^exponent.
struct Number {
    std::int64_t mantissa = 0;
    std::int8_t exponent = 0;

    static constexpr Number none() noexcept { return {0, kNoneExponent}; }
    constexpr bool is_none() const noexcept { return exponent == kNoneExponent; }
    constexpr bool is_zero() const noexcept { return mantissa == 0; }
    constexpr Number operator-() const noexcept { return {-mantissa, exponent}; }

    double to_double() const noexcept {
        return is_none() ? std::numeric_limits<double>::quiet_NaN() : nearest_double(mantissa, exponent);
    }

    /// The same value at another exponent; false if it does not fit exactly.
    bool at(int wanted, std::int64_t& out) const noexcept {
        if (exponent == wanted) return out = mantissa, true;
        int128 m = mantissa;
        if (!rescale(m, exponent, wanted)) return false;
        if (m > std::numeric_limits<std::int64_t>::max() || m < std::numeric_limits<std::int64_t>::min())
            return false;
        out = static_cast<std::int64_t>(m);
        return true;
    }
};

/// An amount of money: a 128-bit mantissa * 10^exponent.
struct Money {
    int128 mantissa = 0;
    std::int8_t exponent = 0;

    static constexpr Money none() noexcept { return {0, kNoneExponent}; }
    constexpr bool is_none() const noexcept { return exponent == kNoneExponent; }

    static Money from_words(std::uint64_t low, std::int64_t high, std::int8_t exponent) noexcept {
        return {static_cast<int128>((static_cast<uint128>(static_cast<std::uint64_t>(high)) << 64) | low),
                exponent};
    }
    std::uint64_t low() const noexcept { return static_cast<std::uint64_t>(mantissa); }
    std::int64_t high() const noexcept { return static_cast<std::int64_t>(mantissa >> 64); }

    constexpr Money operator-() const noexcept { return {-mantissa, exponent}; }
};

enum class NumberError : std::uint8_t { OK, SYNTAX, OVERFLOWED };

/// a * 10^by compared with b, by >= 0; out of line, and all of it in registers.
[[gnu::noinline]] inline int compare_scaled(int128 a, int by, int128 b) noexcept {
    const auto word = static_cast<std::int64_t>(a);
    if (by <= 18 && word == a) {
        const int128 scaled = static_cast<int128>(word) * static_cast<std::int64_t>(power_of_ten(by));
        return (scaled > b) - (scaled < b);
    }
    const int sign_a = (a > 0) - (a < 0);
    const int sign_b = (b > 0) - (b < 0);
    if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
    if (!scale_up(a, by)) return sign_a;
    return (a > b) - (a < b);
}

/// -1, 0 or 1; exact whatever the exponents.
[[gnu::always_inline]] inline int compare(Money a, Money b) noexcept {
    if (a.exponent == b.exponent) return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
    return a.exponent > b.exponent ? compare_scaled(a.mantissa, a.exponent - b.exponent, b.mantissa)
                                   : -compare_scaled(b.mantissa, b.exponent - a.exponent, a.mantissa);
}

inline Money to_money(Number value) noexcept { return {value.mantissa, value.exponent}; }

[[gnu::always_inline]] inline int compare(Number a, Number b) noexcept {
    if (a.exponent == b.exponent) return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
    return compare(to_money(a), to_money(b));
}

inline bool operator==(Number a, Number b) noexcept { return compare(a, b) == 0; }
inline bool operator!=(Number a, Number b) noexcept { return compare(a, b) != 0; }
inline bool operator<(Number a, Number b) noexcept { return compare(a, b) < 0; }
inline bool operator<=(Number a, Number b) noexcept { return compare(a, b) <= 0; }
inline bool operator>(Number a, Number b) noexcept { return compare(a, b) > 0; }
inline bool operator>=(Number a, Number b) noexcept { return compare(a, b) >= 0; }

/// a + b at the finer of the two exponents; false if it does not fit.
inline bool add(Money a, Money b, Money& out) noexcept {
    if (!scale_up(a.exponent > b.exponent ? a.mantissa : b.mantissa, std::abs(a.exponent - b.exponent)))
        return false;
    out.exponent = std::min(a.exponent, b.exponent);
    return !__builtin_add_overflow(a.mantissa, b.mantissa, &out.mantissa);
}

/// a + b at the finer of the two exponents; false if it does not fit.
inline bool add(Number a, Number b, Number& out) noexcept {
    Money sum;
    if (!add(to_money(a), to_money(b), sum)) return false;
    // What has no negative does not count as fitting either.
    if (sum.mantissa > std::numeric_limits<std::int64_t>::max() ||
        sum.mantissa <= std::numeric_limits<std::int64_t>::min()) {
        return false;
    }
    out = {static_cast<std::int64_t>(sum.mantissa), sum.exponent};
    return true;
}

/// a - b at the finer of the two exponents; false if it does not fit.
inline bool subtract(Number a, Number b, Number& out) noexcept {
    return b.mantissa != std::numeric_limits<std::int64_t>::min() && add(a, -b, out);
}

/// a * b, exact: two 64-bit mantissas always fit into 128 bits. False if the exponent does not fit.
[[gnu::always_inline]] inline bool multiply(Number a, Number b, Money& out) noexcept {
    const int exponent = a.exponent + b.exponent;
    if (exponent <= kNoneExponent || exponent > 127) return false;
    out = {static_cast<int128>(a.mantissa) * b.mantissa, static_cast<std::int8_t>(exponent)};
    return true;
}

/// Whether `value` is a whole number of `step`s; a step of 0 allows everything.
inline bool is_multiple(Number value, Number step) noexcept {
    if (step.is_none() || step.mantissa == 0) return true;
    if (value.exponent == step.exponent && step.mantissa > 0) return value.mantissa % step.mantissa == 0;
    const int128 v = value.mantissa;
    int128 s = step.mantissa;
    if (value.exponent <= step.exponent)
        return scale_up(s, step.exponent - value.exponent) ? v % s == 0 : v == 0;
    int128 rest = v % s;
    for (int n = value.exponent - step.exponent; n > 0 && rest != 0; --n) rest = rest * 10 % s;
    return rest == 0;
}

/// Appends a decimal digit; false if the mantissa does not fit.
inline bool append_digit(int128& mantissa, int digit) noexcept {
    return !__builtin_mul_overflow(mantissa, 10, &mantissa) &&
           !__builtin_add_overflow(mantissa, digit, &mantissa);
}

/// Reads the part of a decimal before its exponent, from `i` on; zeros at its end are only counted.
inline NumberError parse_digits(std::string_view text, std::size_t& i, int128& mantissa, int& exponent,
                                int& zeros) noexcept {
    bool any = false;
    bool point = false;
    bool fits = true;
    for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        any = true;
        if (point) --exponent;
        if (c == '0') {
            zeros += mantissa != 0;
            continue;
        }
        for (; zeros > 0 && fits; --zeros) fits = append_digit(mantissa, 0);
        fits = fits && append_digit(mantissa, c - '0');
    }
    if (!any) return NumberError::SYNTAX;
    return fits ? NumberError::OK : NumberError::OVERFLOWED;
}

/// Reads an exponent ("e-3") from `i` to the end.
inline NumberError parse_exponent(std::string_view text, std::size_t i, int& exponent) noexcept {
    if (i == text.size()) return NumberError::OK;
    if (text[i] != 'e' && text[i] != 'E') return NumberError::SYNTAX;
    ++i;
    const bool down = i < text.size() && text[i] == '-';
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (i == text.size()) return NumberError::SYNTAX;
    int shift = 0;
    for (; i < text.size(); ++i) {
        if (text[i] < '0' || text[i] > '9') return NumberError::SYNTAX;
        if (shift < 100'000) shift = shift * 10 + (text[i] - '0');
    }
    exponent += down ? -shift : shift;
    return NumberError::OK;
}

/// Reads plain or scientific decimal text, keeping the digits as given; zeros at the end are dropped or
/// added only where it would not fit otherwise.
inline NumberError parse_decimal(std::string_view text, int128 limit, int128& mantissa_out,
                                 std::int8_t& exponent_out) noexcept {
    std::size_t i = 0;
    const bool negative = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++i;
    int128 mantissa = 0;
    int exponent = 0;
    int zeros = 0;
    const NumberError digits = parse_digits(text, i, mantissa, exponent, zeros);
    if (digits == NumberError::SYNTAX) return digits;
    if (parse_exponent(text, i, exponent) != NumberError::OK) return NumberError::SYNTAX;
    if (digits != NumberError::OK) return digits;
    for (; zeros > 0 && mantissa <= limit / 10; --zeros) mantissa *= 10;
    exponent += zeros;
    while (mantissa > limit || (exponent < -127 && mantissa != 0)) {
        if (mantissa % 10 != 0) return NumberError::OVERFLOWED;
        mantissa /= 10;
        ++exponent;
    }
    for (; exponent > 127 && mantissa != 0 && mantissa <= limit / 10; --exponent) mantissa *= 10;
    if (mantissa == 0) exponent = exponent < -127 ? -127 : exponent > 127 ? 127 : exponent;
    if (exponent > 127) return NumberError::OVERFLOWED;
    mantissa_out = negative ? -mantissa : mantissa;
    exponent_out = static_cast<std::int8_t>(exponent);
    return NumberError::OK;
}

inline NumberError parse_number(std::string_view text, Number& out) noexcept {
    int128 mantissa = 0;
    const NumberError error =
        parse_decimal(text, std::numeric_limits<std::int64_t>::max(), mantissa, out.exponent);
    if (error == NumberError::OK) out.mantissa = static_cast<std::int64_t>(mantissa);
    return error;
}

inline NumberError parse_money(std::string_view text, Money& out) noexcept {
    return parse_decimal(text, kInt128Max, out.mantissa, out.exponent);
}

/// Plain decimal text of mantissa * 10^exponent, every digit kept; "none" where absent.
[[gnu::cold]] inline std::string to_text(int128 mantissa, int exponent) {
    if (exponent == kNoneExponent) return "none";
    const bool negative = mantissa < 0;
    uint128 rest = negative ? ~static_cast<uint128>(mantissa) + 1 : static_cast<uint128>(mantissa);
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    if (exponent > 0 && mantissa != 0) digits.append(static_cast<std::size_t>(exponent), '0');
    if (exponent < 0) {
        const auto decimals = static_cast<std::size_t>(-exponent);
        if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
        digits.insert(digits.size() - decimals, 1, '.');
    }
    return negative ? "-" + digits : digits;
}

[[gnu::cold]] inline std::string to_text(Number value) { return to_text(value.mantissa, value.exponent); }
[[gnu::cold]] inline std::string to_text(Money value) { return to_text(value.mantissa, value.exponent); }

}  // namespace kungfu
