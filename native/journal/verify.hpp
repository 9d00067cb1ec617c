/// Looks for damage in a journal's files; changes nothing, and may look while the journal is written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "journal/location.hpp"

namespace kungfu::journal {

struct Finding {
    enum class Kind : std::uint32_t {
        DAMAGE = 0,  ///< Something is not as it was written.
        LOSS = 1,    ///< Events that an earlier repair gave up.
        NOTE = 2,    ///< Nothing is wrong, but it is not usual.
    };
    Kind kind = Kind::DAMAGE;
    std::string file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;          ///< Bytes concerned; 0 if that is not known.
    std::uint64_t first_sequence = 0;  ///< Of the events that are lost to readers; 0 if there are none.
    std::uint64_t last_sequence = 0;
    std::string what;
};

struct Verification {
    std::uint64_t pages = 0;
    std::uint64_t bytes = 0;   ///< Of the pages.
    std::uint64_t events = 0;  ///< Intact ones.
    std::vector<Finding> findings;

    bool is_damaged() const noexcept;
};

/// Told the bytes done and to do, a page at a time. May throw to end the work.
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Reads every page of a journal through. Nothing is wrong with a journal that does not exist.
Verification verify(const Location& location, const Progress& progress = {});

}  // namespace kungfu::journal
