/// A component's state at one place of its journal, in a file beside it: so that a rebuild is short.
///
/// It only saves time. Without it, or with one that does not fit any more, everything is read again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/location.hpp"
#include "kungfu/events.hpp"

namespace kungfu {

struct Snapshot {
    std::uint64_t sequence = 0;          ///< Of the last event of the component's own journal.
    std::int64_t now = 0;                ///< The component's time.
    std::vector<ConsumedRun> positions;  ///< Up to where its inputs were read.
    std::string names;                   ///< Of instruments: id, length, text, one behind the other.
    std::string state;                   ///< What the component's save() gave.
};

/// Where the snapshot of a journal lies.
std::string snapshot_path(const journal::Location& own);

/// Replaces the journal's snapshot, all or nothing; false with the reason.
bool write_snapshot(const journal::Location& own, const Snapshot& snapshot, std::string& error);

/// Reads the journal's snapshot; false if there is none, or one of another build, or a damaged one.
bool read_snapshot(const journal::Location& own, Snapshot& snapshot);

}  // namespace kungfu
