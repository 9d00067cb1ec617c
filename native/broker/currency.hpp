/// A currency code as a key: sixteen bytes, padded with zeros.
#pragma once

#include <cstdint>
#include <string_view>

#include "kungfu/text.hpp"

namespace kungfu::broker {

class Currency {
  public:
    Currency() = default;
    /// Takes the first sixteen bytes.
    explicit Currency(std::string_view code) noexcept {
        code.copy(reinterpret_cast<char*>(words_), sizeof words_);
    }

    std::string_view code() const noexcept {
        return fixed_text(reinterpret_cast<const char*>(words_), sizeof words_);
    }
    bool is_none() const noexcept { return words_[0] == 0; }
    std::uint64_t hash() const noexcept { return (words_[0] ^ words_[1]) * 0x9e3779b97f4a7c15ULL; }

    bool operator==(const Currency& o) const noexcept {
        return words_[0] == o.words_[0] && words_[1] == o.words_[1];
    }
    bool operator!=(const Currency& o) const noexcept { return !(*this == o); }

  private:
    std::uint64_t words_[2] = {0, 0};
};

}  // namespace kungfu::broker
