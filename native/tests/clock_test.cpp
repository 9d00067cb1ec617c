// Time never steps back, whatever its source says.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "check.hpp"
#include "clock/clock.hpp"

using kungfu::Clock;

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
}

void system_time_is_the_calendars_and_never_less_than_before_in_any_thread() {
    Clock clock;
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    CHECK(clock.now() >= t.tv_sec * 1'000'000'000LL + t.tv_nsec);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([] {
            Clock own;
            for (std::int64_t n = 0, before = 0; n < 20'000; ++n) {
                const std::int64_t now = own.now();
                CHECK(now >= before);
                before = now;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const std::int64_t interval = Clock::monotonic_now();
    CHECK(Clock::monotonic_now() >= interval);
}

}  // namespace

int main() {
    a_source_that_steps_back_is_held();
    simulated_time_moves_only_forward_and_only_when_set();
    system_time_is_the_calendars_and_never_less_than_before_in_any_thread();
}
