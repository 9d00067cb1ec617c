// Any bytes as a page: reading, seeking, surveying and recovering it end in events or in an error.
//
// The first byte says whether checksums are mended, so that what lies behind them is reached, and whether the
// file is cut, or repaired, which must not take an event. The rest is the page, zeros behind it.
#include <cstring>
#include <vector>

#include "fuzz_support.hpp"
#include "journal/crc32c.hpp"
#include "journal/recovery.hpp"
#include "journal/repair.hpp"
#include "journal/survey.hpp"
#include "journal/verify.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr int kMost = 1000;  // events at a time
constexpr std::uint8_t kMend = 1;
constexpr std::uint8_t kCut = 2;
constexpr std::uint8_t kRepair = 4;

void mend(std::vector<char>& page) {
    auto& header = *reinterpret_cast<PageHeader*>(page.data());
    header.checksum = header_checksum(header);
    const std::uint64_t place[2] = {header.journal, header.page_number};
    const std::uint32_t key = crc32c(0, place, sizeof place);
    for (std::uint64_t offset = sizeof header; offset + sizeof(kf_frame) <= page.size();) {
        auto& frame = *reinterpret_cast<kf_frame*>(page.data() + offset);
        const auto length = static_cast<std::uint32_t>(frame.commit);
        if (length < sizeof frame || offset + align8(length) > page.size()) break;
        const std::uint32_t crc = frame_checksum(key, offset, length, page.data() + offset + 8);
        frame.commit = static_cast<std::uint64_t>(crc) << 32 | length;
        offset += align8(length);
    }
}

void recover(const std::string& path) {
    Page page;
    Tables tables;
    IndexBuilder index;
    Recovered found;
    std::string error;
    if (page.open(path, 0, true, error) != KF_OK) return;
    if (recover_page(page, tables, index, found, error) != KF_OK) return;
    // What was recovered once is sound.
    Recovered again;
    Tables same;
    if (recover_page(page, same, index, again, error) != KF_OK || again.position != found.position ||
        again.last_sequence != found.last_sequence || again.ended != found.ended) {
        std::abort();
    }
}

void repair() {
    const Location journal = fuzzed_journal();
    const Verification before = verify(journal);
    Repair repaired;
    std::string error;
    if (repair_journal(journal, repaired, error) != KF_OK && error.empty()) std::abort();
    if (repaired.after.events < before.events) std::abort();
    if (!before.is_damaged() && !repaired.steps.empty()) std::abort();
    // It may have kept bytes and made files beside the page.
    for (const auto& entry : std::filesystem::directory_iterator(journal.root + "/1970-01-01/venue")) {
        std::filesystem::remove_all(entry.path());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > kMinPageSize) return 0;
    std::vector<char> page(kMinPageSize, '\0');
    std::memcpy(page.data(), data + 1, size - 1);
    // Of a page that says no size of its own, as much as is usual is looked through: too much for here.
    const std::uint64_t page_size = kMinPageSize;
    const bool repairs = (data[0] & kRepair) != 0;
    if (repairs) std::memcpy(page.data() + offsetof(PageHeader, page_size), &page_size, sizeof page_size);
    if (data[0] & kMend) mend(page);
    const Location journal = fuzzed_journal();
    const std::string path = journal.page_path("1970-01-01", 1);
    const std::size_t length = (data[0] & kCut) && !repairs ? size - 1 : page.size();
    make_file(path, page.data(), length, length);

    if (repairs) {
        repair();
        return 0;
    }
    for (const bool verify : {false, true}) {
        JournalReader reader(journal, known_types(), verify);
        read_on(reader, kMost);
        JournalReader seeker(journal, known_types(), verify);
        for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1001}, INT64_MAX}) {
            if (seeker.seek_time(time) == KF_OK) read_on(seeker, kMost);
            if (seeker.seek_sequence(static_cast<std::uint64_t>(time)) == KF_OK) read_on(seeker, kMost);
        }
        JournalReader at_end(journal, {}, verify);  // knows none of the types
        at_end.seek_end();
    }
    Survey survey_of;
    Tables tables;
    std::string error;
    (void)survey(journal, survey_of, error);
    (void)last_definitions(journal, tables, error);
    (void)list_journals(journal.root, error);
    recover(path);
    return 0;
}
