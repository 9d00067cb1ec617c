/// Which of many journals has the earliest unread event: a tree of matches, of which one path is played
/// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace kungfu::journal {

/// Players are numbered from 0; of equal times the lower number wins. Both calls take as many steps as the
/// tree is high, whatever the times are.
class Tournament {
  public:
    static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

    /// Lets one more player in, with no time yet.
    void add() {
        ++players_;
        if (players_ <= leaves_) return;
        const std::vector<Match> before(matches_.begin() + static_cast<std::ptrdiff_t>(leaves_),
                                        matches_.begin() + static_cast<std::ptrdiff_t>(2 * leaves_));
        leaves_ *= 2;
        matches_.assign(2 * leaves_, {kNone, 0});
        for (std::size_t i = 0; i < leaves_; ++i) {
            matches_[leaves_ + i] = {i < before.size() ? before[i].time : kNone, i};
        }
        for (std::size_t i = leaves_ - 1; i > 0; --i) play(i);
    }

    void set(std::size_t player, std::int64_t time) noexcept {
        std::size_t i = leaves_ + player;
        matches_[i].time = time;
        for (i /= 2; i > 0; i /= 2) play(i);
    }

    std::int64_t earliest_time() const noexcept { return matches_[1].time; }
    std::size_t earliest() const noexcept { return matches_[1].player; }

  private:
    struct Match {
        std::int64_t time;
        std::size_t player;
    };

    void play(std::size_t i) noexcept {
        const Match left = matches_[2 * i];
        const Match right = matches_[2 * i + 1];
        const bool right_wins = right.time < left.time;
        matches_[i].time = right_wins ? right.time : left.time;
        matches_[i].player = right_wins ? right.player : left.player;
    }

    std::size_t players_ = 0;
    std::size_t leaves_ = 1;
    std::vector<Match> matches_ = {{kNone, 0}, {kNone, 0}};  ///< The final is 1, the players come last.
};

}  // namespace kungfu::journal
