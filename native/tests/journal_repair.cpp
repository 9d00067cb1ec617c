// Damage of every kind is found and located, repaired without touching what is intact, and said.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <thread>
#include <utility>

#include "journal/index.hpp"
#include "journal/kept_bytes.hpp"
#include "journal/repair.hpp"
#include "journal/verify.hpp"
#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

using Kind = Finding::Kind;
namespace fs = std::filesystem;

/// A journal of several pages whose last one is open; every event's trade id is its sequence.
struct Written {
    Folder folder;
    std::vector<PageFile> pages;
    std::uint64_t events = 0;

    explicit Written(std::uint64_t count = 3500) {
        Clock clock(Clock::Kind::SIMULATED, 1);
        auto writer = open_writer(options(folder.path(), clock));
        for (std::uint64_t i = 1; i <= count; ++i) {
            clock.set(static_cast<std::int64_t>(i));
            CHECK_EQUAL(put(*writer, i), KF_OK);
        }
        events = count;
        writer->close();
        pages = list_pages(at(folder.path()));
    }
    Location location() const { return at(folder.path()); }
    /// The events of a page that begin at an offset or behind it.
    std::vector<std::uint64_t> in_page(std::size_t page, std::uint64_t from = 0) const {
        JournalReader reader(location());
        std::vector<std::uint64_t> sequences;
        for (; reader.peek() != nullptr; reader.advance()) {
            if (reader.page().path() == pages[page].path && reader.offset() >= from) {
                sequences.push_back(reader.peek()->sequence);
            }
        }
        return sequences;
    }
    /// Where an event's frame stands: its page and offset.
    std::pair<std::string, std::uint64_t> place(std::uint64_t sequence) const {
        JournalReader reader(location());
        CHECK_EQUAL(reader.seek_sequence(sequence), KF_OK);
        CHECK(reader.peek() != nullptr);
        return {reader.page().path(), reader.offset()};
    }
};

std::map<std::string, std::string> files_of(const std::string& root) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (entry.is_regular_file() && entry.path().extension() != ".lock") {
            files[entry.path().string()] = contents(entry.path().string());
        }
    }
    return files;
}

void restore(const std::string& root, const std::map<std::string, std::string>& files) {
    for (const auto& entry : fs::directory_iterator(root)) fs::remove_all(entry.path());
    for (const auto& [path, bytes] : files) {
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << bytes;
    }
}

/// The trade ids that a reader that verifies finds; the whole journal must be readable.
std::vector<std::uint64_t> readable(const Location& location) {
    JournalReader reader(location, core_types(), true);
    std::vector<std::uint64_t> ids;
    while (const kf_frame* frame = reader.peek()) {
        CHECK_EQUAL(frame->sequence, trade_id(frame));
        ids.push_back(trade_id(frame));
        reader.advance();
    }
    if (reader.status() != KF_OK) std::fprintf(stderr, "%s\n", reader.error().c_str());
    CHECK_EQUAL(reader.status(), KF_OK);
    return ids;
}

std::vector<std::uint64_t> all_but(std::uint64_t count, std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 1; i <= count; ++i) {
        if (i < first || i > last) ids.push_back(i);
    }
    return ids;
}

void print(const std::vector<Finding>& findings) {
    for (const Finding& f : findings) {
        std::fprintf(stderr, "%u %s: offset %llu+%llu: %s (%llu to %llu)\n", static_cast<unsigned>(f.kind),
                     f.file.c_str(), static_cast<unsigned long long>(f.offset),
                     static_cast<unsigned long long>(f.length), f.what.c_str(),
                     static_cast<unsigned long long>(f.first_sequence),
                     static_cast<unsigned long long>(f.last_sequence));
    }
}

Repair repaired(const Location& location) {
    Repair repair;
    std::string error;
    const std::int32_t status = repair_journal(location, repair, error);
    if (status != KF_OK) std::fprintf(stderr, "%s\n", error.c_str());
    CHECK_EQUAL(status, KF_OK);
    if (repair.after.is_damaged()) print(repair.after.findings);
    CHECK(!repair.after.is_damaged());
    return repair;
}

