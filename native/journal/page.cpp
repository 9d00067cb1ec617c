#include "journal/page.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "journal/compressed_page.hpp"
#include "journal/crc32c.hpp"

namespace kungfu::journal {
namespace {

bool ends_in_zero(const char* text, std::size_t width) noexcept {
    return std::memchr(text, 0, width) != nullptr;
}

std::string system_error(const std::string& path) {
    return path + ": " + std::generic_category().message(errno);
}

/// Whether nothing stands in a file: what a power cut leaves of a page that was made ahead.
bool is_blank(int fd) noexcept {
    std::array<char, 65536> bytes{};
    for (off_t offset = 0;;) {
        offset = lseek(fd, offset, SEEK_DATA);
        if (offset < 0) return errno == ENXIO;
        const ssize_t got = pread(fd, bytes.data(), bytes.size(), offset);
        if (got <= 0) return got == 0;
        if (std::any_of(bytes.begin(), bytes.begin() + got, [](char c) { return c != 0; })) return false;
        offset += got;
    }
}

/// Whether a header without its magic is that of a page made ahead, and not one that was wiped.
bool is_unborn(int fd, const PageHeader& h, std::uint64_t file_size) noexcept {
    static constexpr char kNothing[sizeof h] = {};
    if (std::memcmp(h.magic, kNothing, sizeof h.magic) != 0) return false;
    const bool untouched = h.durable_position == 0 && h.written_position == 0 && h.sealed == 0;
    if (untouched && h.format_version == kFormatVersion && h.header_length == sizeof(PageHeader) &&
        h.page_number != 0 && h.page_size == file_size) {
        return true;
    }
    return file_size >= kMinPageSize && file_size <= kMaxPageSize &&
           std::memcmp(&h, kNothing, sizeof h) == 0 && is_blank(fd);
}

std::int32_t cannot_open(const std::string& path, std::string& error) {
    const bool gone = errno == ENOENT;
    error = system_error(path);
    return gone ? kPruned : static_cast<std::int32_t>(KF_IO_ERROR);
}

std::int32_t checked_header(int fd, const std::string& path, PageHeader& header, std::string& error) {
    struct stat status{};
    if (fstat(fd, &status) != 0) {
        error = system_error(path);
        return KF_IO_ERROR;
    }
    const ssize_t got = pread(fd, &header, sizeof header, 0);
    if (got < 0) {
        error = system_error(path);
        return KF_IO_ERROR;
    }
    const auto file_size = static_cast<std::uint64_t>(status.st_size);
    if (static_cast<std::size_t>(got) == sizeof header && is_unborn(fd, header, file_size)) {
        header.page_size = file_size;
        return kUnborn;
    }
    const std::string problem =
        static_cast<std::size_t>(got) < sizeof header
            ? "offset " + std::to_string(got) + ": the file ends within the page header"
            : problem_of(header, file_size);
    if (problem.empty()) return KF_OK;
    error = path + ": " + problem;
    return kCorrupt;
}

}  // namespace

std::uint32_t checksum_key(std::uint64_t journal, std::uint64_t page_number) noexcept {
    const std::uint64_t place[2] = {journal, page_number};
    return crc32c(0, place, sizeof place);
}

std::string problem_of(const PageHeader& h, std::uint64_t file_size) {
    if (std::memcmp(h.magic, kPageMagic, sizeof h.magic) != 0) return "offset 0: not a journal page";
    if (h.format_version != kFormatVersion) {
        return "offset 8: format version " + std::to_string(h.format_version) +
               ", this program reads version " + std::to_string(kFormatVersion);
    }
    if (h.checksum != header_checksum(h)) return "offset 356: the page header fails its checksum";
    if (h.header_length != sizeof(PageHeader) || h.page_size < kMinPageSize || h.page_size > kMaxPageSize) {
        return "offset 12: impossible header or page size";
    }
    if (!ends_in_zero(h.source, sizeof h.source) || !ends_in_zero(h.name, sizeof h.name) ||
        !ends_in_zero(h.scope, sizeof h.scope)) {
        return "offset 56: unterminated text in the page header";
    }
    if (file_size < h.page_size) {
        return "offset " + std::to_string(file_size) + ": the file ends here, its page has " +
               std::to_string(h.page_size) + " bytes";
    }
    return "";
}

Page::Page() = default;
Page::~Page() { reset(); }
Page::Page(Page&& other) noexcept { *this = std::move(other); }

Page& Page::operator=(Page&& other) noexcept {
    if (this != &other) {
        reset();
        mapping_ = std::move(other.mapping_);
        std::swap(fd_, other.fd_);
        std::swap(forks_, other.forks_);
        std::swap(key_, other.key_);
        std::swap(path_, other.path_);
        compressed_ = std::move(other.compressed_);
    }
    return *this;
}

void Page::let_go() noexcept {
    if (fd_ < 0) return;
    // The mapping, too, keeps what close() would give up. In a child that would be its parent's.
    if (forks_ == fork_generation()) (void)flock(fd_, LOCK_UN);
    ::close(fd_);
    fd_ = -1;
}

void Page::reset() noexcept {
    mapping_.reset();
    compressed_.reset();
    let_go();
    path_.clear();
}

bool Page::create(const std::string& path, std::uint64_t size) noexcept {
    reset();
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    forks_ = fork_generation();
    if (fd_ < 0) return false;
    path_ = path;
    if (ftruncate(fd_, static_cast<off_t>(size)) == 0 && mapping_.map_file(fd_, size, true)) {
        // Halves what preparing costs, where the file system has large pieces.
        if (size >= kLargePiece) (void)madvise(data(), size, MADV_HUGEPAGE);
        return true;
    }
    const int failure = errno;
    unlink(path.c_str());
    reset();
    errno = failure;
    return false;
}

int Page::prepare(std::uint64_t from, std::uint64_t to) noexcept {
    const auto begin = static_cast<off_t>(from);
    const auto length = static_cast<off_t>(to - from);
    // Room on the disk first: without it the store itself would fail, and that is a signal.
    if (const int failure = posix_fallocate(fd_, begin, length); failure != 0) return failure;
#ifdef MADV_POPULATE_WRITE
    if (madvise(data() + from, to - from, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EINVAL) return errno == EFAULT ? ENOSPC : errno;
#endif
    return 0;  // an older kernel gives the memory when it is touched
}

std::int32_t Page::open(const std::string& path, std::uint64_t journal, bool writable, std::string& error) {
    reset();
    fd_ = ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    forks_ = fork_generation();
    if (fd_ < 0) {
        const std::int32_t status = cannot_open(path, error);
        const std::string present = present_path(path);
        return present == path ? status : open(present, journal, writable, error);
    }
    // Shared: held by every reader; who prunes asks for it alone.
    if (!writable && flock(fd_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        reset();
        error = path + ": is being pruned";
        return kPruned;
    }
    path_ = path;
    if (is_compressed(path)) {
        const std::int32_t status = open_compressed(journal, error);
        if (status != KF_OK) reset();
        return status;
    }
    PageHeader header{};
    std::int32_t status = checked_header(fd_, path, header, error);
    if ((status == KF_OK || status == kUnborn) && !mapping_.map_file(fd_, header.page_size, writable)) {
        error = system_error(path);
        status = KF_IO_ERROR;
    }
    if (status == KF_OK) status = check(header.page_size, journal, error);
    if (status != KF_OK && status != kUnborn) reset();
    return status;
}

std::int32_t Page::open_compressed(std::uint64_t journal, std::string& error) {
    compressed_ = std::make_unique<CompressedPage>();
    const std::int32_t status = compressed_->open(path_, error);
    if (status != KF_OK) return status;
    if (!mapping_.map_memory(compressed_->header().page_size)) {
        error = system_error(path_);
        return KF_IO_ERROR;
    }
    CompressedPage::Range first{};
    if (const std::int32_t loaded = compressed_->load(0, data(), first, error); loaded != KF_OK)
        return loaded;
    return check(size(), journal, error);
}

std::int32_t Page::unpack(std::string& error) {
    CompressedPage::Range loaded{0, compressed_ ? 0 : size()};
    while (loaded.end < size()) {
        const std::int32_t status = compressed_->load(loaded.end, data(), loaded, error);
        if (status != KF_OK) return status;
    }
    return KF_OK;
}

std::int32_t Page::birth(std::uint64_t journal, std::string& error) {
    return is_born() ? check(size(), journal, error) : kUnborn;
}

std::int32_t Page::check(std::uint64_t file_size, std::uint64_t journal, std::string& error) {
    std::string problem = problem_of(header(), file_size);
    if (problem.empty() && journal != 0 && header().journal != journal) {
        problem = std::string("offset 24: the page belongs to another journal (") + header().scope + "/" +
                  header().source + "/" + header().name + ")";
    }
    if (!problem.empty()) {
        error = path_ + ": " + problem;
        return kCorrupt;
    }
    key_checksums();
    return KF_OK;
}

bool Page::read_on(std::uint64_t offset, std::uint64_t& end, std::string& error) {
    end = size();
    if (compressed_) {
        CompressedPage::Range loaded{};
        if (compressed_->load(offset, data(), loaded, error) != KF_OK) return false;
        end = loaded.end;
        return true;
    }
    if (header().durability == static_cast<std::uint32_t>(Durability::COMMIT)) {
        end = std::min(end, __atomic_load_n(&header().durable_position, __ATOMIC_ACQUIRE));
    }
    return true;
}

bool Page::is_deleted() const noexcept {
    struct stat status{};
    return fd_ >= 0 && fstat(fd_, &status) == 0 && status.st_nlink == 0;
}

void Page::give_birth() noexcept {
    std::uint64_t magic = 0;
    std::memcpy(&magic, kPageMagic, sizeof magic);
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(data()), magic, __ATOMIC_RELEASE);
}

void Page::key_checksums() noexcept { key_ = checksum_key(header().journal, header().page_number); }

void Page::set_commit(std::uint64_t offset, std::uint32_t length) noexcept {
    const std::uint64_t commit = static_cast<std::uint64_t>(checksum(offset, length)) << 32 | length;
    __atomic_store_n(&frame(offset)->commit, commit, __ATOMIC_RELEASE);
}

std::uint32_t header_checksum(const PageHeader& header) noexcept {
    const std::uint32_t of_magic = crc32c(0, kPageMagic, sizeof kPageMagic);
    return crc32c(of_magic, &header.format_version,
                  offsetof(PageHeader, checksum) - offsetof(PageHeader, format_version));
}

std::int32_t read_header(const std::string& path, PageHeader& header, std::string& error) {
    if (is_compressed(path)) {
        CompressedPage page;
        const std::int32_t status = page.open(path, error);
        if (status == KF_OK) header = page.header();
        return status;
    }
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        const std::int32_t status = cannot_open(path, error);
        const std::string present = present_path(path);
        return present == path ? status : read_header(present, header, error);
    }
    const std::int32_t status = checked_header(fd, path, header, error);
    ::close(fd);
    return status;
}

std::atomic<std::uint64_t>& page_births() noexcept {
    static std::atomic<std::uint64_t> births{0};
    return births;
}

}  // namespace kungfu::journal
