// Readers that are many, slow, early, or not allowed to write.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

/// Deletes the oldest pages but the last three; none that a reader is in, as pruning does, or all of them, as
/// somebody at a shell might.
std::uint64_t prune(const std::string& root, bool politely) {
    std::vector<PageFile> pages = list_pages(at(root));
    std::uint64_t pruned = 0;
    for (std::size_t i = 0; i + 3 < pages.size(); ++i) {
        const int fd = open(pages[i].path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        const bool alone = !politely || flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (alone) {
            CHECK_EQUAL(unlink(pages[i].path.c_str()), 0);
            unlink(index_path(pages[i].path).c_str());
            ++pruned;
        }
        close(fd);
        if (!alone) break;
    }
    return pruned;
}

struct Totals {
    std::uint64_t events = 0;
    std::atomic<std::uint64_t> pruned_pages{0};
    std::atomic<std::uint64_t> skips{0};  ///< How often a reader was told that pages are gone.
};

/// Reads with pauses; where pages are gone it is told so, seeks, and goes on with what is there.
void read_slowly(const std::string& root, std::uint64_t seed, const std::atomic<bool>& written,
                 Ledger& ledger, Totals& totals) {
    std::mt19937_64 random(seed);
    JournalReader reader(at(root), core_types(), true);
    std::uint64_t seen = 0;
    bool may_skip = true;  // before the first event
    for (;;) {
        const bool last_look = written;
        while (const kf_frame* frame = reader.peek()) {
            if (frame->sequence <= seen || (frame->sequence != seen + 1 && !may_skip)) ++ledger.gaps;
            if (!is_whole(reader, frame)) ++ledger.torn;
            seen = frame->sequence;
            may_skip = false;
            ++ledger.read;
            reader.advance();
            if (random() % 300 == 0) std::this_thread::yield();
        }
        if (reader.status() == kPruned) {
            ++totals.skips;
            if (reader.seek_sequence(seen + 1) != KF_OK) ++ledger.refused;
            may_skip = true;
        } else if (reader.status() != KF_OK) {
            std::fprintf(stderr, "a slow reader stopped: %s\n", reader.error().c_str());
            ++ledger.refused;
            return;
        } else if (last_look && seen == ledger.committed) {
            return;
        }
        std::this_thread::yield();
    }
}

void readers_slower_than_retention_are_told(std::uint64_t events, std::uint64_t seed, Ledger& ledger,
                                            Totals& totals) {
    Folder folder;
    std::atomic<bool> written{false};
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] { read_slowly(folder.path(), seed + i, written, ledger, totals); });
    }
    std::thread pruner([&] {
        std::mt19937_64 random(seed);
        while (!written) {
            totals.pruned_pages += prune(folder.path(), random() % 20 != 0);
            std::this_thread::yield();
        }
    });
    std::mt19937_64 random(seed);
    while (writer->last_sequence() < events) {
        CHECK_EQUAL(append_next(*writer), KF_OK);
        if (random() % 2000 == 0) {  // its page made ahead goes, too
            writer->close();
            writer = open_writer(options(folder.path(), clock));
        }
    }
    ledger.committed = writer->last_sequence();
    written = true;
    pruner.join();
    for (auto& thread : threads) thread.join();
    totals.events += events;
}

// One that was not there while three pages went is told at its next look, and may go on.
void a_reader_left_behind_is_told_and_goes_on() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    const auto write_pages = [&](std::size_t pages) {
        while (list_pages(at(folder.path())).size() < pages) CHECK_EQUAL(append_next(*writer), KF_OK);
    };
    write_pages(2);
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK(reader.peek() != nullptr);
    const std::string first = reader.page().path();
    write_pages(6);
    CHECK_EQUAL(prune(folder.path(), true),
                0U);  // the reader is in the first page, and pruning goes in order
    CHECK_EQUAL(reader.seek_end(), KF_OK);
    const std::uint64_t there = reader.last_sequence();
    while (reader.peek() == nullptr) CHECK_EQUAL(append_next(*writer), KF_OK);
    reader.advance();
    CHECK_EQUAL(reader.last_sequence(), there + 1);
    const auto pages = list_pages(at(folder.path()));
    const std::string mine = reader.page().path();
    while (list_pages(at(folder.path())).back().page < pages.back().page + 5) {
        CHECK_EQUAL(append_next(*writer), KF_OK);
    }
    for (const PageFile& page : list_pages(at(folder.path()))) {
        if (page.path > mine && page.page <= pages.back().page + 3) std::filesystem::remove(page.path);
    }
    while (reader.status() == KF_OK) {
        if (reader.peek() != nullptr) reader.advance();
    }
    CHECK_EQUAL(reader.status(), kPruned);
    CHECK(reader.error().rfind(mine + ": offset ", 0) == 0);
    CHECK_EQUAL(reader.seek_sequence(reader.last_sequence() + 1), KF_OK);
    CHECK(reader.peek() != nullptr);
    CHECK(reader.peek()->sequence > there);
    CHECK(is_whole(reader, reader.peek()));
}

