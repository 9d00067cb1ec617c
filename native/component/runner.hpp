/// Drives components in turn on one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "clock/clock.hpp"
#include "component/wiring.hpp"
#include "kungfu/abi.h"

namespace kungfu {

/// All components of a session, polled in the order in which they were added.
class Runner {
  public:
    /// A rebuild of so many events takes a fraction of a second.
    static constexpr std::uint64_t kSnapshotEvery = 500'000;
    /// A component that is never idle is interrupted after so many times as many.
    static constexpr std::uint64_t kLongestWait = 4;

    /// The clock is the one that all wirings share; it outlives the runner. The state of what is rebuilt is
    /// kept after every `snapshot_every` events that it reads or says, in the next turn in which nobody has
    /// anything to do.
    explicit Runner(Clock* clock, std::uint64_t snapshot_every = kSnapshotEvery) noexcept
        : clock_(clock), snapshot_every_(snapshot_every) {}
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// Takes over a component; false with `error` set if it was made for another ABI or other layouts.
    bool add(kf_component* component, std::shared_ptr<Wiring> wiring);

    /// Starts all components; false with `error` set if one fails.
    bool start();

    /// Brings a component back to where its journal ends, by what it had read then, and keeps snapshots of it
    /// from now on. To be called after start(); false with `error` set if it cannot be rebuilt.
    bool rebuild(std::size_t member);

    /// Keeps a component's state, so that the next rebuild is short. Between two turns; false with `error`
    /// set.
    bool take_snapshot(std::size_t member);

    /// Polls all in turn once, in real time. How much was done; negative with `error` set if one failed.
    std::int64_t turn();

    /// Simulates: moves the clock to whatever comes next, and polls all until nobody has anything to do,
    /// until nothing is left before `until` or `budget` events were handled. How many were handled;
    /// negative with `error` set if a component failed.
    std::int64_t simulate(std::int64_t until, std::int64_t budget);

    /// When the next event or deadline of any component is; INT64_MAX if there is none.
    std::int64_t next_time();

    /// Stops all components and closes their journals; false with `error` set if one fails.
    bool stop();

    /// Closes all journals, after a failure too: what was read so far is journaled.
    void close();

    const std::string& error() const noexcept { return error_; }

  private:
    struct Member {
        kf_component* component;
        std::shared_ptr<Wiring> wiring;
        bool keeps_snapshots = false;
    };

    bool fail(const Member& member, const char* what);
    /// False with `error` set if an input cannot be read on: what it still holds must not look like its end.
    bool inputs_are_readable();
    std::int64_t settle();
    void take_due_snapshots(bool idle);

    Clock* clock_;
    std::uint64_t snapshot_every_;
    std::vector<Member> members_;
    std::string error_;
};

}  // namespace kungfu
