// Versions of an event type: what a reader makes of older and newer ones, and what a writer does that goes
// on.
#include <cstring>
#include <random>

#include "journal/columns.hpp"
#include "journal/evolution.hpp"
#include "journal_support.hpp"
#include "kungfu/number.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::uint32_t kSignal = 1500;

// A type with a tail that appends a number and an integer in version 2, and an amount of money in version 3.
const std::string kBegin = R"({"fields":[{"kind":"u64","name":"a","offset":0},)";
const std::string kSide = R"({"kind":"enum","name":"side","offset":8,"values":{"BUY":1,"SELL":2}})";
const std::string kNumber =
    R"(,{"exponent_offset":24,"kind":"number","name":"b","offset":16,"since":2},{"kind":"u8","name":"c","offset":25,"since":2})";
const std::string kMoney =
    R"(,{"exponent_offset":48,"high_offset":40,"kind":"money","name":"d","offset":32,"since":3})";

std::string ending(std::uint32_t version, std::uint32_t size) {
    return R"(],"name":"signal","size":)" + std::to_string(size) +
           R"(,"tail":{"kind":"text","name":"text"},"version":)" + std::to_string(version) + "}";
}

std::string schema(std::uint32_t version) {
    const std::string fields = kBegin + kSide + (version > 1 ? kNumber : "") + (version > 2 ? kMoney : "");
    return fields + ending(version, version == 1 ? 16 : version == 2 ? 32 : 56);
}

journal::TypeDefinition signal(std::uint32_t version, std::uint32_t number = kSignal) {
    return {number, version, "signal", schema(version)};
}

std::vector<journal::TypeDefinition> types(const journal::TypeDefinition& added) {
    auto all = core_types();
    all.push_back(added);
    return all;
}

struct Signal {
    std::uint64_t a = 0;
    std::uint8_t side = 0;
    std::uint8_t gap[7] = {};
    std::int64_t b = 0;
    std::int8_t b_exponent = 0;
    std::uint8_t c = 0;
    std::uint8_t gap2[6] = {};
    std::uint64_t d_low = 0;
    std::int64_t d_high = 0;
    std::int8_t d_exponent = 0;
    std::uint8_t gap3[7] = {};
};
static_assert(sizeof(Signal) == 56);

std::uint32_t fixed_size(std::uint32_t version) { return version == 1 ? 16 : version == 2 ? 32 : 56; }

/// What is written of event `n`: all fields set, and a tail of its own length.
std::string payload(std::uint32_t version, std::uint64_t n) {
    Signal s;
    s.a = n;
    s.side = 2;
    s.b = static_cast<std::int64_t>(n) * 10;
    s.b_exponent = -1;
    s.c = 7;
    s.d_low = n;
    s.d_high = -1;
    s.d_exponent = -2;
    std::string bytes(fixed_size(version), '\0');
    std::memcpy(bytes.data(), &s, bytes.size());
    return bytes + std::string(n % 5, 'x');
}

std::string payload_of(const kf_frame* frame) {
    return {reinterpret_cast<const char*>(frame + 1),
            static_cast<std::uint32_t>(frame->commit) - sizeof(kf_frame)};
}

/// What a program of version `reading` must make of what one of version `writing` wrote.
std::string expected(std::uint32_t writing, std::uint32_t reading, std::uint64_t n) {
    Signal s;
    s.b_exponent = kNoneExponent;
    s.d_exponent = kNoneExponent;
    const std::string written = payload(writing, n);
    std::memcpy(&s, written.data(), fixed_size(writing));
    std::string bytes(fixed_size(reading), '\0');
    std::memcpy(bytes.data(), &s, bytes.size());
    return bytes + written.substr(fixed_size(writing));
}

