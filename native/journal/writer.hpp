/// The one writer of a journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clock/clock.hpp"
#include "journal/doorbell.hpp"
#include "journal/location.hpp"
#include "journal/lock.hpp"
#include "journal/page.hpp"
#include "journal/page_supply.hpp"
#include "journal/status.hpp"
#include "journal/tables.hpp"
#include "journal/types.hpp"
#include "kungfu/abi.h"
#include "kungfu/events.hpp"

namespace kungfu::journal {

struct WriterOptions {
    std::string root;
    std::string source;
    std::string name;
    std::string scope;
    std::uint64_t page_size = kDefaultPageSize;
    Durability durability = Durability::NONE;
    std::int64_t sync_interval = 100'000'000;  ///< ns between two syncs with Durability::INTERVAL.
    bool compresses = false;                   ///< Sealed pages, in the background.
    std::vector<TypeDefinition> types = core_types();
    Clock* clock = nullptr;  ///< Outlives the writer.
};

/// What nothing caused.
inline constexpr kf_cause kNoCause{};

/// Appends events to a journal. One thread at a time. Nothing throws, allocates or calls the system on the
/// way of an append, except where it passes a mark (eight a page, or each MiB), begins a page, or defines
/// something.
class Writer {
  public:
    /// Opens the journal for writing, after recovering what a dead writer left. The first page is made
    /// when the first event comes. KF_OK, or a code with `error` saying what is wrong and where.
    static std::int32_t open(WriterOptions options, std::unique_ptr<Writer>& writer, std::string& error);

    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Appends one event at the clock's time. Anything but KF_OK leaves the journal as it was, and the
    /// same append may be tried again.
    std::int32_t append(std::uint32_t type, std::uint64_t source, std::uint64_t destination,
                        const kf_cause& cause, const void* payload, std::uint32_t length) noexcept {
        return append_at(clock_->now(), type, source, destination, cause, payload, length);
    }

    /// Appends one event at a given time, or at the last event's time if that is later; a time before 1970
    /// counts as 1970. KF_BAD_ARGUMENT for 2^63 - 1, by which readers mean that nothing is there.
    std::int32_t append_at(std::int64_t gen_time, std::uint32_t type, std::uint64_t source,
                           std::uint64_t destination, const kf_cause& cause, const void* payload,
                           std::uint32_t length) noexcept {
        if (!is_open()) return KF_CLOSED;
        kf_frame frame;
        frame.gen_time = gen_time;
        frame.trigger_time = cause.time;
        frame.cause_journal = cause.journal;
        frame.cause_sequence = cause.sequence;
        frame.source = source;
        frame.destination = destination;
        // Type and flags in one store, since the checksum takes them as one word.
        const std::uint64_t type_and_flags = file_number(type);
        std::memcpy(&frame.type, &type_and_flags, sizeof type_and_flags);
        static_assert(offsetof(kf_frame, flags) == offsetof(kf_frame, type) + 4);
        if (type_and_flags == 0 || gen_time == kNever) return refuse(gen_time);
        return Tables::keeps(type) || type == PageEnd::kType ? define(frame, type, payload, length)
                                                             : put(frame, payload, length);
    }

    /// Journals the name behind an id, unless the journal already tells it. KF_BAD_ARGUMENT if the id
    /// stands for another name here.
    std::int32_t define_name(std::uint8_t kind, std::uint64_t id, std::string_view text) noexcept;

    /// Makes a type known that was not given at open.
    std::int32_t define_type(const TypeDefinition& type) noexcept;

    /// Waits until everything appended so far is on the disk. KF_BAD_ARGUMENT with Durability::NONE.
    std::int32_t wait_until_durable() noexcept;

    /// The journal's number of an event type of this process; 0 if it was never defined.
    std::uint32_t file_number(std::uint32_t type) const noexcept {
        return type < file_numbers_.size() ? file_numbers_[type] : 0;
    }

    /// The journal's id.
    std::uint64_t id() const noexcept { return id_; }
    /// Sequence of the last event; 0 before the first.
    std::uint64_t last_sequence() const noexcept { return last_sequence_; }
    /// Generation time of the last event; 0 before the first.
    std::int64_t last_time() const noexcept { return last_time_; }
    const Location& location() const noexcept { return location_; }
    Clock& clock() const noexcept { return *clock_; }
    bool is_open() const noexcept { return forks_ == fork_generation(); }
    /// Text of the last failure.
    const std::string& error() const noexcept { return error_; }

    /// Ends writing and gives up the lock; the open page stays to be continued.
    void close() noexcept;

  private:
    static constexpr std::uint64_t kNotOpen = ~0ULL;
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

    explicit Writer(const WriterOptions& options);
    std::int32_t recover();
    std::int32_t seal_unsealed(std::vector<PageFile>& pages);
    void seal(LivePage& page, std::uint64_t end_offset);
    std::int32_t adopt(const TypeDefinition& type);
    std::uint32_t number_in_file(const TypeDefinition& type) const;
    std::int32_t refuse(std::int64_t gen_time) noexcept;
    std::int32_t define(kf_frame& frame, std::uint32_t type, const void* payload,
                        std::uint32_t length) noexcept;
    std::int32_t definition_problem(std::uint32_t type, const void* payload, std::uint32_t length) noexcept;
    std::int32_t put(kf_frame& frame, const void* payload, std::uint32_t length) noexcept {
        const std::uint64_t end = position_ + frame_size(length);
        if (end > limit_) return put_past_limit(frame, payload, length);
        frame.sequence = last_sequence_ + 1;
        frame.gen_time = frame.gen_time > last_time_ ? frame.gen_time : last_time_;
        page_->page.put(position_, frame, payload, length);
        page_->index.add(frame, position_);
        position_ = end;
        page_->position.store(end, std::memory_order_release);
        last_sequence_ = frame.sequence;
        last_time_ = frame.gen_time;
        bell_.ring();
        if (each_append_nudges_) supply_->nudge();
        return KF_OK;
    }
    std::int32_t put_past_limit(kf_frame& frame, const void* payload, std::uint32_t length) noexcept;
    std::int32_t begin_page(std::int64_t gen_time, std::uint64_t size);
    std::int32_t bring_up_to_date(LivePage& page, std::int64_t gen_time);
    std::int32_t move_to_date(LivePage& page, std::int64_t gen_time);
    void fill_header(LivePage& page, std::int64_t gen_time) noexcept;
    void set_limit() noexcept;
    std::int32_t disk_problem(std::int32_t status, const char* what);
    std::int32_t fail(std::int32_t status, std::string text);

    // What an append touches.
    std::uint64_t position_ = 0;
    std::uint64_t limit_ = 0;  ///< An event that would end beyond needs more than laying down.
    std::uint64_t last_sequence_ = 0;
    std::int64_t last_time_ = 0;
    std::uint64_t forks_ = kNotOpen;   ///< Differs from fork_generation() in a child.
    bool each_append_nudges_ = false;  ///< Durability::COMMIT.
    Doorbell bell_;
    std::unique_ptr<LivePage> page_;
    std::vector<std::uint32_t> file_numbers_;  ///< By this process's number of the type.
    Clock* clock_;

    Location location_;
    std::uint64_t id_;
    std::uint64_t page_size_;
    Durability durability_;
    WriterLock lock_;
    std::unique_ptr<PageSupply> supply_;
    std::uint64_t page_number_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
