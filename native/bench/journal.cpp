// The journal's own speed: appending, rolling over, scanning, merging, seeking, each beside its floor.
#include <sched.h>
#include <time.h>

#include <cstring>

#include "bench/figure.hpp"
#include "journal/crc32c.hpp"
#include "journal/reader.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

using namespace kungfu;
using namespace kungfu::bench;
using namespace kungfu::journal;

namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

struct Place {
    const char* suffix;
    std::string folder;
};

void pause_ms(long ms) {
    timespec time{ms / 1000, ms % 1000 * 1'000'000};
    nanosleep(&time, nullptr);
}

/// Nanoseconds each of `count` calls took.
template <class Work>
double each(int count, Work work) {
    const std::int64_t begin = Clock::monotonic_now();
    for (int i = 0; i < count; ++i) work(i);
    return static_cast<double>(Clock::monotonic_now() - begin) / count;
}

std::int64_t stamp() noexcept {
#if defined(__x86_64__)
    return static_cast<std::int64_t>(__rdtsc());
#else
    return Clock::monotonic_now();
#endif
}

/// The least that a writer has to do for a frame: stamp, copy, checksum, and the commit word last.
class BareWriter {
  public:
    BareWriter(const std::string& path, std::uint64_t size) {
        if (!page_.create(path, size) || page_.prepare(0, size) != 0) std::exit(1);
        page_.header().journal = 1;
        page_.key_checksums();
    }

    void append(const void* payload, std::uint32_t length) noexcept {
        kf_frame head{};
        head.gen_time = stamp();
        head.sequence = ++sequence_;
        page_.put(position_, head, payload, length);
        position_ += frame_size(length);
        if (position_ + frame_size(length) > page_.size()) position_ = 0;
    }

  private:
    Page page_;
    std::uint64_t position_ = 0;
    std::uint64_t sequence_ = 0;
};

void bench_append(const Place& place, std::uint32_t length) {
    constexpr int kRounds = 101;
    constexpr int kEvents = 5'000;  // fewer than the helper must see to meanwhile: warm pages
    const Folder folder(place.folder);
    Clock clock;
    auto writer = open_writer(folder.path(), clock, 256 * kMiB);
    BareWriter bare(folder.path() + "/bare", 64 * kMiB);
    const std::vector<char> payload(length, 'x');
    std::vector<double> ours;
    std::vector<double> floors;
    for (int round = 0; round <= kRounds; ++round) {
        pause_ms(5);  // the helper makes the next window ready
        const double floor = each(kEvents, [&](int) { bare.append(payload.data(), length); });
        const double own = each(kEvents, [&](int) { append(*writer, payload.data(), length); });
        if (round == 0) continue;
        floors.push_back(floor);
        ours.push_back(own);
    }
    tell("journal.append" + std::string(length == 64 ? "" : "." + std::to_string(length)) + place.suffix,
         "ns", ours, floors, also("payload", length));
}

/// Single appends at two million a second across pages; what was late is left out of no account.
void bench_append_tail(const Place& place) {
    constexpr std::uint64_t kEvents = 3'000'000;
    constexpr std::int64_t kApart = 500;
    constexpr std::uint64_t kPage = 16 * kMiB;
    const Folder folder(place.folder);
    Clock clock;
    auto writer = open_writer(folder.path(), clock, kPage);
    BareWriter bare(folder.path() + "/bare", 16 * kMiB);
    char payload[64] = {};
    // Both in turn, a tenth of the events each time, so that the machine disturbs both alike.
    std::vector<double> took[2];
    std::vector<double> rolls;
    for (auto& times : took) times.reserve(kEvents);
    for (int part = 0; part < 20; ++part) {
        const bool own = part % 2 == 1;
        std::int64_t due = Clock::monotonic_now() + 100'000;
        for (std::uint64_t i = 0; i < kEvents / 10; ++i, due += kApart) {
            while (Clock::monotonic_now() < due) {
            }
            const std::uint64_t pages = page_births().load(std::memory_order_relaxed);
            const std::int64_t begin = Clock::monotonic_now();
            if (own) {
                append(*writer, payload, sizeof payload);
            } else {
                bare.append(payload, sizeof payload);
            }
            const auto spent = static_cast<double>(Clock::monotonic_now() - begin);
            took[own].push_back(spent);
            if (page_births().load(std::memory_order_relaxed) != pages) rolls.push_back(spent);
        }
    }
    tell(std::string("journal.append.p999") + place.suffix, "ns", quantile(took[1], 0.999),
         quantile(took[0], 0.999),
         also("p50", quantile(took[1], 0.5)) + also("p99", quantile(took[1], 0.99)) +
             also("rollover_p50", median(rolls)) + also("rollovers", static_cast<double>(rolls.size())));
}

