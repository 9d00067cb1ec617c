// A full disk refuses the event that needs room, wherever it fills up, loses nothing, and is tried again.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <thread>

#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// What takes the disk's room away from the journal.
class Ballast {
  public:
    explicit Ballast(const std::string& folder) : folder_(folder) {
        fd_ = open((folder + "/ballast").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        CHECK(fd_ >= 0);
    }
    ~Ballast() { close(fd_); }
    Ballast(const Ballast&) = delete;
    Ballast& operator=(const Ballast&) = delete;

    void leave(std::uint64_t free) {
        // Again, since a page that is made ahead may take the room, or a sealed one give some, just now.
        for (int times = 0; times < 3; ++times) {
            const std::uint64_t there = room();
            size_ = there > free ? size_ + (there - free) : size_ - std::min(size_, free - there);
            CHECK_EQUAL(ftruncate(fd_, static_cast<off_t>(size_)), 0);
            if (size_ > 0) (void)posix_fallocate(fd_, 0, static_cast<off_t>(size_));
        }
    }

  private:
    std::uint64_t room() const {
        struct statvfs status{};
        CHECK_EQUAL(statvfs(folder_.c_str(), &status), 0);
        return status.f_bavail * status.f_bsize;
    }

    std::string folder_;
    int fd_ = -1;
    std::uint64_t size_ = 0;
};

/// Appends until the disk is full or enough is written; says whether it is full.
bool fill(Writer& writer, std::uint64_t most, Ledger& ledger) {
    for (std::uint64_t i = 0; i < most; ++i) {
        const std::uint64_t before = writer.last_sequence();
        const std::int32_t status = append_next(writer);
        if (status == KF_OK) continue;
        const bool told = status == KF_DISK_FULL && writer.error().rfind("venue/MD: cannot ", 0) == 0 &&
                          writer.error().find(": No space left on device") != std::string::npos;
        if (!told || writer.last_sequence() != before) {
            std::fprintf(stderr, "refused with %d: %s\n", status, writer.error().c_str());
            ++ledger.refused;
        }
        return true;
    }
    return false;
}

struct Totals {
    std::uint64_t points = 0;
    std::uint64_t times_full = 0;
};

void fill_up(const std::string& disk, std::mt19937_64& random, Ledger& ledger, Totals& totals) {
    constexpr std::uint64_t kMost = 2000;
    const std::string root = disk + "/journal";
    Ballast ballast(disk);
    Clock clock;
    WriterOptions o = options(root, clock, random() % 2 == 0 ? kMinPageSize : 1024 * 1024);
    o.durability = random() % 3 == 0 ? Durability::COMMIT : Durability::NONE;
    auto writer = open_writer(o);
    JournalReader live(at(root), core_types(), true);
    std::uint64_t seen = 0;
    std::uint64_t written = 0;
    fill(*writer, random() % 600, ledger);
    for (int times = 0; times < 3; ++times) {
        read_on(live, seen, ledger);
        ballast.leave(random() % 300 * 4096);
        if (fill(*writer, kMost, ledger)) ++totals.times_full;
        fill(*writer, 1, ledger);
        if (random() % 2 == 0) {
            written = writer->last_sequence();
            writer->close();
            std::string error;
            const std::int32_t status = Writer::open(o, writer, error);
            if (status != KF_OK) {
                std::fprintf(stderr, "not opened on a full disk: %s\n", error.c_str());
                ++ledger.refused;
                return;
            }
            if (writer->last_sequence() != written) ++ledger.lost;
            fill(*writer, kMost, ledger);
        }
        read_on(live, seen, ledger);
    }
    ballast.leave(8ULL * 1024 * 1024);
    const std::int64_t begun = Clock::monotonic_now();
    while (fill(*writer, 300, ledger)) CHECK(Clock::monotonic_now() - begun < 10 * kSecond);
    written = writer->last_sequence();
    if (o.durability == Durability::COMMIT) CHECK_EQUAL(writer->wait_until_durable(), KF_OK);
    read_on(live, seen, ledger);
    while (seen < written && Clock::monotonic_now() - begun < 20 * kSecond) read_on(live, seen, ledger);
    if (seen != written) ledger.lost += written - seen;
    writer.reset();
    JournalReader fresh(at(root), core_types(), true);
    std::uint64_t there = 0;
    read_on(fresh, there, ledger);
    if (there != written) ++ledger.lost;
    std::filesystem::remove_all(root);
    std::filesystem::remove(disk + "/ballast");
    ++totals.points;
}

}  // namespace

int main(int argc, char** argv) {
    Folder folder;
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("kungfu-test", folder.path().c_str(), "tmpfs", 0, "size=12m") != 0) {
        std::puts("skipped: a small tmpfs cannot be mounted here");
        return 77;
    }
    const int points = argc > 1 ? std::atoi(argv[1]) : 25;
    std::mt19937_64 random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
    Ledger& ledger = *shared_ledger();
    Totals totals;
    for (int i = 0; i < points && ledger.violations() == 0; ++i)
        fill_up(folder.path(), random, ledger, totals);
    CHECK_EQUAL(umount2(folder.path().c_str(), MNT_DETACH), 0);
    std::printf("fills %lu\ntimes_full %lu\n", totals.points, totals.times_full);
    ledger.print();
    CHECK(totals.times_full > 0);
    return ledger.violations() == 0 ? 0 : 1;
}
