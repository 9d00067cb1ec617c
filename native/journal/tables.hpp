/// What a page must repeat to read by itself: types, names and instruments defined so far.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "journal/types.hpp"
#include "kungfu/events.hpp"
#include "kungfu/frame.h"

namespace kungfu::journal {

/// The definitions of one journal, by the journal's own type numbers, in the order of their first appearance.
class Tables {
  public:
    /// One definition as it stands in a frame.
    struct Entry {
        std::uint32_t type;
        std::uint64_t source;
        std::string payload;
    };

    /// Whether events of this type are kept here.
    static bool keeps(std::uint32_t type) noexcept {
        return type == kungfu::TypeDefinition::kType || type == NameDefinition::kType ||
               type == Instrument::kType;
    }
    /// Takes in a definition; a later one of the same type, name or instrument takes the earlier one's place.
    void learn(std::uint32_t type, std::uint64_t source, const void* payload, std::uint32_t length);
    void learn(const TypeDefinition& type);
    /// Takes in what a frame of this length, header and payload, defines; false if it defines nothing.
    bool learn(const kf_frame& frame, std::uint32_t length);

    const std::vector<Entry>& entries() const noexcept { return entries_; }
    const std::vector<TypeDefinition>& types() const noexcept { return types_; }
    /// The text that an id stands for; nullptr if the journal does not say.
    const std::string* name(std::uint8_t kind, std::uint64_t id) const;
    /// Bytes that all entries take as frames.
    std::uint64_t frame_bytes() const noexcept { return frame_bytes_; }

  private:
    using Key = std::tuple<std::uint32_t, std::uint8_t, std::uint64_t>;  ///< Type of event, kind of name, id.

    std::vector<Entry> entries_;
    std::map<Key, std::size_t> places_;
    std::map<std::pair<std::uint8_t, std::uint64_t>, std::string> names_;
    std::vector<TypeDefinition> types_;
    std::uint64_t frame_bytes_ = 0;
};

/// A type definition as the payload of its frame, and back; false if the payload is no such thing.
std::string type_payload(const TypeDefinition& type);
bool parse_type(const void* payload, std::uint32_t length, TypeDefinition& type);

}  // namespace kungfu::journal
