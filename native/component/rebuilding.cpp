#include "component/rebuilding.hpp"

#include <cstring>

namespace kungfu {

Rebuilding::Rebuilding(const journal::Location& own, const std::vector<journal::TypeDefinition>& types,
                       std::uint64_t source, std::uint64_t after)
    : own_(own, types, true), source_(source) {
    if (after > 0) own_.seek_sequence(after + 1);
}

void Rebuilding::fail(const std::string& text) {
    error_ = "cannot rebuild from " + own_.location().label() + " after event " + std::to_string(place()) +
             ": " + text;
}

const kf_frame* Rebuilding::recorded() {
    for (const kf_frame* frame = own_.peek(); frame != nullptr; frame = own_.peek()) {
        const std::uint32_t type = own_.type();
        const bool names = type == TypeDefinition::kType || type == NameDefinition::kType;
        if (!names && frame->source == source_) return frame;
        own_.advance();
    }
    if (own_.status() != KF_OK) error_ = own_.error();
    return nullptr;
}

bool Rebuilding::is_start(const kf_frame* frame) const noexcept {
    if (own_.type() != ComponentStatus::kType || own_.length() < sizeof *frame + sizeof(ComponentStatus))
        return false;
    return reinterpret_cast<const ComponentStatus*>(frame + 1)->get_phase() == ComponentPhase::START;
}

bool Rebuilding::take_runs() {
    const kf_frame* frame = recorded();
    if (frame == nullptr || own_.type() != Consumption::kType) return false;
    const std::size_t bytes = own_.length() - sizeof *frame - sizeof(Consumption);
    const auto* first =
        reinterpret_cast<const ConsumedRun*>(reinterpret_cast<const Consumption*>(frame + 1) + 1);
    const std::size_t count = bytes / sizeof(ConsumedRun);
    runs_.assign(first, first + count);
    run_ = 0;
    skips_ = reinterpret_cast<const Consumption*>(frame + 1)->skips != 0;
    own_.advance();
    return true;
}

Rebuilding::Next Rebuilding::next(journal::Reader& inputs, kf_event& event) {
    for (;;) {
        if (run_ == runs_.size()) {
            if (take_runs()) continue;
            const kf_frame* frame = recorded();
            if (!error_.empty()) return Next::FAILED;
            if (frame == nullptr) return Next::OVER;
            if (!is_start(frame)) return Next::NOTHING;
            const auto* bytes = reinterpret_cast<const char*>(frame);
            start_.assign(bytes, bytes + own_.length());
            event = {reinterpret_cast<const kf_frame*>(start_.data()), own_.id(), own_.type(),
                     own_.length() - static_cast<std::uint32_t>(sizeof(kf_frame))};
            // It was read at the time of its poll, which is what it names as its cause.
            auto* start = reinterpret_cast<kf_frame*>(start_.data());
            start->gen_time = start->trigger_time;
            own_.advance();
            ++said_;
            return Next::EVENT;
        }
        if (skips_) {
            inputs.skip_to(runs_[run_].journal, runs_[run_].up_to);
            ++run_;
            continue;
        }
        const ConsumedRun& run = runs_[run_];
        switch (inputs.next_of(run.journal, run.up_to, event)) {
            case journal::Reader::Taken::EVENT:
                ++given_;
                if (event.frame->sequence == run.up_to) ++run_;
                return Next::EVENT;
            case journal::Reader::Taken::PAST: ++run_; continue;
            case journal::Reader::Taken::MISSING:
                fail("journal " + std::to_string(run.journal) + " no longer has event " +
                     std::to_string(run.up_to) + ", which was read");
                return Next::FAILED;
        }
    }
}

bool Rebuilding::peek(std::uint32_t type, const void*& payload, std::uint32_t& length) {
    const kf_frame* frame = recorded();
    if (frame == nullptr) return false;
    const bool same = own_.type() == type;
    payload = same ? frame + 1 : nullptr;
    length = same ? own_.length() - static_cast<std::uint32_t>(sizeof *frame) : 0;
    return true;
}

Rebuilding::Said Rebuilding::say(std::uint32_t type, std::uint64_t destination, const kf_cause& cause,
                                 const void* payload, std::uint32_t length) {
    const kf_frame* frame = recorded();
    if (!error_.empty()) return Said::FAILED;
    if (frame == nullptr) return Said::NEW;
    const bool same = own_.type() == type && frame->destination == destination &&
                      own_.length() == sizeof *frame + length && frame->cause_journal == cause.journal &&
                      frame->cause_sequence == cause.sequence && frame->trigger_time == cause.time &&
                      std::memcmp(frame + 1, payload, length) == 0;
    if (!same) {
        fail("event " + std::to_string(frame->sequence) + " is of type " + std::to_string(own_.type()) +
             ", but what was read leads to another, of type " + std::to_string(type));
        return Said::FAILED;
    }
    own_.advance();
    ++said_;
    return Said::SAME;
}

std::int64_t Rebuilding::poll_time() {
    if (run_ < runs_.size()) return 0;
    const kf_frame* frame = recorded();
    if (frame == nullptr || own_.type() == Consumption::kType || frame->cause_journal != 0) return 0;
    return frame->trigger_time;
}

}  // namespace kungfu
