#include "journal/survey.hpp"

#include "journal/journal_reader.hpp"

namespace kungfu::journal {

void learn_tables(const Page& page, Tables& tables) {
    std::uint64_t offset = sizeof(PageHeader);
    while (page.has_frame_at(offset)) {
        const auto length = static_cast<std::uint32_t>(page.commit(offset));
        const kf_frame& frame = *page.frame(offset);
        if (!page.holds(offset, length) || !(frame.flags & kTableFlag)) break;
        if (!tables.learn(frame, length) && !(frame.flags & kGapFlag)) break;
        offset += align8(length);
    }
}

std::int32_t survey(const Location& location, Survey& found, std::string& error) {
    JournalReader reader(location, {}, true);
    std::uint64_t opened = 0;
    while (const kf_frame* frame = reader.peek()) {
        if (reader.pages_opened() != opened) {
            opened = reader.pages_opened();
            learn_tables(reader.page(), found.tables);
            ++found.pages;
            found.sealed_pages += reader.page().header().sealed;
            found.file_bytes += reader.page().size();
        }
        const auto length = static_cast<std::uint32_t>(frame->commit);
        found.tables.learn(*frame, length);
        if (found.events++ == 0) {
            found.first_sequence = frame->sequence;
            found.first_time = frame->gen_time;
        }
        found.last_sequence = frame->sequence;
        found.last_time = frame->gen_time;
        TypeCount& type = found.types[frame->type];
        ++type.events;
        type.bytes += align8(length);
        reader.advance();
    }
    error = reader.error();
    return reader.status();
}

std::int32_t last_definitions(const Location& location, Tables& tables, std::string& error) {
    std::vector<PageFile> pages;
    std::int32_t status = list_pages(location, pages, error);
    if (status != KF_OK || pages.empty()) return status;
    Page page;
    status = page.open(pages.back().path, 0, false, error);
    if (status == KF_OK) status = page.unpack(error);
    if (status != KF_OK) return status;
    for (std::uint64_t offset = sizeof(PageHeader); page.has_frame_at(offset);) {
        const std::uint64_t commit = page.commit(offset);
        const auto length = static_cast<std::uint32_t>(commit);
        if (!page.verifies(offset, commit)) break;
        tables.learn(*page.frame(offset), length);
        offset += align8(length);
    }
    return KF_OK;
}

}  // namespace kungfu::journal
