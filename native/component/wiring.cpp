#include "component/wiring.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "kungfu/id.hpp"

namespace kungfu {

namespace {

/// A component that reads much and says little still says now and then what it read.
constexpr std::size_t kMostUnsaidRuns = 1024;

}  // namespace

Wiring::Wiring(std::string source, Clock* clock, std::vector<journal::TypeDefinition> types)
    : source_(std::move(source)),
      source_id_(id_of(source_)),
      clock_(clock),
      types_(types),
      inputs_(std::move(types)) {
    port_.abi_version = KF_ABI_VERSION;
    port_.struct_size = sizeof(kf_port);
    port_.layout_hash = kLayoutHash;
    port_.self = this;
    port_.next = [](void* self, kf_event* event) -> std::int32_t {
        return static_cast<Wiring*>(self)->next(*event);
    };
    port_.now = [](void* self) -> std::int64_t { return static_cast<Wiring*>(self)->now(); };
    port_.append = [](void* self, std::uint32_t output, std::uint32_t type, std::uint64_t destination,
                      const kf_cause* cause, const void* payload, std::uint32_t length) -> std::int32_t {
        return static_cast<Wiring*>(self)->append(output, type, destination, cause, payload, length);
    };
    port_.source = [](void* self) -> std::uint64_t { return static_cast<Wiring*>(self)->source_id_; };
    port_.said = [](void* self) -> std::uint64_t { return static_cast<Wiring*>(self)->said(); };
    port_.recorded = [](void* self, std::uint32_t type, const void** payload,
                        std::uint32_t* length) -> std::int32_t {
        return static_cast<Wiring*>(self)->recorded(type, payload, length);
    };
}

void Wiring::add_output(std::unique_ptr<journal::Writer> writer) {
    writer->define_name(static_cast<std::uint8_t>(NameKind::SOURCE), source_id_, source_);
    outputs_.push_back({std::move(writer), {}, {}, 0});
}

void Wiring::begin_poll() {
    event_in_hand_ = false;
    if (clock_->kind() == Clock::Kind::SIMULATED) return;
    poll_time_ = rebuilding_ ? rebuilding_->poll_time() : std::max(now_, clock_->now());
}

std::string Wiring::begin_rebuilding() {
    const journal::Writer& writer = *outputs_.at(0).writer;
    Snapshot snapshot;
    if (!read_snapshot(writer.location(), snapshot)) snapshot = {};
    if (snapshot.sequence > writer.last_sequence()) {
        // The journal lost its end, with the machine's power. It grows past that again, with other events.
        std::remove(snapshot_path(writer.location()).c_str());
        snapshot = {};
    }
    for (const ConsumedRun& run : snapshot.positions) inputs_.skip_to(run.journal, run.up_to);
    now_ = snapshot.now;
    learn_names(snapshot.names);
    if (writer.last_sequence() > snapshot.sequence) {
        rebuilding_ = std::make_unique<Rebuilding>(writer.location(), types_, source_id_, snapshot.sequence);
    }
    return std::move(snapshot.state);
}

bool Wiring::take_snapshot(std::string_view state) {
    Output& output = outputs_.at(0);
    if (say_consumed(output) != KF_OK) return false;
    Snapshot snapshot;
    snapshot.sequence = output.writer->last_sequence();
    snapshot.now = now_;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const journal::JournalReader& journal = inputs_.journal(i);
        if (const std::uint64_t read = inputs_.read_up_to(i); read > 0)
            snapshot.positions.push_back({journal.id(), read});
    }
    for (const auto& [id, name] : instruments_) {
        const std::uint64_t head[] = {id, name.size()};
        snapshot.names.append(reinterpret_cast<const char*>(head), sizeof head).append(name);
    }
    snapshot.state = state;
    if (!write_snapshot(output.writer->location(), snapshot, error_)) return false;
    count_from_here();
    return true;
}

void Wiring::learn_names(std::string_view names) {
    std::uint64_t head[2];
    constexpr std::size_t kHead = sizeof head;
    while (names.size() >= kHead) {
        names.copy(reinterpret_cast<char*>(head), kHead);
        names.remove_prefix(kHead);
        instruments_[head[0]] = names.substr(0, head[1]);
        names.remove_prefix(std::min<std::size_t>(head[1], names.size()));
    }
}

