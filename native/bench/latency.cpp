// How long it takes: to read the clock, for an event to reach a spinning and a sleeping reader in another
// process. One JSON object a line, each beside its floor, measured in turn. Arguments are the beginnings of
// the names that are wanted.
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "bench/figure.hpp"
#include "clock/clock.hpp"
#include "journal/doorbell.hpp"
#include "journal/journal_reader.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::bench;
using namespace kungfu::journal;

namespace {

constexpr int kMostSamples = 20'000;  // of one round

std::uint64_t counter() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return static_cast<std::uint64_t>(system_time(CLOCK_MONOTONIC));
#endif
}

/// One conversion of the counter for both processes. Each would discipline a `Clock` of its own, and what
/// those differ by is as much as what is measured here.
class CommonClock {
  public:
    CommonClock() {
        const std::uint64_t ticks = counter();
        const std::int64_t begin = system_time(CLOCK_MONOTONIC);
        while (system_time(CLOCK_MONOTONIC) - begin < 50'000'000) {
        }
        const auto elapsed = static_cast<double>(system_time(CLOCK_MONOTONIC) - begin);
        origin_ = counter();
        start_ = system_time(CLOCK_REALTIME);
        ns_per_tick_ = elapsed / static_cast<double>(origin_ - ticks);
    }

    std::int64_t now() const noexcept {
        return start_ + static_cast<std::int64_t>(static_cast<double>(counter() - origin_) * ns_per_tick_);
    }

  private:
    std::uint64_t origin_;
    std::int64_t start_;
    double ns_per_tick_;
};

/// What both processes have mapped.
struct Shared {
    enum Command : int { NONE, BARE_SPIN, JOURNAL_SPIN, BARE_SLEEP, JOURNAL_SLEEP, QUIT };

    std::atomic<int> command;
    std::atomic<int> samples;
    double latency[kMostSamples];
    alignas(64) std::atomic<std::uint32_t> sequence;  // the bare hand-over: one cache line
    std::int64_t stamp;
};

/// The cores that this program may use. Taken before it pins itself to one: children inherit that.
std::vector<int> allowed_cores() {
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> cores;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &allowed)) cores.push_back(core);
    }
    return cores;
}

const std::vector<int> g_cores = allowed_cores();

void pin(std::size_t which) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(g_cores[which], &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) fail("cannot choose a core");
}

/// A temporary folder with one journal.
class Desk {
  public:
    Location location() const { return {folder_.path(), "bench", "MD", ""}; }
    std::uint32_t bit() const { return bell_bit("bench", "MD"); }
    const std::string& root() const noexcept { return folder_.path(); }

    void open() { writer_ = open_writer(folder_.path(), clock_, kDefaultPageSize); }

    void append(std::int64_t time) noexcept {
        if (writer_->append_at(time, Trade::kType, 1, 0, kNoCause, &trade_, sizeof trade_) != KF_OK) {
            std::exit(1);
        }
    }

  private:
    Folder folder_;
    Clock clock_;
    std::unique_ptr<Writer> writer_;
    Trade trade_{};
};

/// The reading process: does what it is told, until it is told to quit.
class Listener {
  public:
    Listener(Shared& shared, const CommonClock& clock, const Desk& desk)
        : shared_(shared), clock_(clock), reader_(desk.location()) {
        waiter_.add(desk.root(), desk.bit());
    }

    void run() {
        pin(1);
        while (true) {
            const int command = shared_.command.load(std::memory_order_acquire);
            if (command == Shared::QUIT) return;
            if (command == Shared::NONE) continue;
            taken_ = 0;
            const auto samples = static_cast<std::uint32_t>(shared_.samples.load());
            if (command == Shared::BARE_SPIN || command == Shared::BARE_SLEEP) {
                bare(samples, command == Shared::BARE_SLEEP);
            } else {
                journal(samples, command == Shared::JOURNAL_SLEEP);
            }
            shared_.samples = taken_;
            shared_.command.store(Shared::NONE, std::memory_order_release);
        }
    }

