// What broke journals of the kind that users come from does not break these.
//
// Each function is named after one fault of the original; where another program tests it further, it says so.
#include <array>
#include <cstring>
#include <set>

#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;

// There, ids were made of a 16-bit place in a page and came again behind 65,536 frames.
void no_id_comes_twice_in_a_page() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock, 32ULL * 1024 * 1024));
    constexpr std::uint64_t kEvents = 150'000;
    for (std::uint64_t i = 1; i <= kEvents; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    CHECK_EQUAL(list_pages(at(folder.path())).size(), 1U);
    JournalReader reader(at(folder.path()), core_types(), true);
    std::uint64_t last = 0;
    for (; reader.peek() != nullptr; reader.advance()) {
        CHECK_EQUAL(reader.peek()->sequence, last + 1);
        CHECK_EQUAL(trade_id(reader.peek()), ++last);
    }
    CHECK_EQUAL(last, kEvents);
}

// There, a writer found its place by time, and wrote over all that was newer than its clock.
void a_clock_set_back_overwrites_nothing() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 10 * kHour);
    auto writer = open_writer(options(folder.path(), clock));
    std::uint64_t n = 0;
    const auto write = [&](int events) {
        for (int i = 0; i < events; ++i) CHECK_EQUAL(put(*writer, ++n), KF_OK);
    };
    write(100);
    clock.set(12 * kHour);
    write(700);  // into further pages
    writer.reset();
    Clock behind(Clock::Kind::SIMULATED, kHour);  // set back between two runs
    writer = open_writer(options(folder.path(), behind));
    CHECK_EQUAL(writer->last_sequence(), n);
    write(100);
    behind.set(20 * kHour);
    write(100);
    // And during one, by what an import gives as times.
    for (const std::int64_t time : {std::int64_t{1}, 5 * kHour, std::int64_t{-7}, 30 * kHour, 2 * kHour}) {
        for (int i = 0; i < 200; ++i) CHECK_EQUAL(put_at(*writer, time, ++n), KF_OK);
    }
    writer.reset();
    JournalReader reader(at(folder.path()), core_types(), true);
    std::int64_t time = 0;
    std::uint64_t seen = 0;
    for (; reader.peek() != nullptr; reader.advance()) {
        CHECK_EQUAL(trade_id(reader.peek()), ++seen);
        CHECK(reader.peek()->gen_time >= time);
        time = reader.peek()->gen_time;
    }
    CHECK_EQUAL(seen, n);
    CHECK_EQUAL(time, 30 * kHour);
    CHECK_EQUAL(reader.seek_time(12 * kHour), KF_OK);
    CHECK_EQUAL(trade_id(reader.peek()), 101U);
}

// There, a process started twice lost half of what both wrote. See journal_lock for threads, forks and kills.
void a_second_writer_is_not_silent() {
    Folder folder;
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 100; ++i) {
        CHECK_EQUAL(put(*writer, i), KF_OK);
        std::unique_ptr<Writer> second;
        std::string error;
        CHECK_EQUAL(Writer::open(options(folder.path(), clock), second, error), kLocked);
        CHECK(!error.empty());
    }
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(reader).size(), 100U);
}

// There, a reader that came first made an empty file, and died of SIGBUS.
void an_early_reader_makes_nothing_and_lives() {
    Folder folder;
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK(reader.peek() == nullptr);
    CHECK(std::filesystem::is_empty(folder.path()));
    // An empty file under a page's name, as the original's reader left one.
    std::filesystem::create_directories(folder.path() + "/2024-08-08/venue");
    const std::string path = folder.path() + "/2024-08-08/venue/MD.1.journal";
    std::ofstream(path).flush();
    JournalReader other(at(folder.path()), core_types(), true);
    CHECK(other.peek() == nullptr);
    CHECK_EQUAL(other.status(), kCorrupt);
    CHECK(other.error().rfind(path + ": offset 0: ", 0) == 0);
}

// There, a length of zero hid all frames behind it, and the next writer wrote over them.
void a_zeroed_length_hides_nothing() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 100; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    writer->close();
    JournalReader reader(at(folder.path()));
    CHECK_EQUAL(reader.seek_sequence(50), KF_OK);
    CHECK(reader.peek() != nullptr);
    const std::string path = reader.page().path();
    const std::string named = path + ": offset " + std::to_string(reader.offset()) + ": ";
    poke(path, reader.offset(), std::string(8, '\0'));
    JournalReader again(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(again).size(), 49U);
    CHECK_EQUAL(again.look_for_damage(), kCorrupt);
    CHECK(again.error().rfind(named, 0) == 0);
    const std::string damaged = contents(path);
    std::string error;
    CHECK_EQUAL(Writer::open(options(folder.path(), clock), writer, error), kCorrupt);
    CHECK(error.rfind(named, 0) == 0);
    CHECK(contents(path) == damaged);
}

