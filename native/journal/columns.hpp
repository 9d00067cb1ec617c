/// Events of one type as rows of equal size, as arrays want them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"

namespace kungfu::journal {

/// What to collect, and from when to when.
struct ColumnsRequest {
    Location location;
    std::vector<TypeDefinition> types;  ///< This process's.
    std::uint32_t type = 0;             ///< This process's number of the type that is wanted.
    std::uint32_t size = 0;             ///< Its fixed size.
    std::optional<std::int64_t> since;  ///< Events with gen_time >= since.
    std::int64_t until = std::numeric_limits<std::int64_t>::max();  ///< Events with gen_time < until.
    bool tails = false;
    bool verify = true;  ///< The checksum of every event that is gone over.
};

/// Memory in huge pages once it is large, as faulting small ones in costs several times what copying rows
/// into them does; it then grows by being remapped instead of copied.
class Block {
  public:
    Block() = default;
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    /// Appends `size` bytes that are not set; throws std::bad_alloc where there is no memory.
    char* extend(std::uint64_t size) {
        if (capacity_ - used_ < size) grow(size);
        used_ += size;
        return data_ + used_ - size;
    }
    const char* data() const noexcept { return data_; }

  private:
    void grow(std::uint64_t size);

    char* data_ = nullptr;
    std::uint64_t used_ = 0;
    std::uint64_t capacity_ = 0;
};

/// Each row is a frame header and the type's fixed part. Rows that follow each other in one page are not
/// copied, but stand in it; `page` keeps it mapped. Tails, if asked for, are always copied.
struct Columns {
    std::uint64_t count = 0;
    const char* rows = nullptr;
    std::unique_ptr<JournalReader> page;
    Block copied;
    std::vector<char> tails;
    std::vector<std::int64_t> tail_ends;  ///< Where each row's tail ends in `tails`.
};

/// Collects all events that are asked for. KF_OK, or the reader's status with its text.
std::int32_t gather(const ColumnsRequest& request, Columns& columns, std::string& error);

}  // namespace kungfu::journal
