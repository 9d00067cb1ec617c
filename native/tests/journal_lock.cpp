// A journal has one writer, in its process and among all; a crash gives it up, a fork does not get it.
#include <signal.h>
#include <sys/wait.h>

#include <functional>

#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

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

}  // namespace

int main() {
    a_second_writer_is_refused_until_the_first_closes();
    a_fork_cannot_append_to_its_parents_journal();
    a_killed_writer_gives_the_lock_up();
}
