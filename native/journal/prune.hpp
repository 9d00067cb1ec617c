/// Deletes the oldest pages of a journal; never one that somebody still reads or that comes after such a one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/location.hpp"

namespace kungfu::journal {

/// What may go: a page goes where one of the rules says so, and all before it do.
struct PruneRules {
    std::optional<std::int64_t> before;  ///< Pages whose last event is older, ns.
    std::optional<std::uint64_t>
        most_bytes;  ///< Pages without which the journal takes this much on the disk.
};

struct PrunedPage {
    std::uint64_t page = 0;
    std::string path;
    std::uint64_t bytes = 0;  ///< That it takes on the disk, its index and its damaged bytes included.
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::int64_t last_time = 0;
};

struct Pruned {
    std::vector<PrunedPage> pages;
    std::uint64_t bytes_left = 0;
    std::string kept;  ///< Why a page that a rule speaks of is kept; empty if none is.
};

/// Prunes a journal, or with `dry_run` only says what would go. The last page always stays, and so does every
/// page that is not sealed. KF_OK, or KF_IO_ERROR with `error` and what was done so far.
std::int32_t prune(const Location& location, const PruneRules& rules, bool dry_run, Pruned& pruned,
                   std::string& error);

}  // namespace kungfu::journal