/// Repairs, then checks that these events and no others are lost, in one piece, and that a second repair has
/// nothing to do and a writer goes on.
void lose(const Written& w, std::uint64_t first, std::uint64_t last) {
    const Repair repair = repaired(w.location());
    std::uint64_t lost = 0;
    for (const Finding& step : repair.steps) {
        if (step.kind != Kind::LOSS) continue;
        if (lost == 0) CHECK_EQUAL(step.first_sequence, first);
        lost += step.last_sequence - step.first_sequence + 1;
    }
    if (lost != last + 1 - first) print(repair.steps);
    CHECK_EQUAL(lost, last + 1 - first);
    CHECK(readable(w.location()) == all_but(w.events, first, last));
    const auto before = files_of(w.folder.path());
    CHECK(repaired(w.location()).steps.empty());
    CHECK(files_of(w.folder.path()) == before);
    Clock clock(Clock::Kind::SIMULATED, 100'000);
    auto writer = open_writer(options(w.folder.path(), clock));
    CHECK_EQUAL(writer->last_sequence(), w.events);
    CHECK_EQUAL(put(*writer, w.events + 1), KF_OK);
    writer->close();
    auto ids = all_but(w.events, first, last);
    ids.push_back(w.events + 1);
    CHECK(readable(w.location()) == ids);
    CHECK(!verify(w.location()).is_damaged());
}

/// The one thing that a look finds.
Finding only_finding(const Location& location) {
    const Verification found = verify(location);
    if (found.findings.size() != 1) print(found.findings);
    CHECK_EQUAL(found.findings.size(), 1U);
    CHECK(found.is_damaged());
    return found.findings.front();
}

void a_sound_journal_is_not_touched() {
    const Written w;
    const auto before = files_of(w.folder.path());
    const Verification found = verify(w.location());
    print(found.findings);
    CHECK(found.findings.empty());
    CHECK_EQUAL(found.events, w.events);
    CHECK_EQUAL(found.pages, w.pages.size());
    const Repair repair = repaired(w.location());
    CHECK(repair.steps.empty());
    CHECK(files_of(w.folder.path()) == before);
}

void a_journal_that_does_not_exist_has_no_damage_and_is_not_made() {
    const Folder folder;
    CHECK(verify(at(folder.path() + "/none")).findings.empty());
    CHECK(repaired(at(folder.path() + "/none")).steps.empty());
    CHECK(!fs::exists(folder.path() + "/none"));
}

void a_journal_is_not_repaired_while_it_is_written() {
    const Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    CHECK(verify(at(folder.path())).findings.empty());
    Repair repair;
    std::string error;
    CHECK_EQUAL(repair_journal(at(folder.path()), repair, error), kLocked);
    CHECK(error.find("has the journal open") != std::string::npos);
}

// One flipped bit in any byte that was written, of a sealed page, of the open one, and of an index.
void every_flipped_byte_is_found_and_repaired() {
    const Written w(700);
    const auto sound = files_of(w.folder.path());
    std::vector<std::string> paths{w.pages.front().path, w.pages.back().path,
                                   index_path(w.pages.front().path)};
    for (const std::string& path : paths) {
        const std::string& bytes = sound.at(path);
        for (std::uint64_t place = 0; place < bytes.size(); place += place < sizeof(PageHeader) ? 3 : 251) {
            const bool is_last = path == w.pages.back().path;
            poke(path, place, std::string(1, static_cast<char>(bytes[place] ^ 0x20)));
            const Verification found = verify(w.location());
            const bool idle =
                is_last && place >= 512 && bytes.find_first_not_of('\0', place) == std::string::npos;
            // The positions in the header are hints that nothing confirms.
            const bool hint = place >= offsetof(PageHeader, durable_position) &&
                              place < offsetof(PageHeader, mapped_padding);
            if (hint && found.findings.empty()) {
                restore(w.folder.path(), sound);
                continue;
            }
            CHECK(!found.findings.empty());
            CHECK(found.is_damaged() || idle);
            CHECK_EQUAL(found.findings.front().file, path);
            CHECK(hint ||
                  found.findings.front().offset <= std::max<std::uint64_t>(place, sizeof(PageHeader)));
            if (found.is_damaged()) {
                repaired(w.location());
                CHECK(readable(w.location()).size() + 130 >= w.events);
            }
            restore(w.folder.path(), sound);
        }
    }
}

void a_damaged_event_is_given_up_alone_and_its_bytes_are_kept() {
    Written w;
    const auto [path, offset] = w.place(300);
    const std::string bytes = contents(path).substr(offset, frame_size(sizeof(Trade)));
    std::string damaged = bytes;
    damaged[80] = static_cast<char>(damaged[80] ^ 1);
    poke(path, offset, damaged);
    const Finding finding = only_finding(w.location());
    CHECK_EQUAL(finding.file, path);
    CHECK_EQUAL(finding.offset, offset);
    CHECK_EQUAL(finding.length, bytes.size());
    CHECK_EQUAL(finding.first_sequence, 300U);
    CHECK_EQUAL(finding.last_sequence, 300U);
    lose(w, 300, 300);
    const std::string kept = contents(kept_path(path));
    CHECK(kept.find(damaged) == 32);
    CHECK_EQUAL(*reinterpret_cast<const std::uint64_t*>(kept.data() + 8), offset);
    const Verification after = verify(w.location());
    CHECK_EQUAL(after.findings.size(), 1U);
    CHECK(after.findings.front().kind == Kind::LOSS);
    CHECK_EQUAL(after.findings.front().first_sequence, 300U);
}

void zeros_over_many_events_are_one_gap() {
    Written w;
    const auto [path, offset] = w.place(300);
    poke(path, offset + 8, std::string(20 * frame_size(sizeof(Trade)), '\0'));
    lose(w, 300, 320);
}

// Types, names and instruments are told by the pages beside the damaged one, down to the last bit; by the
// program itself where there is only one page.
void damaged_tables_are_laid_down_again() {
    const Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(writer->define_name(1, 77, "venue"), KF_OK);
    Instrument instrument{};
    for (std::uint64_t id = 1; id <= 3; ++id) {
        instrument.instrument = id;
        CHECK_EQUAL(writer->append(Instrument::kType, 0, 0, kNoCause, &instrument, sizeof instrument), KF_OK);
    }
    for (std::uint64_t i = 1; i <= 1500; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    writer->close();
    const auto sound = files_of(folder.path());
    const auto pages = list_pages(at(folder.path()));
    CHECK(pages.size() >= 3);
    for (const PageFile& page : pages) {
        const std::string& bytes = sound.at(page.path);
        std::uint64_t end = sizeof(PageHeader);
        for (; (bytes[end + offsetof(kf_frame, flags)] & 1) != 0;) {
            end += align8(*reinterpret_cast<const std::uint32_t*>(bytes.data() + end));
        }
        for (std::uint64_t place = sizeof(PageHeader); place < end; place += 97) {
            for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{400}}) {
                poke(page.path, place, std::string(std::min(size, end - place), '\x77'));
                repaired(at(folder.path()));
                CHECK(contents(page.path) == bytes);
                restore(folder.path(), sound);
            }
        }
    }
}

