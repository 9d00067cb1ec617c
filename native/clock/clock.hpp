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

    /// Never less than any value that it returned before; for system time, in the whole process.
    std::int64_t now() noexcept {
        if (kind_ == Kind::SIMULATED) return simulated_.load(std::memory_order_relaxed);
        return never_back(system_, counter_.now());
    }

    /// Moves simulated time forward; an earlier time leaves it where it is.
    void set(std::int64_t time) noexcept { never_back(simulated_, time); }

    /// For intervals: unrelated to the calendar, not touched by whoever sets the system's clock.
    static std::int64_t monotonic_now() noexcept { return read(CLOCK_MONOTONIC); }

  private:
    static std::int64_t read(clockid_t id) noexcept {
        timespec t{};
        clock_gettime(id, &t);
        return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
    }

    inline static std::atomic<std::int64_t> system_{0};
    Kind kind_;
    CounterClock counter_;
    std::atomic<std::int64_t> simulated_;
};

}  // namespace kungfu
