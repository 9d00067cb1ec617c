// Pages: roll-over, dates, tables, seeking, and reading before there is anything to read.
#include <algorithm>

#include "journal/recovery.hpp"
#include "journal_support.hpp"
#include "kungfu/id.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::int64_t kDay = 86'400'000'000'000;

// Every event comes back once, in order, whatever the number of pages.
void events_come_back_in_order() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, kDay);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        clock.set(kDay + static_cast<std::int64_t>(i));
        CHECK_EQUAL(put(*writer, i), KF_OK);
        CHECK_EQUAL(writer->last_sequence(), i);
    }
    CHECK(list_pages(at(folder.path())).size() > 5);
    JournalReader reader(at(folder.path()), core_types(), true);
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        const kf_frame* frame = reader.peek();
        CHECK(frame != nullptr);
        CHECK_EQUAL(frame->sequence, i);
        CHECK_EQUAL(frame->gen_time, kDay + static_cast<std::int64_t>(i));
        CHECK_EQUAL(trade_id(frame), i);
        CHECK_EQUAL(reader.type(), Trade::kType);
        reader.advance();
    }
    CHECK(reader.peek() == nullptr);
    CHECK_EQUAL(reader.status(), KF_OK);
    CHECK_EQUAL(reader.id(), id_of("venue/MD"));
}

// A page lies under the UTC date of its first event; pages and sequences run on across dates.
void pages_lie_under_the_date_of_their_first_event() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 19'000 * kDay);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 3000; ++i) {
        clock.set(19'000 * kDay + static_cast<std::int64_t>(i) * kDay / 1000);
        CHECK_EQUAL(put(*writer, i), KF_OK);
    }
    const auto pages = list_pages(at(folder.path()));
    CHECK_EQUAL(pages.front().date, std::string("2022-01-08"));
    CHECK_EQUAL(pages.front().path, folder.path() + "/2022-01-08/venue/MD.1.journal");
    CHECK(pages.back().date > pages.front().date);
    for (std::size_t i = 0; i < pages.size(); ++i) {
        CHECK_EQUAL(pages[i].page, i + 1);
        Page page;
        std::string error;
        CHECK_EQUAL(page.open(pages[i].path, 0, false, error), KF_OK);
        CHECK_EQUAL(utc_date(page.header().create_time), pages[i].date);
    }
    JournalReader reader(at(folder.path()));
    CHECK_EQUAL(trade_ids(reader).size(), 3000U);
}

// With the first page deleted, the second still says what its types, names and instruments are.
void a_page_reads_by_itself() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 5);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(writer->define_name(1, 77, "venue"), KF_OK);
    CHECK_EQUAL(writer->define_name(1, 77, "venue"), KF_OK);
    CHECK_EQUAL(writer->last_sequence(), 1U);
    CHECK_EQUAL(writer->define_name(1, 77, "other"), KF_BAD_ARGUMENT);
    Instrument instrument{};
    instrument.instrument = 99;
    instrument.settle_decimals = 1;
    for (int i = 0; i < 2; ++i, ++instrument.settle_decimals) {
        CHECK_EQUAL(writer->append(Instrument::kType, 0, 0, kNoCause, &instrument, sizeof instrument), KF_OK);
    }
    CHECK_EQUAL(
        writer->define_type({2000, 1, "signal", R"({"fields":[],"name":"signal","size":0,"version":1})"}),
        KF_OK);
    while (list_pages(at(folder.path())).size() < 2) CHECK_EQUAL(put(*writer, 1), KF_OK);
    CHECK_EQUAL(writer->append(2000, 0, 0, kNoCause, nullptr, 0), KF_OK);
    const auto pages = list_pages(at(folder.path()));
    std::filesystem::remove(pages[0].path);

    Tables tables;
    IndexBuilder index;
    Recovered found;
    Page page;
    std::string error;
    CHECK_EQUAL(page.open(pages[1].path, 0, true, error), KF_OK);
    CHECK_EQUAL(recover_page(page, tables, index, found, error), KF_OK);
    CHECK_EQUAL(tables.types().size(), core_types().size() + 1);
    CHECK_EQUAL(*tables.name(1, 77), std::string("venue"));
    const auto& entries = tables.entries();
    const auto last = std::find_if(entries.begin(), entries.end(),
                                   [](const Tables::Entry& e) { return e.type == Instrument::kType; });
    CHECK(last != entries.end());
    CHECK_EQUAL(int{reinterpret_cast<const Instrument*>(last->payload.data())->settle_decimals}, 2);

    auto types = core_types();
    types.push_back({3000, 1, "signal", R"({"fields":[],"name":"signal","size":0,"version":1})"});
    JournalReader reader(at(folder.path()), types, true);
    const kf_frame* frame = reader.peek();
    CHECK(frame != nullptr);
    CHECK_EQUAL(reader.type(), Trade::kType);
    reader.advance();
    frame = reader.peek();
    CHECK_EQUAL(frame->type, 2000U);
    CHECK_EQUAL(reader.type(), 3000U);
    JournalReader stranger(at(folder.path()));
    stranger.peek();
    stranger.advance();
    CHECK(stranger.peek() != nullptr);
    CHECK_EQUAL(stranger.type(), 0U);
}

