#include "journal/journal_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "clock/clock.hpp"
#include "journal/compressed_page.hpp"
#include "journal/tables.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint32_t kUnlearnt = ~0U;
// Pages that other processes make are looked for this often; this process's own are noticed at once.
constexpr std::int64_t kLookEvery = 1'000'000;
// Listing all folders is dear; pages that are gone stay gone.
constexpr std::uint64_t kListEvery = 64;

}  // namespace

JournalReader::JournalReader(Location location, const std::vector<TypeDefinition>& types, bool verify)
    : verify_(verify), location_(std::move(location)), id_(location_.id()), types_(types) {
    const std::string problem = location_.problem();
    if (!problem.empty()) {
        status_ = KF_BAD_ARGUMENT;
        error_ = problem;
    }
}

std::int32_t JournalReader::fail(std::int32_t status, std::uint64_t offset, const std::string& text) {
    status_ = status;
    error_ = page_.path() + ": offset " + std::to_string(offset) + ": " + text;
    end_ = 0;
    frame_ = nullptr;
    return status;
}

bool JournalReader::worth_looking() noexcept {
    const std::uint64_t births = page_births().load(std::memory_order_acquire);
    const std::int64_t now = Clock::monotonic_now();
    if (births == looked_at_births_ && now - looked_at_ < kLookEvery) return false;
    looked_at_births_ = births;
    looked_at_ = now;
    ++looks_;
    return true;
}

bool JournalReader::open_page(const PageFile& file) {
    Page page;
    const std::uint64_t expected = file_.page == 0 && location_.scope.empty() ? 0 : id_;
    const std::int32_t status = page.open(file.path, expected, false, error_);
    if (status == kUnborn) {
        // A page is begun before the next is made.
        if (!find_page(location_, file.page + 1, file.date).path.empty() && !page.is_born()) {
            status_ = kCorrupt;
            error_ = file.path + ": offset 0: not a journal page, and yet there is one after it";
            end_ = 0;
            return false;
        }
        unborn_ = std::move(page);
        unborn_file_ = file;
        return false;
    }
    if (status == kPruned) return false;  // taken away since it was looked for; the next look tells more
    if (status != KF_OK) {
        status_ = status;
        end_ = 0;
        return false;
    }
    return take_page(std::move(page), file);
}

bool JournalReader::take_page(Page page, const PageFile& file) {
    const PageHeader& header = page.header();
    if (header.page_number != file.page || header.source != location_.source ||
        header.name != location_.name) {
        status_ = kCorrupt;
        error_ = file.path + ": offset 32: the page is " + header.source + "/" + header.name + " " +
                 std::to_string(header.page_number) + ", not what its file name says";
        end_ = 0;
        return false;
    }
    id_ = header.journal;
    location_.scope = header.scope;
    page_.let_go();
    // A page whose events are all lost gave none that a caller may hold.
    if (last_sequence_ != lost_up_to_) left_ = std::move(page_);
    page_ = std::move(page);
    lost_up_to_ = page_.header().first_sequence - 1;
    unborn_.reset();
    file_ = file;
    data_ = page_.data();
    offset_ = sizeof(PageHeader);
    end_ = 0;
    index_ = IndexBuilder();
    indexed_to_ = 0;
    ++pages_opened_;
    if (total_ != nullptr) ++*total_;
    looked_at_births_ = ~0ULL;  // the page after may be there already
    return true;
}

bool JournalReader::open_first_page() {
    if (!worth_looking()) return false;
    std::vector<PageFile> pages;
    status_ = list_pages(location_, pages, error_);
    if (status_ != KF_OK || pages.empty() || !open_page(pages.front())) return false;
    last_sequence_ = page_.header().first_sequence - 1;
    return true;
}

bool JournalReader::next_page() {
    if (!unborn_) {
        if (!worth_looking()) return false;
        const PageFile file = find_page(location_, file_.page + 1, file_.date);
        if (file.path.empty()) {
            notice_pruned_pages();
            return false;
        }
        if (!open_page(file) && !unborn_) return false;
    }
    if (unborn_) {
        if (!unborn_.is_born()) {
            // Its writer takes it away when it closes, and the next one makes another.
            if (worth_looking() && unborn_.is_deleted()) unborn_.reset();
            return false;
        }
        status_ = unborn_.birth(id_, error_);
        if (status_ != KF_OK || !take_page(std::move(unborn_), unborn_file_)) return false;
    }
    if (page_.header().first_sequence != last_sequence_ + 1) {
        fail(kCorrupt, 40,
             "the page begins with sequence " + std::to_string(page_.header().first_sequence) +
                 ", the page before ended with " + std::to_string(last_sequence_));
        return false;
    }
    return true;
}

