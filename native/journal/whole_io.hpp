/// Reads and writes that are not done by halves.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace kungfu::journal {

/// Reads all bytes from an offset on; false where the file ends before, or with errno set.
inline bool read_whole(int fd, void* data, std::uint64_t size, std::uint64_t offset) noexcept {
    auto* place = static_cast<char*>(data);
    while (size > 0) {
        const ssize_t got = pread(fd, place, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        place += got;
        offset += static_cast<std::uint64_t>(got);
        size -= static_cast<std::uint64_t>(got);
    }
    return true;
}

/// Writes all bytes from an offset on; false with errno set if that fails.
inline bool write_whole(int fd, const void* data, std::uint64_t size, std::uint64_t offset) noexcept {
    const auto* place = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t done = pwrite(fd, place, size, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        place += done;
        offset += static_cast<std::uint64_t>(done);
        size -= static_cast<std::uint64_t>(done);
    }
    return true;
}

}  // namespace kungfu::journal
