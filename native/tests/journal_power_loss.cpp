// A power cut takes nothing that was vouched for, and lets nothing torn be read.
//
// The disk is modelled: what an msync covered is on it, and of any other block the last such state, zeros, or
// what the memory held; likewise for names and the fsync of their folder.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::size_t kBlock = 4096;

/// What is on the disk for certain, by inode, so that names may change.
struct Disk {
    std::mutex mutex;  ///< Also keeps a sync from ending while the power is cut.
    std::string root;  ///< Of the journal that is modelled.
    std::map<ino_t, std::map<std::size_t, std::string>> blocks;
    std::map<std::string, std::map<std::string, ino_t>> names;  ///< Of each folder that was synced.
};

Disk& disk() {
    static Disk* one = new Disk;
    return *one;
}

/// The inode of the modelled journal's file that is mapped at an address, and where in it the address lies; 0
/// if it is of another, whose inodes come and go.
ino_t mapped_file(const void* address, std::size_t& offset) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        std::size_t at_offset = 0;
        unsigned long inode = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx %*s %lx %*s %lu", &begin, &end, &at_offset, &inode) != 4)
            continue;
        if (wanted < begin || wanted >= end) continue;
        offset = at_offset + (wanted - begin);
        return line.find(disk().root) != std::string::npos ? inode : 0;
    }
    return 0;
}

/// Taken by the memory that others may be writing to just now, which is the model's very point.
#if defined(__clang__) || defined(__GNUC__)
__attribute__((no_sanitize("thread")))
#endif
std::string snapshot(const char* from, std::size_t length) {
    std::string copy(length, '\0');
    for (std::size_t i = 0; i < length; ++i) copy[i] = static_cast<const volatile char*>(from)[i];
    return copy;
}

std::map<std::string, ino_t> entries_of(const std::string& folder) {
    std::map<std::string, ino_t> entries;
    if (DIR* open_folder = opendir(folder.c_str())) {
        while (const dirent* entry = readdir(open_folder)) {
            if (entry->d_type == DT_REG) entries[entry->d_name] = entry->d_ino;
        }
        closedir(open_folder);
    }
    return entries;
}

}  // namespace

extern "C" int msync(void* address, std::size_t length, int) {
    Disk& d = disk();
    const std::lock_guard lock(d.mutex);
    std::size_t offset = 0;
    const ino_t inode = mapped_file(address, offset);
    if (inode == 0) return 0;
    CHECK_EQUAL(offset % kBlock, 0U);
    for (std::size_t done = 0; done < length; done += kBlock) {
        d.blocks[inode][offset + done] = snapshot(static_cast<const char*>(address) + done, kBlock);
    }
    return 0;
}

extern "C" int fsync(int fd) {
    std::array<char, 4096> path{};
    const ssize_t length =
        readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size() - 1);
    CHECK(length > 0);
    const std::string folder(path.data(), static_cast<std::size_t>(length));
    Disk& d = disk();
    const std::lock_guard lock(d.mutex);
    d.names[folder] = entries_of(folder);
    return 0;
}