void JournalReader::notice_pruned_pages() {
    if (looks_ % kListEvery != 0) return;
    std::vector<PageFile> pages;
    status_ = list_pages(location_, pages, error_);
    if (status_ != KF_OK) return;
    const auto later = std::find_if(pages.begin(), pages.end(),
                                    [&](const PageFile& file) { return file.page > file_.page; });
    if (later == pages.end() || later->page == file_.page + 1) return;
    // It may have been made since it was looked for, and even while the folders were listed.
    if (!find_page(location_, file_.page + 1, file_.date).path.empty()) return;
    fail(kPruned, offset_,
         "the page after this one is there no more; the journal goes on with " + later->path);
}

void JournalReader::learn_type(const kf_frame* frame, std::uint32_t length) {
    const std::uint32_t payload = length - static_cast<std::uint32_t>(sizeof(kf_frame));
    std::uint32_t known = kUnlearnt;
    if (payload >= sizeof known) std::memcpy(&known, frame + 1, sizeof known);
    if (known < process_numbers_.size() && process_numbers_[known] != kUnlearnt) return;
    TypeDefinition met;
    if (!parse_type(frame + 1, payload, met) || met.number > 1'000'000) {
        fail(kCorrupt, offset_, "a type definition that cannot be read");
        return;
    }
    if (met.number >= process_numbers_.size()) {
        process_numbers_.resize(met.number + 1, kUnlearnt);
        plain_types_.resize(met.number + 1, kNotPlain);
    }
    Conversion conversion;
    const TypeDefinition* type = type_for(met, conversion);
    if (status_ != KF_OK) return;
    process_numbers_[met.number] = type == nullptr ? 0 : type->number;
    if (type != nullptr && type->version != met.version) {
        conversions_[met.number] = std::move(conversion);
    } else if (met.number != kungfu::TypeDefinition::kType) {
        plain_types_[met.number] = process_numbers_[met.number];
    }
}

/// What this process reads a type of the file as: the same version, or else the latest that is another
/// version of the type; nullptr if it knows none of that name.
const TypeDefinition* JournalReader::type_for(const TypeDefinition& met, Conversion& conversion) {
    const TypeDefinition* best = nullptr;
    const TypeDefinition* other = nullptr;
    for (const TypeDefinition& type : types_) {
        if (type.name != met.name) continue;
        if (type.version == met.version && type.schema == met.schema) return &type;
        Conversion found;
        if (type.version == met.version || !find_conversion(met.schema, type.schema, found)) {
            if (other == nullptr || type.version == met.version) other = &type;
        } else if (best == nullptr || type.version > best->version) {
            best = &type;
            conversion = std::move(found);
        }
    }
    if (other == nullptr || (best != nullptr && other->version != met.version)) return best;
    const std::string label = "event type " + met.name + " version " + std::to_string(met.version);
    fail(kTypeConflict, offset_,
         other->version == met.version
             ? label + " has another layout in this file than in this program"
             : label + " in this file and version " + std::to_string(other->version) +
                   " in this program differ by more than appended fields");
    return nullptr;
}