  private:
    void bare(std::uint32_t samples, bool sleeps) {
        for (std::uint32_t seen = 0; seen != samples;) {
            const std::uint32_t sequence = shared_.sequence.load(std::memory_order_acquire);
            if (sequence == seen) {
                if (sleeps) syscall(SYS_futex, &shared_.sequence, FUTEX_WAIT, seen, nullptr, nullptr, 0);
                continue;
            }
            took(clock_.now() - shared_.stamp);
            seen = sequence;
        }
    }

    /// Counts the events that it waited for, as the bare hand-over does, which loses the others.
    void journal(std::uint32_t samples, bool sleeps) {
        const std::uint64_t last = reader_.last_sequence() + samples;
        bool waited = false;
        while (reader_.last_sequence() != last) {
            const kf_frame* frame = reader_.peek();
            if (frame == nullptr) {
                if (reader_.status() != KF_OK) fail(reader_.error());
                waited = true;
                if (sleeps) waiter_.wait([&] { return reader_.peek() != nullptr; }, 1'000'000'000);
                continue;
            }
            if (waited) took(clock_.now() - frame->gen_time);
            waited = false;
            reader_.advance();
        }
    }

    void took(std::int64_t ns) { shared_.latency[taken_++] = static_cast<double>(ns); }

    Shared& shared_;
    const CommonClock& clock_;
    JournalReader reader_;
    Waiter waiter_;
    int taken_ = 0;
};

/// Rounds of one kind: the median of each one's quantiles.
struct Rounds {
    std::vector<double> p50;
    std::vector<double> p99;
    std::vector<double> missed;  ///< Percent that the listener did not wait for, being late.

    void add(const Shared& shared, int sent) {
        const std::vector<double> all(shared.latency, shared.latency + shared.samples.load());
        p50.push_back(quantile(all, 0.5));
        p99.push_back(quantile(all, 0.99));
        missed.push_back(100.0 * (sent - shared.samples.load()) / sent);
    }
};

/// The writing process.
class Speaker {
  public:
    Speaker() {
        void* place =
            mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (place == MAP_FAILED) fail("no memory to share");
        shared_ = new (place) Shared{};
        listener_ = fork();  // before the writer may start threads
        if (listener_ < 0) fail("cannot fork");
        if (listener_ == 0) {
            Listener(*shared_, clock_, desk_).run();
            _exit(0);
        }
        pin(0);
        desk_.open();
    }
    ~Speaker() {
        shared_->command = Shared::QUIT;
        waitpid(listener_, nullptr, 0);
        munmap(shared_, sizeof(Shared));
    }
    Speaker(const Speaker&) = delete;
    Speaker& operator=(const Speaker&) = delete;

    /// `pause` lets time go by before each event.
    template <class Pause>
    void round(Shared::Command command, int samples, Pause pause, Rounds& rounds) {
        shared_->samples = samples;
        shared_->sequence = 0;
        shared_->command.store(command, std::memory_order_release);
        for (int i = 1; i <= samples; ++i) {
            pause();
            if (command == Shared::JOURNAL_SPIN || command == Shared::JOURNAL_SLEEP) {
                desk_.append(clock_.now());
                continue;
            }
            shared_->stamp = clock_.now();
            shared_->sequence.store(static_cast<std::uint32_t>(i), std::memory_order_release);
            if (command == Shared::BARE_SLEEP) {
                syscall(SYS_futex, &shared_->sequence, FUTEX_WAKE, 1, nullptr, nullptr, 0);
            }
        }
        while (shared_->command.load(std::memory_order_acquire) != Shared::NONE) {
            if (waitpid(listener_, nullptr, WNOHANG) != 0) fail("the reading process ended");
        }
        rounds.add(*shared_, samples);
    }

    const CommonClock& clock() const noexcept { return clock_; }

