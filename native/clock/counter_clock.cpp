#include "clock/counter_clock.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kungfu {

namespace {

constexpr std::int64_t kLookEvery = 10'000'000;      // ns; a rate off by 100 ppm makes 1 us of it
constexpr std::int64_t kMeasureAtLeast = 5'000'000;  // ns; shorter ones tell the rate too badly
constexpr std::int64_t kMeasureFrom = 4'000'000'000;
constexpr std::int64_t kStepAtLeast = 1'000;  // ns; less does not stand out from the readings
constexpr std::int64_t kUneven = 1'000'000;   // ns in one look; the system's clock is never slewed so fast
constexpr int kUnevenAtMost = 3;              // a migrated virtual machine may have to be forgiven
constexpr std::uint64_t kUnit = 1ULL << 32U;  // one ns a tick
constexpr std::int64_t kExtrapolateAtMost = 100;  // lifetimes; a thread that is looking may lose its core

}  // namespace

CounterClock CounterClock::of_process_;
const int CounterClock::watching_forks_ = pthread_atfork(nullptr, nullptr, &CounterClock::after_fork);

bool CounterClock::counter_is_even() noexcept {
#if defined(__x86_64__)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    // CPUID 8000_0007h, EDX bit 8: invariant time-stamp counter (AMD64 manual, volume 3, appendix E).
    return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d & (1U << 8U)) != 0;
#else
    return false;
#endif
}

ClockSource CounterClock::source() const noexcept {
    return lines_[published_.load(std::memory_order_acquire) & 1U].source.load(std::memory_order_relaxed);
}

std::int64_t CounterClock::error_bound() const noexcept {
    std::int64_t bound = 0;
    std::uint32_t count = published_.load(std::memory_order_acquire);
    while (true) {
        const Published& line = lines_[count & 1U];
        const std::uint64_t ticks = ticks_of(line.source.load(std::memory_order_acquire));
        const std::uint64_t age = since(line.ticks.load(std::memory_order_acquire), ticks);
        const std::uint64_t drift = line.drift.load(std::memory_order_acquire);
        bound = line.error.load(std::memory_order_acquire) + scaled(age, drift);
        const std::uint32_t again = published_.load(std::memory_order_acquire);
        if (again == count) return bound;
        count = again;
    }
}

std::int64_t CounterClock::at(const Reading& reading) const noexcept {
    const Published& line = lines_[published_.load(std::memory_order_acquire) & 1U];
    const bool counted = line.source.load(std::memory_order_relaxed) == ClockSource::COUNTER;
    const std::uint64_t ticks = counted ? reading.ticks : static_cast<std::uint64_t>(reading.monotonic);
    const std::uint64_t age = since(line.ticks.load(std::memory_order_relaxed), ticks);
    return line.start.load(std::memory_order_relaxed) +
           scaled(age, line.scale.load(std::memory_order_relaxed));
}

CounterClock::Reading CounterClock::look() noexcept {
    Reading best{0, 0, 0, 0};
    // A look during which the thread lost its core would tie the clocks together badly.
    for (int i = 0; i < 3; ++i) {
        const std::int64_t begin = system_time(CLOCK_MONOTONIC);
        const std::uint64_t before = counter();
        const std::int64_t real = system_time(CLOCK_REALTIME);
        const std::uint64_t took = counter() - before;
        const std::int64_t half = (system_time(CLOCK_MONOTONIC) - begin + 1) / 2;
        if (i == 0 || half < best.uncertainty) best = {before + took / 2, real, begin + half, half};
    }
    return best;
}

std::int64_t CounterClock::now_closely() noexcept {
    Line line;
    return read(line) && line.age < line.lifetime ? line.start + scaled(line.age, line.scale) : refresh();
}

std::int64_t CounterClock::refresh() noexcept {
    static const bool even = counter_is_even();
    if (refreshing_.test_and_set(std::memory_order_acquire)) {
        Line line;
        const bool usable = read(line) && line.age / kExtrapolateAtMost < line.lifetime;
        return usable ? line.start + scaled(line.age, line.scale) : system_time(CLOCK_REALTIME);
    }
    const Reading reading = look();
    discipline(reading, even);
    refreshing_.clear(std::memory_order_release);
    return at(reading);
}

