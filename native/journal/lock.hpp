/// The lock that makes a journal's writer the only one.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace kungfu::journal {

/// Held from acquire() to release(); the kernel releases it when the process ends, however it ends. A child
/// of the process does not hold it.
class WriterLock {
  public:
    WriterLock() = default;
    ~WriterLock() { release(); }
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;

    /// KF_OK, kLocked or KF_IO_ERROR, with `error` saying who or why. Makes the file and its folder.
    std::int32_t acquire(const std::string& path, std::string& error);
    void release() noexcept;
};

namespace detail {
extern std::atomic<std::uint64_t> forks;
}

/// Counts the forks between the first process and this one; no system call.
inline std::uint64_t fork_generation() noexcept { return detail::forks.load(std::memory_order_relaxed); }

}  // namespace kungfu::journal
