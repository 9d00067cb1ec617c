// Who sleeps until something is written is woken, and who writes pays only while somebody sleeps.
#include "journal/doorbell.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <new>
#include <thread>

#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kBit = 1;

/// What two processes of a test share, instead of journals.
struct Shared {
    alignas(64) std::atomic<std::uint64_t> question{0};
    alignas(64) std::atomic<std::uint64_t> answer{0};
    alignas(64) std::atomic<bool> asleep{false};
};

Shared& make_shared() {
    void* place = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED);
    return *new (place) Shared;
}

template <class Work>
pid_t in_child(Work work) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    return child;
}

int status_of(pid_t child) {
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

/// Sleeps until `ready()`; no sleep may last as long as nothing but a lost wake-up can explain.
template <class Ready>
void sleep_until(Doorbell& bell, std::uint32_t bits, Ready ready) {
    while (!ready()) {
        const std::vector<Doorbell::Ticket> tickets{bell.announce(bits)};
        CHECK(Doorbell::fence_writers());
        if (ready()) return;
        CHECK(Doorbell::sleep(tickets, Clock::monotonic_now() + 20 * kSecond) != Doorbell::Woken::TIME);
    }
}

void no_wake_up_is_lost() {
    constexpr std::uint64_t kPairs = 100'000;
    Folder folder;
    Shared& shared = make_shared();
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    CHECK(bell);
    const pid_t child = in_child([&] {
        Doorbell own = Doorbell::for_sleeper(folder.path());
        CHECK(own);
        for (std::uint64_t i = 1; i <= kPairs; ++i) {
            sleep_until(own, kBit, [&] { return shared.question.load(std::memory_order_acquire) >= i; });
            shared.answer.store(i, std::memory_order_release);
        }
    });
    std::uint64_t random = 1;
    for (std::uint64_t i = 1; i <= kPairs; ++i) {
        // From before the sleeper announces itself to after it fell asleep, mostly in between.
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        for (std::uint64_t n = random >> 54U; n != 0; --n)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        shared.question.store(i, std::memory_order_release);
        bell.ring();
        for (int n = 0; shared.answer.load(std::memory_order_acquire) != i; ++n) {
            if (n < 10'000) continue;
            CHECK_EQUAL(waitpid(child, nullptr, WNOHANG), 0);
            std::this_thread::yield();
        }
    }
    CHECK_EQUAL(status_of(child), 0);
}

void a_waiter_is_woken_by_the_writer_of_another_process() {
    Folder folder;
    Shared& shared = make_shared();
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    const pid_t child = in_child([&] {
        Waiter waiter;
        waiter.add(folder.path(), kBit);
        CHECK(waiter.wait([&] { return shared.question.load() == 1; }, 20 * kSecond));
        CHECK(waiter.is_belled());
    });
    while (!bell.is_awaited(kBit)) std::this_thread::yield();
    shared.question = 1;
    bell.ring();
    CHECK_EQUAL(status_of(child), 0);
}

void a_writer_does_not_wake_who_waits_for_other_journals() {
    Folder folder;
    Doorbell mine = Doorbell::for_writer(folder.path(), 1);
    Doorbell other = Doorbell::for_writer(folder.path(), 2);
    const Doorbell::Ticket ticket = other.announce(2);
    mine.ring();
    CHECK(other.is_awaited(2));
    CHECK_EQUAL(ticket.sequence->load(), ticket.seen);
    other.ring();
    CHECK(!other.is_awaited(2));
    CHECK_EQUAL(ticket.sequence->load(), ticket.seen + 1);
    CHECK(Doorbell::sleep({ticket}, Clock::monotonic_now() + 20 * kSecond) == Doorbell::Woken::RUNG);
}

void a_killed_sleeper_costs_one_ring() {
    Folder folder;
    Shared& shared = make_shared();
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    const pid_t child = in_child([&] {
        Waiter waiter;
        waiter.add(folder.path(), kBit);
        waiter.wait(
            [&] {
                shared.asleep = bell.is_awaited(kBit);
                return false;
            },
            20 * kSecond);
    });
    while (!shared.asleep) std::this_thread::yield();
    kill(child, SIGKILL);
    CHECK(WIFSIGNALED(status_of(child)));
    CHECK(bell.is_awaited(kBit));
    bell.ring();
    CHECK(!bell.is_awaited(kBit));
}

void who_was_rung_for_what_shows_only_later_looks_again_soon() {
    Folder folder;
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    std::int64_t shortest = kSecond;
    for (int i = 0; i < 20; ++i) {  // a busy machine may be late, but not each time
        Waiter waiter;
        waiter.add(folder.path(), kBit);
        bell.ring();  // takes away what the one before left set
        int looks = 0;
        std::int64_t rung = 0;
        const auto ready = [&] {
            if (rung == 0 && bell.is_awaited(kBit)) {
                rung = Clock::monotonic_now();
                bell.ring();
            }
            return rung != 0 && ++looks > 3;
        };
        CHECK(waiter.wait(ready, 20 * kSecond));
        shortest = std::min(shortest, Clock::monotonic_now() - rung);
    }
    CHECK(shortest < 10'000'000);
}

void waiting_ends_at_its_time_and_at_once_if_it_has_none() {
    Folder folder;
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    for (const std::string& root : {folder.path(), folder.path() + "/nowhere"}) {
        Waiter waiter;
        waiter.add(root, kBit);
        const std::int64_t begin = Clock::monotonic_now();
        CHECK(!waiter.wait([] { return false; }, 30'000'000));
        CHECK(Clock::monotonic_now() - begin >= 30'000'000);
        CHECK(!waiter.wait([] { return false; }, 0));
        CHECK(waiter.wait([] { return true; }, 0));
    }
    CHECK(!std::filesystem::exists(folder.path() + "/nowhere"));
}

void a_signal_ends_waiting() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    CHECK_EQUAL(sigaction(SIGALRM, &action, nullptr), 0);
    Folder folder;
    Waiter waiter;
    waiter.add(folder.path());
    const itimerval every{{0, 7'000}, {0, 7'000}};
    setitimer(ITIMER_REAL, &every, nullptr);
    const std::int64_t begin = Clock::monotonic_now();
    CHECK(!waiter.wait([] { return false; }, 60 * kSecond));
    CHECK(Clock::monotonic_now() - begin < 30 * kSecond);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
}

void a_root_that_appears_later_is_polled_and_then_belled() {
    Folder folder;
    const std::string root = folder.path() + "/later";
    Waiter waiter;
    waiter.add(root, kBit);
    CHECK(!waiter.wait([] { return false; }, 5'000'000));
    CHECK(!waiter.is_belled());
    std::filesystem::create_directory(root);
    Doorbell bell = Doorbell::for_writer(root, kBit);
    CHECK(bell);
    CHECK(waiter.wait([&] { return bell.is_awaited(kBit); }, 20 * kSecond));
    CHECK(waiter.is_belled());
}

void several_roots_are_waited_for_at_once() {
    Folder first;
    Folder second;
    Shared& shared = make_shared();
    Doorbell ignored = Doorbell::for_writer(first.path(), kBit);
    Doorbell bell = Doorbell::for_writer(second.path(), kBit);
    const pid_t child = in_child([&] {
        Waiter waiter;
        waiter.add(first.path(), kBit);
        waiter.add(second.path(), kBit);
        for (std::uint64_t i = 1; i <= 1'000; ++i) {
            CHECK(waiter.wait([&] { return shared.question.load() >= i; }, 20 * kSecond));
            shared.answer = i;
        }
        CHECK(waiter.is_belled());
    });
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        while (!bell.is_awaited(kBit) && i % 2 == 0) std::this_thread::yield();
        shared.question = i;
        bell.ring();
        while (shared.answer != i) std::this_thread::yield();
    }
    CHECK_EQUAL(status_of(child), 0);
}