/// Ten million frames of 64 bytes in one go, pages made and sealed by the helper meanwhile.
void bench_bulk(const Place& place) {
    constexpr int kRounds = 5;
    constexpr int kEvents = 10'000'000;
    std::vector<double> ours;
    std::vector<double> floors;
    const char payload[64] = {};
    for (int round = 0; round < kRounds; ++round) {
        const Folder folder(place.folder);
        {
            // The floor: the same frames into as many fresh files, each made ready before it is filled. All
            // stay till the end, since memory just given back costs less to take than other memory.
            const Folder other(place.folder);
            const int per_page = static_cast<int>(64 * kMiB / frame_size(sizeof payload));
            const std::int64_t begin = Clock::monotonic_now();
            for (int left = kEvents; left > 0; left -= per_page) {
                BareWriter bare(other.path() + "/bare" + std::to_string(left), 64 * kMiB);
                for (int i = std::min(left, per_page); i > 0; --i) bare.append(payload, sizeof payload);
            }
            floors.push_back(1e9 * kEvents / static_cast<double>(Clock::monotonic_now() - begin));
        }
        Clock clock;
        auto writer = open_writer(folder.path(), clock, 64 * kMiB);
        const std::int64_t begin = Clock::monotonic_now();
        for (int i = 0; i < kEvents; ++i) append(*writer, payload, sizeof payload);
        writer->close();
        ours.push_back(1e9 * kEvents / static_cast<double>(Clock::monotonic_now() - begin));
    }
    tell(std::string("journal.bulk") + place.suffix, "1/s", ours, floors);
}

struct Filled {
    Filled(const std::string& root, Clock& clock, int journals, int events, std::uint64_t page_size)
        : root(root) {
        const char payload[64] = {};
        std::vector<std::unique_ptr<Writer>> writers;
        for (int i = 0; i < journals; ++i) {
            writers.push_back(open_writer(root, clock, page_size, "bench" + std::to_string(i)));
        }
        for (int i = 0; i < events; ++i) {
            clock.set(clock.now() + 1);
            append(*writers[static_cast<std::size_t>(i % journals)], payload, sizeof payload);
        }
    }
    Location at(int journal) const { return {root, "bench" + std::to_string(journal), "MD", ""}; }
    std::string root;
};

/// A walk over the frames of pages that are mapped already: each commit word, and each frame's time.
double walk(const std::vector<std::unique_ptr<Page>>& pages, std::uint64_t& sum, int events) {
    const std::int64_t begin = Clock::monotonic_now();
    for (const auto& page : pages) {
        std::uint64_t offset = sizeof(PageHeader);
        while (page->has_frame_at(offset)) {
            const auto length = static_cast<std::uint32_t>(page->commit(offset));
            if (length == 0) break;
            __builtin_prefetch(page->data() + offset + 512);
            sum += static_cast<std::uint64_t>(page->frame(offset)->gen_time);
            offset += align8(length);
        }
    }
    return static_cast<double>(Clock::monotonic_now() - begin) / events;
}

void bench_scan(const Place& place) {
    constexpr int kRounds = 15;
    constexpr int kEvents = 400'000;
    const Folder folder(place.folder);
    Clock clock(Clock::Kind::SIMULATED, 1);
    const Filled filled(folder.path(), clock, 1, kEvents, 128 * kMiB);
    std::vector<std::unique_ptr<Page>> pages;
    std::string error;
    for (const PageFile& file : list_pages(filled.at(0))) {
        pages.push_back(std::make_unique<Page>());
        if (pages.back()->open(file.path, 0, false, error) != KF_OK) std::exit(1);
    }
    std::uint64_t sum = 0;
    for (const bool verify : {false, true}) {
        std::vector<double> ours;
        std::vector<double> floors;
        JournalReader reader(filled.at(0), core_types(), verify);
        for (int round = 0; round <= kRounds; ++round) {
            const double floor = walk(pages, sum, kEvents);
            if (reader.seek_sequence(1) != KF_OK || reader.peek() == nullptr) std::exit(1);
            const std::int64_t begin = Clock::monotonic_now();
            int seen = 0;
            while (const kf_frame* frame = reader.peek()) {
                sum += static_cast<std::uint64_t>(frame->gen_time);
                reader.advance();
                ++seen;
            }
            const double own = static_cast<double>(Clock::monotonic_now() - begin) / seen;
            if (seen != kEvents) std::exit(1);
            if (round == 0) continue;
            floors.push_back(1e9 / floor);
            ours.push_back(1e9 / own);
        }
        tell(std::string(verify ? "journal.scan.verified" : "journal.scan") + place.suffix, "1/s", ours,
             floors);
    }
    if (sum == 0) std::exit(1);
}

