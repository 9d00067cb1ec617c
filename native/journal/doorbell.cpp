#include "journal/doorbell.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "clock/clock.hpp"
#include "kungfu/id.hpp"

#if !defined(SYS_futex_waitv)
#define SYS_futex_waitv 449  // one number on all architectures; headers before Linux 5.16 do not have it
#endif

namespace kungfu::journal {

namespace {

constexpr std::size_t kFileSize = 4096;
// A nap costs 25 to 60 us of a virtual core, so about 100 a second are what an idle process may take.
constexpr std::int64_t kBelledNap = 20'000'000;
// Readers look for new pages once a millisecond; who was rung for one must look again.
constexpr std::int64_t kNapAfterVainRing = 1'500'000;
constexpr std::int64_t kLongestPoll = 10'000'000;
constexpr std::int64_t kShortestPoll = 100'000;
constexpr std::int64_t kFindBellsEvery = 100'000'000;
constexpr std::size_t kBellsAtMost = 128;  // that futex_waitv takes

/// struct futex_waitv of Linux 5.16, for headers that do not have it.
struct FutexWait {
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};
constexpr std::uint32_t kFutex32 = 2;  // 32 bits wide, shared between processes

long membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0); }

timespec timespec_of(std::int64_t time) noexcept {
    timespec t{};
    t.tv_sec = static_cast<time_t>(time / 1'000'000'000);
    t.tv_nsec = static_cast<long>(time % 1'000'000'000);
    return t;
}

}  // namespace

std::uint32_t bell_bit(std::string_view source, std::string_view name) {
    const std::uint64_t hash = fnv1a64(std::string(source) + "/" + std::string(name));
    return 1U << ((hash ^ hash >> 32U) & 31U);
}

Doorbell Doorbell::for_writer(const std::string& root, std::uint32_t bit) {
    Doorbell bell;
    bell.bit_ = bit;
    // Anew for each bell: a child of a process that had registered may not be.
    bell.fences_ = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0;
    bell.map(root, true);
    return bell;
}

Doorbell Doorbell::for_sleeper(const std::string& root) {
    Doorbell bell;
    bell.map(root, false);
    return bell;
}

bool Doorbell::map(const std::string& root, bool make) noexcept {
    const std::string path = root + "/.doorbell";
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | (make ? O_CREAT : 0), 0666);
    if (fd < 0) return false;
    struct stat status{};
    bool whole = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    // Allocated, not only sized: a store into a hole of a full disk would be a SIGBUS.
    if (whole && make) whole = fallocate(fd, 0, 0, kFileSize) == 0;
    if (whole && !make) whole = status.st_size >= static_cast<off_t>(kFileSize);
    if (whole) whole = mapping_.map_file(fd, kFileSize, true);
    ::close(fd);
    return whole;
}

void Doorbell::wake() noexcept {
    // Before the wake-up: who wakes, and sleeps again, must find its bit as it left it.
    const std::uint32_t awaited = words()->awaited.fetch_and(~bit_, std::memory_order_acq_rel);
    if ((awaited & bit_) == 0) return;  // another writer has just woken all
    words()->sequence.fetch_add(1, std::memory_order_release);
    syscall(SYS_futex, &words()->sequence, FUTEX_WAKE_BITSET, INT_MAX, nullptr, nullptr, bit_);
}

Doorbell::Ticket Doorbell::announce(std::uint32_t bits) noexcept {
    // The sequence first: if a writer clears the bits right after they were set, it has gone on.
    const std::uint32_t seen = words()->sequence.load(std::memory_order_acquire);
    words()->awaited.fetch_or(bits, std::memory_order_seq_cst);
    return {&words()->sequence, seen, bits};
}

bool Doorbell::fence_writers() noexcept { return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0; }

Doorbell::Woken Doorbell::sleep(const std::vector<Ticket>& tickets, std::int64_t until) noexcept {
    const timespec end = timespec_of(until);
    long result = -1;
    if (tickets.size() == 1) {
        const Ticket& one = tickets.front();
        result = syscall(SYS_futex, one.sequence, FUTEX_WAIT_BITSET, one.seen, &end, nullptr, one.bits);
    } else if (tickets.empty() || tickets.size() > kBellsAtMost) {
        return Woken::IMPOSSIBLE;
    } else {
        FutexWait waits[kBellsAtMost];
        for (std::size_t i = 0; i < tickets.size(); ++i) {
            waits[i] = {tickets[i].seen, reinterpret_cast<std::uintptr_t>(tickets[i].sequence), kFutex32, 0};
        }
        result = syscall(SYS_futex_waitv, waits, tickets.size(), 0, &end, CLOCK_MONOTONIC);
    }
    if (result >= 0 || errno == EAGAIN) return Woken::RUNG;
    if (errno == ETIMEDOUT) return Woken::TIME;
    return errno == EINTR ? Woken::SIGNAL : Woken::IMPOSSIBLE;
}

void Waiter::add(const std::string& root, std::uint32_t bits) {
    const auto known =
        std::find_if(roots_.begin(), roots_.end(), [&](const Root& r) { return r.path == root; });
    if (known != roots_.end()) {
        known->bits |= bits;
        return;
    }
    roots_.push_back({root, bits, Doorbell()});
    tickets_.reserve(roots_.size());
    find_bells_at_ = 0;
}

std::int64_t Waiter::now() noexcept { return Clock::monotonic_now(); }

void Waiter::pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

void Waiter::announce() {
    tickets_.clear();
    const std::int64_t time = now();
    const bool find = time >= find_bells_at_;
    if (find) find_bells_at_ = time + kFindBellsEvery;
    for (Root& root : roots_) {
        if (!root.bell && find) root.bell = Doorbell::for_sleeper(root.path);
        if (root.bell) tickets_.push_back(root.bell.announce(root.bits));
    }
    if (!tickets_.empty() && !Doorbell::fence_writers()) tickets_.clear();
    belled_ = !tickets_.empty() && tickets_.size() == roots_.size();
}

bool Waiter::sleep(std::int64_t end) noexcept {
    const std::int64_t time = now();
    if (idle_since_ == 0) idle_since_ = time;
    const std::int64_t poll_at = time + std::clamp(time - idle_since_, kShortestPoll, kLongestPoll);
    const std::int64_t look_at = time + (rung_in_vain_ ? kNapAfterVainRing : kBelledNap);
    const Doorbell::Woken woken = Doorbell::sleep(tickets_, std::min(end, belled_ ? look_at : poll_at));
    rung_in_vain_ = woken == Doorbell::Woken::RUNG;
    if (woken != Doorbell::Woken::IMPOSSIBLE) return woken == Doorbell::Woken::SIGNAL;
    belled_ = false;
    const timespec until = timespec_of(std::min(end, poll_at));
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR;
}

}  // namespace kungfu::journal
