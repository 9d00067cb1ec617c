// The counter's time is the system's to within the bound that it states, whatever happens to either.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "check.hpp"
#include "clock/clock.hpp"
#include "clock/counter_clock.hpp"

using kungfu::Clock;
using kungfu::ClockSource;
using kungfu::CounterClock;
using kungfu::system_time;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

/// A machine whose clocks the test turns, and a clock that looks at them every 10 ms.
class Machine {
  public:
    /// Lets a time go by, the system's clocks faster or slower than real time by `ppm`.
    void run(std::int64_t time, std::int64_t ppm = 0) {
        for (std::int64_t gone = 0; gone < time; gone += 10 * kMillisecond) {
            const std::int64_t passed = 10 * kMillisecond + 10 * ppm;
            reading_.monotonic += passed;
            reading_.real += passed;
            ticks_ += static_cast<double>(10 * kMillisecond) * ticks_per_ns_;
            reading_.ticks = static_cast<std::uint64_t>(ticks_);
            const std::int64_t shown = clock.at(reading_);
            CHECK(shown >= last_shown_ || !expect_order);
            error = shown - reading_.real;
            last_shown_ = shown;
            clock.discipline(reading_, even);
        }
    }

    void set_clock_by(std::int64_t step) { reading_.real += step; }
    void set_frequency(double ticks_per_ns) { ticks_per_ns_ = ticks_per_ns; }
    void restart_counter() { ticks_ = 0; }

    CounterClock clock;
    bool even = true;
    bool expect_order = true;
    std::int64_t error = 0;  ///< At the last look, before it was corrected.

