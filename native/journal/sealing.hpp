/// How a full page is closed: its last frame, its index, its seal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/index.hpp"
#include "journal/page.hpp"

namespace kungfu::journal {

/// Writes the PAGE_END frame at an offset; the page takes no more events.
void end_page(Page& page, std::uint64_t offset, std::uint64_t last_sequence, std::int64_t last_time) noexcept;

/// Writes the index and the seal of a page that has its PAGE_END frame at an offset, and gives its unused
/// tail back to the file system. Readers may be in it all the while.
void seal_page(Page& page, std::uint64_t end_offset, const std::vector<IndexEntry>& index);

/// Gives the room behind an offset back to the file system; the file keeps its size.
void give_back_tail(const Page& page, std::uint64_t offset) noexcept;

}  // namespace kungfu::journal
