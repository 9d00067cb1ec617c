/// How the native benchmarks measure and print: a thing and its reference in turn, medians, one JSON line.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "journal/writer.hpp"
#include "kungfu/events.hpp"
#include "tests/folder.hpp"

namespace kungfu::bench {

[[noreturn]] inline void fail(const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::exit(1);
}

inline double quantile(std::vector<double> values, double q) {
    if (values.empty()) fail("nothing was measured");
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

/// A further key for tell().
inline std::string also(const char* key, double value) {
    char text[64];
    std::snprintf(text, sizeof text, ", \"%s\": %.6g", key, value);
    return text;
}

/// Prints a figure; `more` is further keys.
inline void tell(const std::string& name, const char* unit, double value, double reference,
                 const std::string& more = "") {
    std::printf(
        "{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"reference\": %.6g, \"ratio\": %.3f%s}\n",
        name.c_str(), value, unit, reference, value / reference, more.c_str());
    std::fflush(stdout);
}

/// The same for the medians of what was measured in turn; `quiet` is the best tenth's worst.
inline void tell(const std::string& name, const char* unit, const std::vector<double>& measured,
                 const std::vector<double>& reference, const std::string& more = "") {
    const bool is_rate = std::string(unit).find("/s") != std::string::npos;
    tell(name, unit, median(measured), median(reference),
         also("quiet", quantile(measured, is_rate ? 0.9 : 0.1)) + more);
}

/// Whether a benchmark is asked for: by the beginning of its name, or by nothing at all.
inline bool is_wanted(const std::string& name, const std::vector<std::string>& beginnings) {
    return beginnings.empty() || std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& b) {
               return name.compare(0, b.size(), b) == 0;
           });
}

inline std::string on_disk() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen != nullptr ? chosen : "/var/tmp";
}

inline const char* in_memory() { return "/dev/shm"; }

inline std::unique_ptr<journal::Writer> open_writer(
    const std::string& root, Clock& clock, std::uint64_t page_size, const std::string& source = "bench",
    journal::Durability durability = journal::Durability::NONE, const std::string& name = "MD") {
    journal::WriterOptions options;
    options.root = root;
    options.source = source;
    options.name = name;
    options.page_size = page_size;
    options.durability = durability;
    options.clock = &clock;
    std::unique_ptr<journal::Writer> writer;
    std::string error;
    if (journal::Writer::open(std::move(options), writer, error) != KF_OK) fail(error);
    return writer;
}

/// Appends `length` bytes as an event of type Log, or ends the benchmark.
inline void append(journal::Writer& writer, const void* payload, std::uint32_t length) {
    if (writer.append(Log::kType, 1, 0, journal::kNoCause, payload, length) != KF_OK) fail(writer.error());
}

}  // namespace kungfu::bench
