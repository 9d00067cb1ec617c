/// A venue's clock as far as its messages tell it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace kungfu {

/// Estimates the offset between a venue's clock and ours.
///
/// Each message says when it left; it cannot have come before. So venue time minus receive time is
/// the offset less the delay on the way, and the largest one of the last minute or two, that of the
/// least delayed message, is the best estimate (the minimum filter of NTP, RFC 5905 section 10).
class ExchangeClock {
  public:
    static constexpr std::int64_t kWindow = 60'000'000'000;

    /// Notes a message: the venue's time in it and when it was received, both ns since 1970 UTC.
    void observe(std::int64_t venue_time, std::int64_t received) noexcept {
        if (received >= window_end_) {
            const bool adjacent = received < window_end_ + kWindow;
            before_ = adjacent ? current_ : kUnknown;
            current_ = kUnknown;
            window_end_ = received - received % kWindow + kWindow;
        }
        current_ = std::max(current_, venue_time - received);
    }

    bool known() const noexcept { return offset() != kUnknown; }

    /// What the venue's clock shows when ours shows `time`; `time` itself while nothing is known.
    std::int64_t at(std::int64_t time) const noexcept { return known() ? time + offset() : time; }

  private:
    static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

    std::int64_t offset() const noexcept { return std::max(before_, current_); }

    std::int64_t window_end_ = 0;
    std::int64_t before_ = kUnknown;
    std::int64_t current_ = kUnknown;
};

}  // namespace kungfu
