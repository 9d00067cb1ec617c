/// The frames of a block as columns of small numbers, which compress better than rows, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kungfu::journal {

/// A *series* is the frames of a block that are alike: of one type, source, destination and instrument. A
/// *group* is the series of one type; its frames have columns of the same meaning. A value is told as its
/// difference from the value in the series' frame before, or plainly if that is shorter, as a zigzag number
/// of as many bytes as it needs. docs/reference/journal-compression.md has the bytes. One thread at a time.
class BlockColumns {
  public:
    /// Lays out `size` bytes of whole frames, which verify and are padded with zeros. The result stays until
    /// the next call. False if they cannot be told as columns; then they are stored as they are.
    bool encode(const char* rows, std::size_t size);
    const unsigned char* columns() const noexcept { return columns_.data(); }
    std::size_t columns_size() const noexcept { return columns_size_; }

    /// Room that decode() needs behind the columns, whatever stands there.
    static constexpr std::size_t kSlack = 16;
    /// Writes exactly `size` bytes of frames, their checksums keyed by page and offset; false if the columns
    /// tell no such frames. Only `rows` and its `size` bytes are written, whatever the columns say.
    bool decode(const unsigned char* columns, std::size_t columns_size, char* rows, std::size_t size,
                std::uint32_t key, std::uint64_t offset);

  private:
    static constexpr std::uint32_t kNone = 0xffffffffU;

    /// Where a frame begins in the block, and the frame before in its series.
    struct Frame {
        std::uint32_t offset;
        std::uint32_t length;
        std::uint32_t previous;
        std::uint32_t group;
    };
    struct Series {
        std::uint32_t group;
        std::uint32_t last;  ///< Its latest frame's offset; kNone before its first.
        std::uint32_t last_length;
    };
    struct Group {
        std::uint32_t type;
        std::uint32_t flags;
        std::uint64_t fixed_words;  ///< Whole words of every payload that have a column each.
        std::uint64_t item_words;   ///< Columns of what repeats behind them; the rest are plain bytes.
        std::uint32_t begin;        ///< Of its frames in by_group_.
        std::uint32_t end;
    };
    struct Cursor;

    bool plan(const char* rows, std::size_t size);
    std::uint32_t series_of(const char* frame, std::uint32_t length);
    void sort_by_group();
    unsigned char* put_column(unsigned char* out, std::size_t count) const noexcept;
    unsigned char* put_group(unsigned char* out, const Group& group, const char* rows);
    bool read_plan(Cursor& in, char* rows, std::size_t size);
    bool read_times(Cursor& in, char* rows) const noexcept;
    bool read_group(Cursor& in, const Group& group, char* rows) const noexcept;

    std::vector<Frame> frames_;
    std::vector<Frame> by_group_;
    std::vector<std::uint32_t> series_of_frame_;
    std::vector<Series> series_;
    std::vector<Group> groups_;
    std::vector<std::uint32_t> slots_;   ///< Hash table: index of a series and 1; 0 where free.
    std::vector<const char*> examples_;  ///< The first frame of each series.
    std::vector<std::uint64_t> plain_;
    std::vector<std::uint64_t> deltas_;
    std::vector<unsigned char> columns_;  ///< Room for any block; the columns fill its beginning.
    std::size_t columns_size_ = 0;
};

}  // namespace kungfu::journal
