/// System time read off the processor's time-stamp counter, which costs less than asking the kernel.
#pragma once

#include <atomic>
#include <cstdint>

namespace kungfu {

/// Follows CLOCK_REALTIME: between two looks at it, a few milliseconds apart, the counter tells how
/// much time went by. Where the counter does not run evenly (or is not x86's) every call looks.
///
/// Any thread may call. It can step back by as much as it ran fast since the last look; `Clock`
/// above it holds still then.
class CounterClock {
  public:
    /// Whether this processor says that its counter runs at one rate, whatever the core's power state.
    static bool counter_is_even() noexcept;

    /// Nanoseconds since 1970 UTC.
    std::int64_t now() noexcept;

    /// Whether the counter's rate is known by now; until then every call looks at CLOCK_REALTIME.
    bool is_calibrated() const noexcept { return scale_.load(std::memory_order_relaxed) != 0; }

  private:
    struct Reading {
        std::uint64_t ticks;
        std::int64_t time;
    };

    static Reading look() noexcept;
    std::int64_t refresh() noexcept;
    void discipline(Reading reading) noexcept;
    void publish(Reading anchor, std::uint64_t scale) noexcept;

    const bool even_ = counter_is_even();
    std::atomic_flag refreshing_ = ATOMIC_FLAG_INIT;
    Reading origin_{0, 0};  // where the rate is measured from; only the refreshing thread touches it

    // The anchor, published under a sequence lock: odd while it is written.
    std::atomic<std::uint32_t> version_{0};
    std::atomic<std::uint64_t> ticks_{0};
    std::atomic<std::int64_t> time_{0};
    std::atomic<std::uint64_t> scale_{0};     // ns a tick, times 2^32; 0 while it is unknown
    std::atomic<std::uint64_t> lifetime_{0};  // ticks after which the anchor is too old
};

}  // namespace kungfu
