// Puts a page that nobody may touch behind every mapping, so that a read past a file's end is found.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

extern "C" {
void* __real_mmap(void*, std::size_t, int, int, int, off_t);
int __real_munmap(void*, std::size_t);

void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    if (address != nullptr) return __real_mmap(address, size, protection, flags, fd, offset);
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t whole = (size + page - 1) / page * page;
    void* room = __real_mmap(nullptr, whole + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return room;
    void* mapped = __real_mmap(room, size, protection, flags | MAP_FIXED, fd, offset);
    if (mapped == MAP_FAILED) __real_munmap(room, whole + page);
    return mapped;
}

int __wrap_munmap(void* address, std::size_t size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    // Only the journal's own calls come here, and all of them unmap what mmap() above gave out.
    return __real_munmap(address, (size + page - 1) / page * page + page);
}
}
