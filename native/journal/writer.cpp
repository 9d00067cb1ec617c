#include "journal/writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "journal/evolution.hpp"
#include "journal/recovery.hpp"
#include "journal/sealing.hpp"
#include "kungfu/events.hpp"
#include "kungfu/id.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint64_t kMark = 1024ULL * 1024;
constexpr std::uint64_t kLastStretch = 64ULL * 1024;

/// Where the last stretch of a page begins.
std::uint64_t near_end(std::uint64_t page_size) noexcept {
    return page_size - std::min(kLastStretch, page_size / 8);
}

/// The next place in a page at which the writer tells its helper how far it is, or looks at the next page.
std::uint64_t next_mark(std::uint64_t position, std::uint64_t page_size) noexcept {
    const std::uint64_t stride = std::min(kMark, page_size / 8);
    const std::uint64_t mark = position / stride * stride + stride;
    const std::uint64_t near = near_end(page_size);
    return position < near ? std::min(mark, near) : mark;
}

}  // namespace

Writer::Writer(const WriterOptions& options)
    : each_append_nudges_(options.durability == Durability::COMMIT),
      clock_(options.clock),
      location_{options.root, options.source, options.name, options.scope},
      id_(location_.id()),
      page_size_(options.page_size),
      durability_(options.durability),
      supply_(new PageSupply({location_, id_, options.page_size, options.durability, options.sync_interval,
                              options.compresses, &bell_})) {}

Writer::~Writer() { close(); }

std::int32_t Writer::open(WriterOptions options, std::unique_ptr<Writer>& writer, std::string& error) {
    std::unique_ptr<Writer> made(new Writer(options));
    error = made->location_.problem();
    if (error.empty() && options.clock == nullptr) error = "a writer needs a clock";
    if (error.empty() && (options.page_size % kFileBlock != 0 || options.page_size < kMinPageSize ||
                          options.page_size > kMaxPageSize)) {
        error = "page size " + std::to_string(options.page_size) + ": expected a multiple of 4096 from " +
                std::to_string(kMinPageSize) + " to " + std::to_string(kMaxPageSize);
    }
    if (error.empty() && options.durability == Durability::INTERVAL && options.sync_interval <= 0) {
        error = "sync interval " + std::to_string(options.sync_interval) + " ns: expected more than 0";
    }
    if (!error.empty()) return KF_BAD_ARGUMENT;
    std::int32_t status = made->lock_.acquire(made->location_.lock_path(), error);
    if (status != KF_OK) return status;
    made->forks_ = fork_generation();
    // Nobody waits for what happens in simulated time.
    if (options.clock->kind() == Clock::Kind::SYSTEM) {
        made->bell_ = Doorbell::for_writer(options.root, bell_bit(options.source, options.name));
    }
    status = made->recover();
    for (std::size_t i = 0; status == KF_OK && i < options.types.size(); ++i) {
        status = made->adopt(options.types[i]);
    }
    if (status != KF_OK) {
        error = made->error_;
        return status;
    }
    writer = std::move(made);
    return KF_OK;
}

std::int32_t Writer::fail(std::int32_t status, std::string text) {
    error_ = std::move(text);
    return status;
}

