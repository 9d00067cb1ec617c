/// Gives a component again what it had read, and compares what it says with what stands in its journal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"
#include "journal/reader.hpp"
#include "kungfu/abi.h"
#include "kungfu/events.hpp"

namespace kungfu {

/// A component is a function of what it reads, so its journal is enough to bring it back: the CONSUMPTION
/// events there say what it had read before each output. It is over when the journal ends, be it in the
/// middle of an answer: what the component then says is new.
class Rebuilding {
  public:
    /// `own` is the component's output, rebuilt from the event after `after` on.
    Rebuilding(const journal::Location& own, const std::vector<journal::TypeDefinition>& types,
               std::uint64_t source, std::uint64_t after);

    enum class Next { EVENT, NOTHING, OVER, FAILED };
    enum class Said { SAME, NEW, FAILED };

    /// The event that the component read next; NOTHING where it said something without one (a timer).
    Next next(journal::Reader& inputs, kf_event& event);

    /// Whether something stands there that it said next; its payload if that is of this type.
    bool peek(std::uint32_t type, const void*& payload, std::uint32_t& length);

    /// Compares what the component says with what it said.
    Said say(std::uint32_t type, std::uint64_t destination, const kf_cause& cause, const void* payload,
             std::uint32_t length);

    /// The time of the poll that begins, as what it said then without an event tells; 0 if it said nothing:
    /// then nothing was due, or nothing that mattered.
    std::int64_t poll_time();

    /// Sequence of the last event that was said again.
    std::uint64_t place() const noexcept { return own_.last_sequence(); }

    /// How many events were compared; a poll that leaves it where it was makes no progress.
    std::uint64_t said() const noexcept { return said_; }
    std::uint64_t given() const noexcept { return given_; }
    const std::string& error() const noexcept { return error_; }

  private:
    /// The next output that stands there; nullptr if there is none.
    const kf_frame* recorded();
    bool take_runs();
    bool is_start(const kf_frame* frame) const noexcept;
    void fail(const std::string& text);

    journal::JournalReader own_;
    std::uint64_t source_;
    std::vector<ConsumedRun> runs_;
    std::size_t run_ = 0;
    bool skips_ = false;
    std::vector<char> start_;
    std::uint64_t said_ = 0;
    std::uint64_t given_ = 0;
    std::string error_;
};

}  // namespace kungfu
