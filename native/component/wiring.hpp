/// What ties a component to its journals: joined inputs, outputs, time, and the record of what it read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "clock/clock.hpp"
#include "component/rebuilding.hpp"
#include "component/snapshot.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "kungfu/abi.h"
#include "kungfu/events.hpp"

namespace kungfu {

/// The core's side of a `kf_port`.
///
/// Before anything is written to an output, a CONSUMPTION event says what was read since that output
/// last spoke, as runs of one journal in reading order; exact replay works from these. Before an
/// instrument is first mentioned in an output, its name is defined there, so that each journal reads
/// by itself.
class Wiring {
  public:
    /// `source` is the component's canonical name; the clock outlives the wiring.
    Wiring(std::string source, Clock* clock, std::vector<journal::TypeDefinition> types);
    Wiring(const Wiring&) = delete;
    Wiring& operator=(const Wiring&) = delete;

    journal::Reader& inputs() noexcept { return inputs_; }
    /// Adds an output journal; the first is output 0.
    void add_output(std::unique_ptr<journal::Writer> writer);
    journal::Writer& output(std::size_t i) { return *outputs_.at(i).writer; }
    std::size_t output_count() const noexcept { return outputs_.size(); }

    const kf_port* port() const noexcept { return &port_; }
    const std::string& source() const noexcept { return source_; }

    /// When there is something to read; INT64_MAX if there is nothing now.
    std::int64_t next_time() { return inputs_.peek_time(); }
    /// The runner says so before each poll: no event is in hand yet, and the time is that of the poll.
    void begin_poll();

    /// From now on the component is given what it had read when it wrote output 0, and what it says is
    /// compared with what stands there; from the journal's snapshot on, if there is one, whose state is
    /// given. To be called when all inputs are joined, from their start, and before the first poll.
    std::string begin_rebuilding();
    /// Keeps the component's state for the next time; false with error() set if it cannot be written.
    bool take_snapshot(std::string_view state);
    /// How much was read and said since the last snapshot, in a rebuild too; since count_from_here().
    std::uint64_t since_snapshot() const noexcept { return since_snapshot_; }
    void count_from_here() noexcept { since_snapshot_ = 0; }
    bool is_rebuilding() const noexcept { return rebuilding_ != nullptr; }
    /// How far it is: grows with each event that is given or compared.
    std::uint64_t rebuilt() const noexcept {
        return rebuilding_ ? rebuilding_->said() + rebuilding_->given() : 0;
    }

    /// What the component is set to; journaled with each start.
    void set_settings(std::string settings) { settings_ = std::move(settings); }
    /// The component is given, as the next that it reads, that it starts and what it is set to, and that
    /// stands in its journal: what it does about it is a function of its journal, like everything else.
    void announce_start(ComponentKind kind) noexcept;

    /// Text of the last failed append or read; "" if there was none.
    const std::string& error() const noexcept { return error_; }

    /// Journals what was read and not yet said, and closes the outputs.
    void close();

  private:
    struct Output {
        std::unique_ptr<journal::Writer> writer;
        std::vector<ConsumedRun> unsaid;
        std::unordered_set<std::uint64_t> named;  ///< Instruments.
        std::uint64_t last_named = 0;
    };

    bool next(kf_event& event);
    bool read(kf_event& event);
    bool read_start(ComponentKind kind, kf_event& event);
    bool read_again(kf_event& event);
    std::int64_t now() const noexcept;
    std::uint64_t said() const noexcept;
    std::int32_t recorded(std::uint32_t type, const void** payload, std::uint32_t* length);
    std::int32_t append(std::uint32_t output, std::uint32_t type, std::uint64_t destination,
                        const kf_cause* cause, const void* payload, std::uint32_t length);
    void note_consumed(const kf_event& event);
    std::int32_t say_consumed(Output& output);
    /// Says where reading begins, or goes on.
    std::int32_t say_positions();
    std::int32_t say_runs(Output& output, const std::vector<ConsumedRun>& runs, bool skips);
    void learn_names(std::string_view names);
    void learn_instrument(const void* payload, std::uint32_t length);
    std::int32_t name_instrument(Output& output, std::uint32_t type, const void* payload,
                                 std::uint32_t length);

    std::string source_;
    std::uint64_t source_id_;
    Clock* clock_;
    std::vector<journal::TypeDefinition> types_;
    journal::Reader inputs_;
    std::vector<Output> outputs_;
    std::unordered_map<std::uint64_t, std::string> instruments_;  ///< Names, as far as they were read.
    kf_port port_{};
    kf_cause in_hand_{};
    bool event_in_hand_ = false;
    std::string settings_;
    std::optional<ComponentKind> starting_;
    bool said_positions_ = false;
    std::vector<char> start_;  ///< The event that said so.
    std::unique_ptr<Rebuilding> rebuilding_;
    std::uint64_t since_snapshot_ = 0;
    bool failed_ = false;
    std::vector<char> scratch_;
    std::int64_t now_ = 0;  ///< Of the last event that was read or said; never goes back.
    std::int64_t poll_time_ = 0;
    std::string error_;
};

}  // namespace kungfu
