#include "journal/lock.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>

#include "journal/status.hpp"

namespace kungfu::journal {

std::atomic<std::uint64_t> detail::forks{0};

namespace {

// A lock of the open file keeps out other processes and other writers of this one, whoever opens and closes
// the file meanwhile. A child inherits it with the descriptor, and would keep the journal when its parent is
// gone: so a child closes all that stand here.
struct Held {
    std::mutex mutex;
    std::map<const WriterLock*, int> files;
};

Held& held() {
    static Held* list = new Held;  // outlives every static writer
    return *list;
}

// The list must not stay locked in a child for a thread that is not there.
void before_fork() noexcept { held().mutex.lock(); }
void in_parent() noexcept { held().mutex.unlock(); }
void in_child() noexcept {
    for (const auto& [owner, fd] : held().files) close(fd);
    held().files.clear();
    held().mutex.unlock();
    detail::forks.fetch_add(1, std::memory_order_relaxed);
}
const int g_watching_forks = pthread_atfork(before_fork, in_parent, in_child);

std::string system_error(const std::string& what) {
    return what + ": " + std::generic_category().message(errno);
}

/// The number that the holder of a lock left in its file; "?" if there is none.
std::string holder_of(int fd) {
    char text[16] = {};
    const ssize_t length = pread(fd, text, sizeof text - 1, 0);
    const std::string number(text, length > 0 ? static_cast<std::size_t>(length) : 0);
    const bool plain = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
    return plain ? number : "?";
}

void leave_own_number(int fd) noexcept {
    const std::string number = std::to_string(getpid());
    // On a full disk nobody learns who holds the lock; it is held all the same.
    if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, number.data(), number.size(), 0);
}

}  // namespace

std::int32_t WriterLock::acquire(const std::string& path, std::string& error) {
    release();
    const std::lock_guard guard(held().mutex);
    std::error_code failure;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::filesystem::create_directories(folder, failure);
    if (failure) {
        error = folder.string() + ": cannot make the folder: " + failure.message();
        return KF_IO_ERROR;
    }
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        error = system_error(path);
        return KF_IO_ERROR;
    }
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        const bool taken = errno == EACCES || errno == EAGAIN;
        error = system_error(path);
        if (taken) {
            const std::string holder = holder_of(fd);
            const bool own = holder == std::to_string(getpid());
            error = path + ": " + (own ? "another writer of this process" : "process " + holder) +
                    " has the journal open";
        }
        close(fd);
        return taken ? kLocked : static_cast<std::int32_t>(KF_IO_ERROR);
    }
    leave_own_number(fd);
    held().files[this] = fd;
    return KF_OK;
}

void WriterLock::release() noexcept {
    const std::lock_guard guard(held().mutex);
    const auto it = held().files.find(this);
    if (it == held().files.end()) return;  // or a child's, closed when it was born
    // A child that is just being born may have the descriptor, too.
    struct flock lock{};
    lock.l_type = F_UNLCK;
    lock.l_whence = SEEK_SET;
    (void)fcntl(it->second, F_OFD_SETLK, &lock);
    close(it->second);
    held().files.erase(it);
}

}  // namespace kungfu::journal
