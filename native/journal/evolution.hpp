/// Versions of one event type: whether they differ by appended fields alone, and how one is read as another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kungfu/frame.h"

namespace kungfu::journal {

/// How payloads of one version of a type become those of another. The fixed part of the older version is the
/// beginning of that of the newer; the tail follows the fixed part in either.
struct Conversion {
    std::uint32_t from_size = 0;  ///< Of the fixed part.
    std::uint32_t to_size = 0;    ///< Likewise.
    std::vector<std::uint32_t>
        absent_exponents;  ///< Where in the payload an appended value says it is absent.
};

/// Compares two layouts, canonical JSON as type definitions have them. True if they are equal, or those of
/// two versions of one type of which the newer only appends fields and names of values; any other text gives
/// false. The types by which pages and their tables are read have one version only.
bool find_conversion(const std::string& from, const std::string& to, Conversion& conversion);

/// Lays a frame of the one version down as one of the other, without a checksum. A frame that is shorter than
/// its own fixed part is not made up for.
void convert(const Conversion& conversion, const kf_frame& frame, std::vector<char>& converted);

}  // namespace kungfu::journal
