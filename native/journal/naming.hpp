/// Names of files given and changed so that a crash leaves either state, never none.
#pragma once

#include <string>

namespace kungfu::journal {

/// Gives a file another name that is not taken; 0, or an errno.
int rename_to_new(const std::string& from, const std::string& to) noexcept;

/// Lets two files trade names in one step; 0, or an errno.
int exchange_names(const std::string& a, const std::string& b) noexcept;

/// Puts the names in a folder on the disk; 0, or an errno.
int sync_folder(const std::string& folder) noexcept;

/// The same for the folder of a file.
int sync_folder_of(const std::string& path) noexcept;

}  // namespace kungfu::journal
