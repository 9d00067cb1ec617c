/// Event types as journals know them: by name, version and layout; numbers are local to a process or file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kungfu::journal {

struct TypeDefinition {
    std::uint32_t number;
    std::uint32_t version;
    std::string name;
    std::string schema;
};

/// Types below this number are the core's. A file has another number for one only where it knew an earlier
/// version of the type, which keeps its number there.
inline constexpr std::uint32_t kFirstPluginType = 1000;

/// The core's own types.
std::vector<TypeDefinition> core_types();

}  // namespace kungfu::journal
