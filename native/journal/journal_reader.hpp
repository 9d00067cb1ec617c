/// Reads one journal from its files, while it is being written or long after.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "journal/evolution.hpp"
#include "journal/index.hpp"
#include "journal/location.hpp"
#include "journal/page.hpp"
#include "journal/status.hpp"
#include "journal/types.hpp"

namespace kungfu::journal {

/// A position in one journal. Creates no files, takes no locks that a writer would meet; a journal that does
/// not exist yet simply has nothing to read.
class JournalReader {
  public:
    /// `types` are this process's; `verify` checks every frame's checksum.
    explicit JournalReader(Location location, const std::vector<TypeDefinition>& types = core_types(),
                           bool verify = false);
    JournalReader(JournalReader&&) noexcept = default;
    JournalReader& operator=(JournalReader&&) noexcept = default;

    /// The next event, or nullptr if there is none yet (or after an error). An event of another version of a
    /// type of this process is converted to this process's. Stays valid while epoch() grows by no more
    /// than 1.
    const kf_frame* peek() {
        if (frame_ != nullptr) return frame_;
        if (offset_ + sizeof(kf_frame) <= end_) {
            const char* place = data_ + offset_;
            const auto* frame = reinterpret_cast<const kf_frame*>(place);
            __builtin_prefetch(place + kPrefetch);
            const std::uint64_t commit = __atomic_load_n(&frame->commit, __ATOMIC_ACQUIRE);
            const auto length = static_cast<std::uint32_t>(commit);
            const std::uint64_t end = offset_ + align8(length);
            // The plain case: an event in its order, of a type met before. All else is looked at elsewhere.
            if (length >= sizeof(kf_frame) && end <= end_ && frame->flags == 0 &&
                frame->sequence == last_sequence_ + 1 && frame->type < plain_types_.size() &&
                plain_types_[frame->type] != kNotPlain && frame->sequence >= from_sequence_ &&
                frame->gen_time >= from_time_ && (!verify_ || page_.verifies(offset_, commit))) {
                frame_ = frame;
                next_offset_ = end;
                length_ = length;
                type_ = plain_types_[frame->type];
                return frame;
            }
            if (commit == 0 && (++idle_ & kLookWhenIdle) != 0) return nullptr;
        }
        return peek_closely();
    }

    /// Goes past the event that peek() returned.
    void advance() noexcept {
        if (frame_ == nullptr) return;
        offset_ = next_offset_;
        last_sequence_ = frame_->sequence;
        frame_ = nullptr;
    }

    /// This process's number of the peeked event's type; 0 if unknown here.
    std::uint32_t type() const noexcept { return type_; }
    /// Its length, header and payload, as it was checked; the file may say another by now.
    std::uint32_t length() const noexcept { return length_; }

    /// Goes to the first event with gen_time >= time; past the last one if there is none.
    std::int32_t seek_time(std::int64_t time);
    /// Goes to the first event with a sequence >= `sequence`.
    std::int32_t seek_sequence(std::uint64_t sequence);
    /// Goes past the last event that is there now.
    std::int32_t seek_end();

    /// Looks whether the file under the reader is still whole and still the journal's; peek() does so only
    /// now and then. KF_OK, or status().
    std::int32_t look_for_damage();

    /// Sequence of the event that was last gone past; 0 before the first.
    std::uint64_t last_sequence() const noexcept { return last_sequence_; }
    /// Sequence of the event that peek() returned.
    std::uint64_t peeked_sequence() const noexcept {
        return frame_ == nullptr ? last_sequence_ : frame_->sequence;
    }
    std::uint64_t id() const noexcept { return id_; }
    const Location& location() const noexcept { return location_; }
    /// KF_OK, or why reading stopped for good.
    std::int32_t status() const noexcept { return status_; }
    const std::string& error() const noexcept { return error_; }
    /// The page being read and the peeked event's place in it.
    const Page& page() const noexcept { return page_; }
    std::uint64_t offset() const noexcept { return offset_; }
    /// Up to where the page can be read for now.
    std::uint64_t readable_end() const noexcept { return end_; }
    /// Whether the peeked event is a converted copy instead of what stands in the page.
    bool is_converted() const noexcept { return frame_ != nullptr && frame_ != page_.frame(offset_); }
    /// How many pages were opened so far.
    std::uint64_t pages_opened() const noexcept { return pages_opened_; }
    /// Grows by 1 with every page that is opened and every event that is converted.
    std::uint64_t epoch() const noexcept { return pages_opened_ + conversions_done_; }
    /// Counts there as well what epoch() counts; `total` outlives the reader.
    void count_epochs_in(std::uint64_t* total) noexcept {
        total_ = total;
        *total_ += epoch();
    }

