/// System time read off the processor's time-stamp counter, which costs less than asking the kernel.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>

namespace kungfu {

/// One of the system's clocks, in ns.
inline std::int64_t system_time(clockid_t id) noexcept {
    timespec t{};
    clock_gettime(id, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

/// Where a time comes from. The numbers stand in journals.
enum class ClockSource : std::uint8_t { SIMULATED = 0, KERNEL = 1, COUNTER = 2 };

/// Follows CLOCK_REALTIME: from one look at it to the next, 10 ms later, the counter tells how much time
/// went by. Where the counter does not run evenly, is not there, or is not calibrated yet, CLOCK_MONOTONIC
/// stands in for it.
///
/// A clock that is behind the system's at a look jumps to it; one that is ahead goes slower, by at most half,
/// until the system's has caught up. So it goes on when the system's clock is set back, and never steps back
/// with it. Any thread may call. Other threads' readings, and the processor's order of execution, can differ
/// by some tens of nanoseconds; `Clock` above keeps each thread's own in order.
class CounterClock {
  public:
    /// Both of the system's clocks at one moment of the counter.
    struct Reading {
        std::uint64_t ticks;
        std::int64_t real;
        std::int64_t monotonic;
        std::int64_t uncertainty;  ///< Of the moment, ns: half of what the reading took.
    };

    /// How often the system's clock was set, and by how much (ns) the last time.
    struct Steps {
        std::uint64_t count;
        std::int64_t last;
    };

    constexpr CounterClock() noexcept = default;
    CounterClock(const CounterClock&) = delete;
    CounterClock& operator=(const CounterClock&) = delete;

    /// The one that all of this process share.
    static CounterClock& of_process() noexcept { return of_process_; }

    /// Whether this processor says that its counter runs at one rate, whatever the core's power state.
    static bool counter_is_even() noexcept;

    /// Nanoseconds since 1970 UTC.
    std::int64_t now() noexcept {
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        const Published& line = lines_[count & 1U];
        const std::uint64_t age = counter() - line.ticks.load(std::memory_order_acquire);
        const std::int64_t start = line.start.load(std::memory_order_acquire);
        const std::uint64_t scale = line.scale.load(std::memory_order_acquire);
        const std::uint64_t lifetime = line.counted_lifetime.load(std::memory_order_acquire);
        // An age that is negative, by the line being later than the counter was read, is a large one here.
        const bool usable = age < lifetime && published_.load(std::memory_order_relaxed) == count;
        return usable ? start + scaled(age, scale) : now_closely();
    }

    /// What now() differs from CLOCK_REALTIME by at most, ns, unless that was set, or its rate changed, since
    /// the last look: by how much it is ahead on purpose, how sure the look was, the largest difference that
    /// recent looks found, and the rate's error for the time since.
    std::int64_t error_bound() const noexcept;

    ClockSource source() const noexcept;

    Steps steps() const noexcept {
        const std::uint64_t count = steps_.load(std::memory_order_acquire);
        return {count, last_step_.load(std::memory_order_relaxed)};
    }

    /// Takes a reading into account, as refresh() does with those that it makes; one thread at a time.
    /// `even` says whether ticks may be trusted.
    void discipline(const Reading& reading, bool even) noexcept;

    /// What the clock shows at the moment of a reading, by what it knows so far.
    std::int64_t at(const Reading& reading) const noexcept;

  private:
    __extension__ typedef unsigned __int128 uint128;

    /// From a moment on, time goes at one rate. `lines_[published_ & 1]` holds; the other one may be being
    /// written.
    struct alignas(64) Published {
        std::atomic<std::uint64_t> ticks{0};
        std::atomic<std::int64_t> start{0};
        std::atomic<std::uint64_t> scale{0};             // ns a tick, times 2^32
        std::atomic<std::uint64_t> lifetime{0};          // ticks; 0 before the first look
        std::atomic<std::uint64_t> counted_lifetime{0};  // the same, 0 if the ticks are not the counter's
        std::atomic<ClockSource> source{ClockSource::KERNEL};
        std::atomic<std::int64_t> error{0};   // ns, at the moment
        std::atomic<std::uint64_t> drift{0};  // ns a tick that the error may grow by, times 2^32
    };

    struct Line {
        std::uint64_t age;
        std::int64_t start;
        std::uint64_t scale;
        std::uint64_t lifetime;
    };

    static std::uint64_t counter() noexcept {
#if defined(__x86_64__)
        return __builtin_ia32_rdtsc();
#else
        return 0;
#endif
    }

    static std::uint64_t ticks_of(ClockSource source) noexcept {
        if (source == ClockSource::COUNTER) return counter();
        return static_cast<std::uint64_t>(system_time(CLOCK_MONOTONIC));
    }

    static std::int64_t scaled(std::uint64_t ticks, std::uint64_t scale) noexcept {
        return static_cast<std::int64_t>((static_cast<uint128>(ticks) * scale) >> 32U);
    }

    /// Ticks since; a reading that was made before the line was published is as old as the line.
    static std::uint64_t since(std::uint64_t then, std::uint64_t ticks) noexcept {
        return static_cast<std::int64_t>(ticks - then) < 0 ? 0 : ticks - then;
    }

    /// False if the line was replaced meanwhile.
    bool read(Line& line) const noexcept {
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        const Published& now = lines_[count & 1U];
        const std::uint64_t ticks = ticks_of(now.source.load(std::memory_order_acquire));
        // Acquiring each part keeps the second look at the count behind all of them.
        line.age = since(now.ticks.load(std::memory_order_acquire), ticks);
        line.start = now.start.load(std::memory_order_acquire);
        line.scale = now.scale.load(std::memory_order_acquire);
        line.lifetime = now.lifetime.load(std::memory_order_acquire);
        return published_.load(std::memory_order_relaxed) == count;
    }

    std::int64_t now_closely() noexcept;
    static Reading look() noexcept;
    static void after_fork() noexcept;
    std::int64_t refresh() noexcept;
    std::int64_t step_before(const Reading& reading) noexcept;
    bool caught(const Reading& reading) const noexcept;
    void measure_rate(const Reading& reading) noexcept;
    void publish(const Reading& reading, std::int64_t start) noexcept;

    static CounterClock of_process_;
    static const int watching_forks_;

    // Read by all, written at every look.
    alignas(64) std::atomic<std::uint32_t> published_{0};
    Published lines_[2];

    // Only whoever refreshes touches what follows.
    alignas(64) std::atomic_flag refreshing_ = ATOMIC_FLAG_INIT;
    bool looked_ = false;
    Reading last_{0, 0, 0, 0};
    Reading origin_{0, 0, 0, 0};       // where the counter's rate is measured from
    Reading next_origin_{0, 0, 0, 0};  // where it will be, so that it is never measured over too little
    std::uint64_t rate_ = 0;           // ns a tick, times 2^32; 0 while it is unknown
    std::uint64_t rate_error_ = 0;
    std::int64_t worst_ = 0;  // the largest recent difference found at a look, ns
    int uneven_ = 0;          // how often the counter went otherwise than before

    std::atomic<std::uint64_t> steps_{0};
    std::atomic<std::int64_t> last_step_{0};
};

}  // namespace kungfu
