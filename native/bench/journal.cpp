// What an append and a read cost, beside the machine's floor: copying the same bytes into a mapped file.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "journal/crc32c.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr int kEvents = 1'000'000;

struct Timing {
    double mean_ns;
    std::int64_t p50;
    std::int64_t p99;
    std::int64_t p9999;
};

template <class Work>
Timing timed(Work work) {
    std::vector<std::int64_t> took(kEvents);
    const std::int64_t begin = Clock::monotonic_now();
    std::int64_t before = begin;
    for (int i = 0; i < kEvents; ++i) {
        work(i);
        const std::int64_t now = Clock::monotonic_now();
        took[static_cast<std::size_t>(i)] = now - before;
        before = now;
    }
    const double mean = static_cast<double>(before - begin) / kEvents;
    std::sort(took.begin(), took.end());
    const auto at = [&](double q) { return took[static_cast<std::size_t>(q * (kEvents - 1))]; };
    return {mean, at(0.5), at(0.99), at(0.9999)};
}

void tell(const char* what, const Timing& t, const Timing& floor) {
    std::printf("%-34s mean %7.1f ns  p50 %5lld  p99 %5lld  p99.99 %7lld   %.2f x floor\n", what, t.mean_ns,
                static_cast<long long>(t.p50), static_cast<long long>(t.p99), static_cast<long long>(t.p9999),
                t.mean_ns / floor.mean_ns);
}

std::unique_ptr<Writer> open_writer(const std::string& root, Clock& clock, const char* name) {
    WriterOptions options;
    options.root = root;
    options.source = "bench";
    options.name = name;
    options.clock = &clock;
    std::unique_ptr<Writer> writer;
    std::string error;
    if (Writer::open(options, writer, error) != KF_OK) {
        std::fprintf(stderr, "%s\n", error.c_str());
        std::exit(1);
    }
    return writer;
}

}  // namespace

int main() {
    std::string root = (std::filesystem::temp_directory_path() / "kungfu-bench-XXXXXX").string();
    if (mkdtemp(root.data()) == nullptr) return 1;
    Trade trade{};
    constexpr std::size_t kFrame = sizeof(kf_frame) + sizeof(Trade);

    Page floor_page;
    if (!floor_page.create(root + "/floor", align8(kFrame) * kEvents)) return 1;
    char frame[kFrame] = {};
    const Timing floor = timed([&](int i) {
        std::memcpy(floor_page.data() + static_cast<std::size_t>(i) * align8(kFrame), frame, kFrame);
    });
    tell("floor: copy into a mapped file", floor, floor);

    Clock simulated(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(root, simulated, "SIM");
    const Timing append = timed([&](int i) {
        trade.trade_id = static_cast<std::uint64_t>(i);
        if (writer->append(Trade::kType, 1, 0, 0, 0, 0, &trade, sizeof trade) != KF_OK) std::exit(1);
    });
    tell("append, simulated clock", append, floor);

    Clock system;
    auto live = open_writer(root, system, "SYS");
    const Timing live_append = timed([&](int i) {
        trade.trade_id = static_cast<std::uint64_t>(i);
        if (live->append(Trade::kType, 1, 0, 0, 0, 0, &trade, sizeof trade) != KF_OK) std::exit(1);
    });
    tell("append, system clock", live_append, floor);

    for (const bool verify : {false, true}) {
        Reader reader(core_types(), verify);
        reader.join(writer->location());
        reader.join(live->location());
        kf_event event{};
        std::uint64_t sum = 0;
        const Timing read = timed([&](int) {
            if (!reader.next(event)) std::exit(1);
            sum += event.frame->sequence;
        });
        tell(verify ? "read of two joined, verified" : "read of two joined", read, floor);
        if (sum == 0) return 1;
    }
    std::filesystem::remove_all(root);
    return 0;
}
