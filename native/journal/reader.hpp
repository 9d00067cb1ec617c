/// Reads several journals as one, merged by generation time.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"
#include "journal/tournament.hpp"

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
    bool next(kf_event& event, std::int64_t limit = std::numeric_limits<std::int64_t>::max()) {
        const std::size_t i = earliest();
        const std::int64_t time = heads_.earliest_time();
        if (time > limit || time == Tournament::kNone) return false;
        JournalReader& journal = *journals_[i];
        event.frame = journal.peek();
        event.journal = journal.id();
        event.type = journal.type();
        event.length = journal.length() - static_cast<std::uint32_t>(sizeof(kf_frame));
        taken_ = i;
        return true;
    }
    enum class Taken { EVENT, PAST, MISSING };
    /// Takes the next event of one journal (by id) with a sequence <= `up_to`, whatever the others have; PAST
    /// if that one was taken already, MISSING if the journal ends before it or is not joined.
    Taken next_of(std::uint64_t journal, std::uint64_t up_to, kf_event& event);
    /// Goes on behind an event of one journal (by id), unless it was taken already; false if it is not
    /// joined.
    bool skip_to(std::uint64_t journal, std::uint64_t sequence);
    /// Generation time of the next unread event; INT64_MAX if there is none now.
    std::int64_t peek_time() {
        earliest();
        return heads_.earliest_time();
    }
    /// Moves all joined journals to the first event at `time` or later.
    std::int32_t seek_time(std::int64_t time);
    /// Looks whether the files under the reader are still whole. KF_OK, or status().
    std::int32_t look_for_damage();

    /// Sequence of the last event that was taken from a journal, or that a seek went past.
    std::uint64_t read_up_to(std::size_t i) {
        JournalReader& journal = *journals_[i];
        journal.peek();  // a seek only says where to go; this goes there
        return taken_ == i ? journal.peeked_sequence() : journal.last_sequence();
    }

    std::size_t size() const noexcept { return journals_.size(); }
    /// The joined journals, in order of joining.
    const JournalReader& journal(std::size_t i) const noexcept { return *journals_[i]; }
    /// The sum of all journals' epochs. While it stays, every frame read so far does.
    std::uint64_t epoch() const noexcept { return *epoch_; }
    /// KF_OK, or why reading stopped for good.
    std::int32_t status() const noexcept { return status_; }
    const std::string& error() const noexcept { return error_; }

  private:
    static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

    std::unique_ptr<JournalReader> make(const Location& location) const;
    std::int32_t add(std::unique_ptr<JournalReader> journal, std::int32_t status);
    void stop_at(const JournalReader& journal);
    void ask_the_empty();
    void forget_heads();

    /// The journal with the earliest unread event, the event gone past that the caller holds.
    std::size_t earliest() {
        if (taken_ != kNobody) {
            JournalReader& journal = *journals_[taken_];
            journal.advance();
            if (const kf_frame* frame = journal.peek(); frame != nullptr) {
                heads_.set(taken_, frame->gen_time);
            } else {
                heads_.set(taken_, Tournament::kNone);
                empty_.push_back(taken_);
                if (journal.status() != 0) stop_at(journal);
            }
            taken_ = kNobody;
        }
        if (!empty_.empty()) ask_the_empty();
        return heads_.earliest();
    }

    std::vector<TypeDefinition> types_;
    bool verify_;
    std::unique_ptr<std::uint64_t> epoch_ = std::make_unique<std::uint64_t>(0);
    std::vector<std::unique_ptr<JournalReader>> journals_;
    Tournament heads_;                ///< Time of each journal's unread event.
    std::vector<std::size_t> empty_;  ///< The journals that had none; asked each time.
    std::size_t taken_ = kNobody;     ///< The journal whose event the caller holds.
    std::int32_t status_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
