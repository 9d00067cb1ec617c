// A journal has one writer, in its process and among all; a crash gives it up, a fork does not get it.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

#ifdef __SANITIZE_THREAD__
constexpr std::uint64_t kOfAChild = 3;  // so few need no helper: TSan bears no new threads after a fork
#else
constexpr std::uint64_t kOfAChild = 600;  // over several pages
#endif

/// What a forked child's body returns.
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(body());
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int try_open(const std::string& root) {
    Clock clock;
    std::unique_ptr<Writer> writer;
    std::string error;
    return Writer::open(options(root, clock), writer, error);
}

void a_second_writer_is_refused_until_the_first_closes() {
    Folder folder;
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    std::unique_ptr<Writer> second;
    std::string error;
    CHECK_EQUAL(Writer::open(options(folder.path(), clock), second, error), kLocked);
    CHECK(error.find("another writer of this process") != std::string::npos);
    CHECK_EQUAL(Writer::open(options(folder.path() + "/.", clock), second, error), kLocked);
    CHECK_EQUAL(in_child([&] { return try_open(folder.path()); }), kLocked);
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    writer->close();
    CHECK_EQUAL(in_child([&] { return try_open(folder.path()); }), KF_OK);
    CHECK_EQUAL(try_open(folder.path()), KF_OK);
}

void a_fork_cannot_append_to_its_parents_journal() {
    Folder folder;
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    CHECK_EQUAL(in_child([&] {
                    const int status = put(*writer, 2);
                    writer.reset();
                    return status;
                }),
                KF_CLOSED);
    CHECK_EQUAL(put(*writer, 2), KF_OK);
    CHECK_EQUAL(in_child([&] { return try_open(folder.path()); }), kLocked);
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(reader).size(), 2U);
}

// The dead writer's child, which lives on, does not keep the lock.
void a_killed_writer_gives_the_lock_up() {
    Folder folder;
    int opened[2];
    int orphan_ends[2];
    CHECK_EQUAL(pipe(opened), 0);
    CHECK_EQUAL(pipe(orphan_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        Clock clock;
        auto writer = open_writer(options(folder.path(), clock));
        char byte = 0;
        if (fork() == 0) {
            close(orphan_ends[1]);
            (void)!write(opened[1], "x", 1);
            (void)!read(orphan_ends[0], &byte, 1);
            _exit(0);
        }
        for (;;) pause();
    }
    char byte = 0;
    CHECK_EQUAL(read(opened[0], &byte, 1), 1);
    CHECK_EQUAL(try_open(folder.path()), kLocked);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(child, nullptr, 0), child);
    CHECK_EQUAL(try_open(folder.path()), KF_OK);
    close(orphan_ends[1]);
}

/// Writes a journal of a child's own, and ends as a program does.
[[noreturn]] void live_on_as_a_child(std::unique_ptr<Writer> inherited, const std::string& root) {
    alarm(60);  // a child that hangs is killed, and so found
    CHECK_EQUAL(put(*inherited, 1), KF_CLOSED);
    CHECK_EQUAL(inherited->wait_until_durable(), KF_CLOSED);
    CHECK_EQUAL(inherited->define_name(1, 2, "x"), KF_CLOSED);
    if (getpid() % 2 == 0) inherited->close();
    Clock clock;
    auto own = open_writer(options(root, clock, kMinPageSize, "child" + std::to_string(getpid())));
    for (std::uint64_t i = 1; i <= kOfAChild; ++i) CHECK_EQUAL(put(*own, i), KF_OK);
    own->close();
    inherited.reset();
    std::exit(0);
}

