/// Reads several journals as one, merged by generation time.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"

namespace kungfu::journal {

/// Merges journals by (gen_time, order of joining). Events that a live journal gains later than others were
/// read come in the order of their arrival.
class Reader {
  public:
    explicit Reader(std::vector<TypeDefinition> types = core_types(), bool verify = false);

    /// Adds a journal, to be read after event `after` (0: from the start). KF_BAD_ARGUMENT if it is joined
    /// already.
    std::int32_t join(const Location& location, std::uint64_t after = 0);
    /// Adds a journal, to be read from the first event at `time` or later.
    std::int32_t join_from_time(const Location& location, std::int64_t time);
    /// Adds a journal, to be read from what is written next.
    std::int32_t join_at_end(const Location& location);

    /// Takes the next event with gen_time <= limit; false if there is none now. The frame stays valid until
    /// the next call of next().
    bool next(kf_event& event, std::int64_t limit = std::numeric_limits<std::int64_t>::max());
    /// Generation time of the next unread event; INT64_MAX if there is none now.
    std::int64_t peek_time();
    /// Moves all joined journals to the first event at `time` or later.
    std::int32_t seek_time(std::int64_t time);

    std::size_t size() const noexcept { return journals_.size(); }
    /// The joined journals, in order of joining.
    const JournalReader& journal(std::size_t i) const noexcept { return *journals_[i]; }
    /// How many pages all journals together have opened. While it stays, every frame read so far does.
    std::uint64_t pages_opened() const noexcept;
    /// KF_OK, or why reading stopped for good.
    std::int32_t status() const noexcept { return status_; }
    const std::string& error() const noexcept { return error_; }

  private:
    std::unique_ptr<JournalReader> make(const Location& location) const;
    std::int32_t add(std::unique_ptr<JournalReader> journal, std::int32_t status);
    std::size_t earliest();

    std::vector<TypeDefinition> types_;
    bool verify_;
    std::vector<std::unique_ptr<JournalReader>> journals_;
    std::vector<std::int64_t> heads_;  ///< Time of each journal's unread event; INT64_MAX if none is known.
    std::size_t taken_;                ///< The journal whose event the caller holds.
    std::int32_t status_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