void write(const std::string& root, Clock& clock, std::uint32_t version, std::uint64_t from,
           std::uint64_t to) {
    auto o = options(root, clock);
    o.types.push_back(signal(version));
    auto writer = open_writer(o);
    for (std::uint64_t n = from; n < to; ++n) {
        const std::string bytes = payload(version, n);
        CHECK_EQUAL(
            writer->append(kSignal, 7, 0, kNoCause, bytes.data(), static_cast<std::uint32_t>(bytes.size())),
            KF_OK);
        CHECK_EQUAL(put(*writer, n), KF_OK);
    }
}

// Appended fields that the file lacks are zero or absent; those that the program lacks are not seen. The tail
// and all events of other types are there in either case.
void events_of_other_versions_are_read_as_those_of_this_program() {
    for (std::uint32_t writing = 1; writing <= 3; ++writing) {
        for (std::uint32_t reading = 1; reading <= 3; ++reading) {
            Folder folder;
            Clock clock(Clock::Kind::SIMULATED, 5);
            write(folder.path(), clock, writing, 1, 1000);
            CHECK(list_pages(at(folder.path())).size() > 2);
            for (const bool verify : {false, true}) {
                JournalReader reader(at(folder.path()), types(signal(reading, 4000)), verify);
                for (std::uint64_t n = 1; n < 1000; ++n) {
                    const kf_frame* frame = reader.peek();
                    CHECK(frame != nullptr);
                    CHECK(frame == reader.peek());
                    CHECK_EQUAL(reader.type(), 4000U);
                    CHECK_EQUAL(frame->sequence, 2 * n - 1);
                    CHECK_EQUAL(frame->source, 7U);
                    CHECK(payload_of(frame) == expected(writing, reading, n));
                    CHECK_EQUAL(reader.is_converted(), writing != reading);
                    reader.advance();
                    CHECK(reader.peek() != nullptr);
                    CHECK_EQUAL(trade_id(reader.peek()), n);
                    CHECK(!reader.is_converted());
                    reader.advance();
                }
                CHECK(reader.peek() == nullptr);
                CHECK_EQUAL(reader.status(), KF_OK);
            }
        }
    }
}

// One journal holds both versions after a writer of another version went on with it; each event is read as
// what the reader knows, also after a seek into the middle.
void a_writer_of_another_version_goes_on() {
    for (const auto& [first, second] : {std::pair{1U, 2U}, std::pair{3U, 1U}}) {
        Folder folder;
        Clock clock(Clock::Kind::SIMULATED, 5);
        write(folder.path(), clock, first, 1, 400);
        write(folder.path(), clock, second, 400, 800);
        write(folder.path(), clock, first, 800, 1000);
        for (std::uint32_t reading = 1; reading <= 3; ++reading) {
            JournalReader reader(at(folder.path()), types(signal(reading)), true);
            for (const std::uint64_t from : {1U, 350U, 450U, 900U}) {
                // Definitions that the second writer added are events, too.
                CHECK_EQUAL(reader.seek_sequence(2 * from - 1), KF_OK);
                std::uint64_t n = 0;
                for (const kf_frame* frame = nullptr; (frame = reader.peek()) != nullptr; reader.advance()) {
                    if (reader.type() != kSignal) continue;
                    std::uint64_t a = 0;
                    std::memcpy(&a, frame + 1, sizeof a);
                    CHECK(n == 0 || a == n + 1);
                    n = a;
                    const std::uint32_t writing = n >= 400 && n < 800 ? second : first;
                    CHECK(payload_of(frame) == expected(writing, reading, n));
                }
                CHECK_EQUAL(n, 999U);
                CHECK_EQUAL(reader.status(), KF_OK);
            }
        }
        Tables tables;
        Page page;
        std::string error;
        CHECK_EQUAL(page.open(list_pages(at(folder.path())).back().path, 0, false, error), KF_OK);
        std::uint64_t offset = sizeof(PageHeader);
        for (; page.frame(offset)->flags == kTableFlag; offset += align8(page.commit(offset) & 0xffffffffU)) {
            const kf_frame* frame = page.frame(offset);
            tables.learn(frame->type, 0, frame + 1,
                         static_cast<std::uint32_t>(page.commit(offset)) - sizeof(kf_frame));
        }
        std::vector<std::uint32_t> versions;
        for (const journal::TypeDefinition& type : tables.types()) {
            if (type.name == "signal") versions.push_back(type.version);
        }
        CHECK((versions == std::vector<std::uint32_t>{first, second}));
    }
}

