#include "journal/columns.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint64_t kFirstBlock = 256ULL * 1024;
constexpr std::uint64_t kHugeBlock = 4ULL * 1024 * 1024;
/// Far enough ahead that a frame is in the cache when the walk comes to it.
constexpr std::uint64_t kPrefetch = 1024;
constexpr std::uint32_t kHighestType = 1'000'000;

/// Takes rows in; while all of them lie behind each other in one page, only says where they are.
class RowCollector {
  public:
    RowCollector(const ColumnsRequest& request, Columns& columns)
        : row_(sizeof(kf_frame) + request.size), tails_(request.tails), columns_(columns) {}

    /// `count` frames of the same length behind each other in a page.
    void add(const kf_frame* first, std::uint64_t length, std::uint64_t count) {
        const auto* bytes = reinterpret_cast<const char*>(first);
        const bool whole = length == row_ && row_ % 8 == 0;
        if (columns_.count == 0 && whole) {
            columns_.rows = bytes;
            in_page_ = true;
        }
        if (in_page_ && whole && bytes == columns_.rows + columns_.count * row_) {
            if (tails_) add_tails(bytes, length, count);
            columns_.count += count;
            return;
        }
        add_copies(first, length, count);
    }

    /// The same of frames that may not stay where they are.
    void add_copies(const kf_frame* first, std::uint64_t length, std::uint64_t count) {
        const auto* bytes = reinterpret_cast<const char*>(first);
        const bool whole = length == row_ && row_ % 8 == 0;
        if (tails_) add_tails(bytes, length, count);
        copy_out();
        char* rows = columns_.copied.extend(count * row_);
        columns_.rows = columns_.copied.data();
        columns_.count += count;
        if (whole) {
            std::memcpy(rows, bytes, count * row_);
            return;
        }
        const std::uint64_t there = length < row_ ? length : row_;
        for (; count > 0; --count, rows += row_, bytes += align8(length)) {
            std::memcpy(rows, bytes, there);
            std::memset(rows + there, 0, row_ - there);
        }
    }

    bool in_page() const noexcept { return in_page_; }

    /// Makes the rows independent of the page.
    void copy_out() {
        if (!in_page_) return;
        const std::uint64_t size = columns_.count * row_;
        char* rows = columns_.copied.extend(size);
        std::memcpy(rows, columns_.rows, size);
        columns_.rows = rows;
        columns_.page.reset();
        in_page_ = false;
    }

  private:
    void add_tails(const char* bytes, std::uint64_t length, std::uint64_t count) {
        for (; count > 0; --count, bytes += align8(length)) {
            if (length > row_) columns_.tails.insert(columns_.tails.end(), bytes + row_, bytes + length);
            columns_.tail_ends.push_back(static_cast<std::int64_t>(columns_.tails.size()));
        }
    }

    std::uint64_t row_;
    bool tails_;
    bool in_page_ = false;
    Columns& columns_;
};

/// Walks the frames of a page itself, which costs less than half of asking the reader for each; whatever is
/// not a plain event of a known type in its place is left to the reader to judge.
class Walk {
  public:
    Walk(const ColumnsRequest& request, RowCollector& rows) : request_(request), rows_(rows) {}

    enum class Stop : std::uint8_t {
        DONE,      ///< Nothing more is asked for, or there now.
        PAGE_END,  ///< The next event stands in another page.
        UNSURE     ///< The reader must look at the event after the last one.
    };

    /// Walks on from the event that the reader peeks at.
    Stop walk(const JournalReader& reader, const kf_frame* first) {
        if (first->gen_time >= request_.until) return Stop::DONE;
        const Page& page = reader.page();
        std::uint64_t offset = reader.offset();
        auto length = static_cast<std::uint32_t>(first->commit);
        if (reader.is_converted()) {
            if (reader.type() == request_.type) rows_.add_copies(first, length, 1);
            next_ = first->sequence + 1;
            return Stop::UNSURE;
        }
        learn(first->type, reader.type() == request_.type ? Known::WANTED : Known::OTHER);
        if (known(first->type) == Known::NOT) {
            if (reader.type() == request_.type) rows_.add(first, length, 1);
            next_ = first->sequence + 1;
            offset += align8(length);
        } else {
            next_ = first->sequence;
        }
        const std::uint64_t end = reader.readable_end();
        while (offset + sizeof(kf_frame) <= end) {
            const kf_frame* frame = page.frame(offset);
            length = static_cast<std::uint32_t>(page.commit(offset));
            if (length == 0 && !page.is_sealed()) return Stop::DONE;
            if (length < sizeof(kf_frame) || offset + align8(length) > end) return Stop::UNSURE;
            if ((frame->flags & kTableFlag) != 0) {
                return frame->type == PageEnd::kType ? Stop::PAGE_END : Stop::UNSURE;
            }
            const Known type = known(frame->type);
            if (type == Known::NOT || frame->sequence != next_) return Stop::UNSURE;
            if (request_.verify && !page.verifies(offset, page.commit(offset))) return Stop::UNSURE;
            if (frame->gen_time >= request_.until) return Stop::DONE;
            const std::uint64_t count = alike(page, offset, length, (end - offset) / align8(length));
            if (type == Known::WANTED) rows_.add(frame, length, count);
            offset += count * align8(length);
            next_ += count;
        }
        return Stop::UNSURE;
    }