  private:
    CounterClock::Reading reading_{0, 1'700'000'000 * kSecond, 50 * kSecond, 30};
    double ticks_ = 1e12;
    double ticks_per_ns_ = 2.596;
    std::int64_t last_shown_ = 0;
};

void an_even_counter_is_trusted_once_its_rate_is_known() {
    Machine machine;
    machine.run(10 * kMillisecond);
    CHECK(machine.clock.source() == ClockSource::KERNEL);
    machine.run(10 * kMillisecond);
    CHECK(machine.clock.source() == ClockSource::COUNTER);
    for (int i = 0; i < 500; ++i) {
        machine.run(10 * kMillisecond);
        CHECK(std::llabs(machine.error) <= 2);
    }
}

void a_slewed_system_clock_is_followed() {
    Machine machine;
    machine.run(kSecond);
    for (const std::int64_t ppm : {500, -500, 0, 100}) {
        // The rate is measured over seconds, so 500 ppm in 10 ms show at first: 5 us.
        machine.run(10 * kSecond, ppm);
        CHECK(std::llabs(machine.error) <= 100);
        CHECK(machine.clock.steps().count == 0);
    }
}

void a_clock_set_forward_is_followed_at_once_and_counted() {
    Machine machine;
    machine.run(kSecond);
    machine.set_clock_by(3'600 * kSecond);
    machine.run(10 * kMillisecond);
    CHECK_EQUAL(machine.clock.steps().count, 1U);
    CHECK_EQUAL(machine.clock.steps().last, 3'600 * kSecond);
    machine.run(10 * kMillisecond);
    CHECK(std::llabs(machine.error) <= 2);
    CHECK(machine.clock.source() == ClockSource::COUNTER);
}

void a_clock_set_back_is_waited_for_at_half_speed_and_counted() {
    Machine machine;
    machine.run(kSecond);
    machine.set_clock_by(-kSecond);
    machine.run(10 * kMillisecond);
    CHECK_EQUAL(machine.clock.steps().count, 1U);
    CHECK_EQUAL(machine.clock.steps().last, -kSecond);
    CHECK(machine.clock.error_bound() >= kSecond);
    machine.run(kSecond);
    CHECK(std::llabs(machine.error - kSecond / 2) <= 10 * kMillisecond);
    machine.run(kSecond + 100 * kMillisecond);
    CHECK(std::llabs(machine.error) <= 2);
    CHECK_EQUAL(machine.clock.steps().count, 1U);
}

void steps_of_microseconds_are_seen() {
    Machine machine;
    machine.run(kSecond);
    machine.set_clock_by(5'000);
    machine.run(10 * kMillisecond);
    machine.set_clock_by(-7'000);
    machine.run(kSecond);
    CHECK_EQUAL(machine.clock.steps().count, 2U);
    CHECK_EQUAL(machine.clock.steps().last, -7'000);
}

void a_counter_that_changes_its_rate_is_forgiven_twice_and_then_given_up() {
    Machine machine;
    machine.expect_order = false;  // an uneven counter's readings are what they are; `Clock` holds them
    machine.run(kSecond);
    machine.set_frequency(1.1);
    machine.run(kSecond);
    CHECK(machine.clock.source() == ClockSource::COUNTER);
    CHECK(std::llabs(machine.error) <= 2);
    machine.restart_counter();
    machine.run(kSecond);
    CHECK(machine.clock.source() == ClockSource::COUNTER);
    machine.set_frequency(3.0);
    machine.run(kSecond);
    CHECK(machine.clock.source() == ClockSource::KERNEL);
    machine.expect_order = true;
    machine.run(10 * kSecond);
    CHECK(machine.clock.source() == ClockSource::KERNEL);
    CHECK_EQUAL(machine.error, 0);
    CHECK_EQUAL(machine.clock.steps().count, 0U);
}

void without_an_even_counter_steps_are_treated_the_same() {
    Machine machine;
    machine.even = false;
    machine.run(kSecond);
    CHECK(machine.clock.source() == ClockSource::KERNEL);
    CHECK_EQUAL(machine.error, 0);
    machine.set_clock_by(-kSecond);
    machine.run(3 * kSecond);
    CHECK(machine.clock.source() == ClockSource::KERNEL);
    CHECK_EQUAL(machine.error, 0);
    CHECK_EQUAL(machine.clock.steps().last, -kSecond);
}

/// Compares a clock with the system's for a while; gives the largest error that was beyond doubt.
template <class AnyClock>
std::int64_t largest_error(AnyClock& clock, std::int64_t time) {
    std::int64_t largest = 0;
    const std::int64_t end = Clock::monotonic_now() + time;
    while (Clock::monotonic_now() < end) {
        const std::uint64_t steps = clock.steps().count;
        const std::int64_t before = system_time(CLOCK_REALTIME);
        const std::int64_t now = clock.now();
        const std::int64_t after = system_time(CLOCK_REALTIME);
        const std::int64_t bound = clock.error_bound();
        const std::int64_t error = std::max<std::int64_t>({before - now, now - after, 0});
        if (after < before || clock.steps().count != steps) continue;  // somebody set it just now
        if (error > bound) std::fprintf(stderr, "off by %lld ns\n", static_cast<long long>(error));
        CHECK(error <= bound);
        largest = std::max(largest, error);
    }
    return largest;
}

void on_this_machine_the_error_stays_within_the_bound_also_while_calibrating() {
    CounterClock clock;
    largest_error(clock, kSecond / 100);
    const std::int64_t largest = largest_error(clock, kSecond);
    std::printf("largest error %lld ns, bound %lld ns\n", static_cast<long long>(largest),
                static_cast<long long>(clock.error_bound()));
    if (CounterClock::counter_is_even()) CHECK(clock.source() == ClockSource::COUNTER);
}

void the_kernels_clock_serves_where_the_counter_may_not_be_read() {
    CounterClock clock;
    const auto look = [&] {
        clock.discipline({0, system_time(CLOCK_REALTIME), system_time(CLOCK_MONOTONIC), 100}, false);
    };
    look();
    const std::int64_t begin = Clock::monotonic_now();
    for (int i = 0; i < 1'000; ++i) {
        if (Clock::monotonic_now() - begin > 5 * kMillisecond) break;  // before it looks by itself
        const std::int64_t before = system_time(CLOCK_REALTIME);
        const std::int64_t now = clock.now();
        CHECK(clock.source() == ClockSource::KERNEL);
        // The test's own look is what may be late by however long this thread was kept from its core.
        CHECK(now >= before - kMillisecond);
        CHECK(now <= system_time(CLOCK_REALTIME) + kMillisecond);
    }
}

}  // namespace

int main() {
    an_even_counter_is_trusted_once_its_rate_is_known();
    a_slewed_system_clock_is_followed();
    a_clock_set_forward_is_followed_at_once_and_counted();
    a_clock_set_back_is_waited_for_at_half_speed_and_counted();
    steps_of_microseconds_are_seen();
    a_counter_that_changes_its_rate_is_forgiven_twice_and_then_given_up();
    without_an_even_counter_steps_are_treated_the_same();
    on_this_machine_the_error_stays_within_the_bound_also_while_calibrating();
    the_kernels_clock_serves_where_the_counter_may_not_be_read();
}
