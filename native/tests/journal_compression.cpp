// A compressed page gives back its page bit for bit, finds what is looked for, and no damage to it is
// believed.
#include <cstring>
#include <random>

#include "journal/block_columns.hpp"
#include "journal/compression.hpp"
#include "journal/crc32c.hpp"
#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::uint32_t kPluginType = kFirstPluginType;
constexpr std::uint64_t kLargerPage = 1024ULL * 1024;

/// Events of many kinds: numbers and texts, with tails and without, of a type that the core does not know.
class Mixture {
  public:
    explicit Mixture(std::uint64_t seed) : random_(seed) {}

    void append(Writer& writer) {
        time_ += static_cast<std::int64_t>(below(1'000'000));
        const std::uint64_t instrument = 1 + below(5);
        switch (below(6)) {
            case 0: {
                Trade trade{};
                trade.instrument = instrument;
                trade.time = time_ - 1000;
                trade.trade_id = ++trade_id_;
                trade.set_price({60'000 - static_cast<std::int64_t>(below(50)), -2});
                trade.set_size(below(9) == 0 ? Number{0, kNoneExponent}
                                             : Number{static_cast<std::int64_t>(random_() >> 40), -3});
                return put(writer, Trade::kType, bytes(trade));
            }
            case 1: {
                Quote quote{};
                quote.instrument = instrument;
                quote.set_bid_price({-static_cast<std::int64_t>(below(9)), 0});
                quote.set_ask_size({static_cast<std::int64_t>(random_()), 1});
                return put(writer, Quote::kType, bytes(quote));
            }
            case 2: {
                BookDelta delta{};
                delta.instrument = instrument;
                std::string payload = bytes(delta);
                for (std::uint64_t levels = below(30); levels > 0; --levels) {
                    Level level{};
                    level.set_price({static_cast<std::int64_t>(levels), -1});
                    level.set_size({static_cast<std::int64_t>(below(100)), -1});
                    payload += bytes(level);
                }
                return put(writer, BookDelta::kType, payload);
            }
            case 3: return put(writer, Log::kType, std::string(8, '\1') + text(below(300)));
            case 4: return put(writer, kPluginType, text(below(80)));
            default:
                return put(writer, below(2) == 0 ? OrderUpdate::kType : State::kType, text(200 + below(20)));
        }
    }

    std::string text(std::uint64_t size) {
        std::string made(size, ' ');
        for (char& c : made) c = static_cast<char>(below(3) == 0 ? random_() : 'a');
        return made;
    }
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  private:
    template <class Event>
    static std::string bytes(const Event& event) {
        return {reinterpret_cast<const char*>(&event), sizeof event};
    }

    void put(Writer& writer, std::uint32_t type, const std::string& payload) {
        const std::uint64_t journal = below(3) == 0 ? random_() : 0;
        const kf_cause cause{journal, journal >> 9, time_ - static_cast<std::int64_t>(journal % 999)};
        CHECK_EQUAL(writer.append_at(time_, type, 1 + below(3), below(2), cause, payload.data(),
                                     static_cast<std::uint32_t>(payload.size())),
                    KF_OK);
    }

    std::mt19937_64 random_;
    std::int64_t time_ = 1'723'161'600'000'000'000;
    std::uint64_t trade_id_ = 0;
};

std::unique_ptr<Writer> open_mixed_writer(const Folder& folder, Clock& clock, std::uint64_t page_size) {
    WriterOptions o = options(folder.path(), clock, page_size);
    o.types.push_back({kPluginType, 1, "strange", R"({"fields":[],"name":"strange","size":0,"version":1})"});
    return open_writer(o);
}

/// Writes events until a page is sealed, and gives its path.
std::string sealed_page(const Folder& folder, std::uint64_t page_size, std::uint64_t seed) {
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_mixed_writer(folder, clock, page_size);
    Mixture mixture(seed);
    while (list_pages(writer->location()).size() < 2) mixture.append(*writer);
    const Location location = writer->location();
    writer.reset();  // pages are sealed behind the writer's back
    return list_pages(location)[0].path;
}

void compress(const std::string& path, Transform transform) {
    std::string error;
    const std::int32_t status = compress_page(path, transform, error);
    if (status != KF_OK) std::fprintf(stderr, "%s\n", error.c_str());
    CHECK_EQUAL(status, KF_OK);
}

/// All blocks loaded, from the last to the first.
std::string unpacked(const std::string& path) {
    CompressedPage packed;
    std::string error;
    CHECK_EQUAL(packed.open(path, error), KF_OK);
    std::string page(packed.header().page_size, '\0');
    CompressedPage::Range range{};
    for (std::uint64_t left = page.size(); left > 0; left = range.begin) {
        CHECK_EQUAL(packed.load(left - 1, page.data(), range, error), KF_OK);
        CHECK_EQUAL(range.end, left);
    }
    CHECK_EQUAL(packed.load(page.size(), page.data(), range, error), KF_BAD_ARGUMENT);
    return page;
}

void every_page_comes_back_bit_for_bit() {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        for (const Transform transform : {Transform::NONE, Transform::COLUMNS}) {
            Folder folder;
            const std::string path = sealed_page(folder, seed % 2 == 0 ? kMinPageSize : kLargerPage, seed);
            compress(path, transform);
            CHECK(unpacked(compressed_path(path)) == contents(path));
            CHECK(!std::filesystem::exists(compressed_path(path) + ".tmp"));
        }
    }
}

void a_frame_larger_than_a_block_comes_back() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_mixed_writer(folder, clock, kLargerPage);
    Mixture mixture(3);
    const std::string state = mixture.text(3 * kBlockSize + 5);
    while (list_pages(writer->location()).size() < 2) {
        mixture.append(*writer);
        CHECK_EQUAL(writer->append(State::kType, 1, 0, kNoCause, state.data(),
                                   static_cast<std::uint32_t>(state.size())),
                    KF_OK);
    }
    writer->close();
    const std::string path = list_pages(at(folder.path()))[0].path;
    compress(path, Transform::COLUMNS);
    CHECK(unpacked(compressed_path(path)) == contents(path));
}

