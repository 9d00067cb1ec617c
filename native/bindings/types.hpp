/// Type definitions as Python hands them over.
#pragma once

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "journal/types.hpp"

namespace kungfu::python {

/// (number, version, name, schema) a type.
using TypeRows = std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string, std::string>>;

inline std::vector<journal::TypeDefinition> type_definitions(const TypeRows& rows) {
    std::vector<journal::TypeDefinition> out;
    out.reserve(rows.size());
    for (const auto& [number, version, name, schema] : rows) out.push_back({number, version, name, schema});
    return out;
}

}  // namespace kungfu::python
