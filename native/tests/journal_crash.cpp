// kill -9 loses nothing: every committed event is there, none is torn, the writer goes on.
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "journal/recovery.hpp"
#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

WriterOptions durable_options(const std::string& root, Clock& clock, Durability durability) {
    WriterOptions o = options(root, clock);
    o.durability = durability;
    o.sync_interval = kMillisecond;
    return o;
}

/// How long a writer lives: from its first instruction on, or once the journal is open.
struct Life {
    std::int64_t length;  ///< ns
    clockid_t
        clock;  ///< On a busy machine a process gets little done in a while, but not in time of its own.
    bool begins_open;
};

/// Lets the kernel kill this process when its life is over, at whatever instruction it then is.
void be_killed_after(Life life) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    timer_t timer{};
    CHECK_EQUAL(timer_create(life.clock, &event, &timer), 0);
    itimerspec once{};
    once.it_value.tv_nsec = std::max<std::int64_t>(life.length, 1);
    CHECK_EQUAL(timer_settime(timer, 0, &once, nullptr), 0);
}

[[noreturn]] void write_until_killed(const std::string& root, Durability durability, Life life,
                                     Ledger& ledger) {
    if (!life.begins_open) be_killed_after(life);
    Clock clock;
    std::unique_ptr<Writer> writer;
    std::string error;
    if (Writer::open(durable_options(root, clock, durability), writer, error) != KF_OK) {
        std::fprintf(stderr, "a writer was refused: %s\n", error.c_str());
        ++ledger.refused;
        _exit(1);
    }
    const std::uint64_t committed = ledger.committed;
    if (writer->last_sequence() < committed) ledger.lost += committed - writer->last_sequence();
    if (life.begins_open) be_killed_after(life);
    for (;;) {
        if (const std::int32_t status = append_next(*writer); status != KF_OK) {
            std::fprintf(stderr, "an append failed with %d: %s\n", status, writer->error().c_str());
            ++ledger.refused;
            _exit(1);
        }
        ledger.committed = writer->last_sequence();
    }
}

/// Reads on and on, until the last event has come or nothing comes for long.
[[noreturn]] void read_until_over(const std::string& root, bool verify, Ledger& ledger) {
    JournalReader reader(at(root), core_types(), verify);
    std::uint64_t seen = 0;
    std::int64_t over_since = 0;
    for (;;) {
        read_on(reader, seen, ledger);
        if (reader.status() != KF_OK) _exit(1);
        if (ledger.over) {
            if (seen == ledger.committed) _exit(0);
            if (over_since == 0) over_since = Clock::monotonic_now();
            if (Clock::monotonic_now() - over_since > 20'000 * kMillisecond) {
                std::fprintf(stderr, "a lasting reader stands at event %lu of %lu, offset %lu of %s\n", seen,
                             ledger.committed.load(), reader.offset(), reader.page().path().c_str());
                ++ledger.lost;
                _exit(1);
            }
        }
        sched_yield();
    }
}

/// What a newcomer reads is all there, but for what waits for the disk.
void check_as_newcomer(const std::string& root, std::uint64_t from, bool all, Ledger& ledger) {
    JournalReader reader(at(root), core_types(), true);
    std::uint64_t seen = from;
    if (from > 0) CHECK_EQUAL(reader.seek_sequence(from + 1), KF_OK);
    read_on(reader, seen, ledger);
    const std::uint64_t committed = ledger.committed;
    if (all && seen < committed) ledger.lost += committed - seen;
    if (seen > committed + 1) ++ledger.torn;
}

/// The journal is written by one process after the other, each killed, and read by others all the time.
std::uint64_t kill_writers(const std::vector<Durability>& each, int kills, std::mt19937_64& random,
                           Ledger& totals, std::uint64_t& pages) {
    Folder folder;
    const std::string& root = folder.path();
    Ledger& ledger = *shared_ledger();
    std::vector<pid_t> readers;
    for (const bool verify : {false, true}) {
        readers.push_back(fork());
        CHECK(readers.back() >= 0);
        if (readers.back() == 0) read_until_over(root, verify, ledger);
    }
    std::uint64_t killed = 0;
    for (int i = 0; i < kills && ledger.violations() == 0; ++i) {
        const Durability durability = each[static_cast<std::size_t>(i) % each.size()];
        // Some end while the journal is opened and mended, most while pages roll over and are sealed.
        const std::int64_t most = std::array{2, 8, 25}[random() % 3] * kMillisecond;
        const Life life{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most)),
                        random() % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, random() % 3 != 0};
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) write_until_killed(root, durability, life, ledger);
        int status = 0;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ++killed;
        const std::uint64_t recent = ledger.committed > 500 ? ledger.committed - 500 : 0;
        check_as_newcomer(root, recent, durability == Durability::NONE && each.size() == 1, ledger);
    }
    Clock clock;
    std::unique_ptr<Writer> writer;
    std::string error;
    if (Writer::open(durable_options(root, clock, each[0]), writer, error) != KF_OK) {
        std::fprintf(stderr, "the last writer was refused: %s\n", error.c_str());
        ++ledger.refused;
    } else {
        const std::uint64_t committed = ledger.committed;
        if (writer->last_sequence() < committed) ledger.lost += committed - writer->last_sequence();
        ledger.committed = writer->last_sequence();
        writer->close();
        check_as_newcomer(root, 0, true, ledger);
    }
    ledger.over = true;
    for (const pid_t reader : readers) {
        if (ledger.violations() != 0) kill(reader, SIGKILL);
        CHECK_EQUAL(waitpid(reader, nullptr, 0), reader);
    }
    pages += list_pages(at(root)).size();
    totals.lost += ledger.lost;
    totals.torn += ledger.torn;
    totals.gaps += ledger.gaps;
    totals.refused += ledger.refused;
    totals.read += ledger.read;
    return killed;
}

