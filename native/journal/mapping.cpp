#include "journal/mapping.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <new>

namespace kungfu::journal {
namespace {

/// What the signal handler must know of one mapping.
struct Guard {
    std::atomic<char*> data{nullptr};  ///< nullptr while the guard is free.
    std::atomic<std::uint64_t> size{0};
    std::atomic<bool> writable{false};
    std::atomic<std::uint64_t> damage{Mapping::kIntact};
};

/// Guards are never freed, so that the handler may walk over them at any moment.
struct Guards {
    static constexpr std::size_t kChunk = 256;
    static constexpr std::size_t kChunks = 256;
    std::array<std::atomic<Guard*>, kChunks> chunks{};
    std::mutex claiming;
    struct sigaction before{};
};

Guards& guards() noexcept {
    static Guards all;
    return all;
}

std::uintptr_t memory_page() noexcept {
    static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    return size;
}

Guard* guard_of(std::uintptr_t address) noexcept {
    for (auto& chunk : guards().chunks) {
        Guard* first = chunk.load(std::memory_order_acquire);
        if (first == nullptr) return nullptr;
        for (Guard* guard = first; guard != first + Guards::kChunk; ++guard) {
            const auto base = reinterpret_cast<std::uintptr_t>(guard->data.load(std::memory_order_acquire));
            if (base != 0 && address - base < guard->size.load(std::memory_order_relaxed)) return guard;
        }
    }
    return nullptr;
}

/// Puts zeros where the file has nothing, so that the access that failed succeeds when it is tried again.
bool replace(Guard& guard, std::uintptr_t address) noexcept {
    char* data = guard.data.load(std::memory_order_relaxed);
    const std::uintptr_t offset = (address & ~(memory_page() - 1)) - reinterpret_cast<std::uintptr_t>(data);
    const int protection =
        guard.writable.load(std::memory_order_relaxed) ? PROT_READ | PROT_WRITE : PROT_READ;
    void* zeros =
        mmap(data + offset, memory_page(), protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) return false;
    std::uint64_t known = guard.damage.load(std::memory_order_relaxed);
    while (offset < known && !guard.damage.compare_exchange_weak(known, offset, std::memory_order_relaxed)) {
    }
    return true;
}

void on_bus_error(int number, siginfo_t* info, void* context) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    Guard* guard = guard_of(address);
    if (guard != nullptr && replace(*guard, address)) return;
    const struct sigaction& before = guards().before;
    if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        signal(number, SIG_DFL);  // the access is tried again and ends the process as it would have
    }
}

void install() noexcept {
    static std::once_flag once;
    std::call_once(once, [] {
        (void)memory_page();
        struct sigaction action{};
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigemptyset(&action.sa_mask);
        // A child has none of the threads that may have been claiming, and maps files of its own.
        pthread_atfork([] { guards().claiming.lock(); }, [] { guards().claiming.unlock(); },
                       [] { guards().claiming.unlock(); });
        sigaction(SIGBUS, &action, &guards().before);
    });
}

/// A free guard, now in use for this memory; nullptr if there are no more.
Guard* claim(char* data, std::uint64_t size, bool writable) noexcept {
    install();
    Guards& all = guards();
    const std::lock_guard lock(all.claiming);
    for (auto& chunk : all.chunks) {
        Guard* first = chunk.load(std::memory_order_relaxed);
        if (first == nullptr) {
            first = new (std::nothrow) Guard[Guards::kChunk];
            if (first == nullptr) return nullptr;
            chunk.store(first, std::memory_order_release);
        }
        for (Guard* guard = first; guard != first + Guards::kChunk; ++guard) {
            if (guard->data.load(std::memory_order_relaxed) != nullptr) continue;
            guard->size.store(size, std::memory_order_relaxed);
            guard->writable.store(writable, std::memory_order_relaxed);
            guard->damage.store(Mapping::kIntact, std::memory_order_relaxed);
            guard->data.store(data, std::memory_order_release);
            return guard;
        }
    }
    return nullptr;
}

}  // namespace

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this != &other) {
        reset();
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(damage_, other.damage_);
        std::swap(guard_, other.guard_);
    }
    return *this;
}

bool Mapping::map_file(int fd, std::uint64_t size, bool writable) noexcept {
    reset();
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* data = mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return false;
    data_ = static_cast<char*>(data);
    size_ = size;
    Guard* guard = claim(data_, size, writable);
    guard_ = guard;
    if (guard != nullptr) damage_ = &guard->damage;
    return true;
}

bool Mapping::map_memory(std::uint64_t size) noexcept {
    reset();
    void* data =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return false;
    data_ = static_cast<char*>(data);
    size_ = size;
    return true;
}

void Mapping::reset() noexcept {
    if (data_ == nullptr) return;
    // First: the next mapping may come to lie at the same address.
    if (guard_ != nullptr) static_cast<Guard*>(guard_)->data.store(nullptr, std::memory_order_release);
    munmap(data_, size_);
    data_ = nullptr;
    size_ = 0;
    damage_ = nullptr;
    guard_ = nullptr;
}

}  // namespace kungfu::journal
