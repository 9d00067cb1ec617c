/// Whether an id may be one of many that are no longer kept: a Bloom filter.
#pragma once

#include <cstdint>
#include <vector>

namespace kungfu::broker {

/// Never says no of an id that was added; says yes of another one for about 1 % with three million added.
class IdFilter {
  public:
    void add(std::uint64_t id) {
        make_room();
        for (int i = 0; i < kHashes; ++i) {
            const std::uint64_t bit = place(id, i);
            bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
        }
    }
    void make_room() {
        if (bits_.empty()) bits_.resize(kWords);
    }
    bool may_have(std::uint64_t id) const noexcept {
        if (bits_.empty()) return false;
        for (int i = 0; i < kHashes; ++i) {
            const std::uint64_t bit = place(id, i);
            if (!(bits_[bit / 64] >> (bit % 64) & 1)) return false;
        }
        return true;
    }

    const std::vector<std::uint64_t>& words() const noexcept { return bits_; }
    void set_words(std::vector<std::uint64_t> words) { bits_ = std::move(words); }

    static constexpr std::uint64_t kWords = std::uint64_t{1} << 19;  // 4 MiB

  private:
    static constexpr int kHashes = 4;

    /// The finisher of splitmix64, of Sebastiano Vigna (public domain).
    static std::uint64_t place(std::uint64_t id, int i) noexcept {
        std::uint64_t z = id + static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return (z ^ (z >> 31)) % (kWords * 64);
    }

    std::vector<std::uint64_t> bits_;
};

}  // namespace kungfu::broker
