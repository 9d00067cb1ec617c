/// A folder that vanishes with who made it: for tests and benchmarks.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace kungfu {

class Folder {
  public:
    explicit Folder(const std::string& parent = std::filesystem::temp_directory_path().string())
        : path_(parent + "/kungfu-journal-XXXXXX") {
        if (mkdtemp(path_.data()) != nullptr) return;
        std::perror(path_.c_str());
        std::exit(1);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

}  // namespace kungfu
