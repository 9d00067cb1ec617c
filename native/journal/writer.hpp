/// The one writer of a journal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clock/clock.hpp"
#include "journal/index.hpp"
#include "journal/location.hpp"
#include "journal/lock.hpp"
#include "journal/page.hpp"
#include "journal/status.hpp"
#include "journal/tables.hpp"
#include "journal/types.hpp"

namespace kungfu::journal {

struct WriterOptions {
    std::string root;
    std::string source;
    std::string name;
    std::string scope;
    std::uint64_t page_size = kDefaultPageSize;
    std::vector<TypeDefinition> types = core_types();
    Clock* clock = nullptr;  ///< Outlives the writer.
};

/// Appends events to a journal. One thread at a time; nothing throws, allocates or calls the system
/// on the way of an append, except where a page is full or an event defines something.
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
                        std::int64_t trigger_time, std::uint64_t cause_journal, std::uint64_t cause_sequence,
                        const void* payload, std::uint32_t length) noexcept;

    /// Appends one event at a given time, or at the last event's time if that is later.
    std::int32_t append_at(std::int64_t gen_time, std::uint32_t type, std::uint64_t source,
                           std::uint64_t destination, std::int64_t trigger_time, std::uint64_t cause_journal,
                           std::uint64_t cause_sequence, const void* payload, std::uint32_t length) noexcept;

    /// Journals the name behind an id, unless the journal already tells it. KF_BAD_ARGUMENT if the id
    /// stands for another name here.
    std::int32_t define_name(std::uint8_t kind, std::uint64_t id, std::string_view text) noexcept;

    /// Makes a type known that was not given at open.
    std::int32_t define_type(const TypeDefinition& type) noexcept;

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
    bool is_open() const noexcept { return open_ && forks_ == fork_generation(); }
    /// Text of the last failure.
    const std::string& error() const noexcept { return error_; }

    /// Ends writing and gives up the lock; the open page stays to be continued.
    void close() noexcept;

  private:
    explicit Writer(const WriterOptions& options);
    std::int32_t recover();
    std::int32_t adopt(const TypeDefinition& type);
    std::uint32_t number_in_file(const TypeDefinition& type) const;
    std::int32_t definition_problem(std::uint32_t type, const void* payload, std::uint32_t length) noexcept;
    std::int32_t put(std::int64_t gen_time, const kf_frame& head, const void* payload,
                     std::uint32_t length) noexcept;
    std::int32_t put_in_new_page(const kf_frame& head, const void* payload, std::uint32_t length) noexcept;
    std::int32_t prepare_page(std::int64_t gen_time, Page& page, std::uint64_t& position);
    std::int32_t publish_page(Page& page);
    void seal_page() noexcept;
    std::int32_t fail(std::int32_t status, std::string text);

    Location location_;
    std::uint64_t id_;
    std::uint64_t page_size_;
    Clock* clock_;
    WriterLock lock_;
    bool open_ = false;
    std::uint64_t forks_ = 0;  ///< Differs from fork_generation() in a child.
    Page page_;
    Tables tables_;
    std::vector<std::uint32_t> file_numbers_;  ///< By this process's number of the type.
    IndexBuilder index_;
    std::uint64_t position_ = 0;
    std::uint64_t page_number_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::int64_t last_time_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
