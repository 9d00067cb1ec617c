/// Mends one raw page file of which an exam has told what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/lost_tables.hpp"
#include "journal/page_exam.hpp"
#include "journal/verify.hpp"

namespace kungfu::journal {

/// What must be known of the pages around it.
struct PageSurroundings {
    bool is_there = false;                ///< A later page follows, so this one has an end.
    std::uint64_t first_sequence = 0;     ///< With which the events after this page begin; 0 if not known.
    std::uint64_t at_the_latest = ~0ULL;  ///< Likewise, where that is all that is known.
    bool is_sealed = false;               ///< A later page is sealed, so this one was.
    PagesBeside beside;
};

/// One step after the other, each on the disk before the next. The page takes up where it stands if a crash
/// ends it.
class PageRepair {
  public:
    PageRepair(PageExam exam, const PageContext& context, std::vector<Finding>& steps);

    /// KF_OK, or KF_IO_ERROR or KF_DISK_FULL with error().
    std::int32_t run(const PageSurroundings& around);
    const std::string& error() const noexcept { return error_; }
    /// The page as it stands now.
    const PageExam& exam() const noexcept { return exam_; }

  private:
    std::int32_t mend_header(const PageSurroundings& around);
    std::int32_t mend_size();
    std::int32_t mend_stretches(const PagesBeside& beside);
    std::int32_t mend_tables(Stretch& stretch, const PagesBeside& beside);
    Stretch missing_end(const PageSurroundings& around, bool& at_most) const;
    std::int32_t mend_end(const PageSurroundings& around);
    std::int32_t mend_open_end();
    std::int32_t mend_seal(bool must_be_sealed);
    std::int32_t give_up(Stretch lost, const char* what, bool at_most);
    std::int32_t wipe(std::uint64_t from, std::uint64_t to);
    std::int32_t sync();
    std::int32_t fail(const char* what, int why);
    void step(Finding::Kind kind, std::uint64_t offset, std::uint64_t length, std::string what);

    PageExam exam_;
    const PageContext& context_;
    std::vector<Finding>& steps_;
    Page page_;
    bool changed_ = false;
    std::string error_;
};

/// Makes a page that says that these events are lost, for one that is missing; it begins and ends at the
/// time that the page before ended with. KF_OK, or KF_IO_ERROR or KF_DISK_FULL with `error`.
std::int32_t make_lost_page(const PageContext& context, const PageHeader& neighbour, std::uint64_t number,
                            const Stretch& lost, std::string& path, std::string& error);

}  // namespace kungfu::journal
