/// The checksum of a frame at its place, as docs/reference/journal-format.md defines it.
#pragma once

#include <cstdint>

#include "journal/crc32c.hpp"

namespace kungfu::journal {

/// What all checksums of a page begin with.
inline std::uint32_t page_key(std::uint64_t journal, std::uint64_t page_number) noexcept {
    const std::uint64_t place[2] = {journal, page_number};
    return crc32c(0, place, sizeof place);
}

/// The checksum of the frame that begins at `frame` and has the offset in its page.
inline std::uint32_t frame_checksum(std::uint32_t key, std::uint64_t offset, const char* frame,
                                    std::uint32_t length) noexcept {
    const std::uint32_t place[2] = {static_cast<std::uint32_t>(offset), length};
    return crc32c(crc32c(key, place, sizeof place), frame + 8, length - 8);
}

}  // namespace kungfu::journal
