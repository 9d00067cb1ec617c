/// Mapped memory that survives what happens to its file: a place that the file no longer has reads as zeros.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

namespace kungfu::journal {

/// Memory over a file, or over nothing. Where the file was cut, or cannot be read, an access would end the
/// process with SIGBUS; here the place becomes a page of zeros and `damage()` says so.
class Mapping {
  public:
    static constexpr std::uint64_t kIntact = std::numeric_limits<std::uint64_t>::max();

    Mapping() = default;
    ~Mapping() { reset(); }
    Mapping(Mapping&& other) noexcept { *this = std::move(other); }
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    /// Maps the first `size` bytes of a file; false with errno set if that fails.
    bool map_file(int fd, std::uint64_t size, bool writable) noexcept;
    /// Maps zeros that belong to no file.
    bool map_memory(std::uint64_t size) noexcept;
    void reset() noexcept;

    explicit operator bool() const noexcept { return data_ != nullptr; }
    char* data() const noexcept { return data_; }
    std::uint64_t size() const noexcept { return size_; }
    /// The lowest offset that was found missing; kIntact if none was.
    std::uint64_t damage() const noexcept {
        return damage_ ? damage_->load(std::memory_order_relaxed) : kIntact;
    }

  private:
    char* data_ = nullptr;
    std::uint64_t size_ = 0;
    std::atomic<std::uint64_t>* damage_ = nullptr;  ///< Of the guard; a reader asks at every frame.
    void* guard_ = nullptr;
};

}  // namespace kungfu::journal
