/// Which orders were sent lately, so that the same one is noticed when it comes again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// The orders in the order in which they came, and chains of those whose values hash alike, the latest first.
/// A link to an order that is forgotten ends a chain, so nothing has to be taken out of one; memory is asked
/// for only when there are more orders to remember than ever before.
class RecentOrders {
  public:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

    /// When an order like this one (strategy, instrument, side, price, size) came last; kNever if none did,
    /// or if it is forgotten.
    std::int64_t last(const OrderRequest& order) const noexcept {
        if (first_ == next_) return kNever;
        const Sent wanted = values_of(order);
        for (std::uint64_t i = heads_[chain_of(wanted)]; i >= first_ && i < next_; i = at(i).before)
            if (at(i).is_like(wanted)) return at(i).time;
        return kNever;
    }

    /// Remembers an order, and forgets those that came before `forget`.
    void add(const OrderRequest& order, std::int64_t now, std::int64_t forget) {
        while (first_ != next_ && at(first_).time < forget) ++first_;
        if (next_ - first_ == sent_.size()) make_room();
        Sent sent = values_of(order);
        sent.time = now;
        put(sent);
    }

    void save(StateWriter& state) const {
        state.put(next_ - first_);
        for (std::uint64_t i = first_; i != next_; ++i) state.put(at(i));
    }
    bool load(StateReader& state) {
        *this = {};
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
            if (next_ == sent_.size()) make_room();
            put(state.get<Sent>());
        }
        return state.good();
    }

  private:
    struct Sent {
        std::uint64_t strategy = 0;
        std::uint64_t instrument = 0;
        Number price;
        Number size;
        std::int64_t time = kNever;
        std::uint64_t before = 0;  // in its chain
        Side side = Side::BUY;

        bool is_like(const Sent& o) const noexcept {
            const bool same_price =
                price.is_none() ? o.price.is_none() : !o.price.is_none() && price == o.price;
            return strategy == o.strategy && instrument == o.instrument && side == o.side && same_price &&
                   size == o.size;
        }
    };

    static Sent values_of(const OrderRequest& order) noexcept {
        Sent sent;
        sent.strategy = order.strategy;
        sent.instrument = order.instrument;
        sent.price = order.get_price();
        sent.size = order.get_size();
        sent.side = order.get_side();
        return sent;
    }

    /// The value in units of 1e-18, modulo 2^64: equal ones are so however many zeros they are written with.
    static std::uint64_t bits_of(Number value) noexcept {
        int zeros = value.exponent + 18;
        for (; zeros < 0 && value.mantissa != 0 && value.mantissa % 10 == 0; ++zeros) value.mantissa /= 10;
        if (zeros < 0) return 0;
        auto bits = static_cast<std::uint64_t>(value.mantissa);
        for (; zeros > 38; --zeros) bits *= 10;
        return bits * static_cast<std::uint64_t>(power_of_ten(zeros));
    }

    std::size_t chain_of(const Sent& sent) const noexcept {
        std::uint64_t hash = sent.strategy;
        for (const std::uint64_t part : {sent.instrument, bits_of(sent.price), bits_of(sent.size),
                                         static_cast<std::uint64_t>(sent.side)}) {
            hash = (hash ^ part ^ (hash >> 32)) * 0x9e3779b97f4a7c15ULL;
        }
        return static_cast<std::size_t>(hash >> 32) & (heads_.size() - 1);
    }

    Sent& at(std::uint64_t i) noexcept { return sent_[i & (sent_.size() - 1)]; }
    const Sent& at(std::uint64_t i) const noexcept { return sent_[i & (sent_.size() - 1)]; }

    void put(Sent sent) noexcept {
        std::uint64_t& head = heads_[chain_of(sent)];
        sent.before = std::exchange(head, next_);
        at(next_++) = sent;
    }

    void make_room() {
        std::vector<Sent> kept;
        for (std::uint64_t i = first_; i != next_; ++i) kept.push_back(at(i));
        const std::size_t size = std::max<std::size_t>(1024, 2 * kept.size());
        sent_.assign(size, Sent{});
        heads_.assign(2 * size, kNobody);
        first_ = next_ = 0;
        for (const Sent& sent : kept) put(sent);
    }

    static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

    // Powers of two of both; each is numbered as it came, `first_` is the earliest that is remembered.
    std::vector<Sent> sent_;
    std::vector<std::uint64_t> heads_;
    std::uint64_t first_ = 0;
    std::uint64_t next_ = 0;
};

}  // namespace kungfu::broker
