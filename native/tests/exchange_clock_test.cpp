/// The offset of a venue's clock is that of its least delayed message, and old messages are forgotten.
#include "clock/exchange_clock.hpp"

#include "check.hpp"

using kungfu::ExchangeClock;

int main() {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kAhead = 1'200'000'000;  // as in the recordings: the venue is 1.2 s ahead
    ExchangeClock clock;
    CHECK(!clock.known());
    CHECK(clock.at(5) == 5);

    std::int64_t now = 1'723'161'255 * kSecond;
    for (const std::int64_t delay : {30'000'000, 4'000'000, 90'000'000}) {
        clock.observe(now + kAhead - delay, now);
        now += kSecond;
    }
    CHECK(clock.known());
    CHECK(clock.at(now) == now + kAhead - 4'000'000);

    // The venue's clock is set back by a second; two windows later nothing of before is left.
    for (int i = 0; i < 121; ++i) {
        now += kSecond;
        clock.observe(now + kAhead - kSecond - 5'000'000, now);
    }
    CHECK(clock.at(now) == now + kAhead - kSecond - 5'000'000);

    // After a long silence the one new message counts alone.
    now += 3600 * kSecond;
    clock.observe(now - 7, now);
    CHECK(clock.at(now) == now - 7);
    return 0;
}
