/// Exact arithmetic that ends the venue, with a message, where a result does not fit.
#pragma once

#include <stdexcept>
#include <string>

#include "kungfu/number.hpp"

namespace kungfu::sim {

inline Number sum(Number a, Number b) {
    Number out;
    if (!add(a, b, out))
        throw std::overflow_error("simulated venue: " + to_text(a) + " + " + to_text(b) + " does not fit");
    return out;
}

inline Number difference(Number a, Number b) { return sum(a, -b); }

inline Money sum(Money a, Money b) {
    Money out;
    if (!add(a, b, out))
        throw std::overflow_error("simulated venue: " + to_text(a) + " + " + to_text(b) + " does not fit");
    return out;
}

inline Money product(Number a, Number b) {
    Money out;
    if (!multiply(a, b, out))
        throw std::overflow_error("simulated venue: " + to_text(a) + " * " + to_text(b) + " does not fit");
    return out;
}

inline Money product(Money a, Number b) {
    Money out;
    const int exponent = a.exponent + b.exponent;
    if (exponent <= kNoneExponent ||
        __builtin_mul_overflow(a.mantissa, static_cast<int128>(b.mantissa), &out.mantissa)) {
        throw std::overflow_error("simulated venue: " + to_text(a) + " * " + to_text(b) + " does not fit");
    }
    out.exponent = static_cast<std::int8_t>(exponent);
    return out;
}

inline bool is_positive(Number a) noexcept { return a.mantissa > 0; }
inline Number smaller(Number a, Number b) noexcept { return a < b ? a : b; }

}  // namespace kungfu::sim
