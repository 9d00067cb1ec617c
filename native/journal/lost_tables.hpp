/// Finds out which definitions stood where a page's tables are damaged, from the tables of the pages beside
/// it.
#pragma once

#include <string>
#include <vector>

#include "journal/page.hpp"
#include "journal/page_walk.hpp"
#include "journal/tables.hpp"

namespace kungfu::journal {

/// The pages before and after the damaged one; empty where there is none.
struct PagesBeside {
    std::string before;
    std::string after;
};

/// The definitions that fill a stretch exactly, or where events are lost too, those at its beginning, as many
/// as leave room for a gap frame. None if that is not certain: certain are those that the page before ended
/// with, those that never change (types and names), and those that the damaged frame's checksum confirms.
std::vector<Tables::Entry> lost_definitions(const Page& page, const Stretch& stretch,
                                            const PagesBeside& beside);

/// Lays definitions over bytes that are zero, as the page's writer did.
void put_definitions(Page& page, std::uint64_t offset,
                     const std::vector<Tables::Entry>& definitions) noexcept;

}  // namespace kungfu::journal