std::int32_t Writer::recover() {
    unlink(location_.unborn_path().c_str());
    for (PageFile unborn = find_unborn(location_); !unborn.path.empty(); unborn = find_unborn(location_)) {
        if (unlink(unborn.path.c_str()) != 0) {
            return fail(KF_IO_ERROR, unborn.path + ": " + std::generic_category().message(errno));
        }
    }
    std::vector<PageFile> pages;
    std::int32_t status = list_pages(location_, pages, error_);
    if (status != KF_OK) return status;
    if (pages.empty()) return KF_OK;
    status = seal_unsealed(pages);
    if (status != KF_OK) return status;
    for (std::size_t i = 0; i + 1 < pages.size(); ++i) {
        if (!is_compressed(pages[i].path)) supply_->offer(pages[i].path);
    }
    auto live = std::make_unique<LivePage>();
    const bool compressed = is_compressed(pages.back().path);
    status = live->page.open(pages.back().path, id_, !compressed, error_);
    if (status == KF_OK) status = live->page.unpack(error_);
    Tables tables;
    Recovered found;
    if (status == KF_OK) status = recover_page(live->page, tables, live->index, found, error_);
    if (status == kUnborn) {
        unlink(pages.back().path.c_str());
        return recover();
    }
    if (status != KF_OK) return status;
    if (tables.frame_bytes() > page_size_ / 2) {
        return fail(KF_TOO_LARGE, location_.label() + ": its types, names and instruments take " +
                                      std::to_string(tables.frame_bytes()) +
                                      " bytes, more than half of a page of " + std::to_string(page_size_) +
                                      "; expected a larger page size");
    }
    supply_->define([&](Tables& known) { known = std::move(tables); });
    page_number_ = live->page.header().page_number;
    last_sequence_ = found.last_sequence;
    last_time_ = found.last_time;
    // Readers obey what the page says of its durability, so that another one needs another page.
    if (!found.ended && live->page.header().durability != static_cast<std::uint32_t>(durability_)) {
        live->ready.store(down_to_block(found.position));
        status = PageSupply::make_ready(*live, found.position + kPageEndRoom);
        if (status != KF_OK) return disk_problem(status, "cannot end the page");
        end_page(live->page, found.position, last_sequence_, last_time_);
        found.ended = true;
    }
    if (found.ended) {
        if (!live->page.is_sealed()) seal(*live, found.position);
        return KF_OK;
    }
    position_ = found.position;
    live->ready.store(down_to_block(position_));
    live->position.store(position_);
    page_ = std::move(live);
    supply_->watch(page_.get());
    set_limit();
    if (durability_ != Durability::NONE) supply_->nudge();  // what was found is put on the disk
    return KF_OK;
}

void Writer::seal(LivePage& page, std::uint64_t end_offset) {
    page.end_offset = end_offset;
    page.position.store(end_offset + kPageEndRoom);
    supply_->seal(page);
}

/// A writer that died may have left ended pages unsealed before its last one. A power cut may also have taken
/// the end of one; then those behind it go too, if nobody was told that they are on the disk.
std::int32_t Writer::seal_unsealed(std::vector<PageFile>& pages) {
    std::size_t first = pages.size();
    std::size_t unvouched_from = pages.size();
    while (first > 0 && !is_compressed(pages[first - 1].path)) {
        const PageFile& file = pages[first - 1];
        PageHeader header{};
        const std::int32_t status = read_header(file.path, header, error_);
        if (status != KF_OK && status != kUnborn) return status;
        if (first < pages.size()) {
            if (pages[first].page != file.page + 1) {
                return fail(kCorrupt, pages[first].path + ": offset 32: page " +
                                          std::to_string(pages[first].page - 1) +
                                          ", which comes before it, is missing");
            }
            if (header.sealed != 0) break;
        }
        const bool unvouched = status == kUnborn || is_unvouched(header, 0);
        if (unvouched && unvouched_from == first) --unvouched_from;
        --first;
    }
    for (std::size_t i = first; i + 1 < pages.size(); ++i) {
        LivePage live;
        Tables tables;
        Recovered found;
        std::int32_t status = live.page.open(pages[i].path, id_, true, error_);
        bool unvouched = true;
        if (status == KF_OK) {
            const PageHeader before = live.page.header();
            status = recover_page(live.page, tables, live.index, found, error_);
            unvouched = is_unvouched(before, found.position);
        }
        if (status != KF_OK && status != kUnborn) return status;
        if (found.ended) {
            seal(live, found.position);
            continue;
        }
        const std::size_t kept = status == kUnborn ? i : i + 1;
        if (!unvouched || unvouched_from > kept) {
            return fail(kCorrupt, pages[i].path + ": offset " + std::to_string(found.position) +
                                      ": the page has no end, and yet " + pages[i + 1].path + " follows it");
        }
        for (; pages.size() > std::max<std::size_t>(kept, 1); pages.pop_back())
            unlink(pages.back().path.c_str());
    }
    return KF_OK;
}