void equal_pages_give_equal_files() {
    Folder one;
    Folder other;
    const std::string first = sealed_page(one, kLargerPage, 7);
    const std::string second = sealed_page(other, kLargerPage, 7);
    for (const Transform transform : {Transform::NONE, Transform::COLUMNS}) {
        compress(first, transform);
        compress(second, transform);
        CHECK(contents(compressed_path(first)) == contents(compressed_path(second)));
    }
}

void columns_are_smaller_than_rows() {
    Folder folder;
    const std::string path = sealed_page(folder, kLargerPage, 5);
    compress(path, Transform::NONE);
    const auto rows = std::filesystem::file_size(compressed_path(path));
    compress(path, Transform::COLUMNS);
    CHECK(std::filesystem::file_size(compressed_path(path)) < rows);
}

// The block that the index names holds the event; the first block holds none, only what serves the page.
void every_event_is_found_by_time_and_by_sequence() {
    Folder folder;
    const std::string path = sealed_page(folder, kLargerPage, 11);
    compress(path, Transform::COLUMNS);
    CompressedPage packed;
    std::string error;
    CHECK_EQUAL(packed.open(compressed_path(path), error), KF_OK);
    CHECK(packed.blocks().size() > 5);
    CHECK_EQUAL(packed.blocks()[0].events, 0U);
    Page page;
    CHECK_EQUAL(page.open(path, 0, false, error), KF_OK);
    CHECK(std::memcmp(&packed.header(), page.data(), sizeof(PageHeader)) == 0);
    std::int64_t before = page.header().first_time - 1;
    std::uint64_t seen = 0;
    for (std::uint64_t offset = sizeof(PageHeader); offset < page.header().end_offset;) {
        const kf_frame& frame = *page.frame(offset);
        if (!(frame.flags & kTableFlag)) {
            const auto holds = [&](std::size_t block) {
                return packed.blocks()[block].begin <= offset && offset < packed.blocks()[block].end;
            };
            CHECK(holds(packed.find_sequence(frame.sequence)));
            if (frame.gen_time > before) {
                CHECK(holds(packed.find_time(frame.gen_time)));
                CHECK(holds(packed.find_time(before + 1)));
            }
            before = frame.gen_time;
            ++seen;
        }
        offset += align8(static_cast<std::uint32_t>(frame.commit));
    }
    CHECK_EQUAL(seen, page.header().frame_count);
    CHECK_EQUAL(packed.find_sequence(0), 1U);
    CHECK_EQUAL(packed.find_sequence(page.header().last_sequence + 1), packed.blocks().size());
    CHECK_EQUAL(packed.find_time(page.header().last_time + 1), packed.blocks().size());
}

