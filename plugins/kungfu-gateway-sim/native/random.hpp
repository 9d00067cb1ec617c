/// The venue's own random numbers: integers only, so equal on every machine.
#pragma once

#include <cstdint>

#include "kungfu/number.hpp"

namespace kungfu::sim {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// Uniform in 0..n-1 (the bias of at most n / 2^64 does not matter here).
    std::uint64_t below(std::uint64_t n) noexcept {
        return static_cast<std::uint64_t>((static_cast<uint128>(next()) * n) >> 64);
    }

    bool coin() noexcept { return (next() >> 63) != 0; }

    /// Roughly exponential with mean 1, in units of 1/65536: -ln(u) with log2 linear between powers of two.
    std::int64_t exponential() noexcept {
        const std::uint64_t u = next() | 1;
        const int top = 63 - __builtin_clzll(u);
        const auto fraction = static_cast<std::int64_t>((u << (63 - top) << 1) >> 48);
        constexpr std::int64_t kLn2 = 45426;  // ln 2 * 65536
        return ((std::int64_t{64 - top} << 16) - fraction) * kLn2 >> 16;
    }

    /// Roughly normal with variance 1, in units of 1/65536: the sum of twelve uniforms.
    std::int64_t normal() noexcept {
        std::int64_t total = -6 * 65536;
        for (int i = 0; i < 3; ++i) {
            const std::uint64_t four = next();
            for (int shift = 0; shift < 64; shift += 16)
                total += static_cast<std::int64_t>((four >> shift) & 0xffff);
        }
        return total;
    }

  private:
    std::uint64_t state_;
};

}  // namespace kungfu::sim
