/// Reads a compressed page block by block. docs/reference/journal-compression.md lays its bytes down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "journal/block_columns.hpp"
#include "journal/page.hpp"

struct ZSTD_DCtx_s;

namespace kungfu::journal {

inline constexpr char kCompressedMagic[8] = {'K', 'F', 'P', 'A', 'C', 'K', '\r', '\n'};
inline constexpr std::uint32_t kCompressedVersion = 1;
inline constexpr std::uint32_t kIndexFrameMagic = 0x184D2A5B;  ///< One of the frames that zstd skips.
inline constexpr std::uint32_t kColumnsFlag = 1;  ///< The block is columns, in a zstd frame without magic.
inline constexpr std::uint32_t kZerosFlag = 2;    ///< The block is zeros, as its zstd frame says too.

/// Blocks are cut before they would have more bytes. Only one that is a single longer frame, or zeros, has.
inline constexpr std::uint64_t kBlockSize = 128ULL * 1024;

/// A block of a page, as the index of a compressed page tells of it.
struct BlockEntry {
    std::uint64_t begin;  ///< In the page.
    std::uint64_t end;
    std::uint64_t offset;          ///< Of its zstd frame in the file.
    std::uint64_t first_sequence;  ///< Of its first event; of the next one behind it where it has none.
    std::int64_t first_time;       ///< Generation time of its first event; where it has none, last_time.
    std::int64_t last_time;  ///< Of its last event or the last before; of the page's first in its tables.
    std::uint32_t length;    ///< Of its zstd frame.
    std::uint32_t checksum;  ///< CRC32C of its bytes in the page.
    std::uint32_t events;
    std::uint32_t flags;
};
static_assert(sizeof(BlockEntry) == 64);

/// The last bytes of a compressed page.
struct CompressedTrailer {
    char magic[8];
    std::uint32_t version;
    std::uint32_t block_count;
    std::uint64_t page_size;
    std::uint32_t reserved;
    std::uint32_t checksum;  ///< CRC32C of the index and of the trailer's bytes before this.
};
static_assert(sizeof(CompressedTrailer) == 32);

/// A compressed page file. One thread at a time.
class CompressedPage {
  public:
    /// Bytes of a page.
    struct Range {
        std::uint64_t begin;
        std::uint64_t end;
    };

    CompressedPage();
    ~CompressedPage();
    CompressedPage(const CompressedPage&) = delete;
    CompressedPage& operator=(const CompressedPage&) = delete;

    /// Opens the file and reads its index and its first block. KF_OK, KF_IO_ERROR or kCorrupt; `error` names
    /// file and offset.
    std::int32_t open(const std::string& path, std::string& error);
    const PageHeader& header() const noexcept { return *reinterpret_cast<const PageHeader*>(first_.data()); }
    const std::string& path() const noexcept { return path_; }
    const std::vector<BlockEntry>& blocks() const noexcept { return blocks_; }

    /// Puts the block that has the page's byte `offset` to its place in `page`, which has the page's size and
    /// was zeros. KF_OK and what is there now, or KF_BAD_ARGUMENT, KF_IO_ERROR or kCorrupt, the place zeros.
    std::int32_t load(std::uint64_t offset, char* page, Range& loaded, std::string& error);
    /// The same for a block by its number; `rows` has the block's size.
    std::int32_t load_block(std::size_t number, char* rows, std::string& error);

    /// The first block that can hold the first event at `time` or later, or that sequence or a later one;
    /// blocks().size() if none can.
    std::size_t find_time(std::int64_t time) const noexcept;
    std::size_t find_sequence(std::uint64_t sequence) const noexcept;

  private:
    std::int32_t read_index(std::string& error);
    std::int32_t read_first(std::string& error);
    std::int32_t read(std::uint64_t offset, void* data, std::size_t size, std::string& error) const;
    std::int32_t corrupt(std::uint64_t offset, const char* what, std::string& error) const;
    bool unpack(const BlockEntry& block, char* rows);
    void close() noexcept;

    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const noexcept;
    };

    int fd_ = -1;
    std::string path_;
    std::uint64_t file_size_ = 0;
    std::uint64_t page_size_ = 0;
    std::uint32_t key_ = 0;
    std::vector<BlockEntry> blocks_;
    std::vector<char> first_;  ///< The first block, so that it is unpacked once.
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> context_;
    std::vector<unsigned char> packed_;
    std::vector<unsigned char> unpacked_;
    BlockColumns columns_;
};

}  // namespace kungfu::journal