std::uint32_t Writer::number_in_file(const TypeDefinition& type) const {
    std::uint32_t next = std::max(type.number, kFirstPluginType);
    bool taken = false;
    for (const TypeDefinition& known : supply_->tables().types()) {
        taken = taken || known.number == type.number;
        next = std::max(next, known.number + 1);
    }
    return taken ? next : type.number;
}

std::int32_t Writer::adopt(const TypeDefinition& type) {
    const std::string label = "event type " + type.name + " version " + std::to_string(type.version);
    if (type.number == 0 || type.number > 1'000'000) {
        return fail(KF_BAD_ARGUMENT, label + ": number " + std::to_string(type.number) + " is not allowed");
    }
    std::uint32_t number = 0;
    bool has_other_version = false;
    for (const TypeDefinition& known : supply_->tables().types()) {
        if (known.name != type.name) continue;
        Conversion conversion;
        if (known.version == type.version) {
            if (known.schema != type.schema) {
                return fail(kTypeConflict,
                            location_.label() + ": " + label +
                                " has another layout here; a changed layout needs a new version");
            }
            number = known.number;
        } else if (find_conversion(known.schema, type.schema, conversion)) {
            has_other_version = true;
        } else {
            return fail(kTypeConflict, location_.label() + ": " + label + " and version " +
                                           std::to_string(known.version) +
                                           " here differ by more than appended fields; such a change needs a "
                                           "new name");
        }
    }
    const bool known = number != 0;
    if (!known) number = number_in_file(type);
    if (type.number < kFirstPluginType && number != type.number && !has_other_version) {
        return fail(kTypeConflict, location_.label() + ": " + label + " needs number " +
                                       std::to_string(type.number) + ", which stands for another type here");
    }
    if (type.number >= file_numbers_.size()) file_numbers_.resize(type.number + 1, 0);
    if (file_numbers_[type.number] != 0 && file_numbers_[type.number] != number) {
        return fail(kTypeConflict, label + ": number " + std::to_string(type.number) + " is given twice");
    }
    if (!known) {
        const TypeDefinition filed{number, type.version, type.name, type.schema};
        const std::string payload = type_payload(filed);
        if (supply_->tables().frame_bytes() + frame_size(payload.size()) > page_size_ / 2) {
            return fail(KF_TOO_LARGE, location_.label() +
                                          ": the event types take more than half of a page of " +
                                          std::to_string(page_size_) + " bytes");
        }
        if (page_number_ != 0) {
            kf_frame frame{};
            frame.gen_time = clock_->now();
            frame.type = kungfu::TypeDefinition::kType;
            const std::int32_t status =
                put(frame, payload.data(), static_cast<std::uint32_t>(payload.size()));
            if (status != KF_OK) return status;
        }
        supply_->define([&](Tables& tables) { tables.learn(filed); });
    }
    file_numbers_[type.number] = number;
    return KF_OK;
}

std::int32_t Writer::define_type(const TypeDefinition& type) noexcept {
    return is_open() ? adopt(type) : static_cast<std::int32_t>(KF_CLOSED);
}

std::int32_t Writer::define_name(std::uint8_t kind, std::uint64_t id, std::string_view text) noexcept {
    if (!is_open()) return KF_CLOSED;
    const std::string* known = supply_->tables().name(kind, id);
    if (known && *known == text) return KF_OK;
    NameDefinition fixed{};
    fixed.named = id;
    fixed.kind = kind;
    std::string payload(sizeof fixed, '\0');
    std::memcpy(payload.data(), &fixed, sizeof fixed);
    payload += text;
    return append(NameDefinition::kType, 0, 0, kNoCause, payload.data(),
                  static_cast<std::uint32_t>(payload.size()));
}

std::int32_t Writer::refuse(std::int64_t gen_time) noexcept {
    if (gen_time != kNever) return fail(KF_BAD_ARGUMENT, "");
    return fail(KF_BAD_ARGUMENT, location_.label() + ": generation time " + std::to_string(gen_time) +
                                     ": expected ns since 1970, less than that");
}