// Of several versions that the program knows, the file's own is taken, and otherwise the latest.
void the_latest_version_of_this_program_is_read() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    write(folder.path(), clock, 2, 1, 3);
    for (const bool latest_first : {false, true}) {
        std::vector<journal::TypeDefinition> known = {signal(1, 2001), signal(3, 2003)};
        if (latest_first) std::swap(known[0], known[1]);
        JournalReader other(at(folder.path()), known);
        CHECK(other.peek() != nullptr);
        CHECK_EQUAL(other.type(), 2003U);
        CHECK(payload_of(other.peek()) == expected(2, 3, 1));
        known.push_back(signal(2, 2002));
        JournalReader same(at(folder.path()), known);
        CHECK(same.peek() != nullptr);
        CHECK_EQUAL(same.type(), 2002U);
        CHECK(!same.is_converted());
    }
}

// An event that was converted is whole until two more were.
void the_event_before_stays_whole() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    write(folder.path(), clock, 1, 1, 1000);
    JournalReader reader(at(folder.path()), {signal(2)});
    const kf_frame* before = nullptr;
    std::uint64_t n = 0;
    for (const kf_frame* frame = nullptr; (frame = reader.peek()) != nullptr; reader.advance()) {
        if (reader.type() != kSignal) continue;
        if (before != nullptr) CHECK(payload_of(before) == expected(1, 2, n));
        before = frame;
        ++n;
    }
    CHECK_EQUAL(n, 999U);
}

// The core's types evolve as others do; their number then differs between file and program.
void a_type_of_the_core_gets_another_number_in_the_file() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    CHECK_EQUAL(put(*open_writer(options(folder.path(), clock)), 1), KF_OK);
    auto later = options(folder.path(), clock);
    for (journal::TypeDefinition& type : later.types) {
        if (type.number != Trade::kType) continue;
        const std::string old_size = "\"size\":" + std::to_string(sizeof(Trade));
        const std::size_t end = type.schema.find("]," + std::string(R"("name":"trade")"));
        type.schema.insert(end,
                           R"(,{"kind":"u64","name":"new","offset":)" + std::to_string(sizeof(Trade)) + "}");
        type.schema.replace(type.schema.find(old_size), old_size.size(),
                            "\"size\":" + std::to_string(sizeof(Trade) + 8));
        type.schema.replace(type.schema.rfind(":1}"), 3, ":2}");
        type.version = 2;
    }
    struct Later {
        Trade trade;
        std::uint64_t added;
    } event{};
    event.trade.trade_id = 2;
    event.added = 99;
    {
        auto writer = open_writer(later);
        CHECK(writer->file_number(Trade::kType) >= kFirstPluginType);
        CHECK_EQUAL(writer->file_number(Quote::kType), Quote::kType);
        CHECK_EQUAL(writer->append(Trade::kType, 7, 0, kNoCause, &event, sizeof event), KF_OK);
    }
    CHECK_EQUAL(open_writer(options(folder.path(), clock))->file_number(Trade::kType), Trade::kType);
    JournalReader old_program(at(folder.path()));
    CHECK((trade_ids(old_program) == std::vector<std::uint64_t>{1, 2}));
    JournalReader new_program(at(folder.path()), later.types);
    std::vector<std::uint64_t> added;
    while (const kf_frame* frame = new_program.peek()) {
        if (new_program.type() == Trade::kType)
            added.push_back(reinterpret_cast<const Later*>(frame + 1)->added);
        new_program.advance();
    }
    CHECK((added == std::vector<std::uint64_t>{0, 99}));
}

