/// CRC32C (Castagnoli, RFC 3720), with the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kungfu/frame.h"

namespace kungfu::journal {

/// Continues `crc` (0 at the start) over the bytes.
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept;

/// The same, by table; what processors without the instruction use.
std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t size) noexcept;

/// How this processor does the two things that every frame needs.
struct FrameChecksums {
    std::uint32_t (*check)(std::uint32_t key, std::uint64_t offset, std::uint32_t length,
                           const char* bytes) noexcept;
    std::uint32_t (*lay)(char* place, std::uint32_t key, std::uint64_t offset, const kf_frame& head,
                         const void* payload, std::uint32_t length) noexcept;
};
extern const FrameChecksums kFrameChecksums;

/// Continues `key` over a frame's offset and length, then over its bytes from 8 on, which `bytes` points to.
inline std::uint32_t frame_checksum(std::uint32_t key, std::uint64_t offset, std::uint32_t length,
                                    const char* bytes) noexcept {
    return kFrameChecksums.check(key, offset, length, bytes);
}

/// Lays a frame down, but for its commit word, and returns its frame_checksum(): both in one pass.
inline std::uint32_t lay_frame(char* place, std::uint32_t key, std::uint64_t offset, const kf_frame& head,
                               const void* payload, std::uint32_t length) noexcept {
    return kFrameChecksums.lay(place, key, offset, head, payload, length);
}

}  // namespace kungfu::journal
