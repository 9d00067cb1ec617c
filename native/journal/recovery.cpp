#include "journal/recovery.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

std::string at(const Page& page, std::uint64_t offset, const std::string& text) {
    return page.path() + ": offset " + std::to_string(offset) + ": " + text;
}

std::uint64_t& word(Page& page, std::uint64_t offset) noexcept {
    return *reinterpret_cast<std::uint64_t*>(page.data() + offset);
}

/// Calls `visit` with each place behind `from` that does not hold zero, as far as it gives true.
template <class Visit>
bool each_word(Page& page, std::uint64_t from, Visit visit) {
    while (from + 8 <= page.size()) {
        // What was never written takes no room, and need not be looked at.
        const off_t data = lseek(page.fd(), static_cast<off_t>(from), SEEK_DATA);
        if (data < 0 && errno == ENXIO) return true;
        const off_t hole = data < 0 ? -1 : lseek(page.fd(), data, SEEK_HOLE);
        const bool known = data >= 0 && hole > data;
        const std::uint64_t end =
            known ? std::min(static_cast<std::uint64_t>(hole), page.size()) : page.size();
        std::uint64_t offset = known ? std::max(from, align8(static_cast<std::uint64_t>(data))) : from;
        for (; offset + 8 <= end; offset += 8) {
            if (word(page, offset) != 0 && !visit(offset)) return false;
        }
        from = align8(end);
    }
    return true;
}

/// Wipes what follows the last good frame, unless a good frame follows that was to be kept.
std::int32_t wipe_rest(Page& page, std::uint64_t position, std::string& error) {
    std::uint64_t good = 0;
    const bool none =
        is_unvouched(page.header(), position) || each_word(page, position + 8, [&](std::uint64_t offset) {
            good = offset;
            return !page.has_frame_at(offset) || !page.verifies(offset, page.commit(offset));
        });
    if (!none) {
        error = at(page, position,
                   "a damaged frame, with an intact one behind it at offset " + std::to_string(good));
        return kCorrupt;
    }
    each_word(page, position, [&](std::uint64_t offset) {
        word(page, offset) = 0;
        return true;
    });
    // The header may have reached the disk before the frames that it speaks of.
    PageHeader& header = page.header();
    __atomic_store_n(&header.sealed, 0U, __ATOMIC_RELEASE);
    std::memset(&header.page_checksum, 0, sizeof header - offsetof(PageHeader, page_checksum));
    __atomic_store_n(&header.written_position, position, __ATOMIC_RELEASE);
    if (header.durable_position > position)
        __atomic_store_n(&header.durable_position, position, __ATOMIC_RELEASE);
    return KF_OK;
}

}  // namespace

bool is_unvouched(const PageHeader& header, std::uint64_t position) noexcept {
    return header.durability != static_cast<std::uint32_t>(Durability::NONE) && header.sealed == 0 &&
           position >= header.durable_position;
}

std::int32_t recover_page(Page& page, Tables& tables, IndexBuilder& index, Recovered& found,
                          std::string& error) {
    const PageHeader& header = page.header();
    found = {sizeof(PageHeader), header.first_sequence - 1, header.create_time, false};
    index.start(page.size());
    while (page.has_frame_at(found.position)) {
        const std::uint64_t commit = page.commit(found.position);
        if (commit == 0 || !page.verifies(found.position, commit)) break;
        const kf_frame& frame = *page.frame(found.position);
        const auto length = static_cast<std::uint32_t>(commit);
        if (frame.type == PageEnd::kType) {
            if (length != sizeof(kf_frame) + sizeof(PageEnd)) {
                error = at(page, found.position, "a page end of " + std::to_string(length) + " bytes");
                return kCorrupt;
            }
            found.ended = true;
            return KF_OK;
        }
        const bool stands_for_lost = (frame.flags & kTableFlag) && (frame.flags & kGapFlag);
        if (stands_for_lost) {
            found.last_sequence = std::max(found.last_sequence, frame.sequence);
        } else if (!(frame.flags & kTableFlag)) {
            if (frame.sequence != found.last_sequence + 1) {
                error = at(page, found.position,
                           "sequence " + std::to_string(frame.sequence) + " after " +
                               std::to_string(found.last_sequence));
                return kCorrupt;
            }
            found.last_sequence = frame.sequence;
            found.last_time = frame.gen_time;
            index.add(frame, found.position);
        }
        tables.learn(frame, length);
        found.position += align8(length);
    }
    if (found.last_sequence < header.first_sequence) {
        if (is_unvouched(header, 0)) return kUnborn;
        error = at(page, found.position, "damaged before the page's first event");
        return kCorrupt;
    }
    return wipe_rest(page, found.position, error);
}

}  // namespace kungfu::journal