// Where first events are lost with the tables before them, what is left can still be read for what it is.
void tables_lost_with_events_are_laid_down_before_the_gap() {
    for (const std::size_t page : {std::size_t{0}, std::size_t{1}}) {
        Written w;
        const std::uint64_t first = w.in_page(page).front();
        const auto [path, offset] = w.place(first + 1);
        poke(path, sizeof(PageHeader) + 100, std::string(offset - sizeof(PageHeader), '\0'));
        lose(w, first, first + 1);
        JournalReader reader(w.location());
        CHECK(reader.peek() != nullptr);
        CHECK_EQUAL(reader.type(), Trade::kType);
    }
}

void the_last_event_of_a_page_can_be_lost_with_the_pages_end() {
    Written w;
    const std::uint64_t last = w.in_page(1).back();
    const auto [path, offset] = w.place(last);
    CHECK_EQUAL(path, w.pages[1].path);
    poke(path, offset, std::string(frame_size(sizeof(Trade)) + kPageEndRoom, '\x55'));
    const Finding finding = only_finding(w.location());
    CHECK_EQUAL(finding.offset, offset);
    CHECK_EQUAL(finding.first_sequence, last);
    CHECK_EQUAL(finding.last_sequence, last);
    lose(w, last, last);
}

void a_lost_page_end_costs_no_event() {
    Written w;
    PageHeader header{};
    std::string error;
    CHECK_EQUAL(read_header(w.pages[0].path, header, error), KF_OK);
    poke(w.pages[0].path, header.end_offset, std::string(kPageEndRoom, '\0'));
    lose(w, 1, 0);
}

void a_header_is_built_anew() {
    for (const std::size_t page : {std::size_t{0}, std::size_t{1}, std::size_t{6}}) {
        for (const std::size_t size : {std::size_t{8}, std::size_t{60}, std::size_t{512}}) {
            for (const char fill : {'\0', '\xff'}) {
                Written w;
                CHECK(page < w.pages.size());
                const std::string before = contents(w.pages[page].path);
                poke(w.pages[page].path, 0, std::string(size, fill));
                CHECK(verify(w.location()).is_damaged());
                lose(w, 1, 0);
                if (page == 1 && size == 60) CHECK(contents(w.pages[page].path) == before);
            }
        }
    }
}