bool killed_writers_lose_nothing(int kills, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Ledger totals;
    std::uint64_t killed = 0;
    std::uint64_t pages = 0;
    const std::vector<std::vector<Durability>> ways = {
        {Durability::NONE},
        {Durability::INTERVAL},
        {Durability::COMMIT},
        {Durability::NONE, Durability::COMMIT, Durability::INTERVAL},
    };
    for (std::size_t i = 0; i < ways.size(); ++i) {
        const int part =
            kills / static_cast<int>(ways.size()) + (i == 0 ? kills % static_cast<int>(ways.size()) : 0);
        killed += kill_writers(ways[i], part, random, totals, pages);
    }
    std::printf("kills %lu\npages %lu\n", killed, pages);
    totals.print();
    return totals.violations() == 0;
}

// Each state in which a roll-over can be cut off is mended at the next open.
void a_cut_off_roll_over_is_completed() {
    Clock clock(Clock::Kind::SIMULATED, 1);
    for (const bool sealed : {false, true}) {
        Folder folder;
        auto writer = open_writer(options(folder.path(), clock));
        std::uint64_t n = 0;
        while (list_pages(at(folder.path())).size() < 2) CHECK_EQUAL(put(*writer, ++n), KF_OK);
        const Location location = writer->location();
        writer.reset();
        const auto pages = list_pages(location);
        const std::string whole = contents(pages[0].path);
        // The second page as it was made ahead: its magic comes last.
        poke(pages[1].path, 0, std::string(sizeof PageHeader::magic, '\0'));
        poke(pages[1].path, offsetof(PageHeader, written_position), std::string(8, '\0'));
        std::filesystem::remove(index_path(pages[0].path));
        const std::size_t seal = offsetof(PageHeader, sealed);
        if (!sealed) poke(pages[0].path, seal, std::string(sizeof(PageHeader) - seal, '\0'));
        writer = open_writer(options(folder.path(), clock));
        CHECK_EQUAL(list_pages(location).size(), 1U);
        CHECK_EQUAL(writer->last_sequence(), n - 1);
        CHECK(!std::filesystem::exists(pages[1].path));
        CHECK(contents(pages[0].path) == whole);
        CHECK_EQUAL(put(*writer, n), KF_OK);
        JournalReader reader(location, core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), n);
    }
}

// A page that lost its magic after it was written is not thrown away as one that was never begun.
void a_wiped_magic_is_damage() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    writer.reset();
    const std::string path = list_pages(at(folder.path()))[0].path;
    for (const std::size_t length : {sizeof PageHeader::magic, sizeof(PageHeader)}) {
        poke(path, 0, std::string(length, '\0'));
        std::string error;
        CHECK_EQUAL(Writer::open(options(folder.path(), clock), writer, error), kCorrupt);
        CHECK_EQUAL(error, path + ": offset 0: not a journal page");
        JournalReader reader(at(folder.path()));
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.status(), kCorrupt);
    }
}

// What a torn frame left behind the last good one is wiped before the next is written.
void a_torn_frame_is_wiped() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    writer.reset();
    const std::string path = list_pages(at(folder.path()))[0].path;
    const std::string before = contents(path);
    std::size_t end = before.size();
    while (before[end - 1] == '\0') --end;
    end = align8(end);
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(reader).size(), 3U);
    // A commit word that fits nothing, as after a power cut; and a payload without its commit word.
    for (const std::string& torn :
         {std::string("\x60\0\0\0garbage and more garbage", 28), std::string(8, '\0') + "payload"}) {
        poke(path, reader.offset() == 0 ? end : reader.offset(), torn);
        open_writer(options(folder.path(), clock)).reset();
        CHECK(contents(path) == before);
    }
    writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 4), KF_OK);
    CHECK_EQUAL(trade_ids(reader).at(0), 4U);
}

}  // namespace

int main(int argc, char** argv) {
    const int kills = argc > 1 ? std::atoi(argv[1]) : 40;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20260101;
    if (!killed_writers_lose_nothing(kills, seed)) return 1;
    if (argc > 1) return 0;
    a_cut_off_roll_over_is_completed();
    a_wiped_magic_is_damage();
    a_torn_frame_is_wiped();
}
