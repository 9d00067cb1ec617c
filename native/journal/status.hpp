/// What a journal operation can come to, besides the codes of kungfu/abi.h.
#pragma once

#include <cstdint>

#include "kungfu/abi.h"

namespace kungfu::journal {

inline constexpr std::int32_t kLocked = 32;        ///< Another writer has the journal open.
inline constexpr std::int32_t kCorrupt = 33;       ///< A file is damaged; the error names file and offset.
inline constexpr std::int32_t kTypeConflict = 34;  ///< A type has another layout than the journal says.
inline constexpr std::int32_t kUnborn = 35;        ///< The page is made ahead; nothing stands in it yet.
inline constexpr std::int32_t kPruned = 36;        ///< Pages that were to be read are there no more.

}  // namespace kungfu::journal
