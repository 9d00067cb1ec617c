#include "journal/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace kungfu::journal {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() noexcept {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1U ? 0x82F63B78U : 0U);
        table[byte] = value;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const void* data,
                                                               std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    std::uint64_t value = ~crc;
    for (; size >= 8; p += 8, size -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, 8);
        value = _mm_crc32_u64(value, word);
    }
    auto rest = static_cast<std::uint32_t>(value);
    for (; size > 0; ++p, --size) rest = _mm_crc32_u8(rest, *p);
    return ~rest;
}
#endif

using Crc = std::uint32_t (*)(std::uint32_t, const void*, std::size_t) noexcept;

Crc choose() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) return by_instruction;
#endif
    return crc32c_by_table;
}

const Crc kChosen = choose();

}  // namespace

std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    std::uint32_t value = ~crc;
    for (; size > 0; ++p, --size) value = (value >> 8) ^ kTable[(value ^ *p) & 0xFF];
    return ~value;
}

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
    return kChosen(crc, data, size);
}

}  // namespace kungfu::journal
