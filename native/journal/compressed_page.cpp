#include "journal/compressed_page.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "journal/crc32c.hpp"
#define ZSTD_STATIC_LINKING_ONLY  // for frames without magic
#include <zstd.h>

namespace kungfu::journal {
namespace {

constexpr std::uint64_t kSkippableHeader = 8;
constexpr std::uint64_t kMaxBlocks = kMaxPageSize / sizeof(kf_frame);

std::uint32_t u32_at(const char* place) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, place, sizeof value);
    return value;
}

/// What is wrong with a block that follows another; nullptr if nothing is.
const char* problem_of(const BlockEntry& block, const BlockEntry& before) noexcept {
    if (block.begin != before.end || block.end <= block.begin) return "blocks that do not follow each other";
    if (block.offset != before.offset + before.length || block.length == 0) {
        return "compressed blocks that do not follow each other";
    }
    // More where a repair left a gap.
    if (block.first_sequence < before.first_sequence + before.events) return "sequences that run back";
    if (block.first_time < before.last_time || block.last_time < block.first_time)
        return "times that run back";
    if (block.flags > kZerosFlag) return "unknown flags of a block";
    if (block.flags & kColumnsFlag && block.end - block.begin > kBlockSize) return "too many columns";
    return nullptr;
}

}  // namespace

void CompressedPage::FreeContext::operator()(ZSTD_DCtx_s* context) const noexcept { ZSTD_freeDCtx(context); }

CompressedPage::CompressedPage() = default;
CompressedPage::~CompressedPage() { close(); }

void CompressedPage::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    blocks_.clear();
    first_.clear();
}

std::int32_t CompressedPage::corrupt(std::uint64_t offset, const char* what, std::string& error) const {
    error = path_ + ": offset " + std::to_string(offset) + ": " + what;
    return kCorrupt;
}

std::int32_t CompressedPage::read(std::uint64_t offset, void* data, std::size_t size,
                                  std::string& error) const {
    auto* place = static_cast<char*>(data);
    while (size > 0) {
        const ssize_t got = pread(fd_, place, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            error = path_ + ": " + std::generic_category().message(errno);
            return KF_IO_ERROR;
        }
        if (got == 0) return corrupt(offset, "the file ends here", error);
        place += got;
        offset += static_cast<std::uint64_t>(got);
        size -= static_cast<std::size_t>(got);
    }
    return KF_OK;
}

std::int32_t CompressedPage::open(const std::string& path, std::string& error) {
    close();
    path_ = path;
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (fd_ < 0 || fstat(fd_, &status) != 0) {
        error = path_ + ": " + std::generic_category().message(errno);
        return KF_IO_ERROR;
    }
    file_size_ = static_cast<std::uint64_t>(status.st_size);
    if (!context_) context_.reset(ZSTD_createDCtx());
    if (!context_) {
        error = path_ + ": no memory to decompress";
        return KF_IO_ERROR;
    }
    std::int32_t result = read_index(error);
    if (result == KF_OK) result = read_first(error);
    if (result != KF_OK) close();
    return result;
}

std::int32_t CompressedPage::read_index(std::string& error) {
    CompressedTrailer trailer{};
    if (file_size_ < kSkippableHeader + sizeof trailer)
        return corrupt(file_size_, "the file ends here", error);
    const std::uint64_t trailer_offset = file_size_ - sizeof trailer;
    std::int32_t result = read(trailer_offset, &trailer, sizeof trailer, error);
    if (result != KF_OK) return result;
    if (std::memcmp(trailer.magic, kCompressedMagic, sizeof trailer.magic) != 0) {
        return corrupt(trailer_offset, "no trailer of a compressed page; the file is cut or something else",
                       error);
    }
    if (trailer.version != kCompressedVersion) {
        const std::string what = "compression version " + std::to_string(trailer.version) +
                                 ", this program reads version " + std::to_string(kCompressedVersion);
        return corrupt(trailer_offset + offsetof(CompressedTrailer, version), what.c_str(), error);
    }
    if (trailer.page_size < kMinPageSize || trailer.page_size > kMaxPageSize || trailer.block_count == 0 ||
        trailer.block_count > kMaxBlocks ||
        trailer.block_count * sizeof(BlockEntry) > trailer_offset - kSkippableHeader) {
        return corrupt(trailer_offset, "impossible page size or number of blocks", error);
    }
    const std::uint64_t index_size = trailer.block_count * sizeof(BlockEntry);
    const std::uint64_t frame_offset = trailer_offset - index_size - kSkippableHeader;
    std::vector<char> index(kSkippableHeader + index_size);
    result = read(frame_offset, index.data(), index.size(), error);
    if (result != KF_OK) return result;
    if (u32_at(index.data()) != kIndexFrameMagic || u32_at(index.data() + 4) != index_size + sizeof trailer) {
        return corrupt(frame_offset, "not the frame of an index", error);
    }
    const std::uint32_t checksum = crc32c(0, index.data() + kSkippableHeader, index_size);
    if (trailer.checksum != crc32c(checksum, &trailer, offsetof(CompressedTrailer, checksum))) {
        return corrupt(trailer_offset, "index and trailer fail their checksum", error);
    }
    blocks_.resize(trailer.block_count);
    std::memcpy(blocks_.data(), index.data() + kSkippableHeader, index_size);
    page_size_ = trailer.page_size;
    BlockEntry before{};
    before.first_sequence = blocks_[0].first_sequence;
    before.last_time = blocks_[0].first_time;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const char* problem = problem_of(blocks_[i], before);
        if (problem) return corrupt(frame_offset + kSkippableHeader + i * sizeof(BlockEntry), problem, error);
        before = blocks_[i];
    }
    if (before.end != page_size_ || before.offset + before.length != frame_offset) {
        return corrupt(frame_offset, "blocks that do not make up the page", error);
    }
    return KF_OK;
}