void an_open_page_is_refused() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    const std::string path = list_pages(at(folder.path()))[0].path;
    std::string error;
    CHECK_EQUAL(compress_page(path, Transform::NONE, error), KF_BAD_ARGUMENT);
    CHECK(error.rfind(path + ": only a sealed page", 0) == 0);
    CHECK(!std::filesystem::exists(compressed_path(path)));
}

void a_damaged_page_is_refused() {
    Folder folder;
    const std::string path = sealed_page(folder, kMinPageSize, 13);
    const std::string good = contents(path);
    std::uint64_t offset = sizeof(PageHeader);
    for (int frames = 0; frames < 50; ++frames) {
        std::uint32_t length = 0;
        std::memcpy(&length, good.data() + offset, sizeof length);
        offset += align8(length);
    }
    poke(path, offset + 40, std::string(1, static_cast<char>(good[offset + 40] ^ 1)));
    std::string error;
    CHECK_EQUAL(compress_page(path, Transform::COLUMNS, error), kCorrupt);
    CHECK_EQUAL(error, path + ": offset " + std::to_string(offset) + ": a damaged frame");
    CHECK(!std::filesystem::exists(compressed_path(path)));
    CHECK(!std::filesystem::exists(compressed_path(path) + ".tmp"));
}

/// Reads a file that may be damaged: every block is right, or reported and zeros. Gives how many were
/// reported.
int blocks_reported(const std::string& path, const std::string& page) {
    const auto is_told = [&](const std::string& error) { return error.rfind(path + ": offset ", 0) == 0; };
    CompressedPage packed;
    std::string error;
    const std::int32_t status = packed.open(path, error);
    if (status != KF_OK) {
        CHECK_EQUAL(status, kCorrupt);
        CHECK(is_told(error));
        return 1;
    }
    int reported = 0;
    std::string rows;
    for (std::size_t i = 0; i < packed.blocks().size(); ++i) {
        const BlockEntry& block = packed.blocks()[i];
        rows.assign(block.end - block.begin, '\1');
        const std::int32_t loaded = packed.load_block(i, rows.data(), error);
        if (loaded == KF_OK) {
            CHECK(page.compare(block.begin, rows.size(), rows) == 0);
        } else {
            CHECK_EQUAL(loaded, kCorrupt);
            CHECK(is_told(error));
            CHECK(rows.find_first_not_of('\0') == std::string::npos);
            ++reported;
        }
    }
    return reported;
}

/// A sealed page whose compressed form is small, so that every bit of it can be tried.
std::string simple_page(const Folder& folder) {
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; list_pages(at(folder.path())).size() < 2; ++i)
        CHECK_EQUAL(put(*writer, i), KF_OK);
    return list_pages(at(folder.path()))[0].path;
}

void every_flipped_bit_is_reported_or_harmless() {
    for (const Transform transform : {Transform::NONE, Transform::COLUMNS}) {
        Folder folder;
        const std::string raw = simple_page(folder);
        const std::string page = contents(raw);
        compress(raw, transform);
        const std::string path = compressed_path(raw);
        const std::string good = contents(path);
        std::size_t tried = 0;
        std::size_t reported = 0;
        // Of rows, which only zstd and the checksum guard, one bit of each byte.
        const std::size_t stride = transform == Transform::NONE ? 9 : 1;
        for (std::size_t bit = 0; bit < good.size() * 8; bit += stride, ++tried) {
            poke(path, bit / 8, std::string(1, static_cast<char>(good[bit / 8] ^ (1 << bit % 8))));
            reported += blocks_reported(path, page) > 0 ? 1U : 0U;
            poke(path, bit / 8, good.substr(bit / 8, 1));
        }
        CHECK_EQUAL(blocks_reported(path, page), 0);
        // A bit is harmless where zstd has two ways to say the same, and in the frame of zeros.
        CHECK(reported > tried * 9 / 10);
    }
}