// Columns have the program's layout whatever the pages have, and tails.
void columns_have_the_layout_of_this_program() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    write(folder.path(), clock, 2, 1, 300);
    write(folder.path(), clock, 1, 300, 600);
    write(folder.path(), clock, 3, 600, 900);
    for (std::uint32_t reading = 1; reading <= 3; ++reading) {
        ColumnsRequest request{at(folder.path()), {signal(reading)}, kSignal, fixed_size(reading), {}};
        request.tails = true;
        Columns columns;
        std::string error;
        CHECK_EQUAL(gather(request, columns, error), KF_OK);
        CHECK_EQUAL(columns.count, 899U);
        std::int64_t tail = 0;
        for (std::uint64_t i = 0; i < columns.count; ++i) {
            const std::uint64_t n = i + 1;
            const char* row = columns.rows + i * (sizeof(kf_frame) + fixed_size(reading));
            std::string bytes(row + sizeof(kf_frame), fixed_size(reading));
            bytes.append(columns.tails.data() + tail, columns.tails.data() + columns.tail_ends[i]);
            tail = columns.tail_ends[i];
            CHECK(bytes == expected(n < 300 ? 2 : n < 600 ? 1 : 3, reading, n));
        }
    }
}

// A damaged frame is found by the checksum of what stands in the file.
void the_checksum_is_that_of_the_original() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    write(folder.path(), clock, 1, 1, 3);
    JournalReader sound(at(folder.path()), {signal(2)}, true);
    CHECK(sound.peek() != nullptr);
    CHECK(sound.is_converted());
    const std::uint64_t place = sound.offset();
    poke(sound.page().path(), place + sizeof(kf_frame), "\x7f");
    JournalReader reader(at(folder.path()), {signal(2)}, true);
    CHECK(reader.peek() == nullptr);
    CHECK_EQUAL(reader.status(), kCorrupt);
    CHECK(reader.error().find("offset " + std::to_string(place) + ": the frame fails") != std::string::npos);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    CHECK(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
}

// What does more than append is refused by reader and writer, with both versions named.
void other_changes_are_a_conflict() {
    const std::string good = schema(2);
    const std::string bad[] = {
        replaced(good, R"("kind":"u64","name":"a")", R"("kind":"i64","name":"a")"),
        replaced(good, R"("name":"a")", R"("name":"z")"),
        replaced(good, R"("name":"a","offset":0)", R"("name":"a","offset":1)"),
        replaced(good, R"("offset":25)", R"("offset":9)"),  // where the older version has padding
        replaced(good, R"("offset":25)", R"("offset":32)"),
        replaced(good, R"("BUY":1,)", ""),
        replaced(good, R"("BUY":1)", R"("BUY":3)"),
        replaced(good, R"("kind":"text","name":"text")", R"("kind":"bytes","name":"text")"),
        replaced(good, R"("kind":"text","name":"text")", R"("kind":"text","name":"note")"),
        replaced(good, R"("size":32)", R"("size":8)"),
        replaced(good, R"("size":32)", R"("size":99999999999)"),
        replaced(good, kNumber, ""),  // grows, but by no field
        replaced(good, R"("since":2)", R"("sinke":2)"),
        replaced(good, R"("kind":"u8")", R"("kind":"u7")"),
        replaced(good, R"("version":2)", R"("version":1)"),
    };
    for (const std::string& layout : bad) {
        Folder folder;
        Clock clock(Clock::Kind::SIMULATED, 5);
        write(folder.path(), clock, 1, 1, 2);
        const journal::TypeDefinition changed{kSignal, 2, "signal", layout};
        JournalReader reader(at(folder.path()), {changed});
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.status(), kTypeConflict);
        CHECK(reader.error().find("signal version 1 in this file and version 2") != std::string::npos);
        auto o = options(folder.path(), clock);
        o.types.push_back(changed);
        std::unique_ptr<Writer> writer;
        std::string error;
        CHECK_EQUAL(Writer::open(o, writer, error), kTypeConflict);
        CHECK(error.find("signal version 2 and version 1 here differ") != std::string::npos);
        Conversion conversion;
        CHECK(!find_conversion(layout, schema(1), conversion));
    }
}

