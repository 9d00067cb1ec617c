// Any bytes as an index: whatever it says, a seek finds the event that it is to find, or an error.
//
// The first byte says whether the checksum is mended, and whether the page it is of is named right.
#include <cstring>
#include <memory>
#include <vector>

#include "clock/clock.hpp"
#include "fuzz_support.hpp"
#include "journal/crc32c.hpp"
#include "journal/index.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr int kMost = 50;  // events at a time
constexpr std::uint8_t kMend = 1;
constexpr std::uint8_t kOfThisPage = 2;
constexpr std::size_t kHeader = 40;

/// A journal whose first page is sealed, with one event for each time.
const PageHeader& sealed_page() {
    static const PageHeader header = [] {
        Clock clock(Clock::Kind::SIMULATED, 1);
        WriterOptions options;
        options.root = fuzz_root();
        options.source = "venue";
        options.name = "MD";
        options.page_size = 4 * kMinPageSize;
        options.clock = &clock;
        std::unique_ptr<Writer> writer;
        std::string error;
        if (Writer::open(options, writer, error) != KF_OK) std::abort();
        for (std::int64_t i = 1; i <= 3000; ++i) {
            clock.set(i);
            Trade trade{};
            if (writer->append(Trade::kType, 0, 0, kNoCause, &trade, sizeof trade) != KF_OK) std::abort();
        }
        writer->close();
        PageHeader of_page{};
        if (read_header(list_pages(fuzzed_journal()).front().path, of_page, error) != KF_OK) std::abort();
        if (of_page.sealed == 0) std::abort();
        return of_page;
    }();
    return header;
}

template <class T>
void put(std::vector<char>& bytes, std::size_t offset, const T& value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > 16'384) return 0;
    const PageHeader& page = sealed_page();
    std::vector<char> bytes(data + 1, data + size);
    if (bytes.size() >= kHeader) {
        if (data[0] & kOfThisPage) {
            put(bytes, 16, page.journal);
            put(bytes, 24, page.page_number);
            put(bytes, 32, static_cast<std::uint64_t>((bytes.size() - kHeader) / sizeof(IndexEntry)));
        }
        if (data[0] & kMend) put(bytes, 12, crc32c(0, bytes.data() + 16, bytes.size() - 16));
    }
    const std::string path = index_path(list_pages(fuzzed_journal()).front().path);
    make_file(path, bytes.data(), bytes.size(), bytes.size());

    (void)read_index(path, page);
    for (const std::int64_t time : {std::int64_t{1}, std::int64_t{700}, page.last_time, page.last_time + 5}) {
        JournalReader reader(fuzzed_journal(), known_types(), true);
        if (reader.seek_time(time) == KF_OK) read_on(reader, kMost);
        JournalReader quick(fuzzed_journal());
        if (quick.seek_sequence(static_cast<std::uint64_t>(time)) == KF_OK) read_on(quick, kMost);
    }
    return 0;
}