// Seeking by time and by sequence gives the first event at or after it, with and without an index.
void seek_finds_the_first_event_at_or_after() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED);
    auto writer = open_writer(options(folder.path(), clock, 256 * 1024));
    // Ten events share each time, so that equal times span pages.
    for (std::uint64_t i = 1; i <= 8000; ++i)
        CHECK_EQUAL(put_at(*writer, static_cast<std::int64_t>(i / 10 * 10), i), KF_OK);
    const auto pages = list_pages(at(folder.path()));
    CHECK(pages.size() >= 4);
    for (int pass = 0; pass < 2; ++pass) {
        JournalReader reader(at(folder.path()), core_types(), true);
        for (std::uint64_t i = 1; i <= 8000; i += 37) {
            CHECK_EQUAL(reader.seek_sequence(i), KF_OK);
            CHECK_EQUAL(trade_id(reader.peek()), i);
            CHECK_EQUAL(reader.last_sequence(), i - 1);
            const auto time = static_cast<std::int64_t>(i) - 4;
            CHECK_EQUAL(reader.seek_time(time), KF_OK);
            const std::uint64_t first = time <= 0 ? 1 : static_cast<std::uint64_t>((time + 9) / 10 * 10);
            CHECK_EQUAL(trade_id(reader.peek()), first);
        }
        CHECK_EQUAL(reader.seek_time(9000), KF_OK);
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.seek_end(), KF_OK);
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.last_sequence(), 8000U);
        for (const auto& page : pages) std::filesystem::remove(index_path(page.path));
    }
}

// A reader may be there first; it creates nothing, and sees the first event when it comes.
void a_reader_may_come_before_the_writer() {
    Folder folder;
    const std::string root = folder.path() + "/not-there";
    JournalReader reader(at(root));
    CHECK(reader.peek() == nullptr);
    CHECK_EQUAL(reader.seek_time(3), KF_OK);
    CHECK(!std::filesystem::exists(root));
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(root, clock));
    CHECK(reader.peek() == nullptr);
    for (std::uint64_t i = 1; i <= 2000; ++i) {
        clock.set(static_cast<std::int64_t>(i));
        CHECK_EQUAL(put(*writer, i), KF_OK);
        if (i < 3) {
            CHECK(reader.peek() == nullptr);
            continue;
        }
        CHECK(reader.peek() != nullptr);
        CHECK_EQUAL(trade_id(reader.peek()), i);
        reader.advance();
        CHECK(reader.peek() == nullptr);
    }
}

// Two journals come merged by time, equal times in the order of joining, never past the limit.
void joined_journals_come_in_order() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED);
    auto a = open_writer(options(folder.path(), clock, kMinPageSize, "a"));
    auto b = open_writer(options(folder.path(), clock, kMinPageSize, "b"));
    for (std::uint64_t i = 1; i <= 1500; ++i) {
        clock.set(static_cast<std::int64_t>(i));
        CHECK_EQUAL(put(*b, 2 * i + 1), KF_OK);
        CHECK_EQUAL(put(*a, 2 * i), KF_OK);
    }
    Reader reader(core_types(), true);
    CHECK_EQUAL(reader.peek_time(), std::numeric_limits<std::int64_t>::max());
    CHECK_EQUAL(reader.join(at(folder.path(), "a")), KF_OK);
    CHECK_EQUAL(reader.join(at(folder.path(), "b"), 10), KF_OK);
    CHECK_EQUAL(reader.join(at(folder.path(), "b")), KF_BAD_ARGUMENT);
    kf_event event{};
    CHECK(!reader.next(event, 0));
    for (std::uint64_t i = 1; i <= 1500; ++i) {
        CHECK_EQUAL(reader.peek_time(), static_cast<std::int64_t>(i));
        CHECK(!reader.next(event, static_cast<std::int64_t>(i) - 1));
        CHECK(reader.next(event, static_cast<std::int64_t>(i)));
        CHECK_EQUAL(trade_id(event.frame), 2 * i);
        CHECK_EQUAL(event.journal, a->id());
        CHECK_EQUAL(event.length, sizeof(Trade));
        if (i <= 10) continue;
        CHECK(reader.next(event));
        CHECK_EQUAL(trade_id(event.frame), 2 * i + 1);
        CHECK_EQUAL(event.journal, b->id());
    }
    CHECK(!reader.next(event));
    CHECK_EQUAL(reader.seek_time(700), KF_OK);
    CHECK(reader.next(event));
    CHECK_EQUAL(trade_id(event.frame), 1400U);
}

// Generation time never goes back in a journal, whatever the clock or an import says.
void generation_time_never_goes_back() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 100);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put_at(*writer, 500, 1), KF_OK);
    CHECK_EQUAL(put(*writer, 2), KF_OK);
    CHECK_EQUAL(writer->last_time(), 500);
    writer->close();
    CHECK_EQUAL(put(*writer, 3), KF_CLOSED);
    Clock earlier(Clock::Kind::SIMULATED, 50);
    writer = open_writer(options(folder.path(), earlier));
    CHECK_EQUAL(put(*writer, 3), KF_OK);
    CHECK_EQUAL(writer->last_time(), 500);
    CHECK_EQUAL(writer->last_sequence(), 3U);
}

