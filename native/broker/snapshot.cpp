/// The broker's whole state as bytes, and back.
#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

void put_sync(StateWriter& state, const AccountSync& sync) {
    state.put(sync.state);
    state.put(sync.connected);
    state.put(sync.ever);
    for (const std::int64_t time : {sync.began, sync.next, sync.last_fill}) state.put(time);
    state.put(sync.query);
    state.put(sync.tries);
    state.put(static_cast<std::uint64_t>(sync.seen.size()));
    for (const std::uint64_t id : sync.seen) state.put(id);
    put_map(state, sync.positions);
    put_map(state, sync.balances);
    put_map(state, sync.differences);
}

AccountSync get_sync(StateReader& state) {
    AccountSync sync;
    sync.state = state.get<AccountState>();
    sync.connected = state.get<bool>();
    sync.ever = state.get<bool>();
    for (std::int64_t* time : {&sync.began, &sync.next, &sync.last_fill}) *time = state.get<std::int64_t>();
    sync.query = state.get<std::uint64_t>();
    sync.tries = state.get<std::uint32_t>();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
        sync.seen.insert(state.get<std::uint64_t>());
    get_map(state, sync.positions);
    get_map(state, sync.balances);
    get_map(state, sync.differences);
    return sync;
}

}  // namespace

std::string Broker::save() {
    StateWriter state;
    state.put_text(in_force_);
    markets_.save(state);
    orders_.save(state);
    accounts_.save(state);
    deadlines_.save(state);
    put_map(state, doubts_);
    held_.save(state);
    state.put(static_cast<std::uint64_t>(parameters_.size()));
    for (const auto& [order, parameters] : parameters_) {
        state.put(order);
        state.put_text(parameters);
    }
    state.put(static_cast<std::uint64_t>(syncs_.size()));
    for (const auto& [account, sync] : syncs_) {
        state.put(account);
        put_sync(state, sync);
    }
    state.put(last_query_);
    limits_.save(state);
    pacing_.save(state);
    state.put(last_own_);
    for (const Hook& hook : hooks_) state.put(hook.faults);
    return state.bytes();
}

void Broker::load(std::string_view bytes) {
    StateReader state(bytes);
    in_force_.clear();
    // The limits in force follow with the state: they need no events.
    if (const std::string text(state.get_text()); !text.empty()) {
        set(settings_of(text));
        in_force_ = text;
    }
    const bool whole =
        markets_.load(state) && orders_.load(state) && accounts_.load(state) && deadlines_.load(state);
    get_map(state, doubts_);
    const bool held = held_.load(state);
    parameters_.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto order = state.get<std::uint64_t>();
        parameters_[order] = state.get_text();
    }
    slices_.clear();
    for (const std::uint64_t id : orders_.live())
        if (const Order* order = orders_.find_kept(id); order->slice_of != 0)
            slices_.emplace(order->slice_of, id);
    syncs_.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto account = state.get<std::uint64_t>();
        syncs_[account] = get_sync(state);
    }
    last_query_ = state.get<std::uint64_t>();
    const bool limited = whole && held && limits_.load(state) && pacing_.load(state);
    last_own_ = state.get<std::uint64_t>();
    for (Hook& hook : hooks_) hook.faults = state.get<std::uint32_t>();
    if (!limited || !state.good() || !state.at_end())
        throw Fault("the broker's snapshot is not one of this build");
}

}  // namespace kungfu::broker