/// Takes in the type definitions before a place in the page: those in its tables, or all.
void JournalReader::learn_types(std::uint64_t until, bool tables_only) {
    const std::uint64_t here = offset_;
    std::uint64_t readable = 0;
    for (offset_ = sizeof(PageHeader); offset_ < until && status_ == KF_OK;) {
        if (offset_ + sizeof(kf_frame) > readable && !page_.read_on(offset_, readable, error_)) break;
        const kf_frame* frame = page_.frame(offset_);
        const auto length = static_cast<std::uint32_t>(page_.commit(offset_));
        if (length < sizeof(kf_frame) || offset_ + align8(length) > readable) break;
        if (tables_only && (frame->flags & kTableFlag) == 0) break;
        if (frame->type == kungfu::TypeDefinition::kType) learn_type(frame, length);
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
    learn_types(offset_, false);
    const bool learnt = number < process_numbers_.size() && process_numbers_[number] != kUnlearnt;
    return learnt ? process_numbers_[number] : 0;
}

/// Whether the page can be read up to a place by now; where it can at all, `end_` has moved there.
bool JournalReader::is_more_readable(std::uint64_t end) {
    if (end <= end_) return true;
    if (status_ == KF_OK && !page_.read_on(offset_, end_, error_)) {
        status_ = kCorrupt;
        end_ = 0;
    }
    return end <= end_;
}

/// The event at the reader's place, tables, gaps and page ends gone past.
const kf_frame* JournalReader::frame_here() {
    if (!page_ && !open_first_page()) return nullptr;
    while (status_ == KF_OK) {
        if (!page_.has_frame_at(offset_)) {
            fail(kCorrupt, offset_, "the page is full but has no end");
            break;
        }
        if (!is_more_readable(offset_ + sizeof(kf_frame))) break;
        const std::uint64_t commit = page_.commit(offset_);
        if (commit == 0) {
            look_for_damage();
            break;
        }
        const auto length = static_cast<std::uint32_t>(commit);
        if (!page_.holds(offset_, length)) {
            fail(kCorrupt, offset_, "impossible frame length " + std::to_string(length));
            break;
        }
        if (!is_more_readable(offset_ + align8(length))) break;
        if (verify_ && !page_.verifies(offset_, commit)) {
            fail(kCorrupt, offset_, "the frame fails its checksum");
            break;
        }
        const kf_frame* frame = page_.frame(offset_);
        if (frame->type == kungfu::TypeDefinition::kType) learn_type(frame, length);
        // A place that the file has no more reads as zeros, and its frame as one that it never was.
        if (page_.damage() != Mapping::kIntact) {
            look_for_damage();
            break;
        }
        length_ = length;
        if ((frame->flags & kTableFlag) == 0) return frame;
        if (frame->flags & kGapFlag) go_past_gap(frame->sequence);
        if (frame->type == PageEnd::kType) {
            if (!next_page()) break;
        } else {
            offset_ += align8(length);
        }
    }
    return nullptr;
}

void JournalReader::go_past_gap(std::uint64_t sequence) noexcept {
    const bool nothing_given = lost_up_to_ == last_sequence_;
    last_sequence_ = std::max(last_sequence_, sequence);
    if (nothing_given) lost_up_to_ = last_sequence_;
}

/// Goes past events before the one that a seek went for, as fast as their headers can be read.
void JournalReader::go_past_unwanted() noexcept {
    while (offset_ + sizeof(kf_frame) <= end_) {
        const kf_frame* frame = page_.frame(offset_);
        const auto length = static_cast<std::uint32_t>(page_.commit(offset_));
        const std::uint64_t end = offset_ + align8(length);
        if (length < sizeof(kf_frame) || end > end_ || frame->flags != 0 ||
            frame->type == kungfu::TypeDefinition::kType || frame->sequence != last_sequence_ + 1 ||
            (frame->gen_time >= from_time_ && frame->sequence >= from_sequence_)) {
            return;
        }
        last_sequence_ = frame->sequence;
        offset_ = end;
    }
}

const kf_frame* JournalReader::peek_closely() {
    while (frame_ == nullptr && status_ == KF_OK) {
        go_past_unwanted();
        const kf_frame* frame = frame_here();
        if (frame == nullptr || status_ != KF_OK) return nullptr;
        if (frame->sequence != last_sequence_ + 1) {
            fail(kCorrupt, offset_,
                 "sequence " + std::to_string(frame->sequence) + " after " + std::to_string(last_sequence_));
            return nullptr;
        }
        frame_ = frame;
        next_offset_ = offset_ + align8(length_);
        if (frame->gen_time < from_time_ || frame->sequence < from_sequence_) advance();
    }
    if (frame_ == nullptr) return nullptr;
    type_ = type_of(frame_);
    if (status_ != KF_OK) return nullptr;
    if (!conversions_.empty()) convert_peeked();
    return frame_;
}

void JournalReader::convert_peeked() {
    const auto found = conversions_.find(frame_->type);
    if (found == conversions_.end()) return;
    std::vector<char>& copy = converted_[conversions_done_ % converted_.size()];
    convert(found->second, *frame_, copy);
    ++conversions_done_;
    if (total_ != nullptr) ++*total_;
    frame_ = reinterpret_cast<const kf_frame*>(copy.data());
    length_ = static_cast<std::uint32_t>(frame_->commit);
}

std::int32_t JournalReader::look_for_damage() {
    if (status_ != KF_OK || !page_) return status_;
    if (page_.damage() != Mapping::kIntact) {
        return fail(kCorrupt, page_.damage(), "from here on the file was cut, or cannot be read");
    }
    struct stat opened{};
    struct stat named{};
    if (page_.fd() >= 0 && fstat(page_.fd(), &opened) == 0) {
        const auto size = static_cast<std::uint64_t>(opened.st_size);
        if (size < page_.size() && !is_compressed(page_.path())) {
            return fail(kCorrupt, size, "the file was cut here while it was read");
        }
        if (stat(page_.path().c_str(), &named) == 0 && named.st_ino != opened.st_ino) {
            return fail(kCorrupt, 0, "another file took the page's place while it was read");
        }
    }
    const std::uint64_t written = __atomic_load_n(&page_.header().written_position, __ATOMIC_ACQUIRE);
    const bool written_past = page_.is_sealed() || written > offset_;  // asked before the frame is looked at
    if (frame_ == nullptr && page_.has_frame_at(offset_) && offset_ < end_ && written_past &&
        page_.commit(offset_) == 0) {
        return fail(
            kCorrupt, offset_,
            "no frame begins here, and yet the page is written up to offset " + std::to_string(written));
    }
    return status_;
}

/// Adds to the index of the page, as far as it was written, until an entry is not before the goal; of a
/// sealed page it is read from its file.
template <class Before>
void JournalReader::extend_index(Before before) {
    if (indexed_to_ == 0) begin_index();
    const std::vector<IndexEntry>& known = index_.entries();
    const auto covers = [&] {
        return !known.empty() && !before(known.back().gen_time, known.back().sequence);
    };
    std::uint64_t offset = std::max<std::uint64_t>(indexed_to_, sizeof(PageHeader));
    while (page_.has_frame_at(offset) && !covers()) {
        const kf_frame* frame = page_.frame(offset);
        const auto length = static_cast<std::uint32_t>(page_.commit(offset));
        if (!page_.holds(offset, length) || frame->type == PageEnd::kType) break;
        if ((frame->flags & kTableFlag) == 0) index_.add(*frame, offset);
        offset += align8(length);
    }
    indexed_to_ = offset;
}

/// Takes the index that a full page has already: its blocks if it is compressed, or else its index file.
void JournalReader::begin_index() {
    std::vector<IndexEntry> known;
    if (const CompressedPage* packed = page_.compressed(); packed != nullptr) {
        for (const BlockEntry& block : packed->blocks()) {
            // The first block begins with the header and the tables.
            if (block.begin > 0 && block.events > 0) {
                known.push_back({block.first_time, block.first_sequence, block.begin});
            }
        }
    } else if (page_.is_sealed()) {
        known = read_index(index_path(page_.path()), page_.header());
    }
    if (!known.empty() || page_.compressed() != nullptr) indexed_to_ = page_.size();
    index_ = IndexBuilder(std::move(known));
}

/// Whether the first event that is not before the goal stands in the page that is open (or behind all).
template <class Before>
bool JournalReader::is_in_page(Before before) const noexcept {
    if (!page_ || !before(page_.header().create_time, page_.header().first_sequence)) return false;
    if (!page_.is_sealed()) return true;
    return !before(page_.header().last_time, page_.header().last_sequence + 1);
}

bool JournalReader::go_to_page(const PageFile& file) {
    unborn_.reset();
    return (page_ && file.page == file_.page) || open_page(file);
}

template <class Before>
std::int32_t JournalReader::seek(Before before) {
    frame_ = nullptr;
    if (status_ == kPruned) status_ = KF_OK;
    if (status_ != KF_OK) return status_;
    // A page may be pruned, or taken away by the writer that made it ahead, between two looks.
    while (!is_in_page(before)) {
        std::vector<PageFile> pages;
        status_ = list_pages(location_, pages, error_);
        if (status_ != KF_OK || pages.empty()) return status_;
        std::size_t low = 0;
        std::size_t high = pages.size();
        std::int32_t looked = KF_OK;
        while (high - low > 1 && looked == KF_OK) {
            const std::size_t middle = low + (high - low) / 2;
            PageHeader header{};
            looked = read_header(pages[middle].path, header, error_);
            (looked == KF_OK && before(header.create_time, header.first_sequence) ? low : high) = middle;
        }
        PageHeader header{};
        if (looked == KF_OK && low + 1 < pages.size()) looked = read_header(pages[low].path, header, error_);
        if (looked == kPruned) continue;
        if (looked != KF_OK && looked != kUnborn) return status_ = looked;
        // Where the pages that had the goal are gone, it goes on behind them.
        if (header.sealed != 0 && before(header.last_time, header.last_sequence + 1)) ++low;
        if (go_to_page(pages[low])) break;
        if (status_ != KF_OK || !page_ || unborn_) return status_;
    }
    end_ = 0;
    offset_ = sizeof(PageHeader);
    last_sequence_ = page_.header().first_sequence - 1;
    extend_index(before);
    const std::vector<IndexEntry>& index = index_.entries();
    const auto after = std::partition_point(
        index.begin(), index.end(), [&](const IndexEntry& e) { return before(e.gen_time, e.sequence); });
    if (after == index.begin() || !page_.has_frame_at((after - 1)->offset)) return KF_OK;
    learn_types((after - 1)->offset, true);
    offset_ = (after - 1)->offset;
    last_sequence_ = (after - 1)->sequence - 1;
    if (!is_more_readable(offset_ + sizeof(kf_frame))) end_ = 0;
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