// Pages are read by these types, so another layout of one is another format.
void types_of_the_format_have_one_version() {
    for (const journal::TypeDefinition& type : core_types()) {
        std::string later = type.schema;
        later.replace(later.rfind(":1}"), 3, ":2}");
        Conversion conversion;
        const bool of_the_format = type.number == kungfu::TypeDefinition::kType ||
                                   type.number == NameDefinition::kType || type.number == PageEnd::kType ||
                                   type.number == Instrument::kType;
        CHECK_EQUAL(find_conversion(type.schema, later, conversion), !of_the_format);
    }
}

// A vocabulary may gain names, but none may change its meaning; items of a tail stay as they are.
void vocabularies_grow_and_items_do_not() {
    Conversion conversion;
    const std::string gained = replaced(replaced(schema(1), R"("BUY":1)", R"("BOTH":3,"BUY":1)"),
                                        R"("version":1)", R"("version":2)");
    CHECK(find_conversion(schema(1), gained, conversion));
    CHECK_EQUAL(conversion.from_size, conversion.to_size);
    CHECK(find_conversion(gained, schema(1), conversion));
    const std::string items =
        R"({"fields":[],"name":"s","size":0,"tail":{"items":{"fields":[{"kind":"u64","name":"x","offset":0}],)"
        R"("name":"i","size":8,"version":1},"kind":"items","name":"t"},"version":1})";
    std::string second = items;
    second.replace(second.rfind(":1}"), 3, ":2}");
    CHECK(find_conversion(items, second, conversion));
    CHECK(!find_conversion(items, replaced(second, R"("size":8)", R"("size":16)"), conversion));
    CHECK(!find_conversion(items, replaced(second, R"("name":"x")", R"("name":"y")"), conversion));
}

// A hostile layout is refused or compared, never followed out of bounds; cut and altered in every place.
void no_layout_harms_the_reader() {
    std::mt19937_64 random(1);
    const std::string good = schema(3);
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        Conversion conversion;
        CHECK(!find_conversion(good.substr(0, cut), schema(1), conversion));
        for (int i = 0; i < 50; ++i) {
            std::string altered = good;
            altered[cut] = static_cast<char>(random());
            if (i % 2 == 0) altered[random() % good.size()] = "\"\\{}[]:,0"[random() % 9];
            if (!find_conversion(schema(1), altered, conversion)) continue;
            std::vector<char> frame(sizeof(kf_frame) + 100, 'f');
            std::vector<char> converted;
            for (std::uint64_t length = 0; length <= 100; ++length) {
                reinterpret_cast<kf_frame*>(frame.data())->commit = sizeof(kf_frame) + length;
                Conversion back;
                CHECK(find_conversion(altered, schema(1), back));
                convert(back, *reinterpret_cast<kf_frame*>(frame.data()), converted);
                const std::uint64_t size = reinterpret_cast<kf_frame*>(converted.data())->commit;
                CHECK(size <= converted.size() && size <= sizeof(kf_frame) + length);
            }
        }
    }
}

}  // namespace

int main() {
    events_of_other_versions_are_read_as_those_of_this_program();
    a_writer_of_another_version_goes_on();
    the_latest_version_of_this_program_is_read();
    the_event_before_stays_whole();
    a_type_of_the_core_gets_another_number_in_the_file();
    columns_have_the_layout_of_this_program();
    the_checksum_is_that_of_the_original();
    other_changes_are_a_conflict();
    types_of_the_format_have_one_version();
    vocabularies_grow_and_items_do_not();
    no_layout_harms_the_reader();
}
