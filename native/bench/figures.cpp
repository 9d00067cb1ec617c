// Figures of the journal, one JSON object a line, each beside its floor measured in the same
// rounds. Arguments are the beginnings of the names that are wanted.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "journal/page.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr int kRounds = 21;
constexpr int kEvents = 100'000;
constexpr std::size_t kFrame = sizeof(kf_frame) + sizeof(Trade);

/// Nanoseconds per event of one round.
template <class Work>
double round_of(Work work) {
    const std::int64_t begin = Clock::monotonic_now();
    for (int i = 0; i < kEvents; ++i) work(i);
    return static_cast<double>(Clock::monotonic_now() - begin) / kEvents;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void tell(const char* name, const std::vector<double>& measured, const std::vector<double>& floor) {
    const double value = median(measured);
    const double reference = median(floor);
    std::printf(
        "{\"name\": \"%s\", \"value\": %.2f, \"unit\": \"ns/event\", \"reference\": %.2f, "
        "\"ratio\": %.3f}\n",
        name, value, reference, value / reference);
}

bool wanted(const std::string& name, const std::vector<std::string>& beginnings) {
    return beginnings.empty() || std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& b) {
               return name.compare(0, b.size(), b) == 0;
           });
}

/// Copies a frame to every place of a page and stores its first word last, as a writer has to.
double copy_round(Page& page) {
    char frame[kFrame] = {};
    return round_of([&](int i) {
        char* place = page.data() + static_cast<std::size_t>(i) * align8(kFrame);
        std::memcpy(place + 8, frame + 8, kFrame - 8);
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(place), kFrame, __ATOMIC_RELEASE);
    });
}

/// Walks over the frames of a page, reading the first word and the payload's first.
double walk_round(const Page& page, std::uint64_t& sum) {
    const char* place = page.data();
    return round_of([&](int) {
        const std::uint64_t length =
            __atomic_load_n(reinterpret_cast<const std::uint64_t*>(place), __ATOMIC_ACQUIRE);
        std::uint64_t word = 0;
        std::memcpy(&word, place + sizeof(kf_frame), sizeof word);
        sum += word;
        place += align8(length);
    });
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> beginnings(argv + 1, argv + argc);
    std::string root = (std::filesystem::temp_directory_path() / "kungfu-bench-XXXXXX").string();
    if (mkdtemp(root.data()) == nullptr) return 1;

    WriterOptions options;
    options.root = root;
    options.source = "bench";
    options.name = "MD";
    Clock clock;
    options.clock = &clock;
    std::unique_ptr<Writer> writer;
    std::string error;
    if (Writer::open(options, writer, error) != KF_OK) {
        std::fprintf(stderr, "%s\n", error.c_str());
        return 1;
    }
    Reader reader;
    if (reader.join(writer->location()) != KF_OK) return 1;

    std::vector<double> appends;
    std::vector<double> copies;
    std::vector<double> scans;
    std::vector<double> walks;
    std::uint64_t sum = 0;
    for (int round = 0; round < kRounds; ++round) {
        Page floor;
        if (!floor.create(root + "/floor", kEvents * align8(kFrame))) return 1;
        copies.push_back(copy_round(floor));
        Trade trade{};
        appends.push_back(round_of([&](int i) {
            trade.trade_id = static_cast<std::uint64_t>(i);
            if (writer->append(Trade::kType, 1, 0, 0, 0, 0, &trade, sizeof trade) != KF_OK) std::exit(1);
        }));
        walks.push_back(walk_round(floor, sum));
        kf_event event{};
        scans.push_back(round_of([&](int) {
            if (!reader.next(event)) std::exit(1);
            Trade seen;
            std::memcpy(&seen, event.frame + 1, sizeof seen);
            sum += seen.trade_id;
        }));
    }
    std::filesystem::remove_all(root);
    if (wanted("journal.append", beginnings)) tell("journal.append", appends, copies);
    if (wanted("journal.scan", beginnings)) tell("journal.scan", scans, walks);
    return sum == 0 ? 1 : 0;
}
