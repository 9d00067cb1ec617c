/// Makes a damaged journal readable again; what is intact stays where it is, what is lost is said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/location.hpp"
#include "journal/verify.hpp"

namespace kungfu::journal {

struct Repair {
    /// What was done, in order. LOSS: events are lost, those that `first_sequence` and `last_sequence` tell.
    /// NOTE: nothing is lost. DAMAGE: it could not be repaired, and nothing was changed.
    std::vector<Finding> steps;
    Verification after;  ///< What stands in the journal now.
};

/// Repairs a journal that nobody writes. Bytes are kept beside their page (see kept_bytes.hpp) before
/// anything is written over them; ended at any moment, another repair goes on. A sound journal is not
/// touched. KF_OK, kLocked if somebody writes it, kCorrupt if two files are the same page, or KF_IO_ERROR or
/// KF_DISK_FULL with `error`; then `repair`
/// tells what was done so far.
std::int32_t repair_journal(const Location& location, Repair& repair, std::string& error,
                            const Progress& progress = {});

}  // namespace kungfu::journal
