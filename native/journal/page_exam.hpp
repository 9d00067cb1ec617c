/// What one page file holds, sound or not: opens it, and where its header is damaged finds out what stood
/// there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/location.hpp"
#include "journal/page.hpp"
#include "journal/page_walk.hpp"

namespace kungfu::journal {

/// What a page's neighbours tell about it.
struct PageContext {
    Location location;                ///< With the scope that the journal's sound pages state.
    std::uint64_t page_size = 0;      ///< Of the journal's sound pages; 0 if there are none.
    std::uint32_t durability = 0;     ///< Likewise.
    std::uint32_t clock_source = 0;   ///< Likewise.
    std::uint64_t last_sequence = 0;  ///< Where the page before ended.
    std::int64_t last_time = 0;
    bool is_identified = false;  ///< Some page proves which journal this is.
    bool follows = false;        ///< There is a page before, and it is known where it ended.
};

/// What is common to the pages of a journal, as most of its sound headers say.
PageContext context_of(const Location& location, const std::vector<PageFile>& files);

/// What is wrong, and where in a file.
struct Problem {
    std::uint64_t offset = 0;
    std::string what;  ///< Empty if nothing is.
};

struct PageExam {
    enum class Header : std::uint32_t {
        SOUND,
        UNBORN,     ///< Nothing was ever written, as far as the page tells.
        DAMAGED,    ///< `header` is what must have stood there.
        MISPLACED,  ///< It is sound, and that of another page.
        FOREIGN,    ///< Of another format version.
        UNREADABLE,
    };
    PageFile file;
    Header state = Header::UNREADABLE;
    Problem problem;      ///< Of the header, or of the file as a whole.
    bool proven = false;  ///< A damaged header was found again to the last bit.
    PageHeader header{};  ///< Taken before the walk.
    std::uint64_t file_size = 0;
    PageWalk walk;
    bool broken_at_stop = false;  ///< Something stands at `walk.stop` that is no frame.
    std::uint32_t checksum = 0;   ///< What an ended page's `page_checksum` must be.

    bool is_readable() const noexcept { return state == Header::SOUND || state == Header::DAMAGED; }
    bool is_cut() const noexcept { return !is_compressed(file.path) && file_size < header.page_size; }
    /// Whether events (or the page's end) are missing behind the last intact frame. What a writer that was
    /// killed left unfinished there is not.
    bool has_damaged_end(bool is_last) const noexcept;
    /// Whether the seal can be believed where there is no PAGE_END frame to compare it with.
    bool has_plausible_seal() const noexcept;
};

/// Opens the page file for reading and walks it. Only the last page may be unborn.
PageExam examine(const PageFile& file, const PageContext& context, bool is_last);

/// What is wrong with the seal of an ended page, or with the positions in its header.
Problem seal_problem(const PageExam& exam);

/// What is wrong with the seal or the positions of a page that is not ended and not damaged at its end.
Problem open_end_problem(const PageExam& exam);

/// Whether a header has something where nothing belongs.
Problem reserved_problem(const PageHeader& header);

/// Whether the index beside the page is what the page gives.
bool has_its_index(const PageExam& exam);

}  // namespace kungfu::journal
