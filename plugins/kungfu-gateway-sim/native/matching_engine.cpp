#include "matching_engine.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace kungfu::sim {

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "kungfu simulated venue: broken invariant of the matching engine: %s\n", what);
    std::abort();
}

EngineEvent event(EngineEvent::Kind kind, const EngineOrder& order,
                  EngineReason reason = EngineReason::NONE) {
    return {kind, reason, order.id, 0, order.price, order.size};
}

}  // namespace

EngineReason MatchingEngine::fault_of(const EngineOrder& order) noexcept {
    if (order.size < 1 || order.size > kMaxSize) return EngineReason::BAD_SIZE;
    if (order.kind != OrderKind::MARKET && (order.price < 1 || order.price > kMaxPrice))
        return EngineReason::BAD_PRICE;
    return EngineReason::NONE;
}

bool MatchingEngine::reaches(const EngineOrder& taker, std::int64_t price) noexcept {
    if (taker.kind == OrderKind::MARKET) return true;
    return taker.side == Side::BUY ? price <= taker.price : price >= taker.price;
}

bool MatchingEngine::would_take(const EngineOrder& order) const noexcept {
    const std::int64_t opposite = best(order.side == Side::BUY ? Side::SELL : Side::BUY);
    return opposite != 0 && reaches(order, opposite);
}

bool MatchingEngine::can_fill(const EngineOrder& order) const noexcept {
    std::int64_t missing = order.size;
    levels(order.side == Side::BUY ? Side::SELL : Side::BUY, [&](std::int64_t price, std::int64_t size) {
        if (!reaches(order, price)) return false;
        missing -= std::min(missing, size);
        return missing > 0;
    });
    return missing == 0;
}

template <class Levels>
void MatchingEngine::take(Levels& levels, EngineOrder& taker, Events& events) {
    while (taker.size > 0 && !levels.empty() && reaches(taker, levels.begin()->first)) {
        const auto best_level = levels.begin();
        Resting& maker = *best_level->second.first;
        const std::int64_t size = std::min(taker.size, maker.order.size);
        taker.size -= size;
        maker.order.size -= size;
        best_level->second.total -= size;
        events.push_back({EngineEvent::Kind::TRADE, EngineReason::NONE, taker.id, maker.order.id,
                          best_level->first, size});
        if (maker.order.size == 0) {
            events.push_back(event(EngineEvent::Kind::DONE, maker.order));
            unlink(maker);
        }
    }
}

void MatchingEngine::match(EngineOrder& order, Events& events) {
    order.side == Side::BUY ? take(asks_, order, events) : take(bids_, order, events);
    if (order.size == 0) {
        events.push_back(event(EngineEvent::Kind::DONE, order));
    } else if (order.kind == OrderKind::MARKET) {
        events.push_back(event(EngineEvent::Kind::CANCELED, order, EngineReason::NO_LIQUIDITY));
    } else if (order.time_in_force != TimeInForce::GTC) {
        events.push_back(event(EngineEvent::Kind::CANCELED, order, EngineReason::TIME_IN_FORCE));
    } else {
        rest(order);
    }
    check_uncrossed();
}

void MatchingEngine::submit(const EngineOrder& order, Events& events) {
    EngineReason fault = fault_of(order);
    if (fault == EngineReason::NONE && places_.count(order.id) != 0) fault = EngineReason::DUPLICATE_ID;
    if (fault == EngineReason::NONE && order.kind == OrderKind::POST_ONLY && would_take(order)) {
        fault = EngineReason::WOULD_TAKE;
    }
    if (fault != EngineReason::NONE) {
        events.push_back(event(EngineEvent::Kind::REJECTED, order, fault));
        return;
    }
    events.push_back(event(EngineEvent::Kind::ACCEPTED, order));
    if (order.time_in_force == TimeInForce::FOK && !can_fill(order)) {
        events.push_back(event(EngineEvent::Kind::CANCELED, order, EngineReason::TIME_IN_FORCE));
        return;
    }
    EngineOrder open = order;
    match(open, events);
}

void MatchingEngine::cancel(std::uint64_t id, Events& events) {
    const auto place = places_.find(id);
    if (place == places_.end()) {
        events.push_back({EngineEvent::Kind::REJECTED, EngineReason::UNKNOWN_ID, id, 0, 0, 0});
        return;
    }
    events.push_back(event(EngineEvent::Kind::CANCELED, place->second.order, EngineReason::REQUESTED));
    unlink(place->second);
}

