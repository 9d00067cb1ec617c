/// A page: one mapped file of frames. Its bytes are laid down here and in docs/reference/journal-format.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "journal/crc32c.hpp"
#include "journal/location.hpp"
#include "journal/lock.hpp"
#include "journal/mapping.hpp"
#include "journal/status.hpp"
#include "kungfu/frame.h"

namespace kungfu::journal {

inline constexpr char kPageMagic[8] = {'K', 'F', 'P', 'A', 'G', 'E', '\r', '\n'};
inline constexpr std::uint32_t kFormatVersion = 2;
inline constexpr std::uint64_t kDefaultPageSize = 16ULL * 1024 * 1024;
inline constexpr std::uint64_t kMinPageSize = 64ULL * 1024;
inline constexpr std::uint64_t kMaxPageSize = 1024ULL * 1024 * 1024;
inline constexpr std::uint32_t kTableFlag = 1;  ///< The frame serves its page; it is not an event.
inline constexpr std::uint32_t kGapFlag = 2;    ///< It stands for events that were lost, up to its sequence.

/// When what was appended is on the disk, and what readers may see.
enum class Durability : std::uint32_t {
    NONE = 0,      ///< When the system writes it; safe from a crash of the process, not of the machine.
    INTERVAL = 1,  ///< At most an interval after it was appended.
    COMMIT = 2,    ///< Before any reader sees it.
};

/// The first bytes of a page.
struct PageHeader {
    char magic[8];  ///< Stored last, when the page's first event stands in it; zero before.
    std::uint32_t format_version;
    std::uint32_t header_length;
    std::uint64_t page_size;
    std::uint64_t journal;
    std::uint64_t page_number;
    std::uint64_t first_sequence;  ///< Of the page's first event.
    std::int64_t create_time;      ///< Generation time of the page's first event.
    char source[64];
    char name[64];
    char scope[128];
    std::uint32_t durability;
    std::uint32_t clock_source;   ///< Where generation times come from: Clock::Source.
    std::int64_t clock_error;     ///< How far they may be from system time, ns, when the page was begun.
    std::int64_t monotonic_time;  ///< The monotonic clock at create_time, ns; 0 in simulated time.
    std::uint8_t reserved[16];
    std::uint32_t zero;
    std::uint32_t checksum;  ///< CRC32C of all bytes before it.
    std::uint8_t padding[24];
    // Mapped: moved forward by the writer's helper while the page is written.
    std::uint64_t durable_position;  ///< Up to where the page is known to be on the disk.
    std::uint64_t written_position;  ///< Up to where it is known to be written; may lag behind.
    std::uint8_t mapped_padding[48];
    // The seal: zero until the page is full.
    std::uint32_t sealed;         ///< 1 once the rest of the seal stands.
    std::uint32_t page_checksum;  ///< CRC32C of the bytes from the header to the end of the PAGE_END frame.
    std::uint64_t frame_count;    ///< Events, tables and PAGE_END not counted.
    std::int64_t first_time;
    std::int64_t last_time;
    std::uint64_t last_sequence;
    std::uint64_t end_offset;  ///< Where the PAGE_END frame begins.
    std::uint8_t seal_padding[16];
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
static_assert(offsetof(PageHeader, durability) == 312);
static_assert(offsetof(PageHeader, clock_source) == 316);
static_assert(offsetof(PageHeader, clock_error) == 320);
static_assert(offsetof(PageHeader, monotonic_time) == 328);
static_assert(offsetof(PageHeader, checksum) == 356);
static_assert(offsetof(PageHeader, durable_position) == 384);
static_assert(offsetof(PageHeader, written_position) == 392);
static_assert(offsetof(PageHeader, sealed) == 448);
static_assert(offsetof(PageHeader, page_checksum) == 452);
static_assert(offsetof(PageHeader, frame_count) == 456);
static_assert(offsetof(PageHeader, first_time) == 464);
static_assert(offsetof(PageHeader, last_time) == 472);
static_assert(offsetof(PageHeader, last_sequence) == 480);
static_assert(offsetof(PageHeader, end_offset) == 488);
static_assert(sizeof(kf_frame) == 72);

constexpr std::uint64_t align8(std::uint64_t n) noexcept { return (n + 7) & ~7ULL; }

/// Bytes that a frame with this much payload takes.
constexpr std::uint64_t frame_size(std::uint64_t payload) noexcept {
    return align8(sizeof(kf_frame) + payload);
}

/// Bytes kept free at the end of every page for its PAGE_END frame.
inline constexpr std::uint64_t kPageEndRoom = frame_size(40);

/// Bytes of a large piece of memory, as processors map them.
inline constexpr std::uint64_t kLargePiece = 2ULL * 1024 * 1024;

/// What files take room in, and are mapped and synced in.
inline constexpr std::uint64_t kFileBlock = 4096;

constexpr std::uint64_t down_to_block(std::uint64_t n) noexcept { return n / kFileBlock * kFileBlock; }
constexpr std::uint64_t up_to_block(std::uint64_t n) noexcept { return down_to_block(n + kFileBlock - 1); }

/// What the checksums of a page's frames begin with.
std::uint32_t checksum_key(std::uint64_t journal, std::uint64_t page_number) noexcept;

/// What is wrong with a page's header; empty if nothing is.
std::string problem_of(const PageHeader& header, std::uint64_t file_size);

class CompressedPage;

/// A mapped page file, or a compressed one that is unpacked as far as it is read. An empty Page has no
/// header.
class Page {
  public:
    Page();
    ~Page();
    Page(Page&& other) noexcept;
    Page& operator=(Page&& other) noexcept;
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    /// Makes a file of the given size that takes no room yet, and maps it for writing; errno tells why if it
    /// fails.
    bool create(const std::string& path, std::uint64_t size) noexcept;
    /// Gives the bytes of a page being written their room on the disk and in memory; 0, or an errno. A large
    /// piece is best prepared as one: in parts it costs many times as much.
    int prepare(std::uint64_t from, std::uint64_t to) noexcept;
    /// Maps an existing page after checking its header; other processes will not prune it while it is open
    /// here. KF_OK, KF_IO_ERROR, kCorrupt, kPruned where it is there no more, or kUnborn (then it is mapped,
    /// to be asked again with birth()); `error` names the file.
    std::int32_t open(const std::string& path, std::uint64_t journal, bool writable, std::string& error);
    /// What has become of a page that was unborn when it was opened: KF_OK, kUnborn or kCorrupt.
    std::int32_t birth(std::uint64_t journal, std::string& error);
    /// How far the page can be read from an offset on, for now: to its end, to what is on the disk where
    /// readers must not see more, to the end of the block where it is compressed. False, with `error`, on
    /// damage.
    bool read_on(std::uint64_t offset, std::uint64_t& end, std::string& error);
    /// Unpacks all of a compressed page. KF_OK, or what is wrong with it.
    std::int32_t unpack(std::string& error);
    /// The blocks of a compressed page; nullptr for any other.
    const CompressedPage* compressed() const noexcept { return compressed_.get(); }
    /// Whether the file has no name any more.
    bool is_deleted() const noexcept;
    /// Gives the file back, and the right to keep it from being pruned; the memory stays.
    void let_go() noexcept;
    void reset() noexcept;

