/// 64-bit ids hashed from canonical names: equal in every journal and on every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace kungfu {

/// FNV-1a, 64 bits (Fowler, Noll, Vo; constants as in draft-eastlake-fnv).
constexpr std::uint64_t fnv1a64(std::string_view text) noexcept {
    std::uint64_t value = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        value = (value ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
    }
    return value;
}

/// The id of a canonical name, e.g. "venue:spot:BTCUSDT"; never 0, which means "none".
constexpr std::uint64_t id_of(std::string_view name) noexcept {
    const std::uint64_t value = fnv1a64(name);
    return value ? value : 1;
}

}  // namespace kungfu
