/// Cancels that wait until their rate allows them, in the order in which they were asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "broker/limits.hpp"

namespace kungfu::broker {

class CancelPacing {
  public:
    bool holds(std::uint64_t order) const noexcept {
        return std::any_of(held_.begin(), held_.end(), [&](const Cancel& c) { return c.order == order; });
    }
    bool empty() const noexcept { return held_.empty(); }
    void hold(std::uint64_t order, std::string_view why) { held_.push_back({order, std::string(why)}); }

    /// Calls send(order, why) for each that may go now, and forgets it. `scopes_of(order)` gives the limited
    /// scopes that it counts in (nullptr: none), or nothing at all if it is not wanted any more. One that has
    /// to wait holds up those behind it that share a scope with it.
    template <class ScopesOf, class Send>
    void release(std::int64_t now, ScopesOf&& scopes_of, Send&& send) {
        next_ = kNever;
        std::vector<LimitScope*> blocked;
        for (std::size_t i = 0; i < held_.size();) {
            const auto scopes = scopes_of(held_[i].order);
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
            const Cancel cancel = std::move(held_[i]);
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
            if (scopes) send(cancel.order, cancel.why);
        }
    }

    /// When one of them may go; kNever if none waits.
    std::int64_t next_time() const noexcept { return next_; }

    void save(StateWriter& state) const {
        state.put(next_);
        state.put(static_cast<std::uint64_t>(held_.size()));
        for (const Cancel& cancel : held_) state.put(cancel.order), state.put_text(cancel.why);
    }
    bool load(StateReader& state) {
        held_.clear();
        next_ = state.get<std::int64_t>();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
            held_.push_back({state.get<std::uint64_t>(), std::string(state.get_text())});
        return state.good();
    }

  private:
    struct Cancel {
        std::uint64_t order;
        std::string why;
    };

    std::deque<Cancel> held_;
    std::int64_t next_ = kNever;
};

}  // namespace kungfu::broker