void Wiring::announce_start(ComponentKind kind) noexcept {
    starting_ = kind;
    said_positions_ = false;
}

bool Wiring::read_start(ComponentKind kind, kf_event& event) {
    ComponentStatus status{};
    status.set_kind(kind);
    status.set_phase(ComponentPhase::START);
    starting_.reset();
    event_in_hand_ = false;  // nothing that was read makes it start
    std::string payload(reinterpret_cast<const char*>(&status), sizeof status);
    payload += settings_;
    const auto length = static_cast<std::uint32_t>(payload.size());
    if (append(0, ComponentStatus::kType, 0, nullptr, payload.data(), length) != KF_OK) return false;
    kf_frame frame{};
    frame.sequence = outputs_[0].writer->last_sequence();
    frame.gen_time = frame.trigger_time = now_;
    frame.source = source_id_;
    frame.type = ComponentStatus::kType;
    start_.resize(sizeof frame + payload.size());
    std::memcpy(start_.data(), &frame, sizeof frame);
    std::memcpy(start_.data() + sizeof frame, payload.data(), payload.size());
    event = {reinterpret_cast<const kf_frame*>(start_.data()), outputs_[0].writer->id(),
             ComponentStatus::kType, length};
    return true;
}

bool Wiring::next(kf_event& event) {
    if (!read(event)) return false;
    in_hand_ = {event.journal, event.frame->sequence, event.frame->gen_time};
    event_in_hand_ = true;
    ++since_snapshot_;
    now_ = now();
    if (event.type == Instrument::kType) learn_instrument(event.frame + 1, event.length);
    return true;
}

bool Wiring::read(kf_event& event) {
    if (failed_) return false;
    if (rebuilding_) return read_again(event);
    if (starting_ && !said_positions_) {
        said_positions_ = true;
        if (say_positions() != KF_OK) return false;
    }
    // A strategy starts when it knows what stands there; others before they act on it.
    if (starting_ && *starting_ != ComponentKind::STRATEGY) return read_start(*starting_, event);
    const bool simulated = clock_->kind() == Clock::Kind::SIMULATED;
    if (inputs_.next(event, simulated ? clock_->now() : poll_time_)) return note_consumed(event), true;
    if (inputs_.status() != KF_OK) return error_ = inputs_.error(), false;
    return starting_ && read_start(*starting_, event);
}

bool Wiring::read_again(kf_event& event) {
    switch (rebuilding_->next(inputs_, event)) {
        case Rebuilding::Next::EVENT: return true;
        case Rebuilding::Next::NOTHING: return false;
        case Rebuilding::Next::OVER: rebuilding_.reset(); return false;
        case Rebuilding::Next::FAILED: break;
    }
    failed_ = true;
    error_ = rebuilding_->error();
    return false;
}

std::uint64_t Wiring::said() const noexcept {
    if (rebuilding_) return rebuilding_->place();
    return outputs_.empty() ? 0 : outputs_[0].writer->last_sequence();
}

std::int32_t Wiring::recorded(std::uint32_t type, const void** payload, std::uint32_t* length) {
    if (!rebuilding_ || !rebuilding_->peek(type, *payload, *length)) return 0;
    return *payload != nullptr ? 2 : 1;
}

std::int64_t Wiring::now() const noexcept {
    if (clock_->kind() == Clock::Kind::SIMULATED) return std::max(now_, clock_->now());
    // The time of a poll counts for later ones only if something was said at it: else no journal has it.
    return event_in_hand_ ? std::max(now_, in_hand_.time) : poll_time_;
}

std::int32_t Wiring::append(std::uint32_t index, std::uint32_t type, std::uint64_t destination,
                            const kf_cause* cause, const void* payload, std::uint32_t length) {
    if (index >= outputs_.size()) return KF_BAD_ARGUMENT;
    Output& output = outputs_[index];
    now_ = now();
    ++since_snapshot_;
    const kf_cause because = cause != nullptr ? *cause : event_in_hand_ ? in_hand_ : kf_cause{0, 0, now_};
    if (rebuilding_) {
        switch (rebuilding_->say(type, destination, because, payload, length)) {
            case Rebuilding::Said::SAME: return KF_OK;
            case Rebuilding::Said::NEW: rebuilding_.reset(); break;
            case Rebuilding::Said::FAILED:
                failed_ = true;
                error_ = rebuilding_->error();
                return KF_BAD_ARGUMENT;
        }
    }
    if (const std::int32_t status = say_consumed(output); status != KF_OK) return status;
    if (type == Instrument::kType) learn_instrument(payload, length);
    if (const std::int32_t status = name_instrument(output, type, payload, length); status != KF_OK)
        return status;
    const std::int32_t status =
        output.writer->append(type, source_id_, destination, because, payload, length);
    if (status != KF_OK) error_ = output.writer->error();
    return status;
}