/// Waits in a process of its own for what this one brings about without ringing.
template <class Prepare>
void is_polled(const std::string& root, Prepare prepare) {
    Shared& shared = make_shared();
    const pid_t child = in_child([&] {
        prepare();
        Waiter waiter;
        waiter.add(root, kBit);
        const bool ready = waiter.wait(
            [&] {
                ++shared.question;
                return shared.answer.load() == 1;
            },
            20 * kSecond);
        CHECK(ready);
        CHECK(!waiter.is_belled());
    });
    while (shared.question < 260) std::this_thread::yield();  // more than it looks while spinning
    shared.answer = 1;
    CHECK_EQUAL(status_of(child), 0);
}

void a_folder_that_may_not_be_written_is_polled() {
    Folder folder;
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    CHECK_EQUAL(chmod((folder.path() + "/.doorbell").c_str(), 0444), 0);
    CHECK_EQUAL(chmod(folder.path().c_str(), 0555), 0);
    is_polled(folder.path(), [&] {
        if (geteuid() == 0) CHECK_EQUAL(seteuid(65534), 0);  // root may write anywhere
        Doorbell writers = Doorbell::for_writer(folder.path(), kBit);
        CHECK(!writers);
        writers.ring();
    });
    CHECK_EQUAL(chmod(folder.path().c_str(), 0755), 0);
}