namespace {

struct Cut {
    std::uint64_t vouched = 0;  ///< The last event that the journal said is on the disk.
    std::uint64_t seen = 0;     ///< The last event that a reader had read.
    std::uint64_t appended = 0;
};

/// The last event up to the durable positions that the pages in memory state.
std::uint64_t last_vouched(const std::string& root) {
    std::uint64_t last = 0;
    for (const PageFile& file : list_pages(at(root))) {
        Page page;
        std::string error;
        if (page.open(file.path, 0, false, error) != KF_OK) return last;
        const std::uint64_t end = __atomic_load_n(&page.header().durable_position, __ATOMIC_ACQUIRE);
        bool ended = false;
        for (std::uint64_t offset = sizeof(PageHeader); offset < end && !ended;) {
            const kf_frame& frame = *page.frame(offset);
            ended = frame.type == PageEnd::kType;
            last = std::max(last, frame.sequence);
            offset += align8(static_cast<std::uint32_t>(frame.commit));
        }
        if (!ended) return last;
    }
    return last;
}

/// What the disk may hold of a file: each piece as it was put there, or as the memory has it.
std::string content_after_cut(const std::string& path, ino_t inode, std::mt19937_64& random) {
    std::string memory = contents(path);
    const auto known = disk().blocks.find(inode);
    const std::size_t piece = random() % 4 == 0 ? 512 : kBlock;
    const std::uint64_t kept_in_hundred = std::array<std::uint64_t, 5>{0, 10, 50, 90, 100}[random() % 5];
    const std::size_t in_order_up_to = random() % 3 == 0 ? random() % (memory.size() + 1) : 0;
    for (std::size_t offset = 0; offset < memory.size(); offset += piece) {
        if (offset < in_order_up_to || random() % 100 < kept_in_hundred) continue;
        const std::size_t block = offset / kBlock * kBlock;
        std::string old(piece, '\0');
        if (known != disk().blocks.end()) {
            const auto there = known->second.find(block);
            if (there != known->second.end()) old = there->second.substr(offset - block, piece);
        }
        memory.replace(offset, piece, old);
    }
    return memory;
}

/// Copies the journal to where a machine without its memory would find it.
void cut_power(const std::string& root, const std::string& after, std::mt19937_64& random) {
    for (const auto& folder : std::filesystem::recursive_directory_iterator(root)) {
        if (!folder.is_directory()) continue;
        const std::string path = folder.path().string();
        const std::string copy = after + path.substr(root.size());
        const std::map<std::string, ino_t>& synced = disk().names[path];
        std::filesystem::create_directories(copy);
        const std::map<std::string, ino_t> entries = entries_of(path);
        std::vector<std::pair<std::string, ino_t>> in_order(entries.begin(), entries.end());
        std::stable_sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) {
            return a.first.size() < b.first.size();  // page 9 was named before page 10
        });
        // File systems put names on the disk in the order in which they were given.
        bool is_last = false;
        for (const auto& [name, inode] : in_order) {
            const auto it = synced.find(name);
            const bool certain = it != synced.end() && it->second == inode;
            is_last = is_last || (!certain && random() % 8 == 0);
            if (!certain && is_last) continue;
            std::ofstream(copy + "/" + name, std::ios::binary)
                << content_after_cut(path + "/" + name, inode, random);
        }
    }
}

struct Totals {
    std::uint64_t cuts = 0;
    std::uint64_t to_be_repaired = 0;  ///< Refused by name, as no promise was made.
    std::uint64_t dropped = 0;         ///< Events that nobody was told are on the disk.
    std::uint64_t seen_and_lost = 0;
};

/// Whether reading what is there gives whole events in order, as far as it goes.
std::uint64_t check_reading(const std::string& root, Ledger& ledger, std::int32_t& status) {
    JournalReader reader(at(root), core_types(), true);
    std::uint64_t seen = 0;
    while (const kf_frame* frame = reader.peek()) {
        if (frame->sequence != ++seen) ++ledger.gaps;
        if (!is_whole(reader, frame)) {
            std::fprintf(stderr, "event %lu is torn: offset %lu of %s\n", frame->sequence, reader.offset(),
                         reader.page().path().c_str());
            ++ledger.torn;
        }
        ++ledger.read;
        reader.advance();
    }
    status = reader.status();
    return seen;
}

