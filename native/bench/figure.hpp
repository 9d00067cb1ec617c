/// How the native benchmarks measure and print: a thing and its reference in turn, medians, one JSON line.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "journal/writer.hpp"
#include "kungfu/events.hpp"

namespace kungfu::bench {

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

/// Prints a figure; `more` is further keys, each `, "key": value`.
inline void tell(const std::string& name, const char* unit, const std::vector<double>& measured,
                 const std::vector<double>& reference, const std::string& more = "") {
    const double value = median(measured);
    const double beside = median(reference);
    std::printf(
        "{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"reference\": %.4g, \"ratio\": %.3f%s}\n",
        name.c_str(), value, unit, beside, value / beside, more.c_str());
    std::fflush(stdout);
}

/// Whether a benchmark is asked for: by the beginning of its name, or by nothing at all.
inline bool is_wanted(const std::string& name, const std::vector<std::string>& beginnings) {
    return beginnings.empty() || std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& b) {
               return name.compare(0, b.size(), b) == 0;
           });
}

/// A folder that vanishes with the benchmark; on the disk, or in memory.
class Folder {
  public:
    explicit Folder(const std::string& parent) {
        std::string pattern = parent + "/kungfu-bench-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) {
            std::perror(pattern.c_str());
            std::exit(1);
        }
        path_ = pattern;
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

inline std::string on_disk() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen != nullptr ? chosen : "/var/tmp";
}

inline const char* in_memory() { return "/dev/shm"; }

inline std::unique_ptr<journal::Writer> open_writer(
    const std::string& root, Clock& clock, std::uint64_t page_size, const std::string& source = "bench",
    journal::Durability durability = journal::Durability::NONE) {
    journal::WriterOptions options;
    options.root = root;
    options.source = source;
    options.name = "MD";
    options.page_size = page_size;
    options.durability = durability;
    options.clock = &clock;
    std::unique_ptr<journal::Writer> writer;
    std::string error;
    if (journal::Writer::open(std::move(options), writer, error) != KF_OK) {
        std::fprintf(stderr, "%s\n", error.c_str());
        std::exit(1);
    }
    return writer;
}

/// Appends `length` bytes as an event of type Log, or ends the benchmark.
inline void append(journal::Writer& writer, const void* payload, std::uint32_t length) {
    if (writer.append(Log::kType, 1, 0, 0, 0, 0, payload, length) == KF_OK) return;
    std::fprintf(stderr, "%s\n", writer.error().c_str());
    std::exit(1);
}

}  // namespace kungfu::bench