    /// Percent of a core that a process takes which waits for two seconds in vain.
    double idle_percent() {
        constexpr std::int64_t kWait = 2'000'000'000;
        const pid_t child = fork();
        if (child == 0) {
            JournalReader reader(desk_.location());
            reader.seek_end();
            Waiter waiter;
            waiter.add(desk_.root(), desk_.bit());
            waiter.wait([&] { return reader.peek() != nullptr; }, kWait);
            _exit(0);
        }
        rusage usage{};
        if (child < 0 || wait4(child, nullptr, 0, &usage) != child) fail("cannot fork");
        const double used = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
                            static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
        return 100 * used / static_cast<double>(kWait);
    }

  private:
    CommonClock clock_;
    Desk desk_;
    Shared* shared_;
    pid_t listener_;
};

void clock_now() {
    constexpr int kRounds = 501;
    // Rounds shorter than a time slice: other processes shall not fall into those of one kind only.
    constexpr int kReadings = 5'000;
    const auto per_reading = [](auto read) {
        std::uint64_t sum = 0;
        const std::int64_t begin = Clock::monotonic_now();
        for (int i = 0; i < kReadings; ++i) sum += static_cast<std::uint64_t>(read());
        const auto took = static_cast<double>(Clock::monotonic_now() - begin);
        if (sum == 0) fail("the clock stands at zero");
        return took / kReadings;
    };
    Clock clock;
    std::vector<double> ours;
    std::vector<double> kernel;
    std::vector<double> bare;
    for (int round = 0; round < kRounds; ++round) {
        kernel.push_back(per_reading([] { return system_time(CLOCK_REALTIME); }));
        ours.push_back(per_reading([&] { return clock.now(); }));
        bare.push_back(per_reading([] { return counter(); }));
    }
    tell("clock.now", "ns", median(ours), median(kernel),
         also("bare_counter", median(bare)) + also("error_bound", static_cast<double>(clock.error_bound())) +
             (clock.source() == ClockSource::COUNTER ? ", \"source\": \"counter\""
                                                     : ", \"source\": \"kernel\""));
}

void handover() {
    constexpr int kRounds = 21;
    Speaker speaker;
    const auto pause = [&speaker, next = speaker.clock().now()]() mutable {
        next = std::max(next + 1'000, speaker.clock().now());
        while (speaker.clock().now() < next) {
        }
    };
    Rounds bare;
    Rounds journal;
    for (int round = 0; round < kRounds; ++round) {
        speaker.round(Shared::BARE_SPIN, kMostSamples, pause, bare);
        speaker.round(Shared::JOURNAL_SPIN, kMostSamples, pause, journal);
    }
    tell("journal.handover", "ns", median(journal.p50), median(bare.p50),
         also("p99", median(journal.p99)) + also("reference_p99", median(bare.p99)) +
             also("late_percent", median(journal.missed)));
}

void wakeup() {
    constexpr int kRounds = 7;
    constexpr int kSamples = 50;
    Speaker speaker;
    std::mt19937 random(1);
    std::uniform_int_distribution<long> between(2'000'000, 10'000'000);
    const auto pause = [&] {
        const timespec time{0, between(random)};
        nanosleep(&time, nullptr);
    };
    Rounds bare;
    Rounds journal;
    std::vector<double> idle;
    for (int round = 0; round < kRounds; ++round) {
        speaker.round(Shared::BARE_SLEEP, kSamples, pause, bare);
        speaker.round(Shared::JOURNAL_SLEEP, kSamples, pause, journal);
    }
    for (int round = 0; round < 3; ++round) idle.push_back(speaker.idle_percent());
    tell("journal.wakeup", "us", median(journal.p50) / 1e3, median(bare.p50) / 1e3,
         also("p99", median(journal.p99) / 1e3) + also("reference_p99", median(bare.p99) / 1e3) +
             also("idle_cpu_percent", median(idle)));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> beginnings(argv + 1, argv + argc);
    if (is_wanted("clock.now", beginnings)) clock_now();
    if (g_cores.size() < 2) {
        std::fprintf(stderr, "journal.handover and journal.wakeup need two cores\n");
        return 0;
    }
    if (is_wanted("journal.handover", beginnings)) handover();
    if (is_wanted("journal.wakeup", beginnings)) wakeup();
    return 0;
}
