#include "journal/lock.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
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

// A record lock keeps other processes out and is not inherited, but says nothing within a process: that is
// what this list is for. Closing any descriptor of a locked file would drop the lock, so a file that stands
// here is never opened again.
struct Held {
    std::mutex mutex;
    std::map<std::pair<std::uint64_t, std::uint64_t>, pid_t> files;
};

Held& held() {
    static Held* list = new Held;  // outlives every static writer
    return *list;
}

// The list must not stay locked in a child for a thread that is not there.
void before_fork() noexcept { held().mutex.lock(); }
void in_parent() noexcept { held().mutex.unlock(); }
void in_child() noexcept {
    held().mutex.unlock();
    detail::forks.fetch_add(1, std::memory_order_relaxed);
}
const int g_watching_forks = pthread_atfork(before_fork, in_parent, in_child);

std::string system_error(const std::string& what) {
    return what + ": " + std::generic_category().message(errno);
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
    struct stat status{};
    if (stat(path.c_str(), &status) == 0) {
        const auto it = held().files.find({status.st_dev, status.st_ino});
        if (it != held().files.end() && it->second == getpid()) {
            error = path + ": another writer of this process has the journal open";
            return kLocked;
        }
    }
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || fstat(fd, &status) != 0) {
        error = system_error(path);
        if (fd >= 0) close(fd);
        return KF_IO_ERROR;
    }
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        const bool taken = errno == EACCES || errno == EAGAIN;
        error = system_error(path);
        if (taken) {
            struct flock owner = lock;
            const bool known = fcntl(fd, F_GETLK, &owner) == 0 && owner.l_type != F_UNLCK;
            error =
                path + ": process " + (known ? std::to_string(owner.l_pid) : "?") + " has the journal open";
        }
        close(fd);
        return taken ? kLocked : static_cast<std::int32_t>(KF_IO_ERROR);
    }
    fd_ = fd;
    device_ = status.st_dev;
    inode_ = status.st_ino;
    held().files[{device_, inode_}] = getpid();
    return KF_OK;
}

void WriterLock::release() noexcept {
    if (fd_ < 0) return;
    const std::lock_guard guard(held().mutex);
    const auto it = held().files.find({device_, inode_});
    if (it != held().files.end() && it->second == getpid()) held().files.erase(it);
    close(fd_);
    fd_ = -1;
}

}  // namespace kungfu::journal
