// Damage is found, named by file and offset, and never read as an event nor written over.
#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

struct Written {
    Folder folder;
    std::string path;
    std::string bytes;
    std::uint64_t offset = 0;  ///< Of the third of five events.
    std::uint32_t length = 0;
};

void write_five(Written& w) {
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(w.folder.path(), clock));
    for (std::uint64_t i = 1; i <= 5; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    w.path = list_pages(at(w.folder.path()))[0].path;
    w.bytes = contents(w.path);
    JournalReader reader(at(w.folder.path()));
    CHECK_EQUAL(reader.seek_sequence(3), KF_OK);
    w.length = static_cast<std::uint32_t>(reader.peek()->commit);
    w.offset = reader.offset();
}

bool names(const std::string& error, const std::string& path, std::uint64_t offset) {
    return error.rfind(path + ": offset " + std::to_string(offset) + ": ", 0) == 0;
}

// One flipped bit anywhere in a frame, its commit word included.
void every_flipped_bit_of_a_frame_is_found() {
    Written w;
    write_five(w);
    Clock clock(Clock::Kind::SIMULATED, 1);
    for (std::uint64_t bit = 0; bit < w.length * 8ULL; ++bit) {
        const std::uint64_t place = w.offset + bit / 8;
        poke(w.path, place, std::string(1, static_cast<char>(w.bytes[place] ^ (1 << bit % 8))));
        JournalReader reader(at(w.folder.path()), core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), 2U);
        CHECK_EQUAL(reader.status(), kCorrupt);
        CHECK(names(reader.error(), w.path, w.offset));
        poke(w.path, place, w.bytes.substr(place, 1));
    }
    std::string error;
    std::unique_ptr<Writer> writer;
    for (std::uint64_t byte = 0; byte < w.length; ++byte) {
        const std::uint64_t place = w.offset + byte;
        poke(w.path, place, std::string(1, static_cast<char>(w.bytes[place] ^ 0x10)));
        const std::string damaged = contents(w.path);
        CHECK_EQUAL(Writer::open(options(w.folder.path(), clock), writer, error), kCorrupt);
        CHECK(names(error, w.path, w.offset));
        CHECK(contents(w.path) == damaged);
        poke(w.path, place, w.bytes.substr(place, 1));
    }
    CHECK_EQUAL(Writer::open(options(w.folder.path(), clock), writer, error), KF_OK);
}

// A zeroed frame with good ones behind it is a hole, not the end.
void a_hole_is_not_written_over() {
    Written w;
    write_five(w);
    poke(w.path, w.offset, std::string(w.length, '\0'));
    Clock clock(Clock::Kind::SIMULATED, 1);
    std::string error;
    std::unique_ptr<Writer> writer;
    CHECK_EQUAL(Writer::open(options(w.folder.path(), clock), writer, error), kCorrupt);
    CHECK(names(error, w.path, w.offset));
}

// A good frame in another place, or of another page, verifies nowhere.
void a_misplaced_frame_is_found() {
    Written w;
    write_five(w);
    const std::string third = w.bytes.substr(w.offset, align8(w.length));
    poke(w.path, w.offset + align8(w.length), third);
    JournalReader reader(at(w.folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(reader).size(), 3U);
    CHECK(names(reader.error(), w.path, w.offset + align8(w.length)));
}

// Readers that do not verify still never leave the page: lengths are checked.
void an_impossible_length_is_found_without_checksums() {
    for (const std::string& length : {std::string("\x01\0\0\0", 4), std::string("\xff\xff\xff\xff", 4),
                                      std::string("\0\0\x01\0", 4), std::string("\xff\xff\0\0", 4)}) {
        Written w;
        write_five(w);
        poke(w.path, w.offset, length);
        JournalReader reader(at(w.folder.path()));
        CHECK_EQUAL(trade_ids(reader).size(), 2U);
        CHECK_EQUAL(reader.status(), kCorrupt);
        CHECK(names(reader.error(), w.path, w.offset));
    }
}

// A file cut short, or with a damaged header, is refused before it is mapped.
void a_cut_file_is_found() {
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{600}, kMinPageSize - 1}) {
        Written w;
        write_five(w);
        std::filesystem::resize_file(w.path, size);
        JournalReader reader(at(w.folder.path()));
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.status(), kCorrupt);
        CHECK(names(reader.error(), w.path, size));
    }
    for (std::uint64_t offset = 0; offset < offsetof(PageHeader, reserved); ++offset) {
        static Written w;
        if (w.path.empty()) write_five(w);
        poke(w.path, offset, std::string(1, static_cast<char>(w.bytes[offset] ^ 4)));
        JournalReader reader(at(w.folder.path()));
        CHECK(reader.peek() == nullptr);
        CHECK_EQUAL(reader.status(), kCorrupt);
        CHECK(reader.error().rfind(w.path + ": offset ", 0) == 0);
        poke(w.path, offset, w.bytes.substr(offset, 1));
    }
}

// A page that is missing in the middle is reported where the next begins.
void a_missing_page_is_noticed_by_its_sequences() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 2000; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    const auto pages = list_pages(at(folder.path()));
    std::filesystem::rename(pages[2].path, pages[1].path);
    JournalReader reader(at(folder.path()));
    trade_ids(reader);
    CHECK_EQUAL(reader.status(), kCorrupt);
    CHECK(names(reader.error(), pages[1].path, 32));
}

// An index that does not fit its page is not believed.
void a_damaged_index_is_ignored() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock, 256 * 1024));
    for (std::uint64_t i = 1; i <= 4000; ++i)
        CHECK_EQUAL(put_at(*writer, static_cast<std::int64_t>(i), i), KF_OK);
    writer->close();  // the index is written behind the writer's back
    const std::string index = index_path(list_pages(at(folder.path()))[0].path);
    poke(index, 40 + 24 + 16, std::string("\x11", 1));
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(reader.seek_time(1200), KF_OK);
    CHECK_EQUAL(trade_id(reader.peek()), 1200U);
}

}  // namespace

int main() {
    every_flipped_bit_of_a_frame_is_found();
    a_hole_is_not_written_over();
    a_misplaced_frame_is_found();
    an_impossible_length_is_found_without_checksums();
    a_cut_file_is_found();
    a_missing_page_is_noticed_by_its_sequences();
    a_damaged_index_is_ignored();
}
