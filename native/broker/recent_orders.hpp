/// Which orders were sent lately, so that the same one is noticed when it comes again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// A table that takes an order without allocating but when it grows.
class RecentOrders {
  public:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

    /// When an order like this one (strategy, instrument, side, price, size) came last; kNever if none did.
    std::int64_t last(const OrderRequest& order) const noexcept {
        if (slots_.empty()) return kNever;
        const Slot wanted = slot_of(order);
        for (std::size_t i = place(wanted);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].time == kNever) return kNever;
            if (slots_[i].is_like(wanted)) return slots_[i].time;
        }
    }

    /// Remembers an order; those that came before `forget` make room for others.
    void add(const OrderRequest& order, std::int64_t now, std::int64_t forget) {
        if (2 * (used_ + 1) > slots_.size()) make_room(forget);
        Slot slot = slot_of(order);
        slot.time = now;
        put(slot);
    }

    void save(StateWriter& state) const {
        state.put(static_cast<std::uint64_t>(used_));
        for (const Slot& slot : slots_)
            if (slot.time != kNever) state.put(slot);
    }
    bool load(StateReader& state) {
        std::vector<Slot> kept;
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
            kept.push_back(state.get<Slot>());
        fill(kept);
        return state.good();
    }

  private:
    struct Slot {
        std::uint64_t strategy = 0;
        std::uint64_t instrument = 0;
        Number price;
        Number size;
        std::int64_t time = kNever;
        Side side = Side::BUY;

        bool is_like(const Slot& o) const noexcept {
            const bool same_price =
                price.is_none() ? o.price.is_none() : !o.price.is_none() && price == o.price;
            return strategy == o.strategy && instrument == o.instrument && side == o.side && same_price &&
                   size == o.size;
        }
    };

    static Slot slot_of(const OrderRequest& order) noexcept {
        Slot slot;
        slot.strategy = order.strategy;
        slot.instrument = order.instrument;
        slot.price = order.get_price();
        slot.size = order.get_size();
        slot.side = order.get_side();
        return slot;
    }

    /// Equal values have equal nearest doubles, however many zeros they are written with.
    static std::uint64_t bits_of(Number value) noexcept {
        const double nearest = value.is_none() ? 0 : value.to_double();
        std::uint64_t bits = 0;
        std::memcpy(&bits, &nearest, sizeof bits);
        return bits;
    }

    std::size_t place(const Slot& slot) const noexcept {
        std::uint64_t hash = slot.strategy;
        for (const std::uint64_t part : {slot.instrument, bits_of(slot.price), bits_of(slot.size),
                                         static_cast<std::uint64_t>(slot.side)}) {
            hash = (hash ^ part ^ (hash >> 32)) * 0x9e3779b97f4a7c15ULL;
        }
        return static_cast<std::size_t>(hash >> 32) & (slots_.size() - 1);
    }

    void put(const Slot& slot) noexcept {
        std::size_t i = place(slot);
        while (slots_[i].time != kNever && !slots_[i].is_like(slot)) i = (i + 1) & (slots_.size() - 1);
        used_ += slots_[i].time == kNever;
        slots_[i] = slot;
    }

    void make_room(std::int64_t forget) {
        std::vector<Slot> kept;
        for (const Slot& slot : slots_)
            if (slot.time != kNever && slot.time >= forget) kept.push_back(slot);
        fill(kept);
    }

    void fill(const std::vector<Slot>& kept) {
        std::size_t size = 256;
        while (size < 4 * kept.size()) size *= 2;
        slots_.assign(size, Slot{});
        used_ = 0;
        for (const Slot& slot : kept) put(slot);
    }

    std::vector<Slot> slots_;  // a power of two of them, at most half of them in use
    std::size_t used_ = 0;
};

}  // namespace kungfu::broker
