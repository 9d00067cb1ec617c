/// How often something may happen, counted in integers: equal times get equal answers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kungfu/component.hpp"

namespace kungfu::broker {

/// So many in a length of time; an interval of 0 limits nothing.
struct Rate {
    std::int64_t count = 0;
    std::int64_t interval = 0;  // ns; count * interval fits

    bool is_none() const noexcept { return interval == 0; }
};

/// Lets `count` through at once, and as many in every `interval` after that: one costs `interval`, a
/// nanosecond brings `count`.
class TokenBucket {
  public:
    /// A new rate; the bucket is full.
    void set(Rate rate) noexcept { *this = TokenBucket(rate); }
    TokenBucket() = default;

    bool is_limited() const noexcept { return !rate_.is_none(); }
    bool has(std::int64_t now) const noexcept { return level_at(now) >= rate_.interval; }

    /// Takes a token if there is one.
    void take(std::int64_t now) noexcept {
        level_ = level_at(now);
        since_ = std::max(since_, now);
        if (level_ >= rate_.interval) level_ -= rate_.interval;
    }

    /// When there will be a token: `now` if there is one.
    std::int64_t ready_at(std::int64_t now) const noexcept {
        const std::int64_t missing = rate_.interval - level_at(now);
        return missing <= 0 ? now : now + (missing + rate_.count - 1) / rate_.count;
    }

  private:
    explicit TokenBucket(Rate rate) noexcept : rate_(rate), level_(rate.count * rate.interval) {}

    std::int64_t level_at(std::int64_t now) const noexcept {
        // After a whole interval it is full.
        const std::int64_t elapsed = std::clamp<std::int64_t>(now - since_, 0, rate_.interval);
        return std::min(rate_.count * rate_.interval, level_ + elapsed * rate_.count);
    }

    Rate rate_;
    std::int64_t level_ = 0;
    std::int64_t since_ = 0;
};

}  // namespace kungfu::broker