void CounterClock::after_fork() noexcept {
    // The thread that was looking is not there in the child, and what it touched is in disorder.
    if (of_process_.refreshing_.test_and_set(std::memory_order_acquire)) of_process_.looked_ = false;
    of_process_.refreshing_.clear(std::memory_order_release);
}

void CounterClock::discipline(const Reading& reading, bool even) noexcept {
    std::int64_t shown = looked_ ? at(reading) : reading.real;
    const std::int64_t step = looked_ ? step_before(reading) : 0;
    if (!looked_ || caught(reading)) {
        if (looked_) ++uneven_;
        rate_ = 0;
        origin_ = next_origin_ = reading;
        shown = reading.real;  // what an uneven counter says is no reason to go slower
    }
    if (!even || uneven_ >= kUnevenAtMost) {
        rate_ = 0;
    } else {
        measure_rate(reading);
    }
    worst_ = std::max(std::llabs(shown + step - reading.real), static_cast<long long>(worst_ - worst_ / 16));
    last_ = reading;
    looked_ = true;
    publish(reading, std::max(shown, reading.real));
}

/// By how much the system's clock was set since the last reading: only that moves it against the other one.
std::int64_t CounterClock::step_before(const Reading& reading) noexcept {
    const std::int64_t step = reading.real - reading.monotonic - (last_.real - last_.monotonic);
    if (std::llabs(step) <= kStepAtLeast + reading.uncertainty + last_.uncertainty) return 0;
    last_step_.store(step, std::memory_order_relaxed);
    steps_.fetch_add(1, std::memory_order_release);
    return step;
}

/// Whether the counter went otherwise than it used to.
bool CounterClock::caught(const Reading& reading) const noexcept {
    if (rate_ == 0) return false;
    if (reading.ticks <= last_.ticks) return true;
    const std::int64_t elapsed = reading.monotonic - last_.monotonic;
    const std::int64_t counted = scaled(reading.ticks - last_.ticks, rate_);
    const std::int64_t unsure = reading.uncertainty + last_.uncertainty;
    return std::llabs(counted - elapsed) > kUneven + unsure + elapsed / 1000;
}

void CounterClock::measure_rate(const Reading& reading) noexcept {
    const std::int64_t elapsed = reading.monotonic - origin_.monotonic;
    if (elapsed < kMeasureAtLeast || reading.ticks <= origin_.ticks) return;
    const std::uint64_t ticks = reading.ticks - origin_.ticks;
    const auto per_tick = [ticks](std::int64_t time) {
        return static_cast<std::uint64_t>((static_cast<uint128>(time) << 32U) / ticks);
    };
    rate_ = per_tick(elapsed);
    rate_error_ = per_tick(reading.uncertainty + origin_.uncertainty) + 1;
    if (reading.monotonic - next_origin_.monotonic < kMeasureFrom) return;
    origin_ = next_origin_;
    next_origin_ = reading;
}

void CounterClock::publish(const Reading& reading, std::int64_t start) noexcept {
    const bool counted = rate_ != 0;
    const std::uint64_t rate = counted ? rate_ : kUnit;
    const std::int64_t ahead = start - reading.real;
    const std::int64_t lost = std::min(ahead, kLookEvery / 2);  // until the next look
    const auto slower =
        static_cast<std::uint64_t>(static_cast<uint128>(rate) * static_cast<uint128>(lost) / kLookEvery);
    const std::uint32_t count = published_.load(std::memory_order_relaxed);
    Published& line = lines_[(count + 1) & 1U];
    // Releasing each part keeps it behind the count that took this line out of use.
    constexpr auto kRelease = std::memory_order_release;
    line.source.store(counted ? ClockSource::COUNTER : ClockSource::KERNEL, kRelease);
    line.ticks.store(counted ? reading.ticks : static_cast<std::uint64_t>(reading.monotonic), kRelease);
    line.start.store(start, kRelease);
    line.scale.store(rate - slower, kRelease);
    const auto lifetime = static_cast<std::uint64_t>((static_cast<uint128>(kLookEvery) << 32U) / rate);
    line.lifetime.store(lifetime, kRelease);
    line.counted_lifetime.store(counted ? lifetime : 0, kRelease);
    line.error.store(ahead + reading.uncertainty + worst_, kRelease);
    line.drift.store(counted ? rate_error_ : 0, kRelease);
    published_.store(count + 1, kRelease);  // pairs with read()
}

}  // namespace kungfu
