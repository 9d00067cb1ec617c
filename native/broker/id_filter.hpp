/// Whether an id may be one of many that are no longer kept: a Bloom filter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kungfu::broker {

/// Never says no of an id that was added; says yes of another one for about 1 % with three million added.
class IdFilter {
  public:
    /// Takes the memory that it needs, so that add() does not.
    void make_room() { bits_.resize(kWords); }
    void add(std::uint64_t id) {
        if (bits_.empty()) make_room();
        is_empty_ = false;
        for (int i = 0; i < kHashes; ++i) {
            const std::uint64_t bit = place(id, i);
            bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
        }
    }
    bool may_have(std::uint64_t id) const noexcept {
        if (is_empty_) return false;
        for (int i = 0; i < kHashes; ++i) {
            const std::uint64_t bit = place(id, i);
            if (!(bits_[bit / 64] >> (bit % 64) & 1)) return false;
        }
        return true;
    }

    /// Its bits; none if no id was added.
    std::string_view bytes() const noexcept {
        return {reinterpret_cast<const char*>(bits_.data()), is_empty_ ? 0 : bits_.size() * sizeof bits_[0]};
    }
    /// Takes what bytes() gave; false if it is not that.
    bool set_bytes(std::string_view bytes) {
        make_room();
        std::fill(bits_.begin(), bits_.end(), 0);
        is_empty_ = bytes.empty();
        if (!is_empty_ && bytes.size() != bits_.size() * sizeof bits_[0]) return false;
        bytes.copy(reinterpret_cast<char*>(bits_.data()), bytes.size());
        return true;
    }

  private:
    static constexpr std::uint64_t kWords = std::uint64_t{1} << 19;  // 4 MiB
    static constexpr int kHashes = 4;

    /// The finisher of splitmix64, of Sebastiano Vigna (public domain).
    static std::uint64_t place(std::uint64_t id, int i) noexcept {
        std::uint64_t z = id + static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return (z ^ (z >> 31)) % (kWords * 64);
    }

    std::vector<std::uint64_t> bits_;
    bool is_empty_ = true;
};

}  // namespace kungfu::broker