// Equal appends at equal simulated times give equal bytes, indexes included.
void equal_inputs_give_equal_files() {
    Folder folders[2];
    for (const Folder& folder : folders) {
        Clock clock(Clock::Kind::SIMULATED, 1000);
        auto writer = open_writer(options(folder.path(), clock, 128 * 1024));
        CHECK_EQUAL(writer->define_name(1, 77, "venue"), KF_OK);
        for (std::uint64_t i = 1; i <= 4000; ++i) {
            clock.set(1000 + static_cast<std::int64_t>(i));
            CHECK_EQUAL(put(*writer, i), KF_OK);
        }
    }
    const auto first = list_pages(at(folders[0].path()));
    const auto second = list_pages(at(folders[1].path()));
    CHECK_EQUAL(first.size(), second.size());
    CHECK(first.size() > 2);
    for (std::size_t i = 0; i < first.size(); ++i) {
        CHECK(contents(first[i].path) == contents(second[i].path));
        CHECK(contents(index_path(first[i].path)) == contents(index_path(second[i].path)));
    }
    CHECK(!contents(index_path(first[0].path)).empty());
}

// What cannot be said is refused and leaves the journal as it was.
void refusals_change_nothing() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    const std::string big(kMinPageSize, 'x');
    const auto size = static_cast<std::uint32_t>(big.size());
    CHECK_EQUAL(writer->append(Log::kType, 0, 0, kNoCause, big.data(), size), KF_TOO_LARGE);
    CHECK_EQUAL(writer->append(9999, 0, 0, kNoCause, nullptr, 0), KF_BAD_ARGUMENT);
    CHECK_EQUAL(writer->append(PageEnd::kType, 0, 0, kNoCause, big.data(), 40), KF_BAD_ARGUMENT);
    CHECK_EQUAL(writer->append(kungfu::TypeDefinition::kType, 0, 0, kNoCause, big.data(), 40),
                KF_BAD_ARGUMENT);
    CHECK_EQUAL(writer->last_sequence(), 0U);
    CHECK(list_pages(at(folder.path())).empty());
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    CHECK_EQUAL(writer->append(Log::kType, 0, 0, kNoCause, big.data(), size), KF_TOO_LARGE);
    CHECK_EQUAL(writer->last_sequence(), 1U);
    writer.reset();

    auto changed = options(folder.path(), clock);
    for (auto& type : changed.types) {
        if (type.number == Trade::kType) type.schema += " ";
    }
    std::string error;
    CHECK_EQUAL(Writer::open(changed, writer, error), kTypeConflict);
    CHECK(error.find("trade version 1") != std::string::npos);
    JournalReader reader(at(folder.path()), changed.types);
    CHECK(reader.peek() == nullptr);
    CHECK_EQUAL(reader.status(), kTypeConflict);
    for (const char* bad : {"", "../x", "a/b", "a b"}) {
        CHECK_EQUAL(Writer::open(options(folder.path(), clock, kMinPageSize, "venue", bad), writer, error),
                    KF_BAD_ARGUMENT);
    }
    CHECK_EQUAL(Writer::open(options(folder.path(), clock, 70'000), writer, error), KF_BAD_ARGUMENT);
}

// Journals under a root are listed once each, with their scope.
void journals_are_listed() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto o = options(folder.path(), clock);
    o.scope = "runs/7";
    auto a = open_writer(o);
    auto b = open_writer(options(folder.path(), clock, kMinPageSize, "broker", "BROKER"));
    std::string problem;
    CHECK(list_journals(folder.path(), problem).empty());
    CHECK_EQUAL(put(*a, 1), KF_OK);
    CHECK_EQUAL(put(*b, 1), KF_OK);
    const auto journals = list_journals(folder.path(), problem);
    CHECK_EQUAL(journals.size(), 2U);
    CHECK_EQUAL(journals[0].label(), std::string("broker/BROKER"));
    CHECK_EQUAL(journals[1].label(), std::string("runs/7/venue/MD"));
    CHECK_EQUAL(a->id(), id_of("runs/7/venue/MD"));
    JournalReader reader(at(folder.path()));
    CHECK(reader.peek() != nullptr);
    CHECK_EQUAL(reader.id(), a->id());
    CHECK(list_journals(folder.path() + "/nowhere", problem).empty());
}

}  // namespace

int main() {
    events_come_back_in_order();
    pages_lie_under_the_date_of_their_first_event();
    a_page_reads_by_itself();
    seek_finds_the_first_event_at_or_after();
    a_reader_may_come_before_the_writer();
    joined_journals_come_in_order();
    generation_time_never_goes_back();
    equal_inputs_give_equal_files();
    refusals_change_nothing();
    journals_are_listed();
}
