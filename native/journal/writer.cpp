#include "journal/writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "journal/recovery.hpp"
#include "kungfu/events.hpp"
#include "kungfu/id.hpp"

namespace kungfu::journal {
namespace {

std::int32_t status_of(int error) noexcept {
    return error == ENOSPC || error == EDQUOT ? KF_DISK_FULL : KF_IO_ERROR;
}

/// Lays a complete frame down at an offset and makes it readable.
void lay_down(const Page& page, std::uint64_t offset, const kf_frame& head, const void* payload,
              std::uint32_t length) noexcept {
    kf_frame* frame = page.frame(offset);
    std::memcpy(reinterpret_cast<char*>(frame) + 8, reinterpret_cast<const char*>(&head) + 8,
                sizeof head - 8);
    if (length > 0) std::memcpy(frame + 1, payload, length);
}

void commit(Page& page, std::uint64_t offset, std::uint32_t length) noexcept {
    page.set_commit(offset, static_cast<std::uint32_t>(sizeof(kf_frame)) + length);
}

constexpr std::uint64_t frame_size(std::uint64_t payload) noexcept {
    return align8(sizeof(kf_frame) + payload);
}

}  // namespace

Writer::Writer(const WriterOptions& options)
    : location_{options.root, options.source, options.name, options.scope},
      id_(location_.id()),
      page_size_(options.page_size),
      clock_(options.clock) {}

Writer::~Writer() { close(); }

std::int32_t Writer::open(WriterOptions options, std::unique_ptr<Writer>& writer, std::string& error) {
    std::unique_ptr<Writer> made(new Writer(options));
    error = made->location_.problem();
    if (error.empty() && options.clock == nullptr) error = "a writer needs a clock";
    if (error.empty() && (options.page_size % 4096 != 0 || options.page_size < kMinPageSize ||
                          options.page_size > kMaxPageSize)) {
        error = "page size " + std::to_string(options.page_size) + ": expected a multiple of 4096 from " +
                std::to_string(kMinPageSize) + " to " + std::to_string(kMaxPageSize);
    }
    if (!error.empty()) return KF_BAD_ARGUMENT;
    std::int32_t status = made->lock_.acquire(made->location_.lock_path(), error);
    if (status != KF_OK) return status;
    made->forks_ = fork_generation();
    made->open_ = true;
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
    const std::vector<PageFile> pages = list_pages(location_);
    if (pages.empty()) return KF_OK;
    std::int32_t status = page_.open(pages.back().path, id_, true, error_);
    Recovered found;
    if (status == KF_OK) status = recover_page(page_, tables_, index_, found, error_);
    if (status != KF_OK) return status;
    page_number_ = page_.header().page_number;
    position_ = found.position;
    last_sequence_ = found.last_sequence;
    last_time_ = found.last_time;
    if (found.ended) {
        seal_page();
        page_.reset();
    }
    return KF_OK;
}

std::uint32_t Writer::number_in_file(const TypeDefinition& type) const {
    std::uint32_t next = std::max(type.number, kFirstPluginType);
    bool taken = false;
    for (const TypeDefinition& known : tables_.types()) {
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
    for (const TypeDefinition& known : tables_.types()) {
        if (known.name != type.name || known.version != type.version) continue;
        if (known.schema != type.schema) {
            return fail(kTypeConflict, location_.label() + ": " + label +
                                           " has another layout here; a changed layout needs a new version");
        }
        number = known.number;
    }
    const bool known = number != 0;
    if (!known) number = number_in_file(type);
    if (type.number < kFirstPluginType && number != type.number) {
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
        if (tables_.frame_bytes() + frame_size(payload.size()) > page_size_ / 2) {
            return fail(KF_TOO_LARGE, location_.label() +
                                          ": the event types take more than half of a page of " +
                                          std::to_string(page_size_) + " bytes");
        }
        if (page_number_ != 0) {
            kf_frame head{};
            head.type = kungfu::TypeDefinition::kType;
            const std::int32_t status =
                put(clock_->now(), head, payload.data(), static_cast<std::uint32_t>(payload.size()));
            if (status != KF_OK) return status;
        }
        tables_.learn(filed);
    }
    file_numbers_[type.number] = number;
    return KF_OK;
}

std::int32_t Writer::define_type(const TypeDefinition& type) noexcept {
    return is_open() ? adopt(type) : static_cast<std::int32_t>(KF_CLOSED);
}

std::int32_t Writer::define_name(std::uint8_t kind, std::uint64_t id, std::string_view text) noexcept {
    if (!is_open()) return KF_CLOSED;
    const std::string* known = tables_.name(kind, id);
    if (known && *known == text) return KF_OK;
    NameDefinition fixed{};
    fixed.named = id;
    fixed.kind = kind;
    std::string payload(sizeof fixed, '\0');
    std::memcpy(payload.data(), &fixed, sizeof fixed);
    payload += text;
    return append(NameDefinition::kType, 0, 0, 0, 0, 0, payload.data(),
                  static_cast<std::uint32_t>(payload.size()));
}

std::int32_t Writer::append(std::uint32_t type, std::uint64_t source, std::uint64_t destination,
                            std::int64_t trigger_time, std::uint64_t cause_journal,
                            std::uint64_t cause_sequence, const void* payload,
                            std::uint32_t length) noexcept {
    return append_at(clock_->now(), type, source, destination, trigger_time, cause_journal, cause_sequence,
                     payload, length);
}

std::int32_t Writer::append_at(std::int64_t gen_time, std::uint32_t type, std::uint64_t source,
                               std::uint64_t destination, std::int64_t trigger_time,
                               std::uint64_t cause_journal, std::uint64_t cause_sequence, const void* payload,
                               std::uint32_t length) noexcept {
    if (!is_open()) return KF_CLOSED;
    kf_frame head{};
    head.trigger_time = trigger_time;
    head.cause_journal = cause_journal;
    head.cause_sequence = cause_sequence;
    head.source = source;
    head.destination = destination;
    head.type = file_number(type);
    if (head.type == 0) return KF_BAD_ARGUMENT;
    if (!Tables::keeps(type) && type != PageEnd::kType) return put(gen_time, head, payload, length);
    std::int32_t status = definition_problem(type, payload, length);
    if (status == KF_OK) status = put(gen_time, head, payload, length);
    if (status == KF_OK) tables_.learn(type, source, payload, length);
    return status;
}

std::int32_t Writer::definition_problem(std::uint32_t type, const void* payload,
                                        std::uint32_t length) noexcept {
    if (type == PageEnd::kType || type == kungfu::TypeDefinition::kType) {
        return fail(KF_BAD_ARGUMENT, "the journal itself writes page ends and type definitions");
    }
    const std::size_t least = type == NameDefinition::kType ? sizeof(NameDefinition) : sizeof(Instrument);
    if (length < least) return fail(KF_BAD_ARGUMENT, "the payload is shorter than its type");
    if (tables_.frame_bytes() + frame_size(length) > page_size_ / 2) {
        return fail(KF_TOO_LARGE, location_.label() +
                                      ": types, names and instruments take more than half of a page of " +
                                      std::to_string(page_size_) + " bytes");
    }
    if (type != NameDefinition::kType) return KF_OK;
    NameDefinition fixed{};
    std::memcpy(&fixed, payload, sizeof fixed);
    const std::string text(static_cast<const char*>(payload) + sizeof fixed, length - sizeof fixed);
    const std::string* known = tables_.name(fixed.kind, fixed.named);
    if (!known || *known == text) return KF_OK;
    return fail(KF_BAD_ARGUMENT, location_.label() + ": id " + std::to_string(fixed.named) +
                                     " stands for \"" + *known + "\" and cannot also stand for \"" + text +
                                     "\"");
}

std::int32_t Writer::put(std::int64_t gen_time, const kf_frame& head, const void* payload,
                         std::uint32_t length) noexcept {
    kf_frame frame = head;
    frame.sequence = last_sequence_ + 1;
    frame.gen_time = std::max(gen_time, last_time_);
    if (!page_ || position_ + frame_size(length) + kPageEndRoom > page_.size()) {
        return put_in_new_page(frame, payload, length);
    }
    lay_down(page_, position_, frame, payload, length);
    commit(page_, position_, length);
    index_.add(frame, position_);
    position_ += frame_size(length);
    last_sequence_ = frame.sequence;
    last_time_ = frame.gen_time;
    return KF_OK;
}

std::int32_t Writer::put_in_new_page(const kf_frame& frame, const void* payload,
                                     std::uint32_t length) noexcept {
    const std::uint64_t need = sizeof(PageHeader) + tables_.frame_bytes() + frame_size(length) + kPageEndRoom;
    if (need > page_size_) {
        return fail(KF_TOO_LARGE, location_.label() + ": an event of " + std::to_string(length) +
                                      " bytes does not fit into a page of " + std::to_string(page_size_));
    }
    Page next;
    std::uint64_t position = 0;
    std::int32_t status = prepare_page(frame.gen_time, next, position);
    if (status != KF_OK) return status;
    // The page gets its name when its first event stands in it, so that its date is that event's.
    lay_down(next, position, frame, payload, length);
    commit(next, position, length);
    if (page_) seal_page();
    page_.reset();
    status = publish_page(next);
    if (status != KF_OK) return status;
    page_ = std::move(next);
    ++page_number_;
    index_.start(page_.size());
    index_.add(frame, position);
    position_ = position + frame_size(length);
    last_sequence_ = frame.sequence;
    last_time_ = frame.gen_time;
    page_births().fetch_add(1, std::memory_order_release);
    return KF_OK;
}

std::int32_t Writer::prepare_page(std::int64_t gen_time, Page& page, std::uint64_t& position) {
    if (!page.create(location_.unborn_path(), page_size_)) {
        const int why = errno;
        return fail(status_of(why), location_.unborn_path() + ": cannot make a page of " +
                                        std::to_string(page_size_) +
                                        " bytes: " + std::generic_category().message(why));
    }
    PageHeader& h = page.header();
    std::memcpy(h.magic, kPageMagic, sizeof h.magic);
    h.format_version = kFormatVersion;
    h.header_length = sizeof(PageHeader);
    h.page_size = page_size_;
    h.journal = id_;
    h.page_number = page_number_ + 1;
    h.first_sequence = last_sequence_ + 1;
    h.create_time = gen_time;
    set_fixed_text(h.source, sizeof h.source, location_.source);
    set_fixed_text(h.name, sizeof h.name, location_.name);
    set_fixed_text(h.scope, sizeof h.scope, location_.scope);
    h.checksum = header_checksum(h);
    page.key_checksums();
    position = sizeof(PageHeader);
    for (const Tables::Entry& entry : tables_.entries()) {
        kf_frame head{};
        head.gen_time = gen_time;
        head.source = entry.source;
        head.type = entry.type;
        head.flags = kTableFlag;
        const auto length = static_cast<std::uint32_t>(entry.payload.size());
        lay_down(page, position, head, entry.payload.data(), length);
        commit(page, position, length);
        position += frame_size(length);
    }
    return KF_OK;
}

std::int32_t Writer::publish_page(Page& page) {
    const std::string path =
        location_.page_path(utc_date(page.header().create_time), page.header().page_number);
    std::error_code failure;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failure);
    int why = failure.value();
    if (why == 0 && std::rename(page.path().c_str(), path.c_str()) != 0) why = errno;
    if (why != 0) {
        unlink(page.path().c_str());
        return fail(status_of(why), path + ": cannot be made: " + std::generic_category().message(why));
    }
    page.set_path(path);
    return KF_OK;
}

void Writer::seal_page() noexcept {
    PageHeader& h = page_.header();
    if (__atomic_load_n(&h.sealed, __ATOMIC_RELAXED) != 0) return;
    PageEnd end{};
    end.frame_count = last_sequence_ - h.first_sequence + 1;
    end.last_sequence = last_sequence_;
    end.first_time = h.create_time;
    end.last_time = last_time_;
    end.next_page = h.page_number + 1;
    kf_frame head{};
    head.gen_time = last_time_;
    head.type = PageEnd::kType;
    head.flags = kTableFlag;
    if (page_.commit(position_) == 0) {
        lay_down(page_, position_, head, &end, sizeof end);
        commit(page_, position_, sizeof end);
    }
    h.frame_count = end.frame_count;
    h.first_time = end.first_time;
    h.last_time = end.last_time;
    h.last_sequence = end.last_sequence;
    h.end_offset = position_;
    __atomic_store_n(&h.sealed, 1U, __ATOMIC_RELEASE);
    // An index is a convenience: without it a reader walks the page, so a full disk does no harm here.
    (void)write_index(index_path(page_.path()), h, index_.entries());
}

void Writer::close() noexcept {
    open_ = false;
    page_.reset();
    lock_.release();
}

}  // namespace kungfu::journal
