/// A page: one mapped file of frames. Its bytes are laid down here and in docs/reference/journal-format.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "journal/location.hpp"
#include "journal/status.hpp"
#include "kungfu/frame.h"

namespace kungfu::journal {

inline constexpr char kPageMagic[8] = {'K', 'F', 'P', 'A', 'G', 'E', '\r', '\n'};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint64_t kDefaultPageSize = 16ULL * 1024 * 1024;
inline constexpr std::uint64_t kMinPageSize = 64ULL * 1024;
inline constexpr std::uint64_t kMaxPageSize = 1024ULL * 1024 * 1024;
inline constexpr std::uint32_t kTableFlag = 1;  ///< The frame serves its page; it is not an event.

/// The first bytes of a page. All but the two mapped groups at the end is covered by `checksum`.
struct PageHeader {
    char magic[8];
    std::uint32_t format_version;
    std::uint32_t header_length;
    std::uint64_t page_size;
    std::uint64_t journal;
    std::uint64_t page_number;
    std::uint64_t first_sequence;  ///< That the page's first event has or will have.
    std::int64_t create_time;      ///< Generation time of the page's first event.
    char source[64];
    char name[64];
    char scope[128];
    std::uint32_t checksum;  ///< CRC32C of all bytes before it.
    std::uint32_t reserved;
    std::uint64_t durable_position;  ///< Reserved: up to where the page is known to be on the disk; 0.
    // The seal: zero until the page is full.
    std::uint32_t sealed;  ///< 1 once the rest of the seal stands.
    std::uint32_t seal_reserved;
    std::uint64_t frame_count;  ///< Events, tables and PAGE_END not counted.
    std::int64_t first_time;
    std::int64_t last_time;
    std::uint64_t last_sequence;
    std::uint64_t end_offset;  ///< Where the PAGE_END frame begins.
    std::uint8_t padding[136];
};
static_assert(sizeof(PageHeader) == 512);
static_assert(offsetof(PageHeader, format_version) == 8);
static_assert(offsetof(PageHeader, header_length) == 12);
static_assert(offsetof(PageHeader, page_size) == 16);
static_assert(offsetof(PageHeader, journal) == 24);
static_assert(offsetof(PageHeader, page_number) == 32);
static_assert(offsetof(PageHeader, first_sequence) == 40);
static_assert(offsetof(PageHeader, create_time) == 48);
static_assert(offsetof(PageHeader, source) == 56);
static_assert(offsetof(PageHeader, name) == 120);
static_assert(offsetof(PageHeader, scope) == 184);
static_assert(offsetof(PageHeader, checksum) == 312);
static_assert(offsetof(PageHeader, durable_position) == 320);
static_assert(offsetof(PageHeader, sealed) == 328);
static_assert(offsetof(PageHeader, frame_count) == 336);
static_assert(offsetof(PageHeader, first_time) == 344);
static_assert(offsetof(PageHeader, last_time) == 352);
static_assert(offsetof(PageHeader, last_sequence) == 360);
static_assert(offsetof(PageHeader, end_offset) == 368);
static_assert(sizeof(kf_frame) == 72);

constexpr std::uint64_t align8(std::uint64_t n) noexcept { return (n + 7) & ~7ULL; }

/// Bytes kept free at the end of every page for its PAGE_END frame.
inline constexpr std::uint64_t kPageEndRoom = 72 + 40;

/// A mapped page file. An empty Page has no header.
class Page {
  public:
    Page() = default;
    ~Page() { reset(); }
    Page(Page&& other) noexcept { *this = std::move(other); }
    Page& operator=(Page&& other) noexcept;
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    /// Makes a zeroed file of the given size and maps it for writing; errno tells why if it fails.
    bool create(const std::string& path, std::uint64_t size) noexcept;
    /// Maps an existing page after checking its header. KF_OK, KF_IO_ERROR or kCorrupt; `error` names the
    /// file.
    std::int32_t open(const std::string& path, std::uint64_t journal, bool writable, std::string& error);
    void reset() noexcept;

    explicit operator bool() const noexcept { return data_ != nullptr; }
    PageHeader& header() const noexcept { return *reinterpret_cast<PageHeader*>(data_); }
    char* data() const noexcept { return data_; }
    std::uint64_t size() const noexcept { return size_; }
    const std::string& path() const noexcept { return path_; }
    void set_path(std::string path) { path_ = std::move(path); }

    kf_frame* frame(std::uint64_t offset) const noexcept {
        return reinterpret_cast<kf_frame*>(data_ + offset);
    }
    /// The commit word at an offset, zero while there is no frame; what it covers is visible after it.
    std::uint64_t commit(std::uint64_t offset) const noexcept {
        return __atomic_load_n(&frame(offset)->commit, __ATOMIC_ACQUIRE);
    }
    /// Whether a frame of this length can stand at the offset.
    bool holds(std::uint64_t offset, std::uint64_t length) const noexcept {
        return length >= sizeof(kf_frame) && offset + align8(length) <= size_;
    }
    /// Whether there is room for a commit word and more at the offset.
    bool has_frame_at(std::uint64_t offset) const noexcept { return offset + sizeof(kf_frame) <= size_; }
    /// The checksum of a frame at its place: over journal, page number, offset, length and its bytes from 8
    /// on.
    std::uint32_t checksum(std::uint64_t offset, std::uint32_t length) const noexcept;
    /// Whether the commit word fits the frame's place and bytes.
    bool verifies(std::uint64_t offset, std::uint64_t commit) const noexcept;
    /// Makes the frame at the offset readable; it must be complete.
    void set_commit(std::uint64_t offset, std::uint32_t length) noexcept;
    /// To be called when journal and page number are in the header.
    void key_checksums() noexcept;

  private:
    char* data_ = nullptr;
    std::uint64_t size_ = 0;
    std::uint32_t key_ = 0;
    std::string path_;
};

/// The checksum that a page header must state.
std::uint32_t header_checksum(const PageHeader& header) noexcept;

/// Reads and checks a page's header alone.
std::int32_t read_header(const std::string& path, PageHeader& header, std::string& error);

/// Counts the pages that writers of this process have given names; tells their readers to look.
std::atomic<std::uint64_t>& page_births() noexcept;

}  // namespace kungfu::journal