void every_truncation_is_reported() {
    Folder folder;
    const std::string raw = simple_page(folder);
    const std::string page = contents(raw);
    compress(raw, Transform::COLUMNS);
    const std::string path = compressed_path(raw);
    for (std::uint64_t size = std::filesystem::file_size(path); size-- > 0;) {
        std::filesystem::resize_file(path, size);
        CHECK_EQUAL(blocks_reported(path, page), 1);
    }
}

// An index that someone forged, checksum and all, leads nowhere outside the file or the page.
void a_forged_index_does_no_harm() {
    Folder folder;
    const std::string raw = sealed_page(folder, kLargerPage, 17);
    const std::string page = contents(raw);
    compress(raw, Transform::COLUMNS);
    const std::string path = compressed_path(raw);
    const std::string good = contents(path);
    CompressedPage packed;
    std::string error;
    CHECK_EQUAL(packed.open(path, error), KF_OK);
    const std::size_t index_size = packed.blocks().size() * sizeof(BlockEntry);
    const std::size_t index = good.size() - sizeof(CompressedTrailer) - index_size;
    Mixture random(19);
    for (int round = 0; round < 1000; ++round) {
        std::string forged = good.substr(index);
        const std::size_t field = random.below((forged.size() - 4) / 4) * 4;
        const std::uint64_t value = random.below(3) == 0 ? ~0ULL : random.below(1ULL << random.below(33));
        std::memcpy(forged.data() + field, &value, 4);
        const std::uint32_t checksum = crc32c(0, forged.data(), forged.size() - 4);
        std::memcpy(forged.data() + forged.size() - 4, &checksum, 4);
        poke(path, index, forged);
        CompressedPage read;
        const std::int32_t status = read.open(path, error);
        CHECK(status == KF_OK || status == kCorrupt);
        if (status != KF_OK) continue;
        read.find_time(static_cast<std::int64_t>(value));
        read.find_sequence(value);
        std::string memory(read.header().page_size, '\0');
        CompressedPage::Range range{};
        for (std::uint64_t offset = 0; offset < memory.size(); offset += 64 * 1024) {
            if (read.load(offset, memory.data(), range, error) == KF_OK) CHECK(range.end <= memory.size());
        }
    }
}

// Columns come from a file: whatever they say, nothing is written but the block.
void columns_of_any_bytes_stay_in_their_block() {
    Folder folder;
    const std::string page = contents(sealed_page(folder, kMinPageSize, 23));
    PageHeader header{};
    std::memcpy(&header, page.data(), sizeof header);
    const std::size_t size = header.end_offset - sizeof header;
    BlockColumns columns;
    CHECK(columns.encode(page.data() + sizeof header, size));
    const std::vector<unsigned char> good(columns.columns(), columns.columns() + columns.columns_size());
    constexpr std::size_t kGuard = 4096;
    Mixture random(29);
    for (int round = 0; round < 5'000; ++round) {
        std::vector<unsigned char> bad = good;
        for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
            const std::size_t reach = random.below(2) == 0 ? 200 : bad.size();
            bad[random.below(reach)] = static_cast<unsigned char>(random.below(256));
        }
        bad.resize(random.below(4) == 0 ? random.below(bad.size()) : bad.size());
        const std::size_t bad_size = bad.size();
        bad.resize(bad_size + BlockColumns::kSlack, static_cast<unsigned char>(random.below(256)));
        std::string rows(size + 2 * kGuard, '\x5a');
        columns.decode(bad.data(), bad_size, rows.data() + kGuard, size, 1, sizeof header);
        CHECK(rows.find_first_not_of('\x5a') >= kGuard);
        const std::size_t last = rows.find_last_not_of('\x5a');
        CHECK(last == std::string::npos || last < kGuard + size);
    }
}

}  // namespace

int main() {
    every_page_comes_back_bit_for_bit();
    a_frame_larger_than_a_block_comes_back();
    equal_pages_give_equal_files();
    columns_are_smaller_than_rows();
    every_event_is_found_by_time_and_by_sequence();
    an_open_page_is_refused();
    a_damaged_page_is_refused();
    every_flipped_bit_is_reported_or_harmless();
    every_truncation_is_reported();
    a_forged_index_does_no_harm();
    columns_of_any_bytes_stay_in_their_block();
}