// A fork in a process whose writer and helper are at work: the child writes journals of its own and ends, and
// the parent's goes on.
[[maybe_unused]] void a_fork_lives_beside_its_parents_writer() {
    Folder folder;
    Clock clock;
    for (const Durability durability : {Durability::NONE, Durability::INTERVAL, Durability::COMMIT}) {
        const std::string source = "parent" + std::to_string(static_cast<int>(durability));
        WriterOptions o = options(folder.path(), clock, kMinPageSize, source);
        o.durability = durability;
        o.sync_interval = 100'000;
        auto writer = open_writer(o);
        // Other threads map files and ask for locks all the time, so that a fork comes while they are at it.
        std::atomic<bool> over{false};
        std::thread maps([&] {
            const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
            std::vector<Mapping> many(2000);  // the more there are, the longer one more takes
            for (Mapping& mapping : many) CHECK(mapping.map_file(fd, 4096, false));
            for (Mapping one; !over; one.reset()) CHECK(one.map_file(fd, 4096, false));
            close(fd);
        });
        std::thread asks([&] {
            WriterLock lock;
            std::string error;
            while (!over) {
                CHECK_EQUAL(lock.acquire(folder.path() + "/." + source + ".other", error), KF_OK);
                lock.release();
            }
        });
        std::uint64_t n = 0;
        for (int forks = 0; forks < 12; ++forks) {
            for (int i = 0; i < 150; ++i) CHECK_EQUAL(put(*writer, ++n), KF_OK);
            const pid_t child = fork();
            CHECK(child >= 0);
            if (child == 0) live_on_as_a_child(std::move(writer), folder.path());
            for (int i = 0; i < 150; ++i) CHECK_EQUAL(put(*writer, ++n), KF_OK);
            int status = 0;
            CHECK_EQUAL(waitpid(child, &status, 0), child);
            CHECK_EQUAL(status, 0);  // 14 is one that hung
        }
        over = true;
        maps.join();
        asks.join();
        if (durability != Durability::NONE) CHECK_EQUAL(writer->wait_until_durable(), KF_OK);
        writer.reset();
        JournalReader reader(at(folder.path(), source), core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), n);
        CHECK_EQUAL(reader.status(), KF_OK);
    }
}

// Of many that open a journal at once, in threads or processes, one gets it and the others are told who has
// it.
void of_many_writers_at_once_one_is_let_in() {
    Folder folder;
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> in{0};
        std::atomic<int> ready{0};
        std::atomic<int> done{0};
        std::vector<std::thread> threads;
        constexpr int kMany = 6;
        for (int i = 0; i < kMany; ++i) {
            threads.emplace_back([&] {
                Clock clock;
                std::unique_ptr<Writer> writer;
                std::string error;
                for (++ready; ready < kMany;) std::this_thread::yield();
                const std::int32_t status = Writer::open(options(folder.path(), clock), writer, error);
                if (status == KF_OK) {
                    ++in;
                    CHECK_EQUAL(put(*writer, 1), KF_OK);
                } else {
                    CHECK_EQUAL(status, kLocked);
                    CHECK(error.find("has the journal open") != std::string::npos);
                }
                for (++done; done < kMany;) std::this_thread::yield();  // nobody closes before all have tried
            });
        }
        for (auto& thread : threads) thread.join();
        CHECK_EQUAL(in.load(), 1);
    }
    Clock clock;
    CHECK_EQUAL(open_writer(options(folder.path(), clock))->last_sequence(), 20U);

    int tried[2];
    int go[2];
    CHECK_EQUAL(pipe(tried), 0);
    CHECK_EQUAL(pipe(go), 0);
    constexpr int kProcesses = 4;
    for (int i = 0; i < kProcesses; ++i) {
        if (fork() != 0) continue;
        close(go[1]);
        char byte = 0;
        std::unique_ptr<Writer> writer;
        std::string error;
        const char status = static_cast<char>(Writer::open(options(folder.path(), clock), writer, error));
        (void)!write(tried[1], &status, 1);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    int let_in = 0;
    for (int i = 0; i < kProcesses; ++i) {
        char status = 0;
        CHECK_EQUAL(read(tried[0], &status, 1), 1);
        CHECK(status == KF_OK || status == kLocked);
        let_in += status == KF_OK;
    }
    CHECK_EQUAL(let_in, 1);
    close(go[1]);
    while (wait(nullptr) > 0) {
    }
}

}  // namespace

int main() {
    a_second_writer_is_refused_until_the_first_closes();
    a_fork_cannot_append_to_its_parents_journal();
    a_killed_writer_gives_the_lock_up();
#ifndef __SANITIZE_ADDRESS__  // its allocator stays locked in a child if another thread was at it
    a_fork_lives_beside_its_parents_writer();
#endif
    of_many_writers_at_once_one_is_let_in();
}