void pages_that_traded_names_get_them_back() {
    Written w;
    const auto before = files_of(w.folder.path());
    fs::rename(w.pages[1].path, w.folder.path() + "/x");
    fs::rename(w.pages[2].path, w.pages[1].path);
    fs::rename(w.folder.path() + "/x", w.pages[2].path);
    const Verification found = verify(w.location());
    CHECK_EQUAL(found.findings.front().file, w.pages[1].path);
    CHECK(found.is_damaged());
    repaired(w.location());
    CHECK(files_of(w.folder.path()) == before);
}

void a_page_of_another_journal_is_put_aside() {
    Written w;
    const Written other(700);
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(w.folder.path(), clock, kMinPageSize, "other"));
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    writer->close();
    const std::vector<std::uint64_t> in_page = w.in_page(2);
    const std::string theirs = contents(list_pages(at(w.folder.path(), "other"))[0].path);
    std::ofstream(w.pages[2].path, std::ios::binary) << theirs;
    CHECK_EQUAL(verify(w.location()).findings.front().file, w.pages[2].path);
    lose(w, in_page.front(), in_page.back());
    CHECK(contents(w.pages[2].path + ".foreign") == theirs);
}

void missing_pages_are_said_and_stood_for() {
    Written w;
    const std::uint64_t first = w.in_page(2).front();
    const std::uint64_t last = w.in_page(3).back();
    for (const std::size_t i : {std::size_t{2}, std::size_t{3}}) {
        fs::remove(w.pages[i].path);
        fs::remove(index_path(w.pages[i].path));
    }
    const Finding finding = only_finding(w.location());
    CHECK_EQUAL(finding.file, w.pages[2].path);
    CHECK_EQUAL(finding.first_sequence, first);
    CHECK_EQUAL(finding.last_sequence, last);
    lose(w, first, last);
}

// The page after tells nothing either; the one behind it tells how many events are lost in both.
void a_missing_page_before_an_empty_one_is_stood_for() {
    Written w;
    const std::uint64_t first = w.in_page(2).front();
    const std::uint64_t last = w.in_page(3).back();
    fs::remove(w.pages[2].path);
    fs::resize_file(w.pages[3].path, 0);
    lose(w, first, last);
}

void a_cut_page_keeps_what_is_before_the_cut() {
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{300}, std::uint64_t{20'000}}) {
        Written w;
        const std::uint64_t frame = frame_size(sizeof(Trade));
        const std::vector<std::uint64_t> lost = w.in_page(1, size < frame ? 0 : size - frame + 1);
        fs::resize_file(w.pages[1].path, size);
        const Verification found = verify(w.location());
        CHECK_EQUAL(found.findings.front().file, w.pages[1].path);
        lose(w, lost.front(), lost.back());
    }
}

