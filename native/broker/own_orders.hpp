/// Our open orders by price, so that one that would trade with another of ours is noticed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/orders.hpp"

namespace kungfu::broker {

class OwnOrders {
  public:
    struct Resting {
        Number price = Number::none();  // none takes any
        std::uint64_t id = 0;
    };

    void add(const Order& order, Number price) {
        const Resting resting{price, order.id};
        std::vector<Resting>& side = side_of(order);
        side.insert(place_in(side, order.side, resting), resting);
    }

    /// `price` is that at which it was added.
    void remove(const Order& order, Number price) {
        std::vector<Resting>& side = side_of(order);
        const auto found = place_in(side, order.side, {price, order.id});
        if (found != side.end() && found->id == order.id) side.erase(found);
    }

    /// Calls visit(resting) for those that an order of this side and price would trade with, the best first,
    /// until it gives true; whether it did.
    template <class Visit>
    bool crossing(std::uint64_t instrument, Side side, Number price, Visit&& visit) {
        const Sides& sides = of(instrument);
        const std::vector<Resting>& others = side == Side::BUY ? sides.sells : sides.buys;
        for (const Resting& other : others) {
            const bool meets = price.is_none() || other.price.is_none() ||
                               (side == Side::BUY ? other.price <= price : other.price >= price);
            if (!meets) return false;
            if (visit(other)) return true;
        }
        return false;
    }

    void clear() {
        orders_.clear();
        last_ = nullptr;
    }

  private:
    struct Sides {
        std::vector<Resting> buys, sells;  // the best first: ladders are laid from there outward
    };

    Sides& of(std::uint64_t instrument) {
        // The same one is asked for several times in a row, and stays where it is.
        if (last_ == nullptr || last_->first != instrument) last_ = &*orders_.try_emplace(instrument).first;
        return last_->second;
    }
    std::vector<Resting>& side_of(const Order& order) {
        Sides& sides = of(order.instrument);
        return order.side == Side::BUY ? sides.buys : sides.sells;
    }

    static std::vector<Resting>::iterator place_in(std::vector<Resting>& side, Side which,
                                                   const Resting& resting) {
        return std::lower_bound(side.begin(), side.end(), resting,
                                [which](const auto& a, const auto& b) { return is_ahead(which, a, b); });
    }

    static bool is_ahead(Side side, const Resting& a, const Resting& b) noexcept {
        if (a.price.is_none() || b.price.is_none()) {
            return a.price.is_none() == b.price.is_none() ? a.id < b.id : a.price.is_none();
        }
        const int order = compare(a.price, b.price);
        return order == 0 ? a.id < b.id : (side == Side::BUY) == (order > 0);
    }

    std::unordered_map<std::uint64_t, Sides> orders_;
    std::pair<const std::uint64_t, Sides>* last_ = nullptr;
};

}  // namespace kungfu::broker
