#include "journal/kept_bytes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <vector>

#include "journal/crc32c.hpp"
#include "journal/naming.hpp"
#include "journal/status.hpp"
#include "journal/whole_io.hpp"
#include "kungfu/abi.h"

namespace kungfu::journal {
namespace {

struct Record {
    char magic[8];
    std::uint64_t offset;
    std::uint64_t length;
    std::uint32_t checksum;
    std::uint32_t zero;
};
static_assert(sizeof(Record) == 32);

constexpr char kMagic[8] = {'K', 'F', 'D', 'A', 'M', 'A', 'G', 'E'};

std::uint32_t checksum_of(const Record& record, const char* bytes) noexcept {
    const std::uint32_t crc = crc32c(0, &record.offset, sizeof record.offset + sizeof record.length);
    return crc32c(crc, bytes, record.length);
}

/// Goes over the whole records; gives where the next one goes, which is over one that a crash cut off.
std::uint64_t end_of_records(int fd, std::uint64_t offset, std::uint64_t length, bool& is_there) {
    std::uint64_t end = 0;
    Record record{};
    std::vector<char> bytes;
    const off_t size = lseek(fd, 0, SEEK_END);
    while (read_whole(fd, &record, sizeof record, end) &&
           std::memcmp(record.magic, kMagic, sizeof kMagic) == 0 &&
           record.length <= static_cast<std::uint64_t>(size) - end - sizeof record) {
        bytes.resize(record.length);
        if (!read_whole(fd, bytes.data(), record.length, end + sizeof record)) break;
        if (record.checksum != checksum_of(record, bytes.data())) break;
        is_there = is_there || (record.offset == offset && record.length == length);
        end += sizeof record + record.length;
    }
    return end;
}

}  // namespace

std::string kept_path(const std::string& page_path) { return page_path + ".damaged"; }

std::int32_t keep_bytes(const std::string& page_path, std::uint64_t offset, const char* bytes,
                        std::uint64_t length, std::string& error) {
    if (std::all_of(bytes, bytes + length, [](char c) { return c == 0; })) return KF_OK;
    const std::string path = kept_path(page_path);
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    bool done = fd >= 0;
    if (done) {
        bool is_there = false;
        const std::uint64_t end = end_of_records(fd, offset, length, is_there);
        Record record{};
        std::memcpy(record.magic, kMagic, sizeof kMagic);
        record.offset = offset;
        record.length = length;
        record.checksum = checksum_of(record, bytes);
        done = is_there ||
               (ftruncate(fd, static_cast<off_t>(end)) == 0 && write_whole(fd, &record, sizeof record, end) &&
                write_whole(fd, bytes, length, end + sizeof record) && fsync(fd) == 0);
    }
    int failure = done ? 0 : errno;
    if (fd >= 0) close(fd);
    if (failure == 0) failure = sync_folder_of(path);
    if (failure == 0) return KF_OK;
    error = path + ": cannot keep the damaged bytes: " + std::generic_category().message(failure);
    return status_of(failure);
}

}  // namespace kungfu::journal
