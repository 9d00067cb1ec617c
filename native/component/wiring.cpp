#include "component/wiring.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kungfu/id.hpp"

namespace kungfu {

namespace {

/// A component that reads much and says little still says now and then what it read.
constexpr std::size_t kMostUnsaidRuns = 1024;

}  // namespace

Wiring::Wiring(std::string source, Clock* clock, std::vector<journal::TypeDefinition> types)
    : source_(std::move(source)), source_id_(id_of(source_)), clock_(clock), inputs_(std::move(types)) {
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
}

void Wiring::add_output(std::unique_ptr<journal::Writer> writer) {
    writer->define_name(static_cast<std::uint8_t>(NameKind::SOURCE), source_id_, source_);
    outputs_.push_back({std::move(writer), {}, {}, 0});
}

bool Wiring::next(kf_event& event) {
    if (!inputs_.next(event, clock_->now())) {
        if (inputs_.status() != KF_OK) error_ = inputs_.error();
        return false;
    }
    in_hand_ = {event.journal, event.frame->sequence, event.frame->gen_time};
    event_in_hand_ = true;
    note_consumed(event);
    if (event.type == Instrument::kType) learn_instrument(event.frame + 1, event.length);
    return true;
}

std::int64_t Wiring::now() noexcept {
    const bool simulated = clock_->kind() == Clock::Kind::SIMULATED;
    now_ = std::max(now_, event_in_hand_ && !simulated ? in_hand_.time : clock_->now());
    return now_;
}

std::int32_t Wiring::append(std::uint32_t index, std::uint32_t type, std::uint64_t destination,
                            const kf_cause* cause, const void* payload, std::uint32_t length) {
    if (index >= outputs_.size()) return KF_BAD_ARGUMENT;
    Output& output = outputs_[index];
    if (const std::int32_t status = say_consumed(output); status != KF_OK) return status;
    if (type == Instrument::kType) learn_instrument(payload, length);
    if (const std::int32_t status = name_instrument(output, type, payload, length); status != KF_OK)
        return status;
    const kf_cause because = cause != nullptr ? *cause : event_in_hand_ ? in_hand_ : kf_cause{0, 0, now()};
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
    const auto size = static_cast<std::uint32_t>(output.unsaid.size() * sizeof(ConsumedRun));
    const std::int32_t status = output.writer->append(Consumption::kType, source_id_, 0,
                                                      kf_cause{0, 0, now()}, output.unsaid.data(), size);
    if (status == KF_OK) {
        output.unsaid.clear();
    } else {
        error_ = output.writer->error();
    }
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