// Nobody knows how many events stood at the end of the last page; their sequences are not given again.
void a_damaged_end_of_the_journal_gives_no_sequence_twice() {
    for (const bool cut : {false, true}) {
        Written w;
        const auto [path, offset] = w.place(w.events - 1);
        if (cut) {
            fs::resize_file(path, offset + 50);
        } else {
            poke(path, offset + 30, "damage");
            poke(path, offset + 30 + frame_size(sizeof(Trade)), "damage");
        }
        CHECK(verify(w.location()).is_damaged());
        const Repair repair = repaired(w.location());
        CHECK(std::any_of(repair.steps.begin(), repair.steps.end(), [&](const Finding& step) {
            return step.kind == Kind::LOSS && step.first_sequence == w.events - 1 &&
                   step.last_sequence >= w.events;
        }));
        CHECK(readable(w.location()) == all_but(w.events, w.events - 1, w.events));
        Clock clock(Clock::Kind::SIMULATED, 100'000);
        auto writer = open_writer(options(w.folder.path(), clock));
        CHECK(writer->last_sequence() >= w.events);
        CHECK_EQUAL(put(*writer, writer->last_sequence() + 1), KF_OK);
        writer->close();
        CHECK_EQUAL(readable(w.location()).size(), w.events - 1);
        CHECK(!verify(w.location()).is_damaged());
    }
}

// A look at a journal that is being written, pages begun, sealed and all, sees no damage that is not there.
void a_journal_that_is_written_looks_sound() {
    const Folder folder;
    std::atomic<bool> done{false};
    std::thread writing([&] {
        Clock clock(Clock::Kind::SIMULATED, 1);
        auto writer = open_writer(options(folder.path(), clock));
        for (std::uint64_t i = 1; i <= 60'000; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
        done = true;
    });
    std::uint64_t looks = 0;
    while (!done || looks == 0) {
        const Verification found = verify(at(folder.path()));
        if (found.is_damaged()) print(found.findings);
        CHECK(!found.is_damaged());
        ++looks;
    }
    writing.join();
    CHECK_EQUAL(verify(at(folder.path())).events, 60'000U);
}

// What a writer that was killed left behind its last event is its successor's business.
void an_unfinished_frame_is_left_to_recovery() {
    Written w(10);
    const auto [path, offset] = w.place(10);
    const std::uint64_t end = offset + frame_size(sizeof(Trade));
    poke(path, end + 8, "unfinished");
    const auto before = files_of(w.folder.path());
    const Verification found = verify(w.location());
    CHECK(!found.is_damaged());
    CHECK_EQUAL(found.findings.size(), 1U);
    CHECK_EQUAL(found.findings.front().offset, end);
    CHECK(repaired(w.location()).steps.empty());
    CHECK(files_of(w.folder.path()) == before);
    lose(w, 1, 0);
}

// Cut, damaged in the middle, without a header, and swapped, all at once.
void damage_everywhere(const Written& w) {
    const auto [path, offset] = w.place(300);
    poke(path, offset, std::string(300, '\x11'));
    fs::rename(w.pages[2].path, w.folder.path() + "/x");
    fs::rename(w.pages[3].path, w.pages[2].path);
    fs::rename(w.folder.path() + "/x", w.pages[3].path);
    poke(w.pages[4].path, 0, std::string(100, '\0'));
    fs::remove(w.pages[5].path);
    fs::resize_file(w.pages[6].path, 3000);
    poke(w.pages.back().path, 600, std::string(100, '\x11'));
}

// Killed at one of its system calls, each so many-th in turn, the repair that follows comes to the same.
void a_killed_repair_is_finished_by_the_next() {
    Written w;
    CHECK(w.pages.size() >= 8);
    damage_everywhere(w);
    const auto damaged = files_of(w.folder.path());
    const Repair whole = repaired(w.location());
    const auto right = readable(w.location());
    constexpr int kStride = 17;  // all of them hold, and take minutes
    for (int calls = 1;; calls += kStride) {
        restore(w.folder.path(), damaged);
        const pid_t child = fork();
        if (child == 0) {
            if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
            raise(SIGSTOP);
            Repair repair;
            std::string error;
            _exit(repair_journal(w.location(), repair, error) == KF_OK ? 0 : 1);
        }
        int status = 0;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) std::exit(77);
        for (int stops = 0; stops < calls && WIFSTOPPED(status); ++stops) {
            const int signal = WSTOPSIG(status) == SIGBUS ? SIGBUS : 0;
            CHECK_EQUAL(ptrace(PTRACE_SYSCALL, child, nullptr, signal), 0);
            CHECK_EQUAL(waitpid(child, &status, 0), child);
        }
        const bool done = WIFEXITED(status);
        if (!done) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
        } else {
            CHECK_EQUAL(WEXITSTATUS(status), 0);
        }
        repaired(w.location());
        CHECK(readable(w.location()) == right);
        if (done) break;
    }
}

}  // namespace

int main() {
    // Each of some thousand repairs waits for the disk several times; in memory it need not.
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
    a_sound_journal_is_not_touched();
    a_journal_that_does_not_exist_has_no_damage_and_is_not_made();
    a_journal_is_not_repaired_while_it_is_written();
    a_journal_that_is_written_looks_sound();
    a_damaged_event_is_given_up_alone_and_its_bytes_are_kept();
    zeros_over_many_events_are_one_gap();
    damaged_tables_are_laid_down_again();
    tables_lost_with_events_are_laid_down_before_the_gap();
    the_last_event_of_a_page_can_be_lost_with_the_pages_end();
    a_lost_page_end_costs_no_event();
    a_header_is_built_anew();
    pages_that_traded_names_get_them_back();
    a_page_of_another_journal_is_put_aside();
    missing_pages_are_said_and_stood_for();
    a_missing_page_before_an_empty_one_is_stood_for();
    a_cut_page_keeps_what_is_before_the_cut();
    a_damaged_end_of_the_journal_gives_no_sequence_twice();
    an_unfinished_frame_is_left_to_recovery();
    every_flipped_byte_is_found_and_repaired();
    a_killed_repair_is_finished_by_the_next();
}
