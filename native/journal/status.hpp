/// What a journal operation can come to, besides the codes of kungfu/abi.h.
#pragma once

#include <cerrno>
#include <cstdint>

#include "kungfu/abi.h"

namespace kungfu::journal {

inline constexpr std::int32_t kLocked = 32;        ///< Another writer has the journal open.
inline constexpr std::int32_t kCorrupt = 33;       ///< A file is damaged; the error names file and offset.
inline constexpr std::int32_t kTypeConflict = 34;  ///< A type has another layout than the journal says.
inline constexpr std::int32_t kUnborn = 35;        ///< The page is made ahead; nothing stands in it yet.
inline constexpr std::int32_t kPruned = 36;        ///< Pages that were to be read are there no more.

/// What an errno of the file system comes to.
inline std::int32_t status_of(int error) noexcept {
    return error == ENOSPC || error == EDQUOT ? KF_DISK_FULL : KF_IO_ERROR;
}

}  // namespace kungfu::journal
