/// The sparse time index of a sealed page: about one entry for every 64 KiB.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "journal/page.hpp"

namespace kungfu::journal {

struct IndexEntry {
    std::int64_t gen_time;
    std::uint64_t sequence;
    std::uint64_t offset;
};
static_assert(sizeof(IndexEntry) == 24);

/// Collects a page's entries while it is written, or read.
class IndexBuilder {
  public:
    static constexpr std::uint64_t kStride = 64ULL * 1024;

    IndexBuilder() = default;
    explicit IndexBuilder(std::vector<IndexEntry> entries) : entries_(std::move(entries)) {
        if (!entries_.empty()) next_ = entries_.back().offset + kStride;
    }

    /// Makes room for a page's entries, so that add() never allocates.
    void start(std::uint64_t page_size);
    /// To be told of every event that is not in the tables.
    void add(const kf_frame& frame, std::uint64_t offset) noexcept {
        if (offset < next_) return;
        entries_.push_back({frame.gen_time, frame.sequence, offset});
        next_ = offset + kStride;
    }
    const std::vector<IndexEntry>& entries() const noexcept { return entries_; }

  private:
    std::vector<IndexEntry> entries_;
    std::uint64_t next_ = 0;
};

/// Writes the index beside its page; errno tells why if it fails.
bool write_index(const std::string& path, const PageHeader& page, const std::vector<IndexEntry>& entries);

/// Reads the index of a page; empty if there is none, or none that fits the page.
std::vector<IndexEntry> read_index(const std::string& path, const PageHeader& page);

}  // namespace kungfu::journal