std::int64_t thread_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// Reads as many journals joined; gives the time of this thread for each event.
double cost_joined(const std::string& root, std::size_t journals, std::uint64_t events_each) {
    double least = 1e18;
    for (int round = 0; round < 5; ++round) {
        Reader reader;
        for (std::size_t i = 0; i < journals; ++i) {
            CHECK_EQUAL(reader.join(at(root, "venue" + std::to_string(i))), KF_OK);
        }
        kf_event event{};
        (void)reader.peek_time();  // opens the pages
        const std::int64_t begun = thread_time();
        std::uint64_t n = 0;
        std::int64_t last = 0;
        while (reader.next(event)) {
            CHECK(event.frame->gen_time >= last);
            last = event.frame->gen_time;
            ++n;
        }
        least = std::min(least, static_cast<double>(thread_time() - begun) / static_cast<double>(n));
        CHECK_EQUAL(reader.status(), KF_OK);
        CHECK_EQUAL(n, journals * events_each);
    }
    return least;
}

// Hundreds of journals are joined at once; an event costs as much more as their logarithm grows, not their
// number.
void hundreds_of_journals_are_joined() {
    constexpr std::size_t kJournals = 384;
    constexpr std::uint64_t kEach = 150;
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 0);
    for (std::size_t i = 0; i < kJournals; ++i) {
        auto writer = open_writer(options(folder.path(), clock, kMinPageSize, "venue" + std::to_string(i)));
        for (std::uint64_t n = 0; n < kEach; ++n) {
            CHECK_EQUAL(put_at(*writer, static_cast<std::int64_t>(n * kJournals + i), n), KF_OK);
        }
    }
    const double few = cost_joined(folder.path(), 4, kEach);
    const double many = cost_joined(folder.path(), kJournals, kEach);
    std::fprintf(stderr, "an event of 4 journals %.0f ns, of %zu %.0f ns\n", few, kJournals, many);
    CHECK(many < 24 * few);  // a scan over all of them would cost 96 times as much
}

// Without the right to write, a folder reads as well as with it, and a writer is refused by name.
void a_read_only_folder_reads() {
    Folder folder;
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 1500; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    writer.reset();
    const std::string first = list_pages(at(folder.path()))[0].path;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
        if (entry.is_directory()) std::filesystem::permissions(entry.path(), std::filesystem::perms(0555));
    }
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (getuid() == 0) CHECK_EQUAL(setuid(65534), 0);  // root may write anywhere
        JournalReader reader(at(folder.path()), core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), 1500U);
        CHECK_EQUAL(reader.status(), KF_OK);
        CHECK_EQUAL(reader.seek_sequence(700), KF_OK);
        CHECK_EQUAL(trade_id(reader.peek()), 700U);
        std::string error;
        CHECK_EQUAL(Writer::open(options(folder.path(), clock), writer, error), KF_IO_ERROR);
        CHECK(error.rfind(folder.path() + "/", 0) == 0 &&
              error.find("Permission denied") != std::string::npos);
        std::fflush(nullptr);
        _exit(0);
    }
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
        if (entry.is_directory()) std::filesystem::permissions(entry.path(), std::filesystem::perms(0755));
    }
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 8000;
    Ledger& ledger = *shared_ledger();
    Totals totals;
    readers_slower_than_retention_are_told(events, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1, ledger,
                                           totals);
    a_reader_left_behind_is_told_and_goes_on();
    hundreds_of_journals_are_joined();
    a_read_only_folder_reads();
    std::printf("events %lu\npruned_pages %lu\nskips %lu\n", totals.events, totals.pruned_pages.load(),
                totals.skips.load());
    ledger.print();
    return ledger.violations() == 0 ? 0 : 1;
}
