#include "journal/evolution.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "journal/page.hpp"
#include "kungfu/events.hpp"
#include "kungfu/number.hpp"

namespace kungfu::journal {
namespace {

/// No layout of ours comes near; a file can say anything.
constexpr std::size_t kLongestSchema = 1024ULL * 1024;
constexpr std::uint32_t kLargestNumber = 1U << 30;

/// Reads canonical JSON: no blanks, whole numbers that are not negative. Whatever does not fit is refused.
class Json {
  public:
    explicit Json(std::string_view text) : text_(text) {}

    bool at_end() const noexcept { return at_ >= text_.size(); }

    bool take(char wanted) noexcept {
        if (at_end() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }

    /// The characters as they stand, escapes included: equal texts have equal ones.
    bool string(std::string_view& value) noexcept {
        if (!take('"')) return false;
        const std::size_t begin = at_;
        for (; !at_end() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\';
        if (at_end()) return false;
        value = text_.substr(begin, at_++ - begin);
        return true;
    }

    bool number(std::uint32_t& value) noexcept {
        const std::size_t begin = at_;
        for (value = 0; !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            value = value * 10 + static_cast<std::uint32_t>(text_[at_] - '0');
            if (value > kLargestNumber) return false;
        }
        return at_ > begin;
    }

    /// `member` reads the value of a key.
    template <class Member>
    bool object(Member member) {
        if (!take('{')) return false;
        if (take('}')) return true;
        do {
            std::string_view key;
            if (!string(key) || !take(':') || !member(key)) return false;
        } while (take(','));
        return take('}');
    }

    /// `element` reads one element.
    template <class Element>
    bool array(Element element) {
        if (!take('[')) return false;
        if (take(']')) return true;
        do {
            if (!element()) return false;
        } while (take(','));
        return take(']');
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

using Values = std::vector<std::pair<std::string_view, std::uint32_t>>;

struct Field {
    std::string_view name;
    std::string_view kind;
    std::uint32_t offset = 0;
    std::uint32_t high_offset = 0;
    std::uint32_t exponent_offset = 0;
    std::uint32_t width = 0;
    Values values;  ///< By name.

    bool has_exponent() const noexcept { return kind == "number" || kind == "money"; }
};

/// What holds the fields of an event, or those of an item of its tail.
struct Record {
    std::string_view name;
    std::uint32_t version = 0;
    std::uint32_t size = 0;
    std::vector<Field> fields;
};

struct Layout {
    Record event;
    std::string_view tail_name;  ///< Empty if there is none, as is the kind.
    std::string_view tail_kind;
    Record item;
};

bool read_values(Json& json, Values& values) {
    const bool read = json.object([&](std::string_view name) {
        values.emplace_back(name, 0);
        return json.number(values.back().second);
    });
    // The order of escaped names is not that of the names.
    std::sort(values.begin(), values.end());
    return read;
}

bool read_field(Json& json, Field& field) {
    std::uint32_t since = 0;
    return json.object([&](std::string_view key) {
        if (key == "name") return json.string(field.name);
        if (key == "kind") return json.string(field.kind);
        if (key == "offset") return json.number(field.offset);
        if (key == "high_offset") return json.number(field.high_offset);
        if (key == "exponent_offset") return json.number(field.exponent_offset);
        if (key == "width") return json.number(field.width);
        if (key == "since") return json.number(since);  // the offsets say all that matters
        return key == "values" && read_values(json, field.values);
    });
}

template <class Other>
bool read_record(Json& json, Record& record, Other other) {
    return json.object([&](std::string_view key) {
        if (key == "name") return json.string(record.name);
        if (key == "version") return json.number(record.version);
        if (key == "size") return json.number(record.size);
        if (key != "fields") return other(key);
        return json.array([&] { return read_field(json, record.fields.emplace_back()); });
    });
}

bool read_tail(Json& json, Layout& layout) {
    return json.object([&](std::string_view key) {
        if (key == "name") return json.string(layout.tail_name);
        if (key == "kind") return json.string(layout.tail_kind);
        return key == "items" && read_record(json, layout.item, [](std::string_view) { return false; });
    });
}

/// Bytes of a field's first member; 0 if there is no such kind.
std::uint32_t first_size(const Field& field) noexcept {
    static constexpr std::pair<std::string_view, std::uint32_t> kSizes[] = {
        {"u8", 1},  {"i8", 1},   {"u16", 2},  {"i16", 2}, {"u32", 4},  {"i32", 4},    {"u64", 8},
        {"i64", 8}, {"bool", 1}, {"enum", 1}, {"id", 8},  {"time", 8}, {"number", 8}, {"money", 8}};
    if (field.kind == "text") return field.width;
    for (const auto& [kind, size] : kSizes) {
        if (field.kind == kind) return size;
    }
    return 0;
}

/// Whether all of a field lies between two places of the fixed part.
bool lies_between(const Field& field, std::uint32_t begin, std::uint32_t end) noexcept {
    const auto within = [=](std::uint32_t offset, std::uint32_t size) {
        return offset >= begin && offset <= end && size > 0 && size <= end - offset;
    };
    return within(field.offset, first_size(field)) &&
           (field.kind != "money" || within(field.high_offset, 8)) &&
           (!field.has_exponent() || within(field.exponent_offset, 1));
}

bool is_sound(const Record& record) noexcept {
    return std::all_of(record.fields.begin(), record.fields.end(),
                       [&](const Field& field) { return lies_between(field, 0, record.size); });
}

bool read_layout(const std::string& schema, Layout& layout) {
    if (schema.size() > kLongestSchema) return false;
    Json json(schema);
    const bool read = read_record(
        json, layout.event, [&](std::string_view key) { return key == "tail" && read_tail(json, layout); });
    return read && json.at_end() && is_sound(layout.event) && is_sound(layout.item);
}

bool keeps_field(const Field& older, const Field& newer) {
    return older.name == newer.name && older.kind == newer.kind && older.offset == newer.offset &&
           older.high_offset == newer.high_offset && older.exponent_offset == newer.exponent_offset &&
           older.width == newer.width &&
           std::includes(newer.values.begin(), newer.values.end(), older.values.begin(), older.values.end());
}

/// Whether the newer record begins with all fields of the older one.
bool keeps_fields(const Record& older, const Record& newer) {
    return older.name == newer.name && older.fields.size() <= newer.fields.size() &&
           std::equal(older.fields.begin(), older.fields.end(), newer.fields.begin(), keeps_field);
}

bool only_appends(const Layout& older, const Layout& newer) {
    const Record& before = older.event;
    const Record& after = newer.event;
    if (!keeps_fields(before, after) || after.size < before.size) return false;
    const auto appended = after.fields.begin() + static_cast<std::ptrdiff_t>(before.fields.size());
    if (appended == after.fields.end() && after.size != before.size) return false;
    return std::all_of(appended, after.fields.end(),
                       [&](const Field& f) { return lies_between(f, before.size, after.size); }) &&
           older.tail_name == newer.tail_name && older.tail_kind == newer.tail_kind &&
           older.item.size == newer.item.size && older.item.fields.size() == newer.item.fields.size() &&
           keeps_fields(older.item, newer.item);
}

/// Whether pages and their tables are read by the type: another layout of it is another format.
bool is_of_the_format(std::string_view name) noexcept {
    return name == kungfu::TypeDefinition::kName || name == NameDefinition::kName || name == PageEnd::kName ||
           name == Instrument::kName;
}

}  // namespace

bool find_conversion(const std::string& from, const std::string& to, Conversion& conversion) {
    Layout here;
    Layout there;
    if (!read_layout(from, here) || !read_layout(to, there)) return false;
    const bool newer = there.event.version > here.event.version;
    if (from != to && (there.event.version == here.event.version || is_of_the_format(here.event.name) ||
                       !(newer ? only_appends(here, there) : only_appends(there, here)))) {
        return false;
    }
    conversion = {here.event.size, there.event.size, {}};
    for (std::size_t i = here.event.fields.size(); i < there.event.fields.size(); ++i) {
        const Field& field = there.event.fields[i];
        if (field.has_exponent()) conversion.absent_exponents.push_back(field.exponent_offset);
    }
    return true;
}

void convert(const Conversion& conversion, const kf_frame& frame, std::vector<char>& converted) {
    const std::uint32_t length =
        static_cast<std::uint32_t>(frame.commit) - static_cast<std::uint32_t>(sizeof(kf_frame));
    const bool whole = length >= conversion.from_size;
    const std::uint32_t kept = std::min({length, conversion.from_size, conversion.to_size});
    const std::uint32_t fixed = whole ? conversion.to_size : kept;
    const std::uint32_t tail = whole ? length - conversion.from_size : 0;
    const std::uint64_t size = sizeof(kf_frame) + std::uint64_t{fixed} + tail;
    converted.resize(align8(size));
    std::memcpy(converted.data(), &frame, sizeof(kf_frame) + kept);
    reinterpret_cast<kf_frame*>(converted.data())->commit = size;
    char* payload = converted.data() + sizeof(kf_frame);
    std::memset(payload + kept, 0, fixed - kept);
    if (!whole) return;
    for (const std::uint32_t exponent : conversion.absent_exponents) payload[exponent] = kNoneExponent;
    std::memcpy(payload + fixed, reinterpret_cast<const char*>(&frame + 1) + conversion.from_size, tail);
}

}  // namespace kungfu::journal
