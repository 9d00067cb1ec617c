/// What a writer that died left in its last page.
#pragma once

#include <cstdint>
#include <string>

#include "journal/index.hpp"
#include "journal/page.hpp"
#include "journal/tables.hpp"

namespace kungfu::journal {

struct Recovered {
    std::uint64_t position = 0;  ///< Where the next frame goes, or where the PAGE_END frame stands.
    std::uint64_t last_sequence = 0;
    std::int64_t last_time = 0;
    bool ended = false;  ///< The page has its PAGE_END frame.
};

/// Whether a power cut may take what stands in a page from a place on: its writer was to put it on the disk,
/// and told nobody yet that it is there.
bool is_unvouched(const PageHeader& header, std::uint64_t position) noexcept;

/// Reads a page through, every frame verified; learns its definitions and index entries, and wipes a torn
/// frame off its end. kCorrupt, and nothing changed, where a damaged frame has good ones behind it; where all
/// of them are unvouched for, they are wiped with it. kUnborn where even the first event is lost so.
std::int32_t recover_page(Page& page, Tables& tables, IndexBuilder& index, Recovered& found,
                          std::string& error);

}  // namespace kungfu::journal
