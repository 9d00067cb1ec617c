#include "journal/naming.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace kungfu::journal {
namespace {

int rename_with(const std::string& from, const std::string& to, unsigned flags) noexcept {
    return syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

}  // namespace

int rename_to_new(const std::string& from, const std::string& to) noexcept {
    const int failure = rename_with(from, to, RENAME_NOREPLACE);
    if (failure != EINVAL && failure != ENOSYS) return failure;
    // Not every file system knows the flag; a hard link is never made over a file either.
    if (link(from.c_str(), to.c_str()) != 0) return errno;
    return unlink(from.c_str()) == 0 ? 0 : errno;
}

int exchange_names(const std::string& a, const std::string& b) noexcept {
    return rename_with(a, b, RENAME_EXCHANGE);
}

int sync_folder(const std::string& folder) noexcept {
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    const int failure = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return failure;
}

int sync_folder_of(const std::string& path) noexcept {
    const std::string::size_type slash = path.rfind('/');
    return sync_folder(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace kungfu::journal
