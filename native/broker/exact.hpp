/// Exact arithmetic for bookings: what does not fit is a fault, never a wrapped or rounded value.
#pragma once

#include <stdexcept>
#include <string>

#include "kungfu/number.hpp"

namespace kungfu::broker {

/// A broken invariant; it ends the component, and its text is for the user.
struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// a + b at the exponent that both have; false if they differ or it does not fit.
template <class Exact>
[[gnu::always_inline]] inline bool plain_sum(Exact a, Exact b, Exact& out) noexcept {
    out.exponent = a.exponent;
    return a.exponent == b.exponent && !a.is_none() &&
           !__builtin_add_overflow(a.mantissa, b.mantissa, &out.mantissa) &&
           out.mantissa != std::numeric_limits<std::int64_t>::min();
}

/// a + b; gives up trailing zeros, but no digit, where the sum would not fit otherwise.
bool any_exact_sum(Number a, Number b, Number& out) noexcept;
bool any_exact_sum(Money a, Money b, Money& out) noexcept;
template <class Exact>
bool exact_sum(Exact a, Exact b, Exact& out) noexcept {
    return plain_sum(a, b, out) || any_exact_sum(a, b, out);
}

/// The same, or a fault. `what` names the sum in its text.
Number any_sum(Number a, Number b, const char* what);
Money any_sum(Money a, Money b, const char* what);
template <class Exact>
[[gnu::always_inline]] inline Exact sum(Exact a, Exact b, const char* what) {
    Exact out;
    return plain_sum(a, b, out) ? out : any_sum(a, b, what);
}

/// price * size * multiplier, exact; false if it does not fit 128 bits.
bool value_of(Number price, Number size, Number multiplier, Money& out) noexcept;

/// amount * part / whole, rounded half to even at `decimals` digits after the point.
///
/// 0 <= part and 0 < whole. The product is formed in 256 bits, so that only the result has to fit.
Money share(Money amount, Number part, Number whole, int decimals);

/// size * multiplier / price, rounded half to even at `decimals` digits after the point: what an inverse
/// contract is worth. False if it does not fit or the price is not positive.
bool inverse_value(Number size, Number price, Number multiplier, int decimals, Money& out) noexcept;

/// amount / divisor, rounded up at `decimals` digits after the point; amount >= 0. False if it does not fit
/// or the divisor is not positive.
bool share_up(Money amount, Number divisor, int decimals, Money& out) noexcept;

/// The amount as a number; false if it does not fit exactly.
bool to_number(Money amount, Number& out) noexcept;

/// a + b as a number; of decimals that do not fit into it the last ones are rounded off, half to even. False
/// if the whole part does not fit.
bool nearest_sum(Money a, Money b, Number& out) noexcept;

/// The value without its sign.
inline Number magnitude(Number value) noexcept { return value.mantissa < 0 ? -value : value; }
inline Money magnitude(Money value) noexcept { return value.mantissa < 0 ? -value : value; }

}  // namespace kungfu::broker
