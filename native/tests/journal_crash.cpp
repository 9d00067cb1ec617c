// kill -9 loses nothing: every committed event is there, none is torn, the writer goes on.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstring>
#include <random>

#include "journal/recovery.hpp"
#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

/// The n-th event's payload: its length and every byte follow from n.
std::string payload_of(std::uint64_t n) {
    std::string payload(sizeof(Log) + n * 7919 % 600, static_cast<char>(n % 251));
    std::memcpy(payload.data(), &n, sizeof n);
    return payload;
}

[[noreturn]] void write_until_killed(const std::string& root, volatile std::uint64_t* committed) {
    Clock clock;
    auto writer = open_writer(options(root, clock));
    for (;;) {
        const std::string payload = payload_of(writer->last_sequence() + 1);
        const std::int32_t status = writer->append(Log::kType, 0, 0, 0, 0, 0, payload.data(),
                                                   static_cast<std::uint32_t>(payload.size()));
        CHECK_EQUAL(status, KF_OK);
        *committed = writer->last_sequence();
    }
}

void check_event(const JournalReader& reader, const kf_frame* frame, std::uint64_t expected) {
    CHECK_EQUAL(frame->sequence, expected);
    const auto length = static_cast<std::uint32_t>(frame->commit);
    CHECK(std::string(reinterpret_cast<const char*>(frame + 1), length - sizeof *frame) ==
          payload_of(expected));
    CHECK_EQUAL(reader.status(), KF_OK);
}

void follow(JournalReader& reader, std::uint64_t& seen) {
    while (const kf_frame* frame = reader.peek()) {
        check_event(reader, frame, ++seen);
        reader.advance();
    }
    if (reader.status() != KF_OK) std::fprintf(stderr, "%s\n", reader.error().c_str());
    CHECK_EQUAL(reader.status(), KF_OK);
}

void killed_writers_lose_nothing(int kills) {
    Folder folder;
    auto* committed = static_cast<volatile std::uint64_t*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK(committed != MAP_FAILED);
    std::mt19937_64 random(20260101);
    JournalReader lived(at(folder.path()), core_types(), true);
    std::uint64_t seen = 0;
    for (int i = 0; i < kills; ++i) {
        const std::uint64_t until = *committed + random() % 700;
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) write_until_killed(folder.path(), committed);
        while (*committed <= until) follow(lived, seen);
        CHECK_EQUAL(kill(child, SIGKILL), 0);
        int status = 0;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        JournalReader fresh(at(folder.path()), core_types(), true);
        std::uint64_t there = 0;
        follow(fresh, there);
        CHECK(there >= *committed);
        CHECK(there <= *committed + 1);
        *committed = there;
    }
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(writer->last_sequence(), *committed);
    const auto started = Clock::monotonic_now();
    while (seen < *committed && Clock::monotonic_now() - started < 5'000'000'000) follow(lived, seen);
    CHECK_EQUAL(seen, *committed);
    CHECK(list_pages(at(folder.path())).size() > 10);
}

// Each state in which a roll-over can be cut off is mended at the next open.
void a_cut_off_roll_over_is_completed() {
    Clock clock(Clock::Kind::SIMULATED, 1);
    for (const bool sealed : {false, true}) {
        Folder folder;
        auto writer = open_writer(options(folder.path(), clock));
        std::uint64_t n = 0;
        while (list_pages(at(folder.path())).size() < 2) CHECK_EQUAL(put(*writer, ++n), KF_OK);
        const Location location = writer->location();
        writer.reset();
        const auto pages = list_pages(location);
        const std::string whole = contents(pages[0].path);
        // The second page as it was made ahead: its magic comes last.
        poke(pages[1].path, 0, std::string(sizeof PageHeader::magic, '\0'));
        std::filesystem::remove(index_path(pages[0].path));
        const std::size_t seal = offsetof(PageHeader, sealed);
        if (!sealed) poke(pages[0].path, seal, std::string(sizeof(PageHeader) - seal, '\0'));
        writer = open_writer(options(folder.path(), clock));
        CHECK_EQUAL(list_pages(location).size(), 1U);
        CHECK_EQUAL(writer->last_sequence(), n - 1);
        CHECK(!std::filesystem::exists(pages[1].path));
        CHECK(contents(pages[0].path) == whole);
        CHECK_EQUAL(put(*writer, n), KF_OK);
        JournalReader reader(location, core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), n);
    }
}

// What a torn frame left behind the last good one is wiped before the next is written.
void a_torn_frame_is_wiped() {
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK_EQUAL(put(*writer, i), KF_OK);
    writer.reset();
    const std::string path = list_pages(at(folder.path()))[0].path;
    const std::string before = contents(path);
    std::size_t end = before.size();
    while (before[end - 1] == '\0') --end;
    end = align8(end);
    JournalReader reader(at(folder.path()), core_types(), true);
    CHECK_EQUAL(trade_ids(reader).size(), 3U);
    // A commit word that fits nothing, as after a power cut; and a payload without its commit word.
    for (const std::string& torn :
         {std::string("\x60\0\0\0garbage and more garbage", 28), std::string(8, '\0') + "payload"}) {
        poke(path, reader.offset() == 0 ? end : reader.offset(), torn);
        open_writer(options(folder.path(), clock)).reset();
        CHECK(contents(path) == before);
    }
    writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, 4), KF_OK);
    CHECK_EQUAL(trade_ids(reader).at(0), 4U);
}

}  // namespace

int main(int argc, char** argv) {
    killed_writers_lose_nothing(argc > 1 ? std::atoi(argv[1]) : 30);
    a_cut_off_roll_over_is_completed();
    a_torn_frame_is_wiped();
}
