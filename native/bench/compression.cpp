// What compressing a sealed page costs and saves, and what a seek into it costs, beside plain zstd over the
// same bytes. The page is the file that KUNGFU_BENCH_JOURNAL names, or one of a made-up market with a fixed
// seed: 20 instruments, the first the busiest; 70 % quotes, 20 % trades, 10 % book deltas of 1 to 20 levels;
// prices walk on a grid of ticks, sizes are three decimals with a heavy tail, every fifth sticks; bursts in
// time. Compressing is measured in the time of the core that does it, all of it: verifying the page, writing,
// reading back and comparing; waiting for the disk is not counted. A seek is measured in real time, from
// opening the file to the event. One JSON object a line; arguments are the beginnings of the names that are
// wanted.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <zstd.h>

#include "bench/figure.hpp"
#include "journal/compression.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::bench;
using namespace kungfu::journal;

namespace {

constexpr int kRounds = 11;
constexpr int kSeeks = 101;
constexpr int kLevel = 3;

void require(bool holds, const std::string& what) {
    if (!holds) fail(what);
}

template <class Work>
double microseconds(Work work) {
    const std::int64_t begin = Clock::monotonic_now();
    work();
    return static_cast<double>(Clock::monotonic_now() - begin) / 1e3;
}

double core_microseconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Megabytes that the core gets through in a second.
template <class Work>
double rate(std::uint64_t bytes, Work work) {
    const double begin = core_microseconds();
    work();
    return static_cast<double>(bytes) / (core_microseconds() - begin);
}

class Market {
  public:
    /// Fills one page and returns its path.
    std::string write(const std::string& root) {
        Clock clock(Clock::Kind::SIMULATED, time_);
        const auto writer = open_writer(root, clock, kDefaultPageSize);
        std::vector<PageFile> pages;
        for (int i = 0; i % 1000 != 0 || (pages = list_pages(writer->location())).size() < 2; ++i)
            step(*writer);
        return pages.front().path;
    }

