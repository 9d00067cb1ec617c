// Any bytes as a compressed page: as the whole file, or as the columns of a block in a file that is sound.
//
// The first byte says which, and whether the checksum of the file's index is mended. With columns the next
// two say how long the block is that they are to fill.
#define ZSTD_STATIC_LINKING_ONLY  // for frames without magic
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "clock/clock.hpp"
#include "fuzz_support.hpp"
#include "journal/compressed_page.hpp"
#include "journal/compression.hpp"
#include "journal/crc32c.hpp"
#include "journal/survey.hpp"
#include "journal/verify.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

using namespace kungfu;
using namespace kungfu::journal;

namespace {

constexpr int kMost = 1000;  // events at a time
constexpr std::uint8_t kColumns = 1;
constexpr std::uint8_t kMend = 2;

using Bytes = std::vector<char>;

std::string page_path() { return fuzzed_journal().page_path("1970-01-01", 1); }

/// The header of a page that is sealed, the tables behind it, and its end.
struct Sealed {
    PageHeader header;
    Bytes first;
};

const Sealed& sealed_page() {
    static const Sealed sealed = [] {
        Clock clock(Clock::Kind::SIMULATED, 1);
        WriterOptions options;
        options.root = fuzz_root();
        options.source = "venue";
        options.name = "MD";
        options.page_size = kMinPageSize;
        options.clock = &clock;
        std::unique_ptr<Writer> writer;
        std::string error;
        if (Writer::open(options, writer, error) != KF_OK) std::abort();
        while (list_pages(fuzzed_journal()).size() < 2) {
            Trade trade{};
            if (writer->append(Trade::kType, 0, 0, kNoCause, &trade, sizeof trade) != KF_OK) std::abort();
        }
        writer->close();
        Page page;
        if (page.open(page_path(), 0, false, error) != KF_OK) std::abort();
        std::uint64_t end = sizeof(PageHeader);
        while (page.frame(end)->flags & kTableFlag)
            end += align8(static_cast<std::uint32_t>(page.commit(end)));
        const Sealed read{page.header(), Bytes(page.data(), page.data() + end)};
        for (const PageFile& file : list_pages(fuzzed_journal())) {
            unlink(index_path(file.path).c_str());
            unlink(file.path.c_str());
        }
        return read;
    }();
    return sealed;
}

template <class T>
void add(Bytes& bytes, const T& value) {
    const auto* place = reinterpret_cast<const char*>(&value);
    bytes.insert(bytes.end(), place, place + sizeof value);
}

std::uint32_t add_frame(Bytes& file, const void* data, std::size_t size, ZSTD_format_e format) {
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_format, format);
    Bytes packed(ZSTD_compressBound(size));
    const std::size_t length = ZSTD_compress2(context.get(), packed.data(), packed.size(), data, size);
    if (ZSTD_isError(length)) std::abort();
    file.insert(file.end(), packed.data(), packed.data() + length);
    return static_cast<std::uint32_t>(length);
}

