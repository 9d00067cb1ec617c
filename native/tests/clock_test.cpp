// Time never steps back, whatever its source says.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "check.hpp"
#include "clock/clock.hpp"

using kungfu::Clock;
using kungfu::ClockSource;
using kungfu::CounterClock;

namespace {

void a_source_that_steps_back_is_held() {
    std::atomic<std::int64_t> last{0};
    CHECK_EQUAL(kungfu::never_back(last, 100), 100);
    CHECK_EQUAL(kungfu::never_back(last, 40), 100);
    CHECK_EQUAL(kungfu::never_back(last, 101), 101);
}

void simulated_time_moves_only_forward_and_only_when_set() {
    Clock clock(Clock::Kind::SIMULATED, 7);
    CHECK_EQUAL(clock.now(), 7);
    clock.set(9);
    clock.set(8);
    CHECK_EQUAL(clock.now(), 9);
    CHECK(clock.source() == ClockSource::SIMULATED);
    CHECK_EQUAL(clock.error_bound(), 0);
    CHECK_EQUAL(clock.steps().count, 0U);
}

/// Reads until the counter is in use, if this machine has one to use.
void calibrate() {
    Clock clock;
    const std::int64_t begin = Clock::monotonic_now();
    while (CounterClock::counter_is_even() && clock.source() != ClockSource::COUNTER) {
        clock.now();
        CHECK(Clock::monotonic_now() - begin < 10'000'000'000);
    }
}

void system_time_is_the_calendars_and_never_less_than_before_in_a_thread() {
    Clock clock;
    const std::int64_t real = kungfu::system_time(CLOCK_REALTIME);
    const std::int64_t now = clock.now();
    CHECK(now >= real - clock.error_bound());
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&clock] {
            Clock own;
            for (std::int64_t n = 0, before = 0; n < 300'000; ++n) {
                const std::int64_t reading = n % 2 == 0 ? own.now() : clock.now();
                CHECK(reading >= before);
                before = reading;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const std::int64_t interval = Clock::monotonic_now();
    CHECK(Clock::monotonic_now() >= interval);
}

/// Else the processor may read its counter before it has what comes from another core.
void await_loads() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_lfence();
#endif
}

void threads_agree_to_within_the_bound() {
    Clock clock;
    std::atomic<std::int64_t> seen{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200'000; ++i) {
                const std::int64_t earlier = seen.load();
                await_loads();
                const std::int64_t now = clock.now();
                CHECK(now >= earlier - clock.error_bound());
                kungfu::never_back(seen, now);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

void a_child_goes_on_from_its_parents_time() {
    Clock clock;
    std::atomic<bool> stop{false};
    std::thread looking([&] {
        while (!stop) clock.now();
    });
    for (int i = 0; i < 20; ++i) {
        const std::int64_t before = clock.now();
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            bool good = clock.now() >= before;
            // As long as it takes to need a look of its own, and the counter again after it.
            const std::int64_t end = Clock::monotonic_now() + 40'000'000;
            while (Clock::monotonic_now() < end) clock.now();
            good = good && (!CounterClock::counter_is_even() || clock.source() == ClockSource::COUNTER);
            _exit(good ? 0 : 1);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_EQUAL(status, 0);
    }
    stop = true;
    looking.join();
}

}  // namespace

int main() {
    a_source_that_steps_back_is_held();
    simulated_time_moves_only_forward_and_only_when_set();
    calibrate();
    system_time_is_the_calendars_and_never_less_than_before_in_a_thread();
    threads_agree_to_within_the_bound();
    a_child_goes_on_from_its_parents_time();
}