  private:
    struct State {
        std::int64_t price;
        std::int64_t bid_size;
        std::int64_t ask_size;
        std::uint64_t update_id;
        std::uint64_t trade_id;
    };

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    std::int64_t size() { return static_cast<std::int64_t>(1 + below(1 + below(1 + below(100'000)))); }

    template <class Event>
    void head(Event& event, std::uint64_t instrument) {
        event.instrument = 0x9e3779b97f4a7c15ULL * (instrument + 1);
        event.time = time_ / 1'000'000 * 1'000'000;
    }

    void append(Writer& writer, std::uint32_t type, const void* payload, std::size_t length) {
        require(writer.append_at(time_, type, 7, 0, kf_cause{0, 0, time_}, payload,
                                 static_cast<std::uint32_t>(length)) == KF_OK,
                writer.error());
    }

    void step(Writer& writer) {
        time_ += static_cast<std::int64_t>(below(10) < 7 ? below(20'000) : below(4'000'000));
        const std::uint64_t instrument = below(1 + below(20));
        State& s = states_[instrument];
        const std::uint64_t kind = below(10);
        s.price += below(4) == 0 ? static_cast<std::int64_t>(below(5)) - 2 : 0;
        s.update_id += 1 + below(30);
        if (kind < 7) {
            (below(2) == 0 ? s.bid_size : s.ask_size) = size();
            Quote quote{};
            head(quote, instrument);
            quote.update_id = s.update_id;
            quote.set_bid_price({s.price, -1});
            quote.set_bid_size({s.bid_size, -3});
            quote.set_ask_price({s.price + 1, -1});
            quote.set_ask_size({s.ask_size, -3});
            append(writer, Quote::kType, &quote, sizeof quote);
        } else if (kind < 9) {
            Trade trade{};
            head(trade, instrument);
            trade.trade_id = ++s.trade_id;
            trade.set_price({s.price + static_cast<std::int64_t>(below(2)), -1});
            trade.set_size({below(5) == 0 ? s.bid_size : size(), -3});
            trade.set_side(below(2) == 0 ? Side::BUY : Side::SELL);
            append(writer, Trade::kType, &trade, sizeof trade);
        } else {
            struct {
                BookDelta delta;
                Level levels[20];
            } book{};
            head(book.delta, instrument);
            book.delta.previous_id = s.update_id - 1;
            book.delta.update_id = s.update_id;
            const std::uint64_t count = 1 + below(20);
            for (std::uint64_t i = 0; i < count; ++i) {
                const bool bid = i < count / 2;
                const auto away = static_cast<std::int64_t>(i * 3 + below(3));
                book.levels[i].set_price({bid ? s.price - away : s.price + 1 + away, -1});
                book.levels[i].set_size({below(3) == 0 ? 0 : size(), -3});
                book.levels[i].set_side(bid ? Side::BUY : Side::SELL);
            }
            append(writer, BookDelta::kType, &book, sizeof(BookDelta) + count * sizeof(Level));
        }
    }

    std::mt19937_64 random_{20240809};
    std::int64_t time_ = 1'723'161'600'000'000'000;
    std::vector<State> states_ = std::vector<State>(20, {600'000, 1, 1, 1'000, 1});
};

/// The blocks as plain zstd frames, as the reference has them.
std::vector<std::string> pack_plainly(const Page& page, const std::vector<BlockEntry>& blocks,
                                      ZSTD_CCtx* context) {
    std::vector<std::string> packed;
    for (const BlockEntry& b : blocks) {
        std::string frame(ZSTD_compressBound(b.end - b.begin), '\0');
        const std::size_t size = ZSTD_compressCCtx(context, frame.data(), frame.size(), page.data() + b.begin,
                                                   b.end - b.begin, kLevel);
        require(!ZSTD_isError(size), "zstd refused a block");
        frame.resize(size);
        packed.push_back(std::move(frame));
    }
    return packed;
}

void measure_compressing(const std::string& path, const Page& page, const std::vector<BlockEntry>& blocks) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    std::string error;
    std::vector<double> ours;
    std::vector<double> plain;
    for (int round = 0; round < kRounds; ++round) {
        plain.push_back(rate(page.size(), [&] { pack_plainly(page, blocks, context); }));
        ours.push_back(rate(
            page.size(), [&] { require(compress_page(path, Transform::COLUMNS, error) == KF_OK, error); }));
    }
    ZSTD_freeCCtx(context);
    const auto size = static_cast<double>(std::filesystem::file_size(compressed_path(path)));
    tell("journal.compress", "MB/s", ours, plain, also("smaller", static_cast<double>(page.size()) / size));
}

/// Opens the compressed page and goes to the event with the sequence.
const kf_frame* seek(const std::string& path, std::uint64_t sequence, char* memory) {
    CompressedPage packed;
    std::string error;
    require(packed.open(path, error) == KF_OK, error);
    const BlockEntry& block = packed.blocks()[packed.find_sequence(sequence)];
    CompressedPage::Range range{};
    require(packed.load(block.begin, memory, range, error) == KF_OK, error);
    for (std::uint64_t offset = range.begin; offset < range.end;) {
        const auto* frame = reinterpret_cast<const kf_frame*>(memory + offset);
        if (frame->sequence == sequence) return frame;
        offset += align8(static_cast<std::uint32_t>(frame->commit));
    }
    return nullptr;
}

void measure_seeking(const std::string& path, const Page& page, const std::vector<BlockEntry>& blocks) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    const std::vector<std::string> plain = pack_plainly(page, blocks, context);
    ZSTD_freeCCtx(context);
    auto* memory = static_cast<char*>(
        mmap(nullptr, page.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    require(memory != MAP_FAILED, "no memory");
    ZSTD_DCtx* reader = ZSTD_createDCtx();
    std::vector<double> seeks;
    std::vector<double> unpacked;
    for (std::uint64_t i = 0; i < kSeeks; ++i) {
        const std::uint64_t event = i * 62'710'561 % page.header().frame_count;  // anywhere, never in a row
        const std::uint64_t sequence = page.header().first_sequence + event;
        const auto holds = [&](const BlockEntry& b) { return sequence < b.first_sequence + b.events; };
        const auto block = std::find_if(blocks.begin(), blocks.end(), holds);
        const std::string& frame = plain[static_cast<std::size_t>(block - blocks.begin())];
        const std::size_t size = block->end - block->begin;
        madvise(memory, page.size(), MADV_DONTNEED);
        unpacked.push_back(microseconds([&] {
            require(
                ZSTD_decompressDCtx(reader, memory + block->begin, size, frame.data(), frame.size()) == size,
                "zstd refused a block");
        }));
        madvise(memory, page.size(), MADV_DONTNEED);
        seeks.push_back(microseconds([&] {
            require(seek(compressed_path(path), sequence, memory) != nullptr, "an event was not found");
        }));
    }
    ZSTD_freeDCtx(reader);
    munmap(memory, page.size());
    tell("journal.compressed_seek", "us", seeks, unpacked);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> beginnings(argv + 1, argv + argc);
    const Folder folder;
    const std::string& root = folder.path();
    const char* given = std::getenv("KUNGFU_BENCH_JOURNAL");
    const std::string path = root + "/MD.1.journal";
    std::filesystem::copy_file(given ? std::string(given) : Market().write(root), path);

    Page page;
    CompressedPage packed;
    std::string error;
    require(page.open(path, 0, false, error) == KF_OK, error);
    require(compress_page(path, Transform::COLUMNS, error) == KF_OK, error);
    require(packed.open(compressed_path(path), error) == KF_OK, error);
    if (is_wanted("journal.compress", beginnings)) measure_compressing(path, page, packed.blocks());
    if (is_wanted("journal.compressed_seek", beginnings)) measure_seeking(path, page, packed.blocks());
    return 0;
}
