#include "component/runner.hpp"

#include <algorithm>
#include <utility>

namespace kungfu {

Runner::~Runner() {
    for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
        member->component->destroy(member->component->self);
    }
}

bool Runner::add(kf_component* component, std::shared_ptr<Wiring> wiring) {
    if (component->abi_version != KF_ABI_VERSION || component->struct_size != sizeof(kf_component)) {
        error_ = wiring->source() + ": made for ABI version " + std::to_string(component->abi_version) +
                 ", expected " + std::to_string(KF_ABI_VERSION);
        return false;
    }
    if (component->layout_hash != kLayoutHash) {
        error_ = wiring->source() + ": compiled against other event layouts than this core's; rebuild it";
        return false;
    }
    members_.push_back({component, std::move(wiring), false});
    return true;
}

bool Runner::start() {
    for (Member& member : members_) {
        member.wiring->begin_poll();
        if (member.component->start(member.component->self, member.wiring->port()) != 0)
            return fail(member, "start");
        std::uint64_t size = 0;
        const void* settings = member.component->settings(member.component->self, &size);
        member.wiring->set_settings({static_cast<const char*>(settings), size});
    }
    return true;
}

bool Runner::rebuild(std::size_t i) {
    Member& member = members_.at(i);
    Wiring& wiring = *member.wiring;
    const std::string state = wiring.begin_rebuilding();
    if (!state.empty() && member.component->load(member.component->self, state.data(), state.size()) != 0)
        return fail(member, "load");
    while (wiring.is_rebuilding()) {
        const std::uint64_t before = wiring.rebuilt();
        wiring.begin_poll();
        const std::int64_t did = member.component->poll(member.component->self);
        if (!wiring.error().empty()) {
            error_ = wiring.source() + ": " + wiring.error();
            return false;
        }
        if (did < 0) return fail(member, "rebuild");
        if (wiring.is_rebuilding() && wiring.rebuilt() == before) {
            error_ = wiring.source() + ": its journal goes on with what nothing that it read leads to";
            return false;
        }
    }
    member.keeps_snapshots = true;
    return true;
}

bool Runner::take_snapshot(std::size_t i) {
    Member& member = members_.at(i);
    std::uint64_t size = 0;
    const void* bytes = member.component->save(member.component->self, &size);
    if (size == 0) return fail(member, "save");
    if (member.wiring->take_snapshot({static_cast<const char*>(bytes), size})) return true;
    error_ = member.wiring->source() + ": " + member.wiring->error();
    return false;
}

std::int64_t Runner::turn() {
    std::int64_t handled = 0;
    for (Member& member : members_) {
        member.wiring->begin_poll();
        const std::int64_t did = member.component->poll(member.component->self);
        if (did < 0) {
            fail(member, "poll");
            return -1;
        }
        handled += did;
    }
    if (!inputs_are_readable()) return -1;
    take_due_snapshots(handled == 0);
    return handled;
}

void Runner::take_due_snapshots(bool idle) {
    const std::uint64_t due = idle ? snapshot_every_ : kLongestWait * snapshot_every_;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        if (!member.keeps_snapshots || member.wiring->since_snapshot() < due) continue;
        // One that fails costs the next start time, and nothing else; it is tried again after as many events.
        if (!take_snapshot(i)) error_.clear();
        member.wiring->count_from_here();
    }
}

std::int64_t Runner::next_time() {
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (Member& member : members_) {
        earliest = std::min(
            {earliest, member.wiring->next_time(), member.component->next_time(member.component->self)});
    }
    return earliest;
}

std::int64_t Runner::settle() {
    std::int64_t handled = 0;
    for (std::int64_t did = 1; did > 0; handled += did) {
        did = turn();
        if (did < 0) return did;
    }
    return handled;
}

std::int64_t Runner::simulate(std::int64_t until, std::int64_t budget) {
    std::int64_t handled = 0;
    while (handled < budget) {
        const std::int64_t time = next_time();
        if (!inputs_are_readable()) return -1;
        if (time == std::numeric_limits<std::int64_t>::max() || time > until) break;
        clock_->set(time);
        const std::int64_t did = settle();
        if (did < 0) return did;
        if (did == 0) {
            error_ = "no component does what it announced for time " + std::to_string(time);
            return -1;
        }
        handled += did;
    }
    return handled;
}

bool Runner::stop() {
    bool clean = true;
    // Strategies first: they may cancel orders, which broker and gateways still have to hear.
    for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
        member->wiring->begin_poll();
        if (member->component->stop(member->component->self) != 0) clean = fail(*member, "stop");
        if (clean && settle() < 0) clean = false;
    }
    close();
    return clean;
}

void Runner::close() {
    for (Member& member : members_) member.wiring->close();
}

bool Runner::inputs_are_readable() {
    for (Member& member : members_) {
        const journal::Reader& inputs = member.wiring->inputs();
        if (inputs.status() == KF_OK) continue;
        error_ = member.wiring->source() + ": cannot read on: " + inputs.error();
        return false;
    }
    return true;
}

bool Runner::fail(const Member& member, const char* what) {
    const char* said = member.component->error(member.component->self);
    error_ = member.wiring->source() + ": " + what +
             " failed: " + (said != nullptr && *said != '\0' ? said : "no reason given");
    if (!member.wiring->error().empty()) error_ += " (" + member.wiring->error() + ")";
    return false;
}

}  // namespace kungfu
