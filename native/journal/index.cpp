#include "journal/index.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "journal/crc32c.hpp"
#include "journal/whole_io.hpp"

namespace kungfu::journal {
namespace {

constexpr char kIndexMagic[8] = {'K', 'F', 'I', 'N', 'D', 'E', 'X', '\n'};

struct IndexHeader {
    char magic[8];
    std::uint32_t format_version;
    std::uint32_t checksum;  ///< CRC32C of journal, page, count and the entries.
    std::uint64_t journal;
    std::uint64_t page_number;
    std::uint64_t count;
};
static_assert(sizeof(IndexHeader) == 40);

std::uint32_t checksum_of(const IndexHeader& header, const std::vector<IndexEntry>& entries) noexcept {
    const std::uint32_t crc = crc32c(0, &header.journal, sizeof header - offsetof(IndexHeader, journal));
    return crc32c(crc, entries.data(), entries.size() * sizeof(IndexEntry));
}

/// Whether the entries lead to places where frames can stand, one behind the other.
bool fits(const std::vector<IndexEntry>& entries, std::uint64_t page_size) noexcept {
    std::uint64_t least = sizeof(PageHeader);
    for (const IndexEntry& entry : entries) {
        if (entry.offset < least || entry.offset > page_size - sizeof(kf_frame) || entry.offset % 8 != 0) {
            return false;
        }
        least = entry.offset + sizeof(kf_frame);
    }
    return true;
}

}  // namespace

void IndexBuilder::start(std::uint64_t page_size) {
    entries_.clear();
    entries_.reserve(page_size / kStride + 1);
    next_ = 0;
}

bool write_index(const std::string& path, const PageHeader& page, const std::vector<IndexEntry>& entries) {
    IndexHeader header{};
    std::memcpy(header.magic, kIndexMagic, sizeof header.magic);
    header.format_version = kFormatVersion;
    header.journal = page.journal;
    header.page_number = page.page_number;
    header.count = entries.size();
    header.checksum = checksum_of(header, entries);
    const std::string unborn = path + ".tmp";
    const int fd = open(unborn.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    const bool written = write_whole(fd, &header, sizeof header, 0) &&
                         write_whole(fd, entries.data(), entries.size() * sizeof(IndexEntry), sizeof header);
    close(fd);
    if (written && std::rename(unborn.c_str(), path.c_str()) == 0) return true;
    const int failure = errno;
    unlink(unborn.c_str());
    errno = failure;
    return false;
}

std::vector<IndexEntry> read_index(const std::string& path, const PageHeader& page) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    struct stat status{};
    IndexHeader header{};
    std::vector<IndexEntry> entries;
    if (fstat(fd, &status) == 0 &&
        pread(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) &&
        std::memcmp(header.magic, kIndexMagic, sizeof header.magic) == 0 &&
        header.format_version == kFormatVersion && header.journal == page.journal &&
        header.page_number == page.page_number &&
        header.count <= page.page_size / IndexBuilder::kStride + 1 &&
        static_cast<std::uint64_t>(status.st_size) == sizeof header + header.count * sizeof(IndexEntry)) {
        entries.resize(header.count);
        const std::size_t bytes = header.count * sizeof(IndexEntry);
        if (pread(fd, entries.data(), bytes, sizeof header) != static_cast<ssize_t>(bytes) ||
            header.checksum != checksum_of(header, entries) || !fits(entries, page.page_size)) {
            entries.clear();
        }
    }
    close(fd);
    return entries;
}

}  // namespace kungfu::journal