void Wiring::note_consumed(const kf_event& event) {
    for (Output& output : outputs_) {
        auto& runs = output.unsaid;
        if (!runs.empty() && runs.back().journal == event.journal) {
            runs.back().up_to = event.frame->sequence;
            continue;
        }
        if (runs.size() >= kMostUnsaidRuns) say_consumed(output);
        runs.push_back({event.journal, event.frame->sequence});
    }
}

std::int32_t Wiring::say_consumed(Output& output) {
    if (output.unsaid.empty()) return KF_OK;
    const std::int32_t status = say_runs(output, output.unsaid, false);
    if (status == KF_OK) output.unsaid.clear();
    return status;
}

std::int32_t Wiring::say_positions() {
    // What was read and led to nothing yet comes first: positions say that all before them is skipped.
    if (const std::int32_t status = say_consumed(outputs_.at(0)); status != KF_OK) return status;
    std::vector<ConsumedRun> runs;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        if (const std::uint64_t read = inputs_.read_up_to(i); read > 0)
            runs.push_back({inputs_.journal(i).id(), read});
    }
    return runs.empty() ? std::int32_t{KF_OK} : say_runs(outputs_.at(0), runs, true);
}

std::int32_t Wiring::say_runs(Output& output, const std::vector<ConsumedRun>& runs, bool skips) {
    Consumption consumption{};
    consumption.skips = skips;
    const std::size_t size = sizeof consumption + runs.size() * sizeof(ConsumedRun);
    if (scratch_.size() < size) scratch_.resize(size);
    std::memcpy(scratch_.data(), &consumption, sizeof consumption);
    char* place = scratch_.data() + sizeof consumption;
    for (const ConsumedRun& run : runs)
        std::memcpy(std::exchange(place, place + sizeof run), &run, sizeof run);
    const std::int32_t status =
        output.writer->append(Consumption::kType, source_id_, 0, kf_cause{0, 0, now()}, scratch_.data(),
                              static_cast<std::uint32_t>(size));
    if (status != KF_OK) error_ = output.writer->error();
    return status;
}

void Wiring::learn_instrument(const void* payload, std::uint32_t length) {
    if (length <= sizeof(Instrument)) return;
    std::uint64_t instrument = 0;
    std::memcpy(&instrument, static_cast<const char*>(payload) + instrument_offset(Instrument::kType),
                sizeof instrument);
    instruments_[instrument].assign(static_cast<const char*>(payload) + sizeof(Instrument),
                                    length - sizeof(Instrument));
}

std::int32_t Wiring::name_instrument(Output& output, std::uint32_t type, const void* payload,
                                     std::uint32_t length) {
    const int offset = instrument_offset(type);
    std::uint64_t instrument = 0;
    if (offset < 0 || type == Instrument::kType ||
        length < static_cast<unsigned>(offset) + sizeof instrument) {
        return KF_OK;
    }
    std::memcpy(&instrument, static_cast<const char*>(payload) + offset, sizeof instrument);
    if (instrument == output.last_named) return KF_OK;
    const auto known = instruments_.find(instrument);
    if (known == instruments_.end()) return KF_OK;
    output.last_named = instrument;
    if (!output.named.insert(instrument).second) return KF_OK;
    const std::int32_t status = output.writer->define_name(static_cast<std::uint8_t>(NameKind::INSTRUMENT),
                                                           instrument, known->second);
    if (status != KF_OK) error_ = output.writer->error();
    return status;
}

void Wiring::close() {
    for (Output& output : outputs_) {
        say_consumed(output);
        output.writer->close();
    }
}

}  // namespace kungfu
