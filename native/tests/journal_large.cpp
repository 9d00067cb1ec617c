// Places and sequences stay right beyond what 32 bits hold.
#include <sys/statvfs.h>

#include <cstring>

#include "journal/recovery.hpp"
#include "journal_torture.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;

/// Mebibytes of a journal in pages as large as they can be; each event says which it is at both ends.
std::uint64_t write_and_read(std::uint64_t mebibytes, Ledger& ledger) {
    Folder folder;
    struct statvfs status{};
    CHECK_EQUAL(statvfs(folder.path().c_str(), &status), 0);
    if (status.f_bavail * status.f_bsize < (mebibytes + 1024) * kMebibyte) {
        std::printf("skipped: %lu MiB are not free in %s\n", mebibytes + 1024, folder.path().c_str());
        std::exit(77);
    }
    Clock clock;
    auto writer = open_writer(options(folder.path(), clock, kMaxPageSize));
    std::string payload(kMebibyte, 'x');
    const auto mark = [&](std::uint64_t n) {
        std::memcpy(payload.data(), &n, sizeof n);
        std::memcpy(payload.data() + payload.size() - sizeof n, &n, sizeof n);
    };
    for (std::uint64_t n = 1; n <= mebibytes; ++n) {
        mark(n);
        CHECK_EQUAL(writer->append(Log::kType, 0, 0, kNoCause, payload.data(),
                                   static_cast<std::uint32_t>(payload.size())),
                    KF_OK);
    }
    writer->close();
    std::uint64_t bytes = 0;
    for (const PageFile& file : list_pages(at(folder.path()))) bytes += std::filesystem::file_size(file.path);
    const auto check = [&](const JournalReader& reader, const kf_frame* frame, std::uint64_t n) {
        mark(n);
        const bool whole = frame != nullptr && frame->sequence == n &&
                           reader.length() == sizeof *frame + payload.size() &&
                           std::memcmp(frame + 1, payload.data(), payload.size()) == 0;
        if (!whole) ++ledger.torn;
        ++ledger.read;
    };
    JournalReader reader(at(folder.path()), core_types(), true);
    for (std::uint64_t n = 1; n <= mebibytes; ++n) {
        check(reader, reader.peek(), n);
        reader.advance();
    }
    if (reader.peek() != nullptr || reader.status() != KF_OK) ++ledger.refused;
    for (std::uint64_t n = mebibytes; n > 0; n -= std::min<std::uint64_t>(n, 1 + mebibytes / 10)) {
        CHECK_EQUAL(reader.seek_sequence(n), KF_OK);
        check(reader, reader.peek(), n);
    }
    writer = open_writer(options(folder.path(), clock, kMaxPageSize));
    if (writer->last_sequence() != mebibytes) ++ledger.lost;
    CHECK_EQUAL(put(*writer, 1), KF_OK);
    return bytes;
}

// Sequences go on behind 2^32, in frames, in headers, in seeks.
void sequences_pass_32_bits() {
    constexpr std::uint64_t kFirst = (1ULL << 32) - 300;
    Folder folder;
    Clock clock(Clock::Kind::SIMULATED, 1);
    auto writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(put(*writer, kFirst), KF_OK);
    writer.reset();
    {
        // As if more than four thousand million events had come before.
        Page page;
        std::string error;
        CHECK_EQUAL(page.open(list_pages(at(folder.path()))[0].path, 0, true, error), KF_OK);
        page.header().first_sequence = kFirst;
        page.header().checksum = header_checksum(page.header());
        std::uint64_t offset = sizeof(PageHeader);
        while (page.frame(offset)->sequence == 0) {
            offset += align8(static_cast<std::uint32_t>(page.commit(offset)));
        }
        page.frame(offset)->sequence = kFirst;
        page.set_commit(offset, static_cast<std::uint32_t>(page.commit(offset)));
    }
    writer = open_writer(options(folder.path(), clock));
    CHECK_EQUAL(writer->last_sequence(), kFirst);
    for (std::uint64_t n = kFirst + 1; n <= kFirst + 2000; ++n) {
        CHECK_EQUAL(put(*writer, n), KF_OK);
        CHECK_EQUAL(writer->last_sequence(), n);
    }
    writer.reset();
    JournalReader reader(at(folder.path()), core_types(), true);
    for (std::uint64_t n = kFirst; n <= kFirst + 2000; ++n) {
        CHECK(reader.peek() != nullptr);
        CHECK_EQUAL(reader.peek()->sequence, n);
        CHECK_EQUAL(trade_id(reader.peek()), n);
        reader.advance();
    }
    for (const std::uint64_t n : {kFirst, kFirst + 299, kFirst + 300, kFirst + 301, kFirst + 2000}) {
        CHECK_EQUAL(reader.seek_sequence(n), KF_OK);
        CHECK_EQUAL(trade_id(reader.peek()), n);
    }
    CHECK_EQUAL(open_writer(options(folder.path(), clock))->last_sequence(), kFirst + 2000);
}

}  // namespace

int main(int argc, char** argv) {
    Ledger& ledger = *shared_ledger();
    sequences_pass_32_bits();
    const std::uint64_t bytes = write_and_read(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 40, ledger);
    std::printf("file_mebibytes %lu\n", bytes / kMebibyte);
    ledger.print();
    return ledger.violations() == 0 ? 0 : 1;
}
