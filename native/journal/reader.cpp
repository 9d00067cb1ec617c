#include "journal/reader.hpp"

namespace kungfu::journal {

Reader::Reader(std::vector<TypeDefinition> types, bool verify) : types_(std::move(types)), verify_(verify) {}

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
    journal->count_epochs_in(epoch_.get());
    journals_.push_back(std::move(journal));
    heads_.add();
    empty_.push_back(journals_.size() - 1);
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

void Reader::stop_at(const JournalReader& journal) {
    status_ = journal.status();
    error_ = journal.error();
    for (std::size_t i = 0; i < journals_.size(); ++i) heads_.set(i, Tournament::kNone);
    empty_.clear();
}

void Reader::ask_the_empty() {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < empty_.size(); ++n) {
        const std::size_t i = empty_[n];
        if (const kf_frame* frame = journals_[i]->peek(); frame != nullptr) {
            heads_.set(i, frame->gen_time);
        } else if (journals_[i]->status() != KF_OK) {
            stop_at(*journals_[i]);
            return;
        } else {
            empty_[kept++] = i;
        }
    }
    empty_.resize(kept);
}

/// Asks all journals anew when they are read next.
void Reader::forget_heads() {
    taken_ = kNobody;
    empty_.clear();
    for (std::size_t i = 0; i < journals_.size(); ++i) {
        heads_.set(i, Tournament::kNone);
        empty_.push_back(i);
    }
}

std::int32_t Reader::seek_time(std::int64_t time) {
    if (status_ == kPruned) status_ = KF_OK;
    forget_heads();
    for (std::size_t i = 0; i < journals_.size() && status_ == KF_OK; ++i) {
        if (journals_[i]->seek_time(time) != KF_OK) stop_at(*journals_[i]);
    }
    return status_;
}

Reader::Taken Reader::next_of(std::uint64_t id, std::uint64_t up_to, kf_event& event) {
    earliest();  // goes past the event that the caller held
    for (std::size_t i = 0; i < journals_.size(); ++i) {
        JournalReader& journal = *journals_[i];
        if (journal.id() != id) continue;
        if (journal.last_sequence() >= up_to) return Taken::PAST;
        const kf_frame* frame = journal.peek();
        if (frame == nullptr || frame->sequence > up_to) return Taken::MISSING;
        event = {frame, id, journal.type(), journal.length() - static_cast<std::uint32_t>(sizeof(kf_frame))};
        taken_ = i;
        return Taken::EVENT;
    }
    return Taken::MISSING;
}

bool Reader::skip_to(std::uint64_t id, std::uint64_t sequence) {
    if (taken_ != kNobody) earliest();
    for (std::size_t i = 0; i < journals_.size(); ++i) {
        JournalReader& journal = *journals_[i];
        if (journal.id() != id) continue;
        if (read_up_to(i) < sequence && journal.seek_sequence(sequence + 1) != KF_OK) stop_at(journal);
        forget_heads();
        return true;
    }
    return false;
}

std::int32_t Reader::look_for_damage() {
    for (const auto& journal : journals_) {
        if (status_ != KF_OK) break;
        if (journal->look_for_damage() != KF_OK) stop_at(*journal);
    }
    return status_;
}

}  // namespace kungfu::journal
