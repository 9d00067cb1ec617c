/// Texts for people, put together apart from the paths that orders take.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "broker/currency.hpp"
#include "kungfu/number.hpp"

namespace kungfu::broker {

/// An id as messages show it.
struct Hex {
    std::uint64_t id;
};

/// A length of time, as messages show it.
struct Duration {
    std::int64_t ns;
};

/// One part of a text: what it is made of is neither copied nor formatted before the text is wanted.
class Part {
  public:
    Part(const char* text) noexcept : Part(std::string_view(text)) {}
    Part(const std::string& text) noexcept : Part(std::string_view(text)) {}
    Part(std::string_view text) noexcept : kind_(Kind::TEXT), text_(text) {}
    Part(Currency currency) noexcept : kind_(Kind::CURRENCY), currency_(currency) {}
    Part(Number number) noexcept : Part(to_money(number)) {}
    Part(Money money) noexcept : kind_(Kind::DECIMAL), money_(money) {}
    Part(Hex hex) noexcept : kind_(Kind::HEX), id_(hex.id) {}
    Part(Duration duration) noexcept : kind_(Kind::DURATION), integer_(duration.ns) {}
    template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
    Part(Integer integer) noexcept : kind_(Kind::DECIMAL), money_{static_cast<int128>(integer), 0} {}

    void append_to(std::string& text) const;

  private:
    enum class Kind : std::uint8_t { TEXT, CURRENCY, DECIMAL, HEX, DURATION };

    Kind kind_;
    union {
        std::string_view text_;
        Currency currency_;
        Money money_;
        std::uint64_t id_;
        std::int64_t integer_;
    };
};

/// An id as messages show it.
[[gnu::cold]] std::string hex(std::uint64_t id);

/// The text that parts make.
[[gnu::cold]] std::string worded(std::initializer_list<Part> parts);

/// False, and the text in `reason`: for whoever says no, and why.
[[gnu::cold]] bool refuse(std::initializer_list<Part> parts, std::string& reason);

}  // namespace kungfu::broker
