/// Wakes readers of a root's journals that sleep until something is written: `<root>/.doorbell`, mapped.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/mapping.hpp"

namespace kungfu::journal {

/// One of 32 bits for a journal, so that a writer wakes only who waits for its journal (or for one of the few
/// that share the bit). The scope does not count: a reader learns that only from the first page.
std::uint32_t bell_bit(std::string_view source, std::string_view name);

inline constexpr std::uint32_t kEveryJournal = ~0U;

/// A mapping of the doorbell file, for a writer who rings or for a sleeper. One that could not be mapped
/// never rings, and tells sleepers so.
///
/// A sleeper sets its journals' bits, and looks at the journals once more before it sleeps; a writer who
/// finds its bit set, after a commit, clears it and wakes. Bits instead of a count: what a killed sleeper
/// left behind costs one system call, once.
///
/// The writer's commit and its look at the bits are a store and a load of another place, which processors
/// reorder unless a fence is between them. That fence would cost every append; so the sleeper supplies it,
/// by membarrier() between setting its bits and looking: each processor that runs a registered process goes
/// through a fence then. Where membarrier() is not to be had, writers fence and sleepers poll.
class Doorbell {
  public:
    /// For a writer: makes the file where it is missing, in a root that exists. `bit` is its journal's.
    static Doorbell for_writer(const std::string& root, std::uint32_t bit);
    /// For a sleeper: maps a file that is there already. Readers make no files.
    static Doorbell for_sleeper(const std::string& root);

    /// Whether it is mapped.
    explicit operator bool() const noexcept { return words() != nullptr; }

    /// To be called after each commit: costs a load while nobody sleeps, and one system call when somebody
    /// does. Does not block.
    void ring() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler may not move the load up either
        Words* const w = words();
        if (w == nullptr) return;
        const std::uint32_t awaited = fences_ ? w->awaited.fetch_or(0, std::memory_order_seq_cst)
                                              : w->awaited.load(std::memory_order_relaxed);
        if ((awaited & bit_) != 0) wake();
    }

    /// Whether a writer of one of these journals has to make a system call.
    bool is_awaited(std::uint32_t bits) const noexcept {
        return words() != nullptr && (words()->awaited.load(std::memory_order_relaxed) & bits) != 0;
    }

    /// A sleeper's place at one bell: it may sleep until the bell has rung after this was given out.
    struct Ticket {
        std::atomic<std::uint32_t>* sequence;
        std::uint32_t seen;
        std::uint32_t bits;
    };

    enum class Woken : std::uint8_t { RUNG, TIME, SIGNAL, IMPOSSIBLE };

    /// What sleepers do, in this order: announce() at each bell; one fence_writers() for all; a look at the
    /// journals; and sleep() if there is nothing in them.
    Ticket announce(std::uint32_t bits) noexcept;
    /// False where that is not to be had: then nobody may rely on being woken.
    static bool fence_writers() noexcept;
    /// Sleeps until one of the bells rings, or until a time on CLOCK_MONOTONIC.
    static Woken sleep(const std::vector<Ticket>& tickets, std::int64_t until) noexcept;

  private:
    struct Words {
        alignas(64) std::atomic<std::uint32_t> awaited;   // bits of the journals that somebody waits for
        alignas(64) std::atomic<std::uint32_t> sequence;  // counts the rings; sleepers sleep on it
    };

    Words* words() const noexcept { return reinterpret_cast<Words*>(mapping_.data()); }
    bool map(const std::string& root, bool make) noexcept;
    void wake() noexcept;

    Mapping mapping_;  ///< A guarded one: whoever may ring may also cut the file.
    std::uint32_t bit_ = 0;
    bool fences_ = false;
};

/// Waits for a condition that writers of journals bring about.
class Waiter {
  public:
    /// Adds journals to wait for, by their bits; the root need not exist yet.
    void add(const std::string& root, std::uint32_t bits = kEveryJournal);

    /// Whether all writers would have rung when it last went to sleep. If not it polled: after a time as
    /// long as nothing came for, from 0.1 to 10 ms.
    bool is_belled() const noexcept { return belled_; }

    /// Waits until `ready()` is true; false if it is not after `timeout` ns, or when a signal came. Spins for
    /// some microseconds, then sleeps. A sleep lasts 20 ms at most: a wake-up that went astray, because a
    /// writer was killed before it rang, costs no more.
    template <class Ready>
    bool wait(Ready ready, std::int64_t timeout) {
        const std::int64_t begin = now();
        const std::int64_t end = timeout < kForever - begin ? begin + timeout : kForever;
        for (std::int64_t time = begin; time - begin < kSpin && time <= end; time = now()) {
            for (int i = 0; i < kLooksPerClock; ++i) {
                if (ready()) return came();
                pause();
            }
        }
        while (now() < end) {
            announce();
            if (ready()) return came();
            const bool interrupted = sleep(end);
            if (ready()) return came();
            if (interrupted) return false;
        }
        return false;
    }

  private:
    static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t kSpin = 5'000;  // ns; what follows soon, mostly follows sooner
    static constexpr int kLooksPerClock = 16;

    struct Root {
        std::string path;
        std::uint32_t bits;
        Doorbell bell;
    };

    static std::int64_t now() noexcept;
    static void pause() noexcept;
    void announce();
    bool sleep(std::int64_t end) noexcept;
    bool came() noexcept {
        idle_since_ = 0;
        rung_in_vain_ = false;
        return true;
    }

    std::vector<Root> roots_;
    std::vector<Doorbell::Ticket> tickets_;
    bool belled_ = false;
    bool rung_in_vain_ = false;
    std::int64_t idle_since_ = 0;  ///< 0 from when something came to the next sleep.
    std::int64_t find_bells_at_ = 0;
};

}  // namespace kungfu::journal
