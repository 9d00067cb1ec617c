/// Events of one type as rows of equal size, as arrays want them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"

namespace kungfu::journal {

/// Each row is a frame header and the type's fixed part. Where all rows follow each other in one page they
/// are not copied: `path` names the file and `offset` the first row. Tails, if asked for, are always copied.
struct Columns {
    std::uint64_t count = 0;
    std::string path;
    std::uint64_t offset = 0;
    std::vector<char> rows;
    std::vector<char> tails;
    std::vector<std::int64_t> tail_ends;  ///< Where each row's tail ends in `tails`.
};

/// Collects all events of a type (this process's number) with gen_time < until, from the reader's place on.
/// `size` is the type's fixed size. KF_OK, or the reader's status.
std::int32_t gather(JournalReader& reader, std::uint32_t type, std::uint32_t size, std::int64_t until,
                    bool tails, Columns& columns);

}  // namespace kungfu::journal
