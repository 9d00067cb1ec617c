#include "journal/prune.hpp"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "journal/kept_bytes.hpp"
#include "journal/page.hpp"

namespace kungfu::journal {
namespace {

std::uint64_t disk_bytes(const std::string& path) noexcept {
    struct stat status{};
    return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

/// All files of a page, the one that makes it a page last.
std::array<std::string, 4> files_of(const std::string& path) {
    const std::string raw =
        is_compressed(path) ? path.substr(0, path.size() - compressed_path("").size()) : path;
    return {index_path(path), kept_path(raw), path == raw ? compressed_path(raw) : raw, path};
}

std::uint64_t bytes_of(const PageFile& page) {
    std::uint64_t bytes = 0;
    for (const std::string& file : files_of(page.path)) bytes += disk_bytes(file);
    return bytes;
}

std::int32_t remove_files(const std::string& path, std::string& error) {
    for (const std::string& file : files_of(path)) {
        if (unlink(file.c_str()) == 0 || errno == ENOENT) continue;
        error = file + ": cannot be deleted: " + std::generic_category().message(errno);
        return KF_IO_ERROR;
    }
    // The folders of the source and of the date go with their last page.
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (rmdir(folder.c_str()) == 0) (void)rmdir(folder.parent_path().c_str());
    return KF_OK;
}

}  // namespace

std::int32_t prune(const Location& location, const PruneRules& rules, bool dry_run, Pruned& pruned,
                   std::string& error) {
    std::vector<PageFile> pages;
    const std::int32_t listed = list_pages(location, pages, error);
    if (listed != KF_OK) return listed;
    for (const PageFile& page : pages) pruned.bytes_left += bytes_of(page);
    for (std::size_t i = 0; i + 1 < pages.size(); ++i) {
        const bool too_much = rules.most_bytes && pruned.bytes_left > *rules.most_bytes;
        if (!too_much && !rules.before) break;
        Page page;
        std::string problem;
        // Open here it is kept from nobody else; only then is it asked for alone.
        if (page.open(pages[i].path, 0, false, problem) != KF_OK) {
            pruned.kept = problem;
            break;
        }
        const PageHeader& h = page.header();
        if (!page.is_sealed()) {
            pruned.kept = pages[i].path + ": is not sealed yet";
            break;
        }
        if (!too_much && h.last_time >= *rules.before) break;
        if (flock(page.fd(), LOCK_EX | LOCK_NB) != 0) {
            pruned.kept = pages[i].path + ": is being read";
            break;
        }
        const std::uint64_t bytes = bytes_of(pages[i]);
        if (dry_run) {
            (void)flock(page.fd(), LOCK_SH);
        } else {
            const std::int32_t status = remove_files(pages[i].path, error);
            if (status != KF_OK) return status;
        }
        pruned.pages.push_back(
            {pages[i].page, pages[i].path, bytes, h.first_sequence, h.last_sequence, h.last_time});
        pruned.bytes_left -= bytes;
    }
    return KF_OK;
}

}  // namespace kungfu::journal