/// A compressed page of three blocks: header and tables, what these columns say, and zeros.
Bytes around_columns(const std::uint8_t* columns, std::size_t size, std::size_t block_size) {
    const Sealed& sealed = sealed_page();
    const std::uint64_t begin = sealed.first.size();
    const std::uint64_t end = begin + block_size;
    const std::uint32_t key = checksum_key(sealed.header.journal, sealed.header.page_number);

    // The checksum that the block's rows will have, where the columns give any.
    std::vector<unsigned char> input(columns, columns + size);
    input.resize(size + BlockColumns::kSlack);
    Bytes rows(block_size);
    BlockColumns decoder;
    (void)decoder.decode(input.data(), size, rows.data(), rows.size(), key, begin);

    Bytes file;
    BlockEntry first{};
    first.end = begin;
    first.first_sequence = 1;
    first.checksum = crc32c(0, sealed.first.data(), sealed.first.size());
    first.length = add_frame(file, sealed.first.data(), sealed.first.size(), ZSTD_f_zstd1);
    BlockEntry middle = first;
    middle.begin = begin;
    middle.end = end;
    middle.offset = file.size();
    middle.last_time = 1'000'000;
    middle.checksum = crc32c(0, rows.data(), rows.size());
    middle.events = static_cast<std::uint32_t>(block_size / frame_size(sizeof(Trade)));
    middle.flags = kColumnsFlag;
    middle.length = add_frame(file, columns, size, ZSTD_f_zstd1_magicless);
    BlockEntry last = middle;
    const Bytes zeros(kMinPageSize - end);
    last.begin = end;
    last.end = kMinPageSize;
    last.offset = file.size();
    last.first_sequence += middle.events;
    last.first_time = last.last_time;
    last.checksum = crc32c(0, zeros.data(), zeros.size());
    last.events = 0;
    last.flags = kZerosFlag;
    last.length = add_frame(file, zeros.data(), zeros.size(), ZSTD_f_zstd1);

    Bytes index;
    for (const BlockEntry& block : {first, middle, last}) add(index, block);
    CompressedTrailer trailer{};
    std::memcpy(trailer.magic, kCompressedMagic, sizeof trailer.magic);
    trailer.version = kCompressedVersion;
    trailer.block_count = 3;
    trailer.page_size = kMinPageSize;
    trailer.checksum =
        crc32c(crc32c(0, index.data(), index.size()), &trailer, offsetof(CompressedTrailer, checksum));
    add(file, kIndexFrameMagic);
    add(file, static_cast<std::uint32_t>(index.size() + sizeof trailer));
    file.insert(file.end(), index.begin(), index.end());
    add(file, trailer);
    return file;
}

/// Makes index and trailer what they should say of themselves, however little they say of the rest.
void mend(Bytes& file) {
    CompressedTrailer trailer{};
    if (file.size() < sizeof trailer) return;
    char* place = file.data() + file.size() - sizeof trailer;
    std::memcpy(&trailer, place, sizeof trailer);
    const std::uint64_t index_size = std::uint64_t{trailer.block_count} * sizeof(BlockEntry);
    if (index_size > file.size() - sizeof trailer) return;
    trailer.checksum =
        crc32c(crc32c(0, place - index_size, index_size), &trailer, offsetof(CompressedTrailer, checksum));
    std::memcpy(place, &trailer, sizeof trailer);
}

void read_all() {
    const Location journal = fuzzed_journal();
    for (const bool verify : {false, true}) {
        JournalReader reader(journal, known_types(), verify);
        read_on(reader, kMost);
        JournalReader seeker(journal, known_types(), verify);
        for (const std::int64_t time : {std::int64_t{0}, std::int64_t{100}, INT64_MAX}) {
            if (seeker.seek_time(time) == KF_OK) read_on(seeker, kMost);
            if (seeker.seek_sequence(static_cast<std::uint64_t>(time)) == KF_OK) read_on(seeker, kMost);
        }
        JournalReader at_end(journal, {}, verify);  // knows none of the types
        at_end.seek_end();
    }
    Survey survey_of;
    Tables tables;
    std::string error;
    (void)survey(journal, survey_of, error);
    (void)last_definitions(journal, tables, error);
    (void)list_journals(journal.root, error);
    (void)verify(journal);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3 || size > kMinPageSize) return 0;
    const std::size_t room = kMinPageSize - sealed_page().first.size();
    Bytes file(data + 1, data + size);
    if (data[0] & kColumns) {
        const std::size_t wanted = (data[1] | static_cast<std::size_t>(data[2]) << 8) * 8;
        file = around_columns(data + 3, size - 3, std::min(std::max<std::size_t>(wanted, 8), room - 8));
    } else if (data[0] & kMend) {
        mend(file);
    }
    make_file(compressed_path(page_path()), file.data(), file.size(), file.size());
    read_all();
    return 0;
}