    explicit operator bool() const noexcept { return static_cast<bool>(mapping_); }
    PageHeader& header() const noexcept { return *reinterpret_cast<PageHeader*>(data()); }
    char* data() const noexcept { return mapping_.data(); }
    std::uint64_t size() const noexcept { return mapping_.size(); }
    const std::string& path() const noexcept { return path_; }
    void set_path(std::string path) { path_ = std::move(path); }
    int fd() const noexcept { return fd_; }
    /// The lowest offset at which the file was found cut or unreadable; Mapping::kIntact if none was.
    std::uint64_t damage() const noexcept { return mapping_.damage(); }

    bool is_born() const noexcept {
        return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(data()), __ATOMIC_ACQUIRE) != 0;
    }
    /// Makes the page one that readers take; header, tables and first event must stand.
    void give_birth() noexcept;
    bool is_sealed() const noexcept { return __atomic_load_n(&header().sealed, __ATOMIC_ACQUIRE) != 0; }

    kf_frame* frame(std::uint64_t offset) const noexcept {
        return reinterpret_cast<kf_frame*>(data() + offset);
    }
    /// The commit word at an offset, zero while there is no frame; what it covers is visible after it.
    std::uint64_t commit(std::uint64_t offset) const noexcept {
        return __atomic_load_n(&frame(offset)->commit, __ATOMIC_ACQUIRE);
    }
    /// Whether a frame of this length can stand at the offset.
    bool holds(std::uint64_t offset, std::uint64_t length) const noexcept {
        return length >= sizeof(kf_frame) && offset + align8(length) <= size();
    }
    /// Whether there is room for a commit word and more at the offset.
    bool has_frame_at(std::uint64_t offset) const noexcept { return offset + sizeof(kf_frame) <= size(); }
    /// The checksum of a frame at its place: over journal, page number, offset, length and its bytes from 8
    /// on.
    std::uint32_t checksum(std::uint64_t offset, std::uint32_t length) const noexcept {
        return frame_checksum(key_, offset, length, data() + offset + 8);
    }
    /// Whether the commit word fits the frame's place and bytes.
    bool verifies(std::uint64_t offset, std::uint64_t commit) const noexcept {
        const auto length = static_cast<std::uint32_t>(commit);
        return holds(offset, length) && static_cast<std::uint32_t>(commit >> 32) == checksum(offset, length);
    }
    /// Lays a frame down and makes it readable; its place must be zero.
    void put(std::uint64_t offset, const kf_frame& head, const void* payload, std::uint32_t length) noexcept {
        const std::uint32_t crc = lay_frame(data() + offset, key_, offset, head, payload, length);
        const std::uint64_t commit =
            static_cast<std::uint64_t>(crc) << 32 | (static_cast<std::uint32_t>(sizeof head) + length);
        __atomic_store_n(&frame(offset)->commit, commit, __ATOMIC_RELEASE);
    }
    /// Makes the frame at the offset readable; it must be complete.
    void set_commit(std::uint64_t offset, std::uint32_t length) noexcept;
    /// To be called when journal and page number are in the header.
    void key_checksums() noexcept;
    /// What a frame's checksum begins with, before its place.
    std::uint32_t key() const noexcept { return key_; }

  private:
    std::int32_t open_compressed(std::uint64_t journal, std::string& error);
    std::int32_t check(std::uint64_t file_size, std::uint64_t journal, std::string& error);

    Mapping mapping_;
    int fd_ = -1;
    std::uint64_t forks_ = 0;  ///< fork_generation() when it was opened.
    std::uint32_t key_ = 0;
    std::string path_;
    std::unique_ptr<CompressedPage> compressed_;
};

/// The checksum that a page header must state.
std::uint32_t header_checksum(const PageHeader& header) noexcept;

/// Reads and checks a page's header alone. KF_OK, KF_IO_ERROR, kCorrupt, kPruned or kUnborn.
std::int32_t read_header(const std::string& path, PageHeader& header, std::string& error);

/// Counts the pages that writers of this process have begun; tells their readers to look.
std::atomic<std::uint64_t>& page_births() noexcept;

}  // namespace kungfu::journal
