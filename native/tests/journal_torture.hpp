/// What the torture programs share: events that tell whether they are whole, and what is counted about them.
///
/// Run by ctest a program takes its short form; `nox -s torture` gives it an amount and a seed, and adds up
/// the "name value" lines that it prints.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "journal_support.hpp"

namespace kungfu::journal {

/// Counted by everyone who looks, in memory that processes share.
struct Ledger {
    std::atomic<std::uint64_t> committed{0};  ///< The last event that a writer was told is appended.
    std::atomic<std::uint64_t> seen{0};       ///< The last event that a lasting reader has read.
    std::atomic<std::uint64_t> lost{0};       ///< Events that were appended, and are not there.
    std::atomic<std::uint64_t> torn{0};       ///< Events that are not what was appended.
    std::atomic<std::uint64_t> gaps{0};       ///< Events that came without the one before.
    std::atomic<std::uint64_t> refused{0};  ///< Readers and writers that stopped, though nothing is damaged.
    std::atomic<std::uint64_t> read{0};
    std::atomic<bool> over{false};

    std::uint64_t violations() const { return lost + torn + gaps + refused; }
    void print() const {
        std::printf("events_read %lu\nlost %lu\ntorn %lu\ngaps %lu\nrefused %lu\n", read.load(), lost.load(),
                    torn.load(), gaps.load(), refused.load());
    }
};

inline Ledger* shared_ledger() {
    void* memory = mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return new (memory) Ledger;
}

/// The n-th event is an instrument now and then, so that the tables change, and else a log whose length and
/// every byte follow from n.
inline std::uint32_t type_of_nth(std::uint64_t n) { return n % 31 == 0 ? Instrument::kType : Log::kType; }

inline std::string nth_payload(std::uint64_t n) {
    const bool plain = type_of_nth(n) == Log::kType;
    std::string payload(plain ? sizeof(Log) + n * 7919 % 900 : sizeof(Instrument),
                        static_cast<char>(n % 251));
    const std::uint64_t key = plain ? n : n % 40;
    std::memcpy(payload.data(), &key, sizeof key);
    return payload;
}

/// Appends the event that follows the writer's last.
inline std::int32_t append_next(Writer& writer) {
    const std::uint64_t n = writer.last_sequence() + 1;
    const std::string payload = nth_payload(n);
    return writer.append(type_of_nth(n), 0, 0, kNoCause, payload.data(),
                         static_cast<std::uint32_t>(payload.size()));
}

inline bool is_whole(const JournalReader& reader, const kf_frame* frame) {
    const std::string expected = nth_payload(frame->sequence);
    return reader.type() == type_of_nth(frame->sequence) &&
           static_cast<std::uint32_t>(frame->commit) == sizeof *frame + expected.size() &&
           std::memcmp(frame + 1, expected.data(), expected.size()) == 0;
}

/// Reads what is there, from the event after `seen` on, and counts what is wrong with it.
inline void read_on(JournalReader& reader, std::uint64_t& seen, Ledger& ledger) {
    while (const kf_frame* frame = reader.peek()) {
        if (frame->sequence != seen + 1) ++ledger.gaps;
        if (!is_whole(reader, frame)) {
            std::fprintf(stderr, "event %lu is torn: %s, offset %lu\n", frame->sequence,
                         reader.page().path().c_str(), reader.offset());
            ++ledger.torn;
        }
        seen = frame->sequence;
        ++ledger.read;
        reader.advance();
    }
    if (reader.status() != KF_OK) {
        std::fprintf(stderr, "a reader stopped: %s\n", reader.error().c_str());
        ++ledger.refused;
    }
}

}  // namespace kungfu::journal
