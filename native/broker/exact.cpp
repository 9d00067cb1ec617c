#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// An unsigned 256-bit integer; only what share() needs.
struct Wide {
    uint128 high;
    uint128 low;
};

Wide wide_product(uint128 a, uint128 b) noexcept {
    constexpr uint128 kLow = ~std::uint64_t{0};
    const uint128 a0 = a & kLow, a1 = a >> 64, b0 = b & kLow, b1 = b >> 64;
    const uint128 low = a0 * b0;
    const uint128 middle = a1 * b0 + (low >> 64);
    const uint128 cross = a0 * b1 + (middle & kLow);
    return {a1 * b1 + (middle >> 64) + (cross >> 64), (cross << 64) | (low & kLow)};
}

/// Schoolbook binary division, but where one word holds the numerator; false if the quotient does not fit 126
/// bits.
bool wide_divide(Wide numerator, uint128 denominator, uint128& quotient, uint128& rest) noexcept {
    constexpr uint128 kWord = ~std::uint64_t{0};
    if (numerator.high == 0 && numerator.low <= kWord && denominator <= kWord) {
        const auto n = static_cast<std::uint64_t>(numerator.low);
        const auto d = static_cast<std::uint64_t>(denominator);
        quotient = n / d;
        rest = n % d;
        return true;
    }
    if (numerator.high == 0) {
        quotient = numerator.low / denominator;
        rest = numerator.low % denominator;
        return (quotient >> 126) == 0;
    }
    quotient = 0;
    rest = 0;
    for (int bit = 255; bit >= 0; --bit) {
        const uint128 word = bit >= 128 ? numerator.high : numerator.low;
        rest = (rest << 1) | ((word >> (bit & 127)) & 1);
        if (quotient >> 125) return false;  // room for this bit and for rounding up
        quotient <<= 1;
        if (rest >= denominator) {
            rest -= denominator;
            quotient |= 1;
        }
    }
    return true;
}

/// The same value without trailing zeros.
template <class Exact>
Exact trimmed(Exact value) noexcept {
    // Dividing 128 bits is slow, and hardly any value needs them.
    const auto word = static_cast<std::int64_t>(value.mantissa);
    if constexpr (sizeof value.mantissa > sizeof word) {
        if (word == value.mantissa) {
            const Number short_one = trimmed(Number{word, value.exponent});
            return {short_one.mantissa, short_one.exponent};
        }
    }
    while (value.mantissa != 0 && value.mantissa % 10 == 0 && value.exponent < 127) {
        value.mantissa /= 10;
        ++value.exponent;
    }
    return value;
}

bool product(Number price, Number size, Number multiplier, Money& out) noexcept {
    Money value;
    if (!multiply(price, size, value)) return false;
    if (multiplier.mantissa == 1 && multiplier.exponent == 0) return out = value, true;
    const int exponent = value.exponent + multiplier.exponent;
    if (exponent <= kNoneExponent || exponent > 127) return false;
    if (__builtin_mul_overflow(value.mantissa, static_cast<int128>(multiplier.mantissa), &value.mantissa)) {
        return false;
    }
    out = {value.mantissa, static_cast<std::int8_t>(exponent)};
    return true;
}

/// The magnitude of amount * 10^decimals * factor / divisor, and what is left over.
struct Quotient {
    uint128 whole;
    uint128 rest;
    uint128 divisor;
};

bool divide(Money amount, int128 factor, int128 divisor, int decimals, Quotient& out) noexcept {
    const int shift = amount.exponent + decimals;
    if (!(shift >= 0 ? scale_up(factor, shift) : scale_up(divisor, -shift))) return false;
    const uint128 size = amount.mantissa < 0 ? ~static_cast<uint128>(amount.mantissa) + 1
                                             : static_cast<uint128>(amount.mantissa);
    out.divisor = static_cast<uint128>(divisor);
    return wide_divide(wide_product(size, static_cast<uint128>(factor)), out.divisor, out.whole, out.rest);
}

bool rounded_half_even(Money amount, int128 factor, int128 divisor, int decimals, Money& out) noexcept {
    Quotient q{};
    if (!divide(amount, factor, divisor, decimals, q)) return false;
    const uint128 above = q.divisor - q.rest;
    if (q.rest > above || (q.rest == above && (q.whole & 1))) ++q.whole;
    const auto mantissa = static_cast<int128>(q.whole);
    out = {amount.mantissa < 0 ? -mantissa : mantissa, static_cast<std::int8_t>(-decimals)};
    return true;
}

