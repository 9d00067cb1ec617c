#include "journal/page.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "journal/crc32c.hpp"

namespace kungfu::journal {
namespace {

bool ends_in_zero(const char* text, std::size_t width) noexcept {
    return std::memchr(text, 0, width) != nullptr;
}

std::string system_error(const std::string& path) {
    return path + ": " + std::generic_category().message(errno);
}

/// What is wrong with a header that was read from a file of this size; empty if nothing is.
std::string problem_of(const PageHeader& h, std::uint64_t file_size) {
    if (std::memcmp(h.magic, kPageMagic, sizeof h.magic) != 0) return "offset 0: not a journal page";
    if (h.format_version != kFormatVersion) {
        return "offset 8: format version " + std::to_string(h.format_version) +
               ", this program reads version " + std::to_string(kFormatVersion);
    }
    if (h.checksum != header_checksum(h)) return "offset 312: the page header fails its checksum";
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
    const std::string problem =
        static_cast<std::size_t>(got) < sizeof header
            ? "offset " + std::to_string(got) + ": the file ends within the page header"
            : problem_of(header, static_cast<std::uint64_t>(status.st_size));
    if (problem.empty()) return KF_OK;
    error = path + ": " + problem;
    return kCorrupt;
}

}  // namespace

Page& Page::operator=(Page&& other) noexcept {
    if (this != &other) {
        reset();
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(key_, other.key_);
        std::swap(path_, other.path_);
    }
    return *this;
}

void Page::reset() noexcept {
    if (data_) munmap(data_, size_);
    data_ = nullptr;
    size_ = 0;
    path_.clear();
}

bool Page::create(const std::string& path, std::uint64_t size) noexcept {
    reset();
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    int failure = posix_fallocate(fd, 0, static_cast<off_t>(size));
    void* data = MAP_FAILED;
    if (failure == 0) {
        data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) failure = errno;
    }
    ::close(fd);
    if (failure != 0) {
        unlink(path.c_str());
        errno = failure;
        return false;
    }
    data_ = static_cast<char*>(data);
    size_ = size;
    path_ = path;
    return true;
}

std::int32_t Page::open(const std::string& path, std::uint64_t journal, bool writable, std::string& error) {
    reset();
    const int fd = ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        error = system_error(path);
        return KF_IO_ERROR;
    }
    PageHeader header{};
    std::int32_t status = checked_header(fd, path, header, error);
    if (status == KF_OK && journal != 0 && header.journal != journal) {
        error = path + ": offset 24: the page belongs to another journal (" + header.scope + "/" +
                header.source + "/" + header.name + ")";
        status = kCorrupt;
    }
    void* data = MAP_FAILED;
    if (status == KF_OK) {
        data =
            mmap(nullptr, header.page_size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            error = system_error(path);
            status = KF_IO_ERROR;
        }
    }
    ::close(fd);
    if (status != KF_OK) return status;
    data_ = static_cast<char*>(data);
    size_ = header.page_size;
    path_ = path;
    key_checksums();
    return KF_OK;
}

void Page::key_checksums() noexcept {
    const std::uint64_t place[2] = {header().journal, header().page_number};
    key_ = crc32c(0, place, sizeof place);
}

std::uint32_t Page::checksum(std::uint64_t offset, std::uint32_t length) const noexcept {
    const std::uint32_t place[2] = {static_cast<std::uint32_t>(offset), length};
    return crc32c(crc32c(key_, place, sizeof place), data_ + offset + 8, length - 8);
}

bool Page::verifies(std::uint64_t offset, std::uint64_t commit) const noexcept {
    const auto length = static_cast<std::uint32_t>(commit);
    return holds(offset, length) && static_cast<std::uint32_t>(commit >> 32) == checksum(offset, length);
}

void Page::set_commit(std::uint64_t offset, std::uint32_t length) noexcept {
    const std::uint64_t commit = static_cast<std::uint64_t>(checksum(offset, length)) << 32 | length;
    __atomic_store_n(&frame(offset)->commit, commit, __ATOMIC_RELEASE);
}

std::uint32_t header_checksum(const PageHeader& header) noexcept {
    return crc32c(0, &header, offsetof(PageHeader, checksum));
}

std::int32_t read_header(const std::string& path, PageHeader& header, std::string& error) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error = system_error(path);
        return KF_IO_ERROR;
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
