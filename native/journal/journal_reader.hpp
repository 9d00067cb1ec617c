/// Reads one journal from its files, while it is being written or long after.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "journal/location.hpp"
#include "journal/page.hpp"
#include "journal/status.hpp"
#include "journal/types.hpp"

namespace kungfu::journal {

/// A position in one journal. Creates no files, takes no locks; a journal that does not exist yet simply
/// has nothing to read.
class JournalReader {
  public:
    /// `types` are this process's; `verify` checks every frame's checksum.
    explicit JournalReader(Location location, const std::vector<TypeDefinition>& types = core_types(),
                           bool verify = false);
    JournalReader(JournalReader&&) noexcept = default;
    JournalReader& operator=(JournalReader&&) noexcept = default;

    /// The next event, or nullptr if there is none yet (or after an error). Stays valid until the
    /// reader has left its page by more than one page.
    const kf_frame* peek();
    /// Goes past the event that peek() returned.
    void advance() noexcept;
    /// This process's number of the peeked event's type; 0 if unknown here.
    std::uint32_t type() const noexcept { return type_; }

    /// Goes to the first event with gen_time >= time; past the last one if there is none.
    std::int32_t seek_time(std::int64_t time);
    /// Goes to the first event with a sequence >= `sequence`.
    std::int32_t seek_sequence(std::uint64_t sequence);
    /// Goes past the last event that is there now.
    std::int32_t seek_end();

    /// Sequence of the event that was last gone past; 0 before the first.
    std::uint64_t last_sequence() const noexcept { return last_sequence_; }
    std::uint64_t id() const noexcept { return id_; }
    const Location& location() const noexcept { return location_; }
    /// KF_OK, or why reading stopped for good.
    std::int32_t status() const noexcept { return status_; }
    const std::string& error() const noexcept { return error_; }
    /// The page being read and the peeked event's place in it.
    const Page& page() const noexcept { return page_; }
    std::uint64_t offset() const noexcept { return offset_; }
    /// How many pages were opened so far; a frame is gone when two more have been since it was read.
    std::uint64_t pages_opened() const noexcept { return pages_opened_; }

  private:
    const kf_frame* frame_here();
    bool worth_looking() noexcept;
    bool open_page(const PageFile& file);
    bool next_page();
    void learn_type(const kf_frame* frame);
    std::uint32_t type_of(const kf_frame* frame);
    void relearn_page();
    std::int32_t fail(std::int32_t status, std::uint64_t offset, const std::string& text);
    template <class Before>
    std::int32_t seek(Before before);

    Location location_;
    std::uint64_t id_;
    std::vector<TypeDefinition> types_;
    bool verify_;
    Page page_;
    Page left_;  ///< The page before, kept for the frame that a caller may still hold.
    PageFile file_{};
    std::vector<std::uint32_t> process_numbers_;  ///< By the file's number of the type; kUnlearnt if not met.
    std::uint64_t offset_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::uint64_t pages_opened_ = 0;
    std::int64_t from_time_ = std::numeric_limits<std::int64_t>::min();  ///< Events before are gone past.
    std::uint64_t from_sequence_ = 0;                                    ///< Likewise.
    const kf_frame* frame_ = nullptr;
    std::uint32_t type_ = 0;
    std::int32_t status_ = 0;
    std::uint64_t looked_at_births_ = ~0ULL;
    std::int64_t looked_at_ = 0;
    std::string error_;
};

}  // namespace kungfu::journal
