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

/// Continues `key` over a frame's offset and length, then over its bytes from 8 on, which `bytes` points to.
std::uint32_t frame_checksum(std::uint32_t key, std::uint64_t offset, std::uint32_t length,
                             const char* bytes) noexcept;

/// Lays a frame down, but for its commit word, and returns its frame_checksum(): both in one pass.
std::uint32_t lay_frame(char* place, std::uint32_t key, std::uint64_t offset, const kf_frame& head,
                        const void* payload, std::uint32_t length) noexcept;

}  // namespace kungfu::journal
