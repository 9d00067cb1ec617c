#include "journal/page_walk.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "journal/crc32c.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint64_t kStep = 4096;  ///< How far to go on where bytes cannot be had.

std::uint64_t word_at(const PageBytes& page, std::uint64_t offset) noexcept {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(page.data + offset), __ATOMIC_ACQUIRE);
}

class Walker {
  public:
    explicit Walker(const PageBytes& page) : page_(page), known_(page.first_sequence != 0) {
        found_.index.start(page.size);
        found_.stop = sizeof(PageHeader);
        found_.last_time = known_ ? page.first_time : std::numeric_limits<std::int64_t>::min();
        found_.starts_whole = true;
        if (known_) found_.last_sequence = page.first_sequence - 1;
    }

    PageWalk walk() {
        while (!found_.ended) {
            if (is_there(found_.stop) && frame_verifies(page_, found_.stop)) {
                take(found_.stop);
            } else if (!resynchronise()) {
                break;
            }
        }
        if (found_.ended) note_rest(found_.stop + kPageEndRoom);
        settle(found_.ended ? found_.end.last_sequence : found_.last_sequence);
        return std::move(found_);
    }

  private:
    /// Whether the bytes at the offset can be had.
    bool is_there(std::uint64_t offset) {
        if (!page_.read_on || offset < readable_) return true;
        readable_ = page_.read_on(offset);
        if (readable_ == 0 && found_.missing == 0) found_.missing = offset;
        return readable_ > offset;
    }

    /// Goes to the next frame that verifies; false, with what stands behind noted, if there is none.
    bool resynchronise() {
        const std::uint64_t begin = found_.stop;
        found_.written = begin;
        for (std::uint64_t offset = begin; offset + 8 <= page_.size; offset += 8) {
            if (!is_there(offset)) {
                offset += kStep - 8;
                continue;
            }
            if (word_at(page_, offset) == 0) continue;
            found_.written = offset + 8;
            if (offset == begin || !is_plausible(offset) || !frame_verifies(page_, offset)) continue;
            // A writer may have gone on meanwhile: frames stand in their order, so look at the place again.
            if (frame_verifies(page_, begin)) return true;
            found_.damaged.push_back({begin, offset, 0, 0, found_.last_time});
            if (found_.first_event == 0) found_.starts_whole = false;
            ++unsettled_;
            found_.stop = offset;
            return true;
        }
        return frame_verifies(page_, begin);
    }

    void note_rest(std::uint64_t from) {
        found_.written = from;
        if (page_.read_on) return;
        for (std::uint64_t offset = from; offset + 8 <= page_.size; offset += 8) {
            if (word_at(page_, offset) != 0) found_.written = offset + 8;
        }
    }

    /// Whether the bytes can be a frame at all; spares a checksum over most that cannot.
    bool is_plausible(std::uint64_t offset) const noexcept {
        if (offset + sizeof(kf_frame) > page_.size) return false;
        const auto& frame = *reinterpret_cast<const kf_frame*>(page_.data + offset);
        if (frame.flags > (kTableFlag | kGapFlag)) return false;
        if (frame.flags != 0 || !known_) return true;
        const std::uint64_t most = (offset - found_.stop) / sizeof(kf_frame) + 1;
        return frame.sequence > found_.last_sequence && frame.sequence - found_.last_sequence <= most;
    }

    void take(std::uint64_t offset) {
        const auto& frame = *reinterpret_cast<const kf_frame*>(page_.data + offset);
        const auto length = static_cast<std::uint32_t>(word_at(page_, offset));
        if (frame.flags & kGapFlag) {
            take_gap(frame, offset, length);
        } else if (frame.type == PageEnd::kType && length == sizeof frame + sizeof(PageEnd)) {
            std::memcpy(&found_.end, &frame + 1, sizeof found_.end);
            found_.ended = true;
            return;
        } else if (!(frame.flags & kTableFlag)) {
            take_event(frame, offset);
        }
        found_.stop = offset + align8(length);
        if (length % 8 != 0 && !is_padded(offset + length))
            found_.padding.push_back({offset + length, found_.stop, 1, 0, found_.last_time});
    }

    bool is_padded(std::uint64_t from) const noexcept {
        static constexpr char kZeros[8] = {};
        return std::memcmp(page_.data + from, kZeros, align8(from) - from) == 0;
    }

    void take_gap(const kf_frame& frame, std::uint64_t offset, std::uint32_t length) {
        settle(found_.last_sequence);
        const std::uint64_t last = std::max(found_.last_sequence, frame.sequence);
        found_.gaps.push_back(
            {offset, offset + align8(length), found_.last_sequence + 1, last, found_.last_time});
        if (found_.first_event == 0) found_.starts_whole = false;
        found_.last_sequence = last;
    }

    void take_event(const kf_frame& frame, std::uint64_t offset) {
        if (!known_) found_.last_sequence = frame.sequence - 1;
        known_ = true;
        if (unsettled_ != 0 && frame.sequence > found_.last_sequence) {
            settle(frame.sequence - 1);
        } else if (frame.sequence != found_.last_sequence + 1) {
            found_.oddities.push_back({offset, frame.sequence,
                                       "sequence " + std::to_string(frame.sequence) + " after " +
                                           std::to_string(found_.last_sequence)});
        }
        if (frame.gen_time < found_.last_time) {
            found_.oddities.push_back({offset, frame.sequence,
                                       "generation time goes back by " +
                                           std::to_string(found_.last_time - frame.gen_time) + " ns"});
        }
        if (found_.events++ == 0) {
            found_.first_event = frame.sequence;
            found_.first_event_time = frame.gen_time;
        }
        found_.last_sequence = std::max(found_.last_sequence, frame.sequence);
        found_.last_time = std::max(found_.last_time, frame.gen_time);
        found_.index.add(frame, offset);
    }

    /// Tells the damaged stretches since the last event what was lost: events up to `last`, all of them in
    /// the last stretch, since those before it lie among the tables.
    void settle(std::uint64_t last) {
        const std::uint64_t next = found_.last_sequence + 1;
        for (; unsettled_ > 1; --unsettled_) {
            Stretch& stretch = found_.damaged[found_.damaged.size() - unsettled_];
            stretch.first_sequence = next;
            stretch.last_sequence = next - 1;
        }
        if (unsettled_ == 1) {
            found_.damaged.back().first_sequence = next;
            found_.damaged.back().last_sequence = last;
            found_.last_sequence = std::max(found_.last_sequence, last);
        }
        unsettled_ = 0;
    }

    const PageBytes& page_;
    PageWalk found_;
    bool known_;
    std::size_t unsettled_ = 0;  ///< How many of the damaged stretches do not know yet what was lost.
    std::uint64_t readable_ = 0;
};

}  // namespace

bool frame_verifies(const PageBytes& page, std::uint64_t offset) noexcept {
    if (offset + sizeof(kf_frame) > page.size) return false;
    const std::uint64_t commit = word_at(page, offset);
    const auto length = static_cast<std::uint32_t>(commit);
    if (length < sizeof(kf_frame) || length > page.size - offset || align8(length) > page.size - offset) {
        return false;
    }
    return static_cast<std::uint32_t>(commit >> 32) ==
           frame_checksum(page.key, offset, length, page.data + offset + 8);
}

PageWalk walk_page(const PageBytes& page) { return Walker(page).walk(); }

}  // namespace kungfu::journal