void MatchingEngine::amend(std::uint64_t id, std::int64_t price, std::int64_t size, Events& events) {
    const auto place = places_.find(id);
    if (place == places_.end()) {
        events.push_back({EngineEvent::Kind::REJECTED, EngineReason::UNKNOWN_ID, id, 0, price, size});
        return;
    }
    Resting& resting = place->second;
    EngineOrder changed = resting.order;
    changed.price = price;
    changed.size = size;
    EngineReason fault = fault_of(changed);
    if (fault == EngineReason::NONE && changed.kind == OrderKind::POST_ONLY && would_take(changed)) {
        fault = EngineReason::WOULD_TAKE;
    }
    if (fault != EngineReason::NONE) {
        events.push_back(event(EngineEvent::Kind::REJECTED, changed, fault));
        return;
    }
    events.push_back(event(EngineEvent::Kind::ACCEPTED, changed));
    if (price == resting.order.price && size <= resting.order.size) {
        Queue& queue = changed.side == Side::BUY ? bids_.at(price) : asks_.at(price);
        queue.total -= resting.order.size - size;
        resting.order.size = size;
        return;
    }
    unlink(resting);
    match(changed, events);
}

void MatchingEngine::rest(const EngineOrder& order) {
    Queue& queue = order.side == Side::BUY ? bids_[order.price] : asks_[order.price];
    Resting& resting = places_.emplace(order.id, Resting{order, queue.last, nullptr}).first->second;
    (queue.last != nullptr ? queue.last->after : queue.first) = &resting;
    queue.last = &resting;
    require(!__builtin_add_overflow(queue.total, order.size, &queue.total), "the sizes of a level overflow");
}

void MatchingEngine::unlink(Resting& resting) {
    const EngineOrder order = resting.order;
    const auto remove = [&](auto& levels) {
        const auto level = levels.find(order.price);
        Queue& queue = level->second;
        (resting.before != nullptr ? resting.before->after : queue.first) = resting.after;
        (resting.after != nullptr ? resting.after->before : queue.last) = resting.before;
        queue.total -= order.size;
        if (queue.first == nullptr) {
            require(queue.total == 0, "an empty level has a size");
            levels.erase(level);
        }
    };
    order.side == Side::BUY ? remove(bids_) : remove(asks_);
    places_.erase(order.id);
}

std::int64_t MatchingEngine::best(Side side) const noexcept {
    if (side == Side::BUY) return bids_.empty() ? 0 : bids_.begin()->first;
    return asks_.empty() ? 0 : asks_.begin()->first;
}

std::int64_t MatchingEngine::size_at(Side side, std::int64_t price) const noexcept {
    const auto look = [&](const auto& levels) {
        const auto level = levels.find(price);
        return level == levels.end() ? std::int64_t{0} : level->second.total;
    };
    return side == Side::BUY ? look(bids_) : look(asks_);
}

std::int64_t MatchingEngine::open_size(std::uint64_t id) const noexcept {
    const auto place = places_.find(id);
    return place == places_.end() ? 0 : place->second.order.size;
}

void MatchingEngine::check_uncrossed() const {
    require(bids_.empty() || asks_.empty() || bids_.begin()->first < asks_.begin()->first,
            "the book is crossed");
}

void MatchingEngine::check() const {
    check_uncrossed();
    std::size_t counted = 0;
    const auto walk = [&](const auto& levels, Side side) {
        for (const auto& [price, queue] : levels) {
            std::int64_t total = 0;
            const Resting* before = nullptr;
            for (const Resting* r = queue.first; r != nullptr; r = r->after) {
                require(r->before == before, "a queue is not linked both ways");
                require(r->order.price == price && r->order.side == side, "an order stands in a wrong queue");
                require(r->order.size > 0, "an order without size rests");
                total += r->order.size;
                before = r;
                ++counted;
            }
            require(queue.last == before, "a queue does not end with its last order");
            require(queue.first != nullptr && total == queue.total,
                    "a level's size is not the sum of its orders");
        }
    };
    walk(bids_, Side::BUY);
    walk(asks_, Side::SELL);
    require(counted == places_.size(), "an order is in no queue");
}

}  // namespace kungfu::sim
