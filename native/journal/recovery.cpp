#include "journal/recovery.hpp"

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

/// Wipes what follows the last good frame, unless a good frame follows.
std::int32_t wipe_rest(Page& page, std::uint64_t position, std::string& error) {
    for (std::uint64_t offset = position + 8; page.has_frame_at(offset); offset += 8) {
        if (word(page, offset) != 0 && page.verifies(offset, page.commit(offset))) {
            error = at(page, position,
                       "a damaged frame, with an intact one behind it at offset " + std::to_string(offset));
            return kCorrupt;
        }
    }
    for (std::uint64_t offset = position; offset + 8 <= page.size(); offset += 8) {
        if (word(page, offset) != 0) word(page, offset) = 0;
    }
    return KF_OK;
}

}  // namespace

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
            found.ended = true;
            return KF_OK;
        }
        if (!(frame.flags & kTableFlag)) {
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
        if (Tables::keeps(frame.type)) {
            tables.learn(frame.type, frame.source, &frame + 1,
                         length - static_cast<std::uint32_t>(sizeof(kf_frame)));
        }
        found.position += align8(length);
    }
    if (found.last_sequence < header.first_sequence) {
        error = at(page, found.position, "damaged before the page's first event");
        return kCorrupt;
    }
    return wipe_rest(page, found.position, error);
}

}  // namespace kungfu::journal
