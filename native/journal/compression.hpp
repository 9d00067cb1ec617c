/// Compresses a sealed page into a file that still seeks.
#pragma once

#include <cstdint>
#include <string>

#include "journal/compressed_page.hpp"

namespace kungfu::journal {

enum class Transform {
    NONE,     ///< `zstd -d` gives back the page.
    COLUMNS,  ///< Blocks become columns where that is smaller: about half the size, for this reader only.
};

/// Compresses a sealed page to compressed_path(), which appears when it is complete, compared with the page
/// and on the disk. The page itself stays. Equal pages give equal files. KF_OK, KF_BAD_ARGUMENT if the page
/// is not sealed, kLocked if somebody else is at it, KF_DISK_FULL, KF_IO_ERROR, or kCorrupt if the page is
/// damaged; `error` names the file.
std::int32_t compress_page(const std::string& page_path, Transform transform, std::string& error);

/// Compresses a sealed page and removes it; readers that have it open keep it. As compress_page(), but KF_OK
/// where somebody else is at it, who then does the same.
std::int32_t compact_page(const std::string& page_path, Transform transform, std::string& error);

}  // namespace kungfu::journal