std::int32_t Writer::define(kf_frame& frame, std::uint32_t type, const void* payload,
                            std::uint32_t length) noexcept {
    std::int32_t status = definition_problem(type, payload, length);
    if (status == KF_OK) status = put(frame, payload, length);
    if (status == KF_OK) {
        supply_->define([&](Tables& tables) { tables.learn(type, frame.source, payload, length); });
    }
    return status;
}

std::int32_t Writer::definition_problem(std::uint32_t type, const void* payload,
                                        std::uint32_t length) noexcept {
    if (type == PageEnd::kType || type == kungfu::TypeDefinition::kType) {
        return fail(KF_BAD_ARGUMENT, "the journal itself writes page ends and type definitions");
    }
    const std::size_t least = type == NameDefinition::kType ? sizeof(NameDefinition) : sizeof(Instrument);
    if (length < least) return fail(KF_BAD_ARGUMENT, "the payload is shorter than its type");
    if (supply_->tables().frame_bytes() + frame_size(length) > page_size_ / 2) {
        return fail(KF_TOO_LARGE, location_.label() +
                                      ": types, names and instruments take more than half of a page of " +
                                      std::to_string(page_size_) + " bytes");
    }
    if (type != NameDefinition::kType) return KF_OK;
    NameDefinition fixed{};
    std::memcpy(&fixed, payload, sizeof fixed);
    const std::string text(static_cast<const char*>(payload) + sizeof fixed, length - sizeof fixed);
    const std::string* known = supply_->tables().name(fixed.kind, fixed.named);
    if (!known || *known == text) return KF_OK;
    return fail(KF_BAD_ARGUMENT, location_.label() + ": id " + std::to_string(fixed.named) +
                                     " stands for \"" + *known + "\" and cannot also stand for \"" + text +
                                     "\"");
}

std::int32_t Writer::put_past_limit(kf_frame& frame, const void* payload, std::uint32_t length) noexcept {
    const std::uint64_t size = frame_size(length);
    if (const int failure = supply_->sync_failure(); failure != 0) {
        return fail(KF_IO_ERROR, location_.label() + ": could not be put on the disk: " +
                                     std::generic_category().message(failure) +
                                     "; nothing more is written, since what was written may be lost");
    }
    const std::uint64_t least = sizeof(PageHeader) + supply_->tables().frame_bytes() + size + kPageEndRoom;
    if (least > page_size_) {
        return fail(KF_TOO_LARGE, location_.label() + ": an event of " + std::to_string(length) +
                                      " bytes does not fit into a page of " + std::to_string(page_size_));
    }
    if (page_ && page_->page.damage() != Mapping::kIntact) {
        return fail(kCorrupt, page_->page.path() + ": offset " + std::to_string(page_->page.damage()) +
                                  ": the file was cut while it was written");
    }
    std::int32_t status = KF_OK;
    const bool begins = !page_ || position_ + size + kPageEndRoom > page_->page.size();
    if (begins && page_) {
        status = PageSupply::make_ready(*page_, position_ + kPageEndRoom);
        if (status != KF_OK) return disk_problem(status, "cannot end the page");
    }
    if (begins) {
        status = begin_page(std::max(frame.gen_time, last_time_), size);
    } else {
        status = PageSupply::make_ready(*page_, position_ + size + kPageEndRoom);
        if (status != KF_OK) return disk_problem(status, "cannot grow the page");
        supply_->pass_mark(last_time_);
        // Most of what a roll-over costs is that nothing it touches was touched since the last one.
        LivePage* next = position_ + size > near_end(page_->page.size()) ? supply_->made_ahead() : nullptr;
        if (next != nullptr) (void)bring_up_to_date(*next, last_time_);
    }
    if (status != KF_OK) return status;
    limit_ = position_ + size;
    status = put(frame, payload, length);
    if (begins) {
        page_->page.give_birth();
        bell_.ring();
        page_births().fetch_add(1, std::memory_order_release);
        if (each_append_nudges_) supply_->nudge();
    }
    set_limit();
    return status;
}

