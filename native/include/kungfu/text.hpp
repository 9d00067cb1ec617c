/// Fixed-width text members of events: UTF-8, zero-padded.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace kungfu {

inline std::string_view fixed_text(const char* text, std::size_t width) noexcept {
    const void* end = std::memchr(text, 0, width);
    return {text, end ? static_cast<std::size_t>(static_cast<const char*>(end) - text) : width};
}

/// Stores what fits; callers that must not cut check the length first.
inline void set_fixed_text(char* text, std::size_t width, std::string_view value) noexcept {
    const std::size_t used = value.copy(text, width);
    std::memset(text + used, 0, width - used);
}

}  // namespace kungfu
