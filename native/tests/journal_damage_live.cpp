// Whatever is done to the files under readers, they end in an error that names file and offset, never in a
// crash.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::uint64_t kEvents = 900;

void overwrite(const std::string& path, std::uint64_t offset, const std::string& bytes) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQUAL(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                static_cast<ssize_t>(bytes.size()));
    close(fd);
}

struct Place {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Where a random event of those after `from` stands.
Place place_of_event(const std::string& root, std::uint64_t from, std::mt19937_64& random) {
    JournalReader reader(at(root), core_types(), true);
    CHECK_EQUAL(reader.seek_sequence(from + 1 + random() % (kEvents - from)), KF_OK);
    CHECK(reader.peek() != nullptr);
    return {reader.page().path(), reader.offset(), reader.length()};
}

enum class Damage { CUT, ZERO, FLIP, SWAP };

/// Does it to a file; gives the first offset that is not as it was.
std::uint64_t do_damage(Damage damage, const Place& place, std::mt19937_64& random) {
    const std::uint64_t at_byte = place.offset + random() % place.length;
    const std::string before = contents(place.path);
    if (damage == Damage::CUT) {
        CHECK_EQUAL(truncate(place.path.c_str(), static_cast<off_t>(at_byte)), 0);
        return at_byte;
    }
    if (damage == Damage::FLIP) {
        overwrite(place.path, at_byte,
                  std::string(1, static_cast<char>(before[at_byte] ^ (1 << random() % 8))));
        return at_byte;
    }
    if (damage == Damage::ZERO) {
        overwrite(place.path, place.offset,
                  std::string(place.length + random() % 9000, '\0').substr(0, before.size() - place.offset));
        return place.offset;
    }
    const std::string other = place.path + ".other";
    std::filesystem::copy_file(place.path, other);
    overwrite(other, 32, std::string("\x63", 1));  // of another page
    std::filesystem::rename(other, place.path);
    return 0;
}

bool is_located(const std::string& error, const Place& place, std::uint64_t damaged) {
    const std::string begin = place.path + ": offset ";
    if (error.rfind(begin, 0) != 0) return false;
    const std::uint64_t told = std::stoull(error.substr(begin.size()));
    return told <= damaged + sizeof(PageHeader) && told + place.length + 4096 >= damaged;
}

struct Totals {
    std::uint64_t damages = 0;
    std::uint64_t undetected = 0;
    std::uint64_t misplaced = 0;
    std::uint64_t wrong = 0;
};

/// A verifying reader that has read some events meets damage in one that it has not.
void is_found(Damage damage, std::mt19937_64& random, Totals& totals) {
    Folder folder;
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock));
    while (writer->last_sequence() < kEvents) CHECK_EQUAL(append_next(*writer), KF_OK);
    writer->close();
    JournalReader verifying(at(folder.path()), core_types(), true);
    JournalReader quick(at(folder.path()));
    std::uint64_t from = random() % 700;
    for (std::uint64_t i = 0; i < from; ++i) {
        CHECK(verifying.peek() != nullptr && quick.peek() != nullptr);
        verifying.advance();
        quick.advance();
    }
    // A page that a reader has mapped stays what it is when another file gets its name.
    while (damage == Damage::SWAP &&
           place_of_event(folder.path(), from, random).path == verifying.page().path()) {
        verifying.peek();
        verifying.advance();
        ++from;
        if (from == kEvents - 1) return;
    }
    Place place = place_of_event(folder.path(), from, random);
    while (damage == Damage::SWAP && place.path == verifying.page().path()) {
        place = place_of_event(folder.path(), from, random);
    }
    const std::uint64_t damaged = do_damage(damage, place, random);
    ++totals.damages;
    while (const kf_frame* frame = verifying.peek()) {
        if (!is_whole(verifying, frame)) ++totals.wrong;
        verifying.advance();
    }
    verifying.look_for_damage();
    if (verifying.status() != kCorrupt) {
        std::fprintf(stderr, "damage %d at offset %lu of %s went unseen\n", static_cast<int>(damage), damaged,
                     place.path.c_str());
        ++totals.undetected;
    } else if (!is_located(verifying.error(), place, damaged)) {
        std::fprintf(stderr, "damage %d at offset %lu of %s was told as: %s\n", static_cast<int>(damage),
                     damaged, place.path.c_str(), verifying.error().c_str());
        ++totals.misplaced;
    }
    // One that does not verify may take what it is given, but it ends.
    std::uint64_t read = 0;
    while (quick.peek() != nullptr) {
        quick.advance();
        CHECK(++read <= kEvents);
    }
    if (damage == Damage::CUT && quick.look_for_damage() != kCorrupt) ++totals.undetected;
}

/// Readers, and a writer, whose files are spoilt while they are at it.
void is_survived(int rounds, std::mt19937_64& random) {
    for (int i = 0; i < rounds; ++i) {
        Folder folder;
        std::atomic<bool> over{false};
        std::vector<std::thread> readers;
        for (const bool verify : {false, true}) {
            readers.emplace_back([&, verify] {
                std::atomic<std::uint64_t> sum{0};
                while (!over) {
                    JournalReader reader(at(folder.path()), core_types(), verify);
                    for (int looks = 0; looks < 100 && reader.status() == KF_OK && !over; ++looks) {
                        while (reader.peek() != nullptr && !over) {
                            const kf_frame* frame = reader.peek();
                            const auto* bytes = reinterpret_cast<const unsigned char*>(frame);
                            for (std::uint32_t n = 0; n < reader.length(); ++n) sum += bytes[n];
                            reader.advance();
                        }
                        reader.look_for_damage();
                    }
                    reader = JournalReader(at(folder.path()), core_types(), verify);
                    if (reader.seek_end() == KF_OK) (void)reader.peek();
                }
            });
        }
        Clock clock;
        std::unique_ptr<Writer> writer = open_writer(options(folder.path(), clock));
        std::string error;
        for (int n = 0; n < 40; ++n) {
            for (int k = 0; k < 20 && writer; ++k) (void)append_next(*writer);
            const auto pages = list_pages(at(folder.path()));
            if (pages.empty()) continue;
            const std::string& path = pages[random() % pages.size()].path;
            const std::uint64_t offset = random() % kMinPageSize;
            switch (random() % 4) {
                case 0: CHECK_EQUAL(truncate(path.c_str(), static_cast<off_t>(offset)), 0); break;
                case 1: overwrite(path, offset, std::string(random() % 5000, '\0')); break;
                case 2: overwrite(path, offset, std::string(8, static_cast<char>(random()))); break;
                default:
                    if (!writer) break;
                    writer.reset();
                    (void)Writer::open(options(folder.path(), clock), writer, error);
            }
        }
        over = true;
        for (auto& reader : readers) reader.join();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int damages = argc > 1 ? std::atoi(argv[1]) : 40;
    std::mt19937_64 random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
    Totals totals;
    for (int i = 0; i < damages; ++i) {
        is_found(std::array{Damage::CUT, Damage::ZERO, Damage::FLIP,
                            Damage::SWAP}[static_cast<std::size_t>(i) % 4],
                 random, totals);
    }
    is_survived(damages / 4, random);
    std::printf("damages %lu\nundetected %lu\nmisplaced %lu\nwrong %lu\n", totals.damages, totals.undetected,
                totals.misplaced, totals.wrong);
    return totals.undetected + totals.misplaced + totals.wrong == 0 ? 0 : 1;
}
