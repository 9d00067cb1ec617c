#include "journal/reader.hpp"

namespace kungfu::journal {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

}  // namespace

Reader::Reader(std::vector<TypeDefinition> types, bool verify)
    : types_(std::move(types)), verify_(verify), taken_(kNobody) {}

std::unique_ptr<JournalReader> Reader::make(const Location& location) const {
    return std::make_unique<JournalReader>(location, types_, verify_);
}

std::int32_t Reader::add(std::unique_ptr<JournalReader> journal, std::int32_t status) {
    if (status == KF_OK) status = journal->status();
    if (status != KF_OK) {
        error_ = journal->error();
        return status;
    }
    for (const auto& other : journals_) {
        const Location& a = other->location();
        const Location& b = journal->location();
        if (a.root == b.root && a.source == b.source && a.name == b.name) {
            error_ = b.root + ": " + b.label() + " is joined already";
            return KF_BAD_ARGUMENT;
        }
    }
    journals_.push_back(std::move(journal));
    heads_.push_back(kNone);
    return KF_OK;
}

std::int32_t Reader::join(const Location& location, std::uint64_t after) {
    auto journal = make(location);
    const std::int32_t status =
        after > 0 ? journal->seek_sequence(after + 1) : static_cast<std::int32_t>(KF_OK);
    return add(std::move(journal), status);
}

std::int32_t Reader::join_from_time(const Location& location, std::int64_t time) {
    auto journal = make(location);
    const std::int32_t status = journal->seek_time(time);
    return add(std::move(journal), status);
}

std::int32_t Reader::join_at_end(const Location& location) {
    auto journal = make(location);
    const std::int32_t status = journal->seek_end();
    return add(std::move(journal), status);
}

/// The journal with the earliest unread event, the event gone past that the caller holds.
std::size_t Reader::earliest() {
    if (taken_ != kNobody) {
        journals_[taken_]->advance();
        heads_[taken_] = kNone;
        taken_ = kNobody;
    }
    std::size_t first = kNobody;
    std::int64_t time = kNone;
    for (std::size_t i = 0; i < heads_.size() && status_ == KF_OK; ++i) {
        if (heads_[i] == kNone) {
            const kf_frame* frame = journals_[i]->peek();
            if (frame != nullptr) {
                heads_[i] = frame->gen_time;
            } else if (journals_[i]->status() != KF_OK) {
                status_ = journals_[i]->status();
                error_ = journals_[i]->error();
            }
        }
        if (heads_[i] < time) {
            time = heads_[i];
            first = i;
        }
    }
    return status_ == KF_OK ? first : kNobody;
}

bool Reader::next(kf_event& event, std::int64_t limit) {
    const std::size_t i = earliest();
    if (i == kNobody || heads_[i] > limit) return false;
    JournalReader& journal = *journals_[i];
    event.frame = journal.peek();
    event.journal = journal.id();
    event.type = journal.type();
    event.length =
        static_cast<std::uint32_t>(event.frame->commit) - static_cast<std::uint32_t>(sizeof(kf_frame));
    taken_ = i;
    return true;
}

std::int64_t Reader::peek_time() {
    const std::size_t i = earliest();
    return i == kNobody ? kNone : heads_[i];
}

std::uint64_t Reader::pages_opened() const noexcept {
    std::uint64_t opened = 0;
    for (const auto& journal : journals_) opened += journal->pages_opened();
    return opened;
}

std::int32_t Reader::seek_time(std::int64_t time) {
    taken_ = kNobody;
    for (std::size_t i = 0; i < journals_.size() && status_ == KF_OK; ++i) {
        heads_[i] = kNone;
        status_ = journals_[i]->seek_time(time);
        if (status_ != KF_OK) error_ = journals_[i]->error();
    }
    return status_;
}

}  // namespace kungfu::journal
