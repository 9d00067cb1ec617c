/// Where a journal lies: its identity and the paths of its files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kungfu::journal {

/// A journal under a root folder; `scope` (a run or a dataset) goes into its id, not into its path.
struct Location {
    std::string root;
    std::string source;
    std::string name;
    std::string scope;

    /// The journal's 64-bit id: of "source/NAME", or "scope/source/NAME".
    std::uint64_t id() const;
    /// "source/NAME" or "scope/source/NAME".
    std::string label() const;
    /// What is wrong with source or name as parts of a path; empty if nothing is.
    std::string problem() const;
    std::string lock_path() const;
    /// Where the next page is made before it gets its name.
    std::string unborn_path() const;
    /// `<root>/<date>/<source>/<NAME>.<page>.journal`
    std::string page_path(std::string_view date, std::uint64_t page) const;
};

struct PageFile {
    std::uint64_t page;
    std::string date;
    std::string path;
};

/// The index file that belongs to a page file, compressed or not.
std::string index_path(const std::string& page_path);

/// The file that a page becomes when it is compressed.
std::string compressed_path(const std::string& page_path);
bool is_compressed(std::string_view page_path) noexcept;
/// Where a page that was listed is now: it may have been compressed since.
std::string present_path(const std::string& page_path);

/// The UTC date of a time in ns, as "YYYY-MM-DD", and its number since 1970.
std::string utc_date(std::int64_t time);
std::int64_t utc_day(std::int64_t time) noexcept;

/// All pages of a journal in page order, the one that is made ahead left out; none if there is no such
/// journal. Of a page that is there compressed and not, the one that is not.
std::vector<PageFile> list_pages(const Location& location);
/// The same. KF_OK, or why it is not to be relied on, with `error`: KF_IO_ERROR where a folder could not be
/// listed, kCorrupt where two files say that they are the same page.
std::int32_t list_pages(const Location& location, std::vector<PageFile>& pages, std::string& error);

/// The page that a writer made ahead, if there is one; nothing stands in it.
PageFile find_unborn(const Location& location);

/// The file of one page, made ahead or not, looked for from `date` on; an empty path if it does not exist.
PageFile find_page(const Location& location, std::uint64_t page, const std::string& date);

/// All journals under a root, by source and name, each with the scope that its first page states. `problem`
/// tells of a folder that could not be listed.
std::vector<Location> list_journals(const std::string& root, std::string& problem);

}  // namespace kungfu::journal
