/// Cancels that wait until their rate allows them, in the order in which they were asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "broker/limits.hpp"

namespace kungfu::broker {

class CancelPacing {
  public:
    bool holds(std::uint64_t order) const noexcept {
        return std::find(held_.begin(), held_.end(), order) != held_.end();
    }
    bool empty() const noexcept { return held_.empty(); }
    void hold(std::uint64_t order) { held_.push_back(order); }

    /// Calls send(order) for each that may go now, and forgets it. `scopes_of(order)` gives the limited scopes
    /// that it counts in (nullptr: none), or nothing at all if it is not wanted any more. One that has to wait
    /// holds up those behind it that share a scope with it.
    template <class ScopesOf, class Send>
    void release(std::int64_t now, ScopesOf&& scopes_of, Send&& send) {
        next_ = kNever;
        std::vector<LimitScope*> blocked;
        for (std::size_t i = 0; i < held_.size();) {
            const std::uint64_t order = held_[i];
            const auto scopes = scopes_of(order);
            if (scopes) {
                bool waits = false;
                std::int64_t ready = now;
                for (LimitScope* s : *scopes) {
                    if (!s) continue;
                    waits = waits || std::find(blocked.begin(), blocked.end(), s) != blocked.end();
                    ready = std::max(ready, s->cancels.ready_at(now));
                }
                if (waits || ready > now) {
                    for (LimitScope* s : *scopes)
                        if (s) blocked.push_back(s);
                    if (!waits) next_ = std::min(next_, ready);
                    ++i;
                    continue;
                }
                for (LimitScope* s : *scopes)
                    if (s) s->cancels.take(now);
            }
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
            if (scopes) send(order);
        }
    }

    /// When one of them may go; kNever if none waits.
    std::int64_t next_time() const noexcept { return next_; }

    void save(StateWriter& state) const {
        state.put(next_);
        state.put(static_cast<std::uint64_t>(held_.size()));
        for (const std::uint64_t order : held_) state.put(order);
    }
    bool load(StateReader& state) {
        held_.clear();
        next_ = state.get<std::int64_t>();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
            held_.push_back(state.get<std::uint64_t>());
        return state.good();
    }

  private:
    std::deque<std::uint64_t> held_;
    std::int64_t next_ = kNever;
};

}  // namespace kungfu::broker