  private:
    static constexpr std::size_t kPrefetch = 512;
    static constexpr std::uint32_t kNotPlain = ~0U;
    /// At the end of what is written, only each so many-th look asks whether the file is still sound.
    static constexpr std::uint32_t kLookWhenIdle = 0x3FFF;

    const kf_frame* peek_closely();
    const kf_frame* frame_here();
    bool open_first_page();
    bool worth_looking() noexcept;
    bool open_page(const PageFile& file);
    bool take_page(Page page, const PageFile& file);
    bool next_page();
    void notice_pruned_pages();
    bool is_more_readable(std::uint64_t end);
    void go_past_gap(std::uint64_t sequence) noexcept;
    void go_past_unwanted() noexcept;
    void learn_type(const kf_frame* frame, std::uint32_t length);
    const TypeDefinition* type_for(const TypeDefinition& met, Conversion& conversion);
    void convert_peeked();
    std::uint32_t type_of(const kf_frame* frame);
    void learn_types(std::uint64_t until, bool tables_only);
    std::int32_t fail(std::int32_t status, std::uint64_t offset, const std::string& text);
    void begin_index();
    template <class Before>
    void extend_index(Before before);
    bool go_to_page(const PageFile& file);
    template <class Before>
    std::int32_t seek(Before before);
    template <class Before>
    bool is_in_page(Before before) const noexcept;

    // What every frame touches.
    const kf_frame* frame_ = nullptr;
    const char* data_ = nullptr;  ///< Of the page.
    std::uint64_t offset_ = 0;
    std::uint64_t end_ = 0;  ///< How far the page can be read for now.
    std::uint64_t next_offset_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::uint64_t from_sequence_ = 0;                                    ///< Events before are gone past.
    std::int64_t from_time_ = std::numeric_limits<std::int64_t>::min();  ///< Likewise.
    /// This process's number of each type, by the file's; kNotPlain if it is not met or needs a closer look.
    std::vector<std::uint32_t> plain_types_;
    bool verify_;
    std::uint32_t type_ = 0;
    std::uint32_t length_ = 0;
    std::uint32_t idle_ = 0;

    Location location_;
    std::uint64_t id_;
    std::vector<TypeDefinition> types_;
    std::vector<std::uint32_t> process_numbers_;       ///< As above; kUnlearnt if it is not met.
    std::map<std::uint32_t, Conversion> conversions_;  ///< By the file's number, where versions differ.
    std::array<std::vector<char>, 2> converted_;       ///< The last two events that were; they take turns.
    std::uint64_t conversions_done_ = 0;
    Page page_;
    Page left_;  ///< The last page before that gave an event, whose frame a caller may still hold.
    std::uint64_t lost_up_to_ = 0;  ///< Sequence with which the page begins, gaps at its start gone past.
    Page unborn_;                   ///< The page after, where its writer has made it ahead.
    PageFile file_{};
    PageFile unborn_file_{};
    IndexBuilder index_;            ///< Of the page, as far as seeks have needed it.
    std::uint64_t indexed_to_ = 0;  ///< Where its last look at the page ended; 0 if there was none.
    std::uint64_t looks_ = 0;
    std::uint64_t pages_opened_ = 0;
    std::uint64_t* total_ = nullptr;
    std::int32_t status_ = 0;
    std::uint64_t looked_at_births_ = ~0ULL;
    std::int64_t looked_at_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