void bench_merge(const Place& place) {
    constexpr int kRounds = 11;
    constexpr int kEvents = 640'000;
    const Folder one(place.folder);
    const Folder many(place.folder);
    Clock clock(Clock::Kind::SIMULATED, 1);
    const Filled single(one.path(), clock, 1, kEvents, 128 * kMiB);
    const Filled split(many.path(), clock, 32, kEvents, 4 * kMiB);
    std::uint64_t sum = 0;
    const auto read = [&](const Filled& filled, int journals) {
        Reader reader;
        for (int i = 0; i < journals; ++i) {
            if (reader.join(filled.at(i)) != KF_OK) std::exit(1);
        }
        kf_event event{};
        reader.next(event);
        const std::int64_t begin = Clock::monotonic_now();
        int seen = 1;
        for (; reader.next(event); ++seen) sum += event.frame->sequence;
        if (seen != kEvents) std::exit(1);
        return static_cast<double>(Clock::monotonic_now() - begin) / kEvents;
    };
    std::vector<double> ours;
    std::vector<double> floors;
    for (int round = 0; round <= kRounds; ++round) {
        const double floor = read(single, 1);
        const double own = read(split, 32);
        if (round == 0) continue;
        floors.push_back(floor);
        ours.push_back(own);
    }
    tell(std::string("journal.merge32") + place.suffix, "ns", ours, floors);
    if (sum == 0) std::exit(1);
}

void bench_seek(const Place& place) {
    constexpr int kRounds = 11;
    constexpr int kEvents = 400'000;
    constexpr int kSeeks = 2'000;
    const Folder folder(place.folder);
    Clock clock(Clock::Kind::SIMULATED, 1);
    const Filled filled(folder.path(), clock, 1, kEvents, 64 * kMiB);
    Page page;
    std::string error;
    if (page.open(list_pages(filled.at(0))[0].path, 0, false, error) != KF_OK) std::exit(1);
    JournalReader reader(filled.at(0));
    std::uint64_t random = 1;
    const auto next_time = [&] {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::int64_t>(2 + (random >> 33) % (kEvents - 2));
    };
    std::vector<double> ours;
    std::vector<double> floors;
    std::uint64_t sum = 0;
    for (int round = 0; round <= kRounds; ++round) {
        // The floor: a walk over half of the 64 KiB between two entries of the index.
        const double floor = each(kSeeks, [&](int i) {
            std::uint64_t offset = sizeof(PageHeader);
            const std::uint64_t end = offset + 32 * 1024;
            while (offset < end) {
                const auto length = static_cast<std::uint32_t>(page.commit(offset));
                sum += static_cast<std::uint64_t>(page.frame(offset)->gen_time + i);
                offset += align8(length);
            }
        });
        const double own = each(kSeeks, [&](int) {
            const std::int64_t time = next_time();
            if (reader.seek_time(time) != KF_OK || reader.peek() == nullptr) std::exit(1);
            sum += reader.peek()->sequence;
        });
        if (round == 0) continue;
        floors.push_back(floor / 1e3);
        ours.push_back(own / 1e3);
    }
    tell(std::string("journal.seek") + place.suffix, "us", ours, floors);
    if (sum == 0) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> beginnings(argv + 1, argv + argc);
    const std::vector<Place> places = {{"", on_disk()}, {".tmpfs", in_memory()}};
    for (const Place& place : places) {
        const auto wanted = [&](const char* name) {
            return is_wanted(name + std::string(place.suffix), beginnings);
        };
        if (wanted("journal.append")) bench_append(place, 64);
        if (wanted("journal.append.256")) bench_append(place, 256);
        if (wanted("journal.append.p999")) bench_append_tail(place);
        if (wanted("journal.bulk")) bench_bulk(place);
        if (wanted("journal.scan") || wanted("journal.scan.verified")) bench_scan(place);
        if (wanted("journal.merge32")) bench_merge(place);
        if (wanted("journal.seek")) bench_seek(place);
    }
    return 0;
}