void check_after(const std::string& root, Durability durability, const Cut& cut, Ledger& ledger,
                 Totals& totals) {
    std::int32_t status = KF_OK;
    check_reading(root, ledger, status);
    status = KF_OK;
    Clock clock;
    WriterOptions o = options(root, clock);
    o.durability = durability;
    std::unique_ptr<Writer> writer;
    std::string error;
    const std::int32_t opened = Writer::open(o, writer, error);
    if (opened != KF_OK) {
        const bool named = opened == kCorrupt && error.find(": offset ") != std::string::npos;
        if (durability == Durability::NONE && named) {
            ++totals.to_be_repaired;
            return;
        }
        std::fprintf(stderr, "not opened after a power cut (%d): %s\n", opened, error.c_str());
        ++ledger.refused;
        return;
    }
    const std::uint64_t survived = writer->last_sequence();
    if (survived < cut.vouched) {
        std::fprintf(stderr, "vouched for %lu, survived %lu\n", cut.vouched, survived);
        ledger.lost += cut.vouched - survived;
    }
    if (survived > cut.appended) {
        std::fprintf(stderr, "appended %lu, survived %lu\n", cut.appended, survived);
        ++ledger.torn;
    }
    if (durability == Durability::COMMIT && survived < cut.seen) {
        std::fprintf(stderr, "seen %lu, survived %lu\n", cut.seen, survived);
        totals.seen_and_lost += cut.seen - survived;
    }
    totals.dropped += cut.appended - std::min(cut.appended, survived);
    for (int i = 0; i < 200 && status == KF_OK; ++i) status = append_next(*writer);
    if (status != KF_OK) {
        std::fprintf(stderr, "not continued after a power cut: %s\n", writer->error().c_str());
        ++ledger.refused;
        return;
    }
    writer->close();
    const std::uint64_t there = check_reading(root, ledger, status);
    if (durability == Durability::NONE && status == kCorrupt) {
        ++totals.to_be_repaired;
        return;
    }
    if (there != survived + 200 || status != KF_OK) {
        std::fprintf(stderr, "of %lu events before a power cut and 200 after it, %lu can be read\n", survived,
                     there);
        ++ledger.lost;
    }
}

void cut_again_and_again(Durability durability, int cuts, std::mt19937_64& random, Ledger& ledger,
                         Totals& totals) {
    Folder folder;
    disk().root = folder.path();
    disk().blocks.clear();
    disk().names.clear();
    Clock clock;
    WriterOptions o = options(folder.path(), clock);
    o.durability = durability;
    o.sync_interval = 300'000;
    auto writer = open_writer(o);
    std::atomic<std::uint64_t> seen{0};
    std::atomic<bool> over{false};
    std::thread live([&] {
        JournalReader reader(at(folder.path()), core_types(), true);
        std::uint64_t last = 0;
        while (!over) {
            read_on(reader, last, ledger);
            seen = last;
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < cuts; ++i) {
        for (std::uint64_t n = 1 + random() % 400; n > 0; --n) CHECK_EQUAL(append_next(*writer), KF_OK);
        Cut cut;
        if (durability != Durability::NONE && random() % 4 == 0) {
            CHECK_EQUAL(writer->wait_until_durable(), KF_OK);
            cut.vouched = writer->last_sequence();
        }
        Folder after;
        {
            const std::lock_guard lock(disk().mutex);
            cut.appended = writer->last_sequence();
            cut.seen = seen;
            if (durability != Durability::NONE) {
                cut.vouched = std::max(cut.vouched, last_vouched(folder.path()));
            }
            cut_power(folder.path(), after.path(), random);
        }
        check_after(after.path(), durability, cut, ledger, totals);
        ++totals.cuts;
        if (ledger.violations() + totals.seen_and_lost != 0) break;
    }
    over = true;
    live.join();
}

}  // namespace

int main(int argc, char** argv) {
    const int cuts = argc > 1 ? std::atoi(argv[1]) : 60;
    std::mt19937_64 random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
    Ledger& ledger = *shared_ledger();
    Totals totals;
    constexpr int kInOneJournal = 20;
    const std::array<Durability, 3> levels = {Durability::NONE, Durability::INTERVAL, Durability::COMMIT};
    for (int i = 0; i < cuts; i += kInOneJournal) {
        cut_again_and_again(levels[static_cast<std::size_t>(i / kInOneJournal) % 3],
                            std::min(kInOneJournal, cuts - i), random, ledger, totals);
    }
    std::printf("power_cuts %lu\nto_be_repaired %lu\ndropped %lu\nseen_and_lost %lu\n", totals.cuts,
                totals.to_be_repaired, totals.dropped, totals.seen_and_lost);
    ledger.print();
    return ledger.violations() + totals.seen_and_lost == 0 ? 0 : 1;
}