void what_is_not_a_doorbell_is_polled() {
    Folder directory;
    std::filesystem::create_directory(directory.path() + "/.doorbell");
    is_polled(directory.path(), [&] { CHECK(!Doorbell::for_writer(directory.path(), kBit)); });
    Folder empty;
    std::ofstream(empty.path() + "/.doorbell").flush();
    is_polled(empty.path(), [] {});
    CHECK(Doorbell::for_writer(empty.path(), kBit));
    CHECK(Doorbell::for_sleeper(empty.path()));
}

/// Has the kernel refuse membarrier() to this process from now on, as sandboxes do.
void forbid_membarrier() {
    sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_membarrier},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog filter{sizeof program / sizeof *program, program};
    CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

void without_membarrier_sleepers_poll_and_writers_still_ring() {
    Folder folder;
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    is_polled(folder.path(), [&] {
        bell.announce(kBit);
        forbid_membarrier();
        Doorbell::for_writer(folder.path(), kBit).ring();
        CHECK(!bell.is_awaited(kBit));
    });
}

void a_process_that_only_waits_looks_up_at_most_a_hundred_times_a_second() {
    Folder folder;
    Doorbell bell = Doorbell::for_writer(folder.path(), kBit);
    for (const std::string& root : {folder.path(), folder.path() + "/nowhere"}) {
        const pid_t child = in_child([&] {
            Waiter waiter;
            waiter.add(root, kBit);
            CHECK(!waiter.wait([] { return false; }, kSecond));
        });
        int status = 0;
        rusage usage{};
        CHECK_EQUAL(wait4(child, &status, 0, &usage), child);
        CHECK_EQUAL(status, 0);
        CHECK(usage.ru_nvcsw > 10);
        CHECK(usage.ru_nvcsw < 130);
    }
}

}  // namespace

int main() {
    if (!Doorbell::fence_writers()) return 77;
    waiting_ends_at_its_time_and_at_once_if_it_has_none();
    a_writer_does_not_wake_who_waits_for_other_journals();
    a_waiter_is_woken_by_the_writer_of_another_process();
    a_killed_sleeper_costs_one_ring();
    who_was_rung_for_what_shows_only_later_looks_again_soon();
    a_signal_ends_waiting();
    a_root_that_appears_later_is_polled_and_then_belled();
    several_roots_are_waited_for_at_once();
    a_folder_that_may_not_be_written_is_polled();
    what_is_not_a_doorbell_is_polled();
    without_membarrier_sleepers_poll_and_writers_still_ring();
    a_process_that_only_waits_looks_up_at_most_a_hundred_times_a_second();
    no_wake_up_is_lost();
}
