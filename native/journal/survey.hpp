/// What stands in a journal: its pages, and how much of what.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "journal/location.hpp"
#include "journal/page.hpp"
#include "journal/tables.hpp"

namespace kungfu::journal {

struct TypeCount {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;  ///< Headers and padding included.
};

struct Survey {
    std::uint64_t pages = 0;
    std::uint64_t sealed_pages = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t events = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::int64_t first_time = 0;
    std::int64_t last_time = 0;
    std::map<std::uint32_t, TypeCount> types;  ///< By the journal's own numbers.
    Tables tables;
};

/// Reads a whole journal through, every frame verified. KF_OK, or what stopped it.
std::int32_t survey(const Location& location, Survey& found, std::string& error);

/// Takes in the definitions that stand in the tables at a page's start.
void learn_tables(const Page& page, Tables& tables);

/// The definitions that the journal's last page tells; none if there is no page.
std::int32_t last_definitions(const Location& location, Tables& tables, std::string& error);

}  // namespace kungfu::journal
