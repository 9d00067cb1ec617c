#include "journal/tables.hpp"

#include <cstring>

#include "journal/page.hpp"

namespace kungfu::journal {

std::vector<TypeDefinition> core_types() {
    std::vector<TypeDefinition> types;
    for (const EventSchema& e : kEventSchemas) types.push_back({e.number, e.version, e.name, e.schema});
    return types;
}

std::string type_payload(const TypeDefinition& type) {
    kungfu::TypeDefinition fixed{};
    fixed.type_number = type.number;
    fixed.type_version = type.version;
    std::string payload(sizeof fixed, '\0');
    std::memcpy(payload.data(), &fixed, sizeof fixed);
    return payload + type.schema;
}

bool parse_type(const void* payload, std::uint32_t length, TypeDefinition& type) {
    kungfu::TypeDefinition fixed{};
    if (length < sizeof fixed) return false;
    std::memcpy(&fixed, payload, sizeof fixed);
    type.number = fixed.type_number;
    type.version = fixed.type_version;
    type.schema.assign(static_cast<const char*>(payload) + sizeof fixed, length - sizeof fixed);
    // The schema is canonical JSON of our own making with sorted keys: the type's name is the last "name"
    // at the outermost level.
    int depth = 0;
    bool quoted = false;
    constexpr std::string_view kKey = "\"name\":\"";
    for (std::size_t i = 0; i < type.schema.size(); ++i) {
        const char c = type.schema[i];
        if (!quoted && depth == 1 && type.schema.compare(i, kKey.size(), kKey) == 0) {
            const std::size_t begin = i + kKey.size();
            const std::size_t end = type.schema.find('"', begin);
            if (end == std::string::npos) return false;
            type.name = type.schema.substr(begin, end - begin);
            return true;
        }
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    return false;
}

void Tables::learn(std::uint32_t type, std::uint64_t source, const void* payload, std::uint32_t length) {
    const auto* bytes = static_cast<const char*>(payload);
    Key key{type, 0, 0};
    if (type == NameDefinition::kType) {
        NameDefinition fixed{};
        if (length < sizeof fixed) return;
        std::memcpy(&fixed, payload, sizeof fixed);
        key = {type, fixed.kind, fixed.named};
        names_[{fixed.kind, fixed.named}].assign(bytes + sizeof fixed, length - sizeof fixed);
    } else if (type == kungfu::TypeDefinition::kType) {
        TypeDefinition definition;
        if (!parse_type(payload, length, definition)) return;
        key = {type, 0, definition.number};
        if (places_.count(key) == 0) types_.push_back(definition);
    } else {
        if (length < sizeof(Instrument)) return;
        std::uint64_t instrument = 0;
        std::memcpy(&instrument, bytes + offsetof(Instrument, instrument), sizeof instrument);
        key = {type, 0, instrument};
    }
    const auto [it, added] = places_.try_emplace(key, entries_.size());
    if (added) {
        entries_.push_back({type, source, std::string(bytes, length)});
    } else {
        frame_bytes_ -= align8(sizeof(kf_frame) + entries_[it->second].payload.size());
        entries_[it->second] = {type, source, std::string(bytes, length)};
    }
    frame_bytes_ += align8(sizeof(kf_frame) + length);
}

void Tables::learn(const TypeDefinition& type) {
    const std::string payload = type_payload(type);
    learn(kungfu::TypeDefinition::kType, 0, payload.data(), static_cast<std::uint32_t>(payload.size()));
}

bool Tables::learn(const kf_frame& frame, std::uint32_t length) {
    if (!keeps(frame.type)) return false;
    learn(frame.type, frame.source, &frame + 1, length - static_cast<std::uint32_t>(sizeof frame));
    return true;
}

const std::string* Tables::name(std::uint8_t kind, std::uint64_t id) const {
    const auto it = names_.find({kind, id});
    return it == names_.end() ? nullptr : &it->second;
}

}  // namespace kungfu::journal