bool rounded_share(Money amount, Number part, Number whole, int decimals, Money& out) noexcept {
    const int finer = part.exponent < whole.exponent ? part.exponent : whole.exponent;
    std::int64_t part_steps = 0;
    std::int64_t whole_steps = 0;
    if (!part.at(finer, part_steps) || !whole.at(finer, whole_steps)) return false;
    return rounded_half_even(amount, part_steps, whole_steps, decimals, out);
}

/// amount / divisor as amount' * factor / divisor' with a whole divisor.
bool over(Money& amount, Number by, int128& divisor) noexcept {
    const int exponent = amount.exponent - by.exponent;
    if (exponent <= kNoneExponent || exponent > 127) return false;
    amount.exponent = static_cast<std::int8_t>(exponent);
    divisor = by.mantissa;
    return true;
}

/// a + b without the zeros at their ends.
template <class Exact>
[[gnu::cold, gnu::noinline]] bool trimmed_sum(Exact a, Exact b, Exact& out) noexcept {
    return add(trimmed(a), trimmed(b), out);
}

[[noreturn]] void too_large(const std::string& expression) {
    throw Fault("the exact result of " + expression + " does not fit; nothing was booked");
}

}  // namespace

bool any_exact_sum(Number a, Number b, Number& out) noexcept {
    return add(a, b, out) || trimmed_sum(a, b, out);
}

bool any_exact_sum(Money a, Money b, Money& out) noexcept { return add(a, b, out) || trimmed_sum(a, b, out); }

Number any_sum(Number a, Number b, const char* what) {
    Number out;
    if (!exact_sum(a, b, out)) too_large(std::string(what) + ": " + to_text(a) + " + " + to_text(b));
    return out;
}

Money any_sum(Money a, Money b, const char* what) {
    Money out;
    if (!exact_sum(a, b, out)) too_large(std::string(what) + ": " + to_text(a) + " + " + to_text(b));
    return out;
}

bool value_of(Number price, Number size, Number multiplier, Money& out) noexcept {
    if (price.is_none() || size.is_none() || multiplier.is_none()) return false;
    return product(price, size, multiplier, out) ||
           product(trimmed(price), trimmed(size), trimmed(multiplier), out);
}

Money share(Money amount, Number part, Number whole, int decimals) {
    Money out;
    if (!rounded_share(amount, part, whole, decimals, out) &&
        !rounded_share(trimmed(amount), trimmed(part), trimmed(whole), decimals, out)) {
        too_large(to_text(amount) + " * " + to_text(part) + " / " + to_text(whole));
    }
    return out;
}

bool inverse_value(Number size, Number price, Number multiplier, int decimals, Money& out) noexcept {
    if (price.is_none() || price.mantissa <= 0) return false;
    Money worth;
    int128 divisor = 0;
    return multiply(trimmed(size), trimmed(multiplier), worth) && over(worth, trimmed(price), divisor) &&
           rounded_half_even(worth, 1, divisor, decimals, out);
}

bool share_up(Money amount, Number by, int decimals, Money& out) noexcept {
    Money worth = trimmed(amount);
    int128 divisor = 0;
    Quotient q{};
    if (by.mantissa <= 0 || !over(worth, trimmed(by), divisor) || !divide(worth, 1, divisor, decimals, q))
        return false;
    if (q.rest != 0) ++q.whole;
    out = {static_cast<int128>(q.whole), static_cast<std::int8_t>(-decimals)};
    return true;
}

bool nearest_sum(Money a, Money b, Number& out) noexcept {
    Money exact;
    if (!exact_sum(a, b, exact)) return false;
    if (to_number(exact, out)) return true;
    // Each try is of the exact sum, so that it is rounded once.
    for (int decimals = -exact.exponent - 1; decimals >= 0; --decimals) {
        Money rounded;
        if (rounded_half_even(exact, 1, 1, decimals, rounded) && to_number(rounded, out)) return true;
    }
    return false;
}

bool to_number(Money amount, Number& out) noexcept {
    const Money value = trimmed(amount);
    if (value.mantissa > std::numeric_limits<std::int64_t>::max() ||
        value.mantissa <= std::numeric_limits<std::int64_t>::min()) {
        return false;
    }
    out = {static_cast<std::int64_t>(value.mantissa), value.exponent};
    return true;
}

}  // namespace kungfu::broker