/// The place behind which an append comes back to put_past_limit(): a mark, or the end of what is ready.
void Writer::set_limit() noexcept {
    const std::uint64_t ready = page_->ready.load(std::memory_order_acquire);
    const std::uint64_t end = std::min(ready, page_->page.size());
    limit_ = end < kPageEndRoom ? 0 : std::min(end - kPageEndRoom, next_mark(position_, page_->page.size()));
    if (page_->page.damage() != Mapping::kIntact) limit_ = 0;
}

std::int32_t Writer::begin_page(std::int64_t gen_time, std::uint64_t size) {
    std::unique_ptr<LivePage> next;
    std::int32_t status = supply_->take(page_number_ + 1, gen_time, next);
    if (status != KF_OK) return disk_problem(status, "cannot make a page");
    status = bring_up_to_date(*next, gen_time);
    if (status == KF_OK) status = PageSupply::make_ready(*next, next->first_offset + size + kPageEndRoom);
    if (status != KF_OK) {
        status = disk_problem(status, "cannot make a page");
        supply_->give_back(std::move(next));
        return status;
    }
    if (page_) {
        end_page(page_->page, position_, last_sequence_, last_time_);
        page_->end_offset = position_;
        page_->position.store(position_ + kPageEndRoom, std::memory_order_release);
    }
    ++page_number_;
    position_ = next->first_offset;
    std::swap(page_, next);
    if (next) {
        supply_->move_on(std::move(next), page_.get());
    } else {
        supply_->watch(page_.get());
    }
    return KF_OK;
}

/// All but the first event, as it were if a page began at this time.
std::int32_t Writer::bring_up_to_date(LivePage& page, std::int64_t gen_time) {
    std::int32_t status = supply_->renew_tables(page);
    if (status == KF_OK) status = move_to_date(page, gen_time);
    if (status == KF_OK) fill_header(page, gen_time);
    return status;
}

std::int32_t Writer::move_to_date(LivePage& page, std::int64_t gen_time) {
    if (utc_day(gen_time) == page.day) return KF_OK;
    const std::string path = location_.page_path(utc_date(gen_time), page_number_ + 1);
    std::error_code failure;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failure);
    if (!failure) std::filesystem::rename(page.page.path(), path, failure);
    errno = failure.value();
    if (failure) return status_of(errno);
    page.day = utc_day(gen_time);
    page.page.set_path(path);
    return KF_OK;
}

void Writer::fill_header(LivePage& page, std::int64_t gen_time) noexcept {
    PageHeader& h = page.page.header();
    h.first_sequence = last_sequence_ + 1;
    h.create_time = gen_time;
    h.clock_source = static_cast<std::uint32_t>(clock_->source());
    h.clock_error = clock_->error_bound();
    if (clock_->kind() == Clock::Kind::SYSTEM) h.monotonic_time = Clock::monotonic_now();
    h.checksum = header_checksum(h);
}

std::int32_t Writer::disk_problem(std::int32_t status, const char* what) {
    const int why = errno;
    supply_->nudge();  // pages that are still to be sealed give room back
    return fail(status, location_.label() + ": " + what + " of " + std::to_string(page_size_) +
                            " bytes: " + std::generic_category().message(why));
}

std::int32_t Writer::wait_until_durable() noexcept {
    if (!is_open()) return KF_CLOSED;
    if (durability_ == Durability::NONE) {
        return fail(KF_BAD_ARGUMENT, location_.label() + ": was opened with durability \"none\"");
    }
    if (supply_->wait_until_durable()) return KF_OK;
    return fail(KF_IO_ERROR, location_.label() + ": could not be put on the disk: " +
                                 std::generic_category().message(supply_->sync_failure()));
}

void Writer::close() noexcept {
    if (forks_ != kNotOpen && !is_open()) {
        // In a child of the process that writes: the helper is not here, and its locks may be held for ever.
        static_cast<void>(supply_.release());  // NOLINT(bugprone-unused-return-value) - left alone for ever
        static_cast<void>(page_.release());    // NOLINT(bugprone-unused-return-value)
    }
    forks_ = kNotOpen;
    limit_ = 0;
    if (supply_) supply_->stop();
    page_.reset();
    lock_.release();
}

}  // namespace kungfu::journal
