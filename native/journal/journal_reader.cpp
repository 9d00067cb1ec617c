#include "journal/journal_reader.hpp"

#include <algorithm>

#include "clock/clock.hpp"
#include "journal/index.hpp"
#include "journal/tables.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint32_t kUnlearnt = ~0U;
// Pages that other processes make are looked for this often; this process's own are noticed at once.
constexpr std::int64_t kLookEvery = 1'000'000;

}  // namespace

JournalReader::JournalReader(Location location, const std::vector<TypeDefinition>& types, bool verify)
    : location_(std::move(location)), id_(location_.id()), types_(types), verify_(verify) {
    const std::string problem = location_.problem();
    if (!problem.empty()) {
        status_ = KF_BAD_ARGUMENT;
        error_ = problem;
    }
}

std::int32_t JournalReader::fail(std::int32_t status, std::uint64_t offset, const std::string& text) {
    status_ = status;
    error_ = page_.path() + ": offset " + std::to_string(offset) + ": " + text;
    return status;
}

bool JournalReader::worth_looking() noexcept {
    const std::uint64_t births = page_births().load(std::memory_order_acquire);
    const std::int64_t now = Clock::monotonic_now();
    if (births == looked_at_births_ && now - looked_at_ < kLookEvery) return false;
    looked_at_births_ = births;
    looked_at_ = now;
    return true;
}

bool JournalReader::open_page(const PageFile& file) {
    Page page;
    const std::uint64_t expected = file_.page == 0 && location_.scope.empty() ? 0 : id_;
    const std::int32_t status = page.open(file.path, expected, false, error_);
    if (status != KF_OK) {
        status_ = status;
        return false;
    }
    const PageHeader& header = page.header();
    if (header.page_number != file.page || header.source != location_.source ||
        header.name != location_.name) {
        status_ = kCorrupt;
        error_ = file.path + ": offset 32: the page is " + header.source + "/" + header.name + " " +
                 std::to_string(header.page_number) + ", not what its file name says";
        return false;
    }
    id_ = header.journal;
    location_.scope = header.scope;
    left_ = std::move(page_);
    page_ = std::move(page);
    file_ = file;
    offset_ = sizeof(PageHeader);
    ++pages_opened_;
    looked_at_births_ = ~0ULL;  // the page after may be there already
    return true;
}

bool JournalReader::next_page() {
    if (!worth_looking()) return false;
    const PageFile file = find_page(location_, file_.page + 1, file_.date);
    if (file.path.empty() || !open_page(file)) return false;
    if (page_.header().first_sequence != last_sequence_ + 1) {
        fail(kCorrupt, 40,
             "the page begins with sequence " + std::to_string(page_.header().first_sequence) +
                 ", the page before ended with " + std::to_string(last_sequence_));
        return false;
    }
    return true;
}

void JournalReader::learn_type(const kf_frame* frame) {
    const auto known = *reinterpret_cast<const std::uint32_t*>(frame + 1);
    if (known < process_numbers_.size() && process_numbers_[known] != kUnlearnt) return;
    TypeDefinition met;
    const auto length =
        static_cast<std::uint32_t>(frame->commit) - static_cast<std::uint32_t>(sizeof(kf_frame));
    if (!parse_type(frame + 1, length, met) || met.number > 1'000'000) {
        fail(kCorrupt, offset_, "a type definition that cannot be read");
        return;
    }
    if (met.number >= process_numbers_.size()) process_numbers_.resize(met.number + 1, kUnlearnt);
    std::uint32_t number = 0;
    for (const TypeDefinition& type : types_) {
        if (type.name != met.name || type.version != met.version) continue;
        if (type.schema != met.schema) {
            fail(kTypeConflict, offset_,
                 "event type " + met.name + " version " + std::to_string(met.version) +
                     " has another layout in this file than in this program");
            return;
        }
        number = type.number;
    }
    process_numbers_[met.number] = number;
}

void JournalReader::relearn_page() {
    const std::uint64_t here = offset_;
    for (offset_ = sizeof(PageHeader); offset_ < here && status_ == KF_OK;) {
        const kf_frame* frame = page_.frame(offset_);
        const auto length = static_cast<std::uint32_t>(page_.commit(offset_));
        if (!page_.holds(offset_, length)) break;
        if (frame->type == kungfu::TypeDefinition::kType) learn_type(frame);
        offset_ += align8(length);
    }
    offset_ = here;
}