std::int32_t CompressedPage::read_first(std::string& error) {
    const BlockEntry& block = blocks_[0];
    if (block.end < sizeof(PageHeader) || block.end > kBlockSize || block.flags != 0) {
        return corrupt(0, "the first block is not a page header in rows", error);
    }
    first_.resize(block.end);
    const std::int32_t result = load_block(0, first_.data(), error);
    if (result != KF_OK) return result;
    const PageHeader& head = header();
    if (std::memcmp(head.magic, kPageMagic, sizeof head.magic) != 0 ||
        head.checksum != header_checksum(head) || head.page_size != page_size_) {
        return corrupt(0, "the first block is not the header of such a page", error);
    }
    if (head.format_version != kFormatVersion) {
        const std::string what = "page of format version " + std::to_string(head.format_version) +
                                 ", this program reads version " + std::to_string(kFormatVersion);
        return corrupt(0, what.c_str(), error);
    }
    key_ = checksum_key(head.journal, head.page_number);
    return KF_OK;
}

bool CompressedPage::unpack(const BlockEntry& block, char* rows) {
    const std::uint64_t size = block.end - block.begin;
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
    if (!(block.flags & kColumnsFlag)) {
        return ZSTD_decompressDCtx(context_.get(), rows, size, packed_.data(), packed_.size()) == size;
    }
    // Columns that are not shorter than their rows are never written.
    ZSTD_frameHeader frame{};
    if (ZSTD_getFrameHeader_advanced(&frame, packed_.data(), packed_.size(), ZSTD_f_zstd1_magicless) != 0 ||
        frame.frameContentSize > size) {
        return false;
    }
    const std::size_t room = frame.frameContentSize;
    if (unpacked_.size() < room + BlockColumns::kSlack) unpacked_.resize(room + BlockColumns::kSlack);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_format, ZSTD_f_zstd1_magicless);
    const std::size_t got =
        ZSTD_decompressDCtx(context_.get(), unpacked_.data(), room, packed_.data(), packed_.size());
    return !ZSTD_isError(got) && columns_.decode(unpacked_.data(), got, rows, size, key_, block.begin);
}

std::int32_t CompressedPage::load_block(std::size_t number, char* rows, std::string& error) {
    const BlockEntry& block = blocks_[number];
    const std::uint64_t size = block.end - block.begin;
    if (block.flags & kZerosFlag) {
        std::memset(rows, 0, size);
        return KF_OK;
    }
    packed_.resize(block.length);
    const std::int32_t result = read(block.offset, packed_.data(), packed_.size(), error);
    if (result == KF_OK && unpack(block, rows) && crc32c(0, rows, size) == block.checksum) return KF_OK;
    std::memset(rows, 0, size);
    return result != KF_OK ? result : corrupt(block.offset, "a damaged block", error);
}

std::int32_t CompressedPage::load(std::uint64_t offset, char* page, Range& loaded, std::string& error) {
    const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), offset,
                                        [](std::uint64_t o, const BlockEntry& b) { return o < b.end; });
    if (after == blocks_.end()) {
        error = path_ + ": the page has no offset " + std::to_string(offset);
        return KF_BAD_ARGUMENT;
    }
    const auto number = static_cast<std::size_t>(after - blocks_.begin());
    if (number == 0) {
        std::memcpy(page, first_.data(), first_.size());
    } else if (!(after->flags & kZerosFlag)) {  // Where nothing is written, nothing becomes resident.
        const std::int32_t result = load_block(number, page + after->begin, error);
        if (result != KF_OK) return result;
    }
    loaded = {after->begin, after->end};
    return KF_OK;
}

std::size_t CompressedPage::find_time(std::int64_t time) const noexcept {
    auto found = std::lower_bound(blocks_.begin(), blocks_.end(), time,
                                  [](const BlockEntry& b, std::int64_t t) { return b.last_time < t; });
    while (found != blocks_.end() && found->events == 0) ++found;
    return static_cast<std::size_t>(found - blocks_.begin());
}

std::size_t CompressedPage::find_sequence(std::uint64_t sequence) const noexcept {
    auto found = std::lower_bound(
        blocks_.begin(), blocks_.end(), sequence,
        [](const BlockEntry& b, std::uint64_t s) { return b.first_sequence + b.events <= s; });
    while (found != blocks_.end() && found->events == 0) ++found;
    return static_cast<std::size_t>(found - blocks_.begin());
}

}  // namespace kungfu::journal
