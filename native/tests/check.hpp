/// The whole of the native tests' framework: a program fails if one check does.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <iostream>

/// Ends the test program, with the place and the condition, if it does not hold.
#define CHECK(...)                                                                 \
    do {                                                                           \
        if (!(__VA_ARGS__)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
            std::exit(1);                                                          \
        }                                                                          \
    } while (false)

/// The same for equality, with both values.
#define CHECK_EQUAL(a, b)                                                                            \
    do {                                                                                             \
        const auto check_a = (a);                                                                    \
        const auto check_b = (b);                                                                    \
        if (!(check_a == check_b)) {                                                                 \
            std::cerr << __FILE__ << ':' << __LINE__ << ": " #a " == " #b ": " << check_a << " and " \
                      << check_b << '\n';                                                            \
            std::exit(1);                                                                            \
        }                                                                                            \
    } while (false)
