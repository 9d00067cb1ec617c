/// The counter's time is the system's, and in threads of one process `Clock` never goes back.
#include <time.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "check.hpp"
#include "clock/clock.hpp"
#include "clock/counter_clock.hpp"

using kungfu::Clock;
using kungfu::CounterClock;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t realtime() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
}

void agrees_with_the_system() {
    CounterClock clock;
    const std::int64_t begin = Clock::monotonic_now();
    while (CounterClock::counter_is_even() && !clock.is_calibrated()) {
        clock.now();
        CHECK(Clock::monotonic_now() - begin < 10 * kSecond);
    }
    constexpr std::int64_t kTolerance = 100'000;  // virtual machines move cores about
    const std::int64_t end = Clock::monotonic_now() + kSecond / 2;
    while (Clock::monotonic_now() < end) {
        const std::int64_t before = realtime();
        const std::int64_t now = clock.now();
        const std::int64_t after = realtime();
        CHECK(now >= before - kTolerance);
        CHECK(now <= after + kTolerance);
    }
}

void never_goes_back_in_threads() {
    Clock clock;
    std::atomic<std::int64_t> seen{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200'000; ++i) {
                const std::int64_t earlier = seen.load();
                const std::int64_t now = clock.now();
                CHECK(now >= earlier);
                std::int64_t last = seen.load();
                while (now > last && !seen.compare_exchange_weak(last, now)) {
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
    agrees_with_the_system();
    never_goes_back_in_threads();
    return 0;
}
