/// Days, weekdays and hours in a time zone, which is given by the offsets that it has had and will have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kungfu::broker {

/// From a time on, how far a time zone is ahead of UTC; both in ns.
struct UtcOffset {
    std::int64_t from = 0;
    std::int64_t ahead = 0;
};

/// UTC unless offsets are given.
class DayClock {
  public:
    DayClock() = default;
    /// The earliest first; it counts for what was before it, too.
    explicit DayClock(std::vector<UtcOffset> zone) : zone_(std::move(zone)) {}

    const std::vector<UtcOffset>& zone() const noexcept { return zone_; }

    /// Days since 1970.
    std::int64_t day(std::int64_t time) const noexcept { return divide_down(local(time), kDay); }
    /// 0 for Monday.
    int weekday(std::int64_t time) const noexcept {
        return static_cast<int>(((day(time) + 3) % 7 + 7) % 7);  // 1970 began on a Thursday
    }
    /// Minutes since the day began.
    int minute(std::int64_t time) const noexcept {
        return static_cast<int>((local(time) - day(time) * kDay) / kMinute);
    }
    /// When the day ends that a time is in.
    std::int64_t end_of_day(std::int64_t time) const noexcept {
        const std::int64_t midnight = (day(time) + 1) * kDay;
        const std::int64_t without_change = midnight - ahead(time);
        // The clocks may be changed in between: at midnight itself, where they go forward, there is none.
        const std::int64_t end = midnight - ahead(without_change);
        return day(end) > day(time) ? end : without_change;
    }

  private:
    static constexpr std::int64_t kMinute = 60'000'000'000;
    static constexpr std::int64_t kDay = 1440 * kMinute;

    static std::int64_t divide_down(std::int64_t a, std::int64_t b) noexcept {
        return a / b - (a % b < 0 ? 1 : 0);
    }
    std::int64_t local(std::int64_t time) const noexcept { return time + ahead(time); }
    std::int64_t ahead(std::int64_t time) const noexcept {
        if (zone_.empty()) return 0;
        const auto after = std::upper_bound(zone_.begin() + 1, zone_.end(), time,
                                            [](std::int64_t t, const UtcOffset& o) { return t < o.from; });
        return std::prev(after)->ahead;
    }

    std::vector<UtcOffset> zone_;
};

/// Times of the week, each from a minute to a minute on some days; it may go past midnight.
struct TradingHours {
    struct Window {
        std::uint8_t days = 0;  // bit 0 is Monday
        int from = 0;
        int to = 0;
    };
    std::vector<Window> windows;
    std::string text;

    bool empty() const noexcept { return windows.empty(); }
    bool are_open(int weekday, int minute) const noexcept {
        const auto on = [](const Window& w, int day) { return (w.days >> day) & 1; };
        return std::any_of(windows.begin(), windows.end(), [&](const Window& w) {
            if (w.from < w.to) return on(w, weekday) && minute >= w.from && minute < w.to;
            return (on(w, weekday) && minute >= w.from) || (on(w, (weekday + 6) % 7) && minute < w.to);
        });
    }
};

/// Mon for 0, and so on.
inline const char* weekday_name(int weekday) noexcept {
    constexpr const char* kNames[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    return kNames[weekday];
}

}  // namespace kungfu::broker