std::uint32_t JournalReader::type_of(const kf_frame* frame) {
    const std::uint32_t number = frame->type;
    if (number < process_numbers_.size() && process_numbers_[number] != kUnlearnt) {
        return process_numbers_[number];
    }
    // After a seek the definition may stand in the part of the page that was jumped over.
    relearn_page();
    const bool learnt = number < process_numbers_.size() && process_numbers_[number] != kUnlearnt;
    return learnt ? process_numbers_[number] : 0;
}

/// The event at the reader's place, tables and page ends gone past.
const kf_frame* JournalReader::frame_here() {
    if (!page_) {
        if (!worth_looking()) return nullptr;
        const std::vector<PageFile> pages = list_pages(location_);
        if (pages.empty() || !open_page(pages.front())) return nullptr;
        last_sequence_ = page_.header().first_sequence - 1;
    }
    while (status_ == KF_OK) {
        if (!page_.has_frame_at(offset_)) {
            fail(kCorrupt, offset_, "the page is full but has no end");
            break;
        }
        const std::uint64_t commit = page_.commit(offset_);
        if (commit == 0) break;
        const auto length = static_cast<std::uint32_t>(commit);
        if (!page_.holds(offset_, length)) {
            fail(kCorrupt, offset_, "impossible frame length " + std::to_string(length));
            break;
        }
        if (verify_ && !page_.verifies(offset_, commit)) {
            fail(kCorrupt, offset_, "the frame fails its checksum");
            break;
        }
        const kf_frame* frame = page_.frame(offset_);
        if (frame->type == kungfu::TypeDefinition::kType) learn_type(frame);
        if (!(frame->flags & kTableFlag)) return frame;
        if (frame->type == PageEnd::kType) {
            if (!next_page()) break;
        } else {
            offset_ += align8(length);
        }
    }
    return nullptr;
}

const kf_frame* JournalReader::peek() {
    while (frame_ == nullptr && status_ == KF_OK) {
        const kf_frame* frame = frame_here();
        if (frame == nullptr || status_ != KF_OK) return nullptr;
        if (frame->sequence != last_sequence_ + 1) {
            fail(kCorrupt, offset_,
                 "sequence " + std::to_string(frame->sequence) + " after " + std::to_string(last_sequence_));
            return nullptr;
        }
        frame_ = frame;
        if (frame->gen_time < from_time_ || frame->sequence < from_sequence_) advance();
    }
    if (frame_ == nullptr) return nullptr;
    type_ = type_of(frame_);
    return status_ == KF_OK ? frame_ : nullptr;
}

void JournalReader::advance() noexcept {
    if (frame_ == nullptr) return;
    offset_ += align8(static_cast<std::uint32_t>(frame_->commit));
    last_sequence_ = frame_->sequence;
    frame_ = nullptr;
}

template <class Before>
std::int32_t JournalReader::seek(Before before) {
    frame_ = nullptr;
    if (status_ != KF_OK) return status_;
    const std::vector<PageFile> pages = list_pages(location_);
    if (pages.empty()) return KF_OK;
    std::size_t low = 0;
    std::size_t high = pages.size();
    while (high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        PageHeader header{};
        status_ = read_header(pages[middle].path, header, error_);
        if (status_ != KF_OK) return status_;
        (before(header.create_time, header.first_sequence) ? low : high) = middle;
    }
    if (!open_page(pages[low])) return status_;
    last_sequence_ = page_.header().first_sequence - 1;
    if (__atomic_load_n(&page_.header().sealed, __ATOMIC_ACQUIRE) == 0) return KF_OK;
    const std::vector<IndexEntry> index = read_index(index_path(page_.path()), page_.header());
    const auto after = std::partition_point(
        index.begin(), index.end(), [&](const IndexEntry& e) { return before(e.gen_time, e.sequence); });
    if (after == index.begin() || !page_.has_frame_at((after - 1)->offset)) return KF_OK;
    offset_ = (after - 1)->offset;
    last_sequence_ = (after - 1)->sequence - 1;
    relearn_page();
    return status_;
}

std::int32_t JournalReader::seek_time(std::int64_t time) {
    from_time_ = time;
    from_sequence_ = 0;
    return seek([time](std::int64_t gen_time, std::uint64_t) { return gen_time < time; });
}

std::int32_t JournalReader::seek_sequence(std::uint64_t sequence) {
    from_time_ = std::numeric_limits<std::int64_t>::min();
    from_sequence_ = sequence;
    return seek([sequence](std::int64_t, std::uint64_t first) { return first <= sequence; });
}

std::int32_t JournalReader::seek_end() {
    from_time_ = std::numeric_limits<std::int64_t>::min();
    from_sequence_ = 0;
    seek([](std::int64_t, std::uint64_t) { return true; });
    while (peek() != nullptr) advance();
    return status_;
}

}  // namespace kungfu::journal
