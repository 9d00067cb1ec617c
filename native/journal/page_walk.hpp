/// Walks one page from its first frame to its last, also where it is damaged.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "journal/index.hpp"
#include "journal/page.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {

/// Bytes of a page, and the events that stood there; none did if the last is before the first.
struct Stretch {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::int64_t time = 0;  ///< Of the event before them.

    bool has_events() const noexcept { return first_sequence <= last_sequence; }
};

/// An intact frame that does not fit those before it.
struct Oddity {
    std::uint64_t offset = 0;
    std::uint64_t sequence = 0;
    std::string what;
};

/// A page's bytes, whatever is believed of its header.
struct PageBytes {
    const char* data = nullptr;
    std::uint64_t size = 0;
    std::uint32_t key = 0;             ///< What its frames' checksums begin with: checksum_key().
    std::uint64_t first_sequence = 0;  ///< Of its first event; 0 if that is not known.
    std::int64_t first_time = 0;       ///< Likewise its time.
    /// Tells up to where the bytes from an offset on are there; 0 if they cannot be had. All are there if
    /// empty.
    std::function<std::uint64_t(std::uint64_t)> read_on;
};

/// What a walk finds.
struct PageWalk {
    std::vector<Stretch> damaged;  ///< Each ends where an intact frame begins.
    std::vector<Stretch> gaps;     ///< Where an earlier repair says that events were lost.
    std::vector<Stretch> padding;  ///< Bytes behind a frame that are not zero.
    std::vector<Oddity> oddities;
    IndexBuilder index;
    std::uint64_t events = 0;
    std::uint64_t first_event = 0;  ///< Sequence of the first intact event; 0 if there is none.
    std::int64_t first_event_time = 0;
    bool starts_whole = false;        ///< No damage before that event.
    std::uint64_t last_sequence = 0;  ///< Of the last event that stands or is known to be lost.
    std::int64_t last_time = 0;
    std::uint64_t stop = 0;     ///< Behind the last intact frame; with `ended`, where PAGE_END begins.
    std::uint64_t written = 0;  ///< Behind the last byte that is not zero, `stop` (or the end of PAGE_END) if
                                ///< there are none behind it; a multiple of 8.
    std::uint64_t missing = 0;  ///< Where bytes could not be had for the first time; 0 if all could.
    bool ended = false;         ///< The page has its PAGE_END frame.
    PageEnd end{};

    bool is_whole() const noexcept { return damaged.empty() && padding.empty() && oddities.empty(); }
};

/// Whether a frame stands at the offset and verifies there.
bool frame_verifies(const PageBytes& page, std::uint64_t offset) noexcept;

/// Walks the page; it may be written meanwhile.
PageWalk walk_page(const PageBytes& page);

}  // namespace kungfu::journal