// There, nothing told a flipped bit. See journal_damage for every bit of a frame.
void a_flipped_bit_is_told() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(reader.seek_sequence(2), KF_OK);
    CHECK(reader.peek() != nullptr);
    const std::string path = reader.page().path();
    const std::uint64_t place = reader.offset() + sizeof(kf_frame) + 5;
    poke(path, place, std::string(1, static_cast<char>(contents(path)[place] ^ 1)));
    JournalReader again(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(again).size(), 1U);
    CHECK_EQUAL(again.status(), kCorrupt);
}

// There, frames lay where the payloads before them ended, so that a length could be half written when it was
// read.
void every_commit_word_is_aligned() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint32_t length = 1; length < 400; ++length) {
        const std::string payload(sizeof(Log) + length, 'x');
        CHECK_EQUAL(writer->append(Log::kType, 0, 0, kNoCause, payload.data(),
                                   static_cast<std::uint32_t>(payload.size())),
                    KF_OK);
    }
    JournalReader reader(at(folder.path()), core_types(), true);
    std::uint32_t length = 0;
    for (; reader.peek() != nullptr; reader.advance()) {
        CHECK_EQUAL(reader.offset() % 8, 0U);
        CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(reader.peek()) % alignof(std::uint64_t), 0U);
        CHECK_EQUAL(reader.length(), sizeof(kf_frame) + sizeof(Log) + ++length);
    }
    CHECK_EQUAL(length, 399U);
}

// There, files said nothing of their format. Other versions, older and newer, are refused by name.
void other_formats_are_refused_by_name() {
    for (const std::uint32_t version : {0U, 1U, kFormatVersion + 1, 0xffffffffU}) {
        Folder folder;
        Clock clock(Clock::Kind::SIMULATED, 1);
        auto writer = open_writer(options(folder.path(), clock));
        CHECK_EQUAL(put(*writer, 1), KF_OK);
        writer.reset();
        const std::string path = list_pages(at(folder.path()))[0].path;
        std::string bytes(sizeof version, '\0');
        std::memcpy(bytes.data(), &version, sizeof version);
        poke(path, 8, bytes);
        const std::string expected = path + ": offset 8: format version " + std::to_string(version) +
                                     ", this program reads version " + std::to_string(kFormatVersion);
        JournalReader reader(at(folder.path()));
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.error(), expected);
        const std::string before = contents(path);
        std::string error;
        CHECK_EQUAL(Writer::open(options(folder.path(), clock), writer, error), kCorrupt);
        CHECK_EQUAL(error, expected);
        CHECK(contents(path) == before);
    }
}

// There, an event cost as many steps as journals were joined. The tree of matches is as high as their
// logarithm; see journal_readers for hundreds of them.
void joined_journals_meet_in_a_tree() {
    for (const std::size_t players : {1U, 2U, 3U, 32U, 33U, 300U}) {
        Tournament tournament;
        std::multiset<std::pair<std::int64_t, std::size_t>> expected;
        std::vector<std::int64_t> times(players);
        for (std::size_t i = 0; i < players; ++i) {
            tournament.add();
            times[i] = static_cast<std::int64_t>(i * 7919 % 101);
            tournament.set(i, times[i]);
            expected.insert({times[i], i});
        }
        for (int n = 0; n < 2000; ++n) {
            const auto [time, player] = *expected.begin();
            CHECK_EQUAL(tournament.earliest_time(), time);
            CHECK_EQUAL(tournament.earliest(), player);
            expected.erase(expected.begin());
            times[player] += static_cast<std::int64_t>(n * 31 % 17);
            tournament.set(player, times[player]);
            expected.insert({times[player], player});
        }
    }
}

}  // namespace

int main() {
    no_id_comes_twice_in_a_page();
    a_clock_set_back_overwrites_nothing();
    a_second_writer_is_not_silent();
    an_early_reader_makes_nothing_and_lives();
    a_zeroed_length_hides_nothing();
    a_flipped_bit_is_told();
    every_commit_word_is_aligned();
    other_formats_are_refused_by_name();
    joined_journals_meet_in_a_tree();
}
