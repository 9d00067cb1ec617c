/// Time as components see it: system time that never steps back, or time that a simulation sets.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>

#include "clock/counter_clock.hpp"

namespace kungfu {

/// Raises `last` to `reading` and returns the greater of the two.
inline std::int64_t never_back(std::atomic<std::int64_t>& last, std::int64_t reading) noexcept {
    std::int64_t seen = last.load(std::memory_order_relaxed);
    while (reading > seen) {
        if (last.compare_exchange_weak(seen, reading, std::memory_order_relaxed)) return reading;
    }
    return seen;
}

/// Nanoseconds since 1970 UTC, shared by pointer between all that must agree on the time.
class Clock {
  public:
    enum class Kind : std::uint8_t { SYSTEM, SIMULATED };

    Clock() noexcept : Clock(Kind::SYSTEM) {}
    explicit Clock(Kind kind, std::int64_t start = 0) noexcept : kind_(kind), simulated_(start) {}
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;

    Kind kind() const noexcept { return kind_; }

    /// Never less than what it returned to the same thread before, whichever system clock the thread asked;
    /// between threads order holds to within some tens of nanoseconds. One place that all threads raise
    /// would make it exact, at several times the cost of the reading where two threads read.
    std::int64_t now() noexcept {
        if (kind_ == Kind::SIMULATED) return simulated_.load(std::memory_order_relaxed);
        const std::int64_t reading = CounterClock::of_process().now();
        if (reading > thread_last_) thread_last_ = reading;
        return thread_last_;
    }

    /// What now() differs from CLOCK_REALTIME by at most, ns, unless that was set, or its rate changed, in
    /// the 10 ms since the last look at it. 0 for simulated time. No system call, any thread.
    std::int64_t error_bound() const noexcept {
        return kind_ == Kind::SIMULATED ? 0 : CounterClock::of_process().error_bound();
    }

    /// Where the time comes from at present. No system call, any thread.
    ClockSource source() const noexcept {
        return kind_ == Kind::SIMULATED ? ClockSource::SIMULATED : CounterClock::of_process().source();
    }

    /// How often the system's clock was seen to be set, in this process, and by how much the last time.
    CounterClock::Steps steps() const noexcept {
        return kind_ == Kind::SIMULATED ? CounterClock::Steps{0, 0} : CounterClock::of_process().steps();
    }

    /// Moves simulated time forward; an earlier time leaves it where it is.
    void set(std::int64_t time) noexcept { never_back(simulated_, time); }

    /// For intervals: unrelated to the calendar, not touched by whoever sets the system's clock.
    static std::int64_t monotonic_now() noexcept { return system_time(CLOCK_MONOTONIC); }

  private:
    inline static thread_local std::int64_t thread_last_ = 0;
    Kind kind_;
    std::atomic<std::int64_t> simulated_;
};

}  // namespace kungfu
