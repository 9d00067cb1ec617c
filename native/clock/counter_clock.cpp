#include "clock/counter_clock.hpp"

#include <time.h>

#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace kungfu {

namespace {

__extension__ typedef unsigned __int128 uint128;

constexpr std::int64_t kLookEvery = 10'000'000;      // ns; a rate off by 100 ppm makes 1 us of it
constexpr std::int64_t kMeasureAtLeast = 5'000'000;  // ns; shorter ones tell the rate too badly
constexpr std::int64_t kMeasureAtMost = 8'000'000'000;
constexpr std::int64_t kStep = 1'000'000;  // ns; whoever sets the system's clock moves it by more

std::uint64_t counter() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

std::int64_t realtime() noexcept {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::int64_t scaled(std::uint64_t ticks, std::uint64_t scale) noexcept {
    return static_cast<std::int64_t>((static_cast<uint128>(ticks) * scale) >> 32);
}

}  // namespace

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

std::int64_t CounterClock::now() noexcept {
    if (!even_) return realtime();
    const std::uint64_t ticks = counter();
    const std::uint32_t before = version_.load(std::memory_order_acquire);  // pairs with publish()
    // Acquiring each part keeps the second look at the version behind all of them.
    const std::uint64_t anchor_ticks = ticks_.load(std::memory_order_acquire);
    const std::int64_t anchor_time = time_.load(std::memory_order_acquire);
    const std::uint64_t scale = scale_.load(std::memory_order_acquire);
    const std::uint64_t lifetime = lifetime_.load(std::memory_order_acquire);
    const bool whole = (before & 1U) == 0 && version_.load(std::memory_order_relaxed) == before;
    // A counter behind the anchor wraps to a huge age: another thread renewed it meanwhile.
    const std::uint64_t age = ticks - anchor_ticks;
    if (whole && scale != 0 && age < lifetime) return anchor_time + scaled(age, scale);
    return refresh();
}

CounterClock::Reading CounterClock::look() noexcept {
    Reading best{0, 0};
    std::uint64_t shortest = ~std::uint64_t{0};
    // A look during which the thread lost its core would tie the two clocks together badly.
    for (int i = 0; i < 3; ++i) {
        const std::uint64_t before = counter();
        const std::int64_t time = realtime();
        const std::uint64_t took = counter() - before;
        if (took < shortest) {
            shortest = took;
            best = {before + took / 2, time};
        }
    }
    return best;
}

std::int64_t CounterClock::refresh() noexcept {
    if (refreshing_.test_and_set(std::memory_order_acquire)) return realtime();
    const Reading reading = look();
    discipline(reading);
    refreshing_.clear(std::memory_order_release);
    return reading.time;
}

void CounterClock::discipline(Reading reading) noexcept {
    const std::uint64_t scale = scale_.load(std::memory_order_relaxed);
    const std::int64_t elapsed = reading.time - origin_.time;
    bool stepped = elapsed < 0;
    if (scale != 0) {
        const std::int64_t expected = time_.load(std::memory_order_relaxed) +
                                      scaled(reading.ticks - ticks_.load(std::memory_order_relaxed), scale);
        stepped = stepped || std::llabs(reading.time - expected) > kStep;
    }
    if (origin_.time == 0 || stepped) {
        origin_ = reading;
        publish(reading, 0);
        return;
    }
    if (elapsed < kMeasureAtLeast) return;
    const std::uint64_t ticks = reading.ticks - origin_.ticks;
    if (ticks == 0) return;
    publish(reading, static_cast<std::uint64_t>((static_cast<uint128>(elapsed) << 32) / ticks));
    if (elapsed > kMeasureAtMost) origin_ = reading;
}

void CounterClock::publish(Reading anchor, std::uint64_t scale) noexcept {
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // Releasing each part keeps all of them behind the odd version.
    ticks_.store(anchor.ticks, std::memory_order_release);
    time_.store(anchor.time, std::memory_order_release);
    scale_.store(scale, std::memory_order_release);
    const auto lifetime = scale == 0 ? uint128{0} : (static_cast<uint128>(kLookEvery) << 32) / scale;
    lifetime_.store(static_cast<std::uint64_t>(lifetime), std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);  // pairs with now()
}

}  // namespace kungfu
