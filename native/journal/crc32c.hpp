/// CRC32C (Castagnoli), with the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kungfu::journal {

/// Continues a checksum over more bytes; start with 0. Polynomial 0x1EDC6F41 reflected, as in RFC 3720.
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept;

/// The same by table alone, for machines without SSE4.2.
std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t size) noexcept;

}  // namespace kungfu::journal
