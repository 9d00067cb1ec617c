/// What the broker has to look at again at a time.
#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

#include "broker/state_bytes.hpp"
#include "kungfu/component.hpp"

namespace kungfu::broker {

/// Why it looks again.
enum class Purpose : std::uint8_t {
    ANSWER,     // an order: has its venue answered?
    FILLS,      // an order: have the fills come that its venue told of?
    SETTLE,     // an order in doubt: ask again
    RECONCILE,  // an account: ask again
    EXPIRY,     // an order: its venue would not end it
    CANCELS,    // cancels that their rate held up
};

struct Deadline {
    std::int64_t due = 0;
    std::uint64_t number = 0;  // counts up, so that equal times keep their order
    std::uint64_t subject = 0;
    Purpose purpose = Purpose::ANSWER;

    bool operator>(const Deadline& o) const noexcept {
        return std::tie(due, number) > std::tie(o.due, o.number);
    }
};

/// A queue; whoever takes a deadline out decides whether it still matters.
class Deadlines {
  public:
    void add(std::int64_t due, Purpose purpose, std::uint64_t subject) {
        queue_.push({due, ++last_, subject, purpose});
    }
    std::int64_t next_time() const noexcept { return queue_.empty() ? kNever : queue_.top().due; }
    Deadline take() {
        const Deadline first = queue_.top();
        queue_.pop();
        return first;
    }

    void save(StateWriter& state) const {
        state.put(last_);
        state.put(static_cast<std::uint64_t>(queue_.size()));
        for (auto copy = queue_; !copy.empty(); copy.pop()) state.put(copy.top());
    }
    bool load(StateReader& state) {
        queue_ = {};
        last_ = state.get<std::uint64_t>();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
            queue_.push(state.get<Deadline>());
        return state.good();
    }

  private:
    std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> queue_;
    std::uint64_t last_ = 0;
};

}  // namespace kungfu::broker
