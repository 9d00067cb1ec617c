/// Exact decimals at the ends of their range.
#include "kungfu/number.hpp"

#include <cstdint>
#include <limits>

#include "check.hpp"

using namespace kungfu;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

void a_sum_or_difference_is_exact_or_refused() {
    Number out;
    CHECK(add({kMost, 0}, {-1, 0}, out) && out.mantissa == kMost - 1);
    CHECK(!add({kMost, 0}, {1, 0}, out));
    CHECK(subtract({-kMost, 0}, {-kMost, 0}, out) && out.mantissa == 0);
    CHECK(!add({-kMost, 0}, {-1, 0}, out));
    CHECK(!subtract({0, 0}, {kLeast, 0}, out));
    CHECK(!add({1, 38}, {1, -38}, out));
}

void a_comparison_holds_whatever_the_exponents() {
    CHECK(compare(Number{1, 127}, Number{kMost, -127}) == 1);
    CHECK(compare(Number{-1, 127}, Number{kLeast, -127}) == -1);
    CHECK(compare(Number{0, 127}, Number{0, -127}) == 0);
    CHECK(compare(Number{10, -1}, Number{1, 0}) == 0);
}

void steps_are_counted_whatever_the_exponents() {
    CHECK(is_multiple({5262703, 39}, {1, 0}));
    CHECK(is_multiple({kLeast, 127}, {2, -127}));
    CHECK(is_multiple({3, 100}, {-6, -100}));
    CHECK(!is_multiple({1, 100}, {3, 0}));
    CHECK(!is_multiple({kMost, 127}, {7'000'000'000'000'000'003, -127}));
    CHECK(is_multiple({25, -2}, {5, -2}));
    CHECK(!is_multiple({25, -3}, {5, -2}));
    CHECK(is_multiple({0, -127}, {5, 127}));
    CHECK(!is_multiple({1, -127}, {5, 127}));
}

}  // namespace

int main() {
    a_sum_or_difference_is_exact_or_refused();
    a_comparison_holds_whatever_the_exponents();
    steps_are_counted_whatever_the_exponents();
    return 0;
}