    /// Sequence of the first event that was not walked yet.
    std::uint64_t next() const noexcept { return next_; }

  private:
    enum class Known : std::uint8_t { NOT, WANTED, OTHER };

    void learn(std::uint32_t type, Known known) {
        // The reader checks every definition of a type; a number that is out of range it meets anew.
        if (type == kungfu::TypeDefinition::kType || type > kHighestType) return;
        if (type >= known_.size()) known_.resize(type + 1, Known::NOT);
        known_[type] = known;
    }

    Known known(std::uint32_t type) const noexcept {
        return type < known_.size() ? known_[type] : Known::NOT;
    }

    /// How many of the events from this one on are of its type and length, and asked for. Where the next one
    /// stands hangs on nothing that is read, so the processor reads far ahead.
    std::uint64_t alike(const Page& page, std::uint64_t offset, std::uint32_t length,
                        std::uint64_t most) const noexcept {
        const kf_frame* first = page.frame(offset);
        const auto* at = reinterpret_cast<const char*>(first);
        std::uint64_t count = 1;
        for (; count < most; ++count) {
            at += align8(length);
            offset += align8(length);
            __builtin_prefetch(at + kPrefetch);
            __builtin_prefetch(at + kPrefetch + 64);  // a header may lie on two lines
            const auto* frame = reinterpret_cast<const kf_frame*>(at);
            const std::uint64_t commit = __atomic_load_n(&frame->commit, __ATOMIC_ACQUIRE);
            const bool same = static_cast<std::uint32_t>(commit) == length && frame->type == first->type &&
                              frame->flags == first->flags && frame->sequence == first->sequence + count &&
                              frame->gen_time < request_.until &&
                              (!request_.verify || page.verifies(offset, commit));
            if (!same) break;
        }
        return count;
    }

    const ColumnsRequest& request_;
    RowCollector& rows_;
    std::vector<Known> known_;  ///< By the journal's number of the type.
    std::uint64_t next_ = 0;
};

}  // namespace

Block::~Block() {
    if (data_ != nullptr) munmap(data_, capacity_);
}

void Block::grow(std::uint64_t size) {
    std::uint64_t wanted = capacity_ == 0 ? kFirstBlock : std::max(capacity_ * 2, kHugeBlock);
    while (wanted < used_ + size) wanted *= 2;
    // A mapping that grows where it is stays unaligned, and huge pages want alignment.
    const bool is_huge = capacity_ >= kHugeBlock;
    void* grown = is_huge ? mremap(data_, capacity_, wanted, MREMAP_MAYMOVE)
                          : mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (grown == MAP_FAILED) throw std::bad_alloc();
    if (wanted >= kHugeBlock) madvise(grown, wanted, MADV_HUGEPAGE);  // a kernel without them says no
    if (!is_huge && data_ != nullptr) {
        std::memcpy(grown, data_, used_);
        munmap(data_, capacity_);
    }
    data_ = static_cast<char*>(grown);
    capacity_ = wanted;
}

std::int32_t gather(const ColumnsRequest& request, Columns& columns, std::string& error) {
    RowCollector rows(request, columns);
    Walk pages(request, rows);
    auto reader = std::make_unique<JournalReader>(request.location, request.types, request.verify);
    if (request.since) reader->seek_time(*request.since);
    while (const kf_frame* frame = reader->peek()) {
        const Walk::Stop stop = pages.walk(*reader, frame);
        if (stop == Walk::Stop::DONE) break;
        if (stop == Walk::Stop::PAGE_END) {
            // A reader for each page: the one that is left behind keeps the rows mapped.
            auto next = std::make_unique<JournalReader>(request.location, request.types, request.verify);
            next->seek_sequence(pages.next());
            std::swap(reader, next);
            if (rows.in_page() && columns.page == nullptr) columns.page = std::move(next);
            continue;
        }
        const std::uint64_t opened = reader->pages_opened();
        while (reader->peek() != nullptr && reader->last_sequence() + 1 < pages.next()) reader->advance();
        if (reader->pages_opened() != opened && columns.page == nullptr) rows.copy_out();
    }
    if (reader->status() != KF_OK) {
        error = reader->error();
        return reader->status();
    }
    if (rows.in_page() && columns.page == nullptr) columns.page = std::move(reader);
    return KF_OK;
}

}  // namespace kungfu::journal
