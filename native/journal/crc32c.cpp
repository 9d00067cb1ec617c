#include "journal/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace kungfu::journal {
namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr Table make_table() noexcept {
    Table table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1U ? 0x82F63B78U : 0U);
        table[byte] = value;
    }
    return table;
}

constexpr Table kTable = make_table();

#if defined(__x86_64__)

// The instruction takes three cycles and can begin each cycle: long runs go in three lanes of this many
// bytes, whose values are put together by moving the earlier ones past the bytes of the later.
constexpr std::size_t kLane = 4096;

/// What a register becomes when kLane bytes of zeros go by, for each value of each of its bytes.
std::array<Table, 4> make_shift() noexcept {
    std::array<std::uint32_t, 32> moved{};
    for (unsigned bit = 0; bit < 32; ++bit) {
        std::uint32_t value = 1U << bit;
        for (std::size_t i = 0; i < kLane; ++i) value = (value >> 8) ^ kTable[value & 0xFF];
        moved[bit] = value;
    }
    std::array<Table, 4> shift{};
    for (unsigned byte = 0; byte < 4; ++byte) {
        for (std::uint32_t value = 0; value < 256; ++value) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                if ((value >> bit) & 1U) shift[byte][value] ^= moved[byte * 8 + bit];
            }
        }
    }
    return shift;
}

const std::array<Table, 4> kShift = make_shift();

std::uint64_t past_a_lane(std::uint64_t crc) noexcept {
    return kShift[0][crc & 0xFF] ^ kShift[1][(crc >> 8) & 0xFF] ^ kShift[2][(crc >> 16) & 0xFF] ^
           kShift[3][(crc >> 24) & 0xFF];
}

std::uint64_t word_at(const void* place) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, place, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) std::uint64_t run(std::uint64_t value, const char* p,
                                                    std::size_t size) noexcept {
    for (; size >= 8; p += 8, size -= 8) value = _mm_crc32_u64(value, word_at(p));
    auto rest = static_cast<std::uint32_t>(value);
    for (; size > 0; ++p, --size) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*p));
    return rest;
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const void* data,
                                                               std::size_t size) noexcept {
    const auto* p = static_cast<const char*>(data);
    std::uint64_t value = ~crc;
    for (; size >= 3 * kLane; p += 3 * kLane, size -= 3 * kLane) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (std::size_t i = 0; i < kLane; i += 8) {
            value = _mm_crc32_u64(value, word_at(p + i));
            second = _mm_crc32_u64(second, word_at(p + kLane + i));
            third = _mm_crc32_u64(third, word_at(p + 2 * kLane + i));
        }
        value = past_a_lane(past_a_lane(value) ^ second) ^ third;
    }
    return ~static_cast<std::uint32_t>(run(value, p, size));
}

__attribute__((target("sse4.2"))) std::uint32_t check_by_instruction(std::uint32_t key, std::uint64_t offset,
                                                                     std::uint32_t length,
                                                                     const char* bytes) noexcept {
    const std::uint64_t place = (offset & 0xFFFFFFFFU) | static_cast<std::uint64_t>(length) << 32;
    return ~static_cast<std::uint32_t>(run(_mm_crc32_u64(~key, place), bytes, length - 8));
}

__attribute__((target("sse4.2"))) std::uint32_t lay_by_instruction(char* place, std::uint32_t key,
                                                                   std::uint64_t offset, const kf_frame& head,
                                                                   const void* payload,
                                                                   std::uint32_t length) noexcept {
    const std::uint64_t whole = sizeof head + length;
    std::uint64_t value = _mm_crc32_u64(~key, (offset & 0xFFFFFFFFU) | whole << 32);
    const auto* from = reinterpret_cast<const char*>(&head);
    for (std::size_t i = 8; i < sizeof head; i += 8) {
        const std::uint64_t word = word_at(from + i);
        value = _mm_crc32_u64(value, word);
        std::memcpy(place + i, &word, 8);
    }
    place += sizeof head;
    from = static_cast<const char*>(payload);
    for (; length >= 8; from += 8, place += 8, length -= 8) {
        const std::uint64_t word = word_at(from);
        value = _mm_crc32_u64(value, word);
        std::memcpy(place, &word, 8);
    }
    if (length > 0) {
        std::memcpy(place, from, length);
        value = run(value, from, length);
    }
    return ~static_cast<std::uint32_t>(value);
}

#endif

std::uint32_t check_by_table(std::uint32_t key, std::uint64_t offset, std::uint32_t length,
                             const char* bytes) noexcept {
    const std::uint32_t place[2] = {static_cast<std::uint32_t>(offset), length};
    return crc32c_by_table(crc32c_by_table(key, place, sizeof place), bytes, length - 8);
}

std::uint32_t lay_by_table(char* place, std::uint32_t key, std::uint64_t offset, const kf_frame& head,
                           const void* payload, std::uint32_t length) noexcept {
    std::memcpy(place + 8, reinterpret_cast<const char*>(&head) + 8, sizeof head - 8);
    if (length > 0) std::memcpy(place + sizeof head, payload, length);
    return check_by_table(key, offset, static_cast<std::uint32_t>(sizeof head) + length, place + 8);
}

bool has_instruction() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
#else
    return false;
#endif
}

FrameChecksums choose_for_frames() noexcept {
#if defined(__x86_64__)
    if (has_instruction()) return {check_by_instruction, lay_by_instruction};
#endif
    return {check_by_table, lay_by_table};
}

}  // namespace

std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    std::uint32_t value = ~crc;
    for (; size > 0; ++p, --size) value = (value >> 8) ^ kTable[(value ^ *p) & 0xFF];
    return ~value;
}

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
#if defined(__x86_64__)
    static const bool by_processor = has_instruction();
    if (by_processor) return by_instruction(crc, data, size);
#endif
    return crc32c_by_table(crc, data, size);
}

const FrameChecksums kFrameChecksums = choose_for_frames();

}  // namespace kungfu::journal
