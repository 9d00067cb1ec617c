#include "journal/lost_tables.hpp"

#include <cstdint>
#include <cstring>

#include "journal/crc32c.hpp"
#include "journal/types.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

/// The definition that stands intact at an offset; false if none does.
bool definition_at(const Page& page, std::uint64_t offset, Tables::Entry& entry) {
    if (!page.has_frame_at(offset) || !page.verifies(offset, page.commit(offset))) return false;
    const kf_frame& frame = *page.frame(offset);
    if ((frame.flags & kTableFlag) == 0 || !Tables::keeps(frame.type)) return false;
    const auto length = static_cast<std::uint32_t>(page.commit(offset)) - sizeof(kf_frame);
    entry = {frame.type, frame.source, std::string(reinterpret_cast<const char*>(&frame + 1), length)};
    return true;
}

bool is_same(const Tables::Entry& a, const Tables::Entry& b) noexcept {
    return a.type == b.type && a.source == b.source && a.payload == b.payload;
}

/// Whether the checksum that the damaged frame still has is that of the definition.
bool is_confirmed(const Page& page, std::uint64_t offset, const Tables::Entry& entry) {
    kf_frame head{};
    head.source = entry.source;
    head.type = entry.type;
    head.flags = kTableFlag;
    std::string frame(reinterpret_cast<const char*>(&head), sizeof head);
    frame += entry.payload;
    const auto length = static_cast<std::uint32_t>(frame.size());
    return page.commit(offset) ==
           (static_cast<std::uint64_t>(frame_checksum(page.key(), offset, length, frame.data() + 8)) << 32 |
            length);
}

/// Where in the row of definitions the stretch begins: behind that of the frame before it.
std::size_t first_of(const Page& page, const Stretch& stretch, const std::vector<Tables::Entry>& told) {
    if (stretch.begin == sizeof(PageHeader)) return 0;
    Tables::Entry before{};
    for (std::uint64_t offset = sizeof(PageHeader); offset < stretch.begin;) {
        if (!page.verifies(offset, page.commit(offset))) return told.size();
        if (!definition_at(page, offset, before)) before = {};
        offset += align8(static_cast<std::uint32_t>(page.commit(offset)));
    }
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (is_same(told[i], before)) return i + 1;
    }
    return told.size();
}

std::vector<Tables::Entry> fitting(const Page& page, const Stretch& stretch,
                                   const std::vector<Tables::Entry>& told, bool is_exact) {
    std::vector<Tables::Entry> found;
    std::size_t next = first_of(page, stretch, told);
    std::uint64_t offset = stretch.begin;
    const std::uint64_t end = stretch.has_events() ? stretch.end - sizeof(kf_frame) : stretch.end;
    for (; next < told.size() && offset < end; ++next) {
        const bool changes = told[next].type == Instrument::kType;
        const std::uint64_t size = frame_size(told[next].payload.size());
        if (offset + size > end || (changes && !is_exact && !is_confirmed(page, offset, told[next]))) break;
        found.push_back(told[next]);
        offset += size;
    }
    if (stretch.has_events()) return found;
    Tables::Entry behind{};
    const bool more = definition_at(page, stretch.end, behind);
    if (offset != stretch.end || (more && (next == told.size() || !is_same(told[next], behind)))) return {};
    return found;
}

/// All definitions of a page; with `tables_only`, those at its start.
Tables tables_of(const std::string& path, bool tables_only) {
    Tables tables;
    Page page;
    std::string ignored;
    if (path.empty() || page.open(path, 0, false, ignored) != KF_OK || page.unpack(ignored) != KF_OK)
        return tables;
    for (std::uint64_t offset = sizeof(PageHeader);
         page.has_frame_at(offset) && page.verifies(offset, page.commit(offset));) {
        const kf_frame& frame = *page.frame(offset);
        const auto length = static_cast<std::uint32_t>(page.commit(offset));
        if (tables_only && (frame.flags & kTableFlag) == 0) break;
        tables.learn(frame, length);
        if (frame.type == PageEnd::kType) break;
        offset += align8(length);
    }
    return tables;
}

}  // namespace

std::vector<Tables::Entry> lost_definitions(const Page& page, const Stretch& stretch,
                                            const PagesBeside& beside) {
    std::vector<Tables::Entry> found =
        fitting(page, stretch, tables_of(beside.before, false).entries(), true);
    if (found.empty()) found = fitting(page, stretch, tables_of(beside.after, true).entries(), false);
    if (!found.empty()) return found;
    Tables own;
    for (const TypeDefinition& type : core_types()) own.learn(type);
    return fitting(page, stretch, own.entries(), false);
}

void put_definitions(Page& page, std::uint64_t offset,
                     const std::vector<Tables::Entry>& definitions) noexcept {
    for (const Tables::Entry& entry : definitions) {
        kf_frame head{};
        head.source = entry.source;
        head.type = entry.type;
        head.flags = kTableFlag;
        const auto length = static_cast<std::uint32_t>(entry.payload.size());
        page.put(offset, head, entry.payload.data(), length);
        offset += frame_size(length);
    }
}

}  // namespace kungfu::journal
