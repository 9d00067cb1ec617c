/// Orders that an algorithm works: what their slices may be, and what these mean for them.
#include <string>

#include "broker/broker.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// Whether a price keeps to a limit; none is any price.
bool keeps_to(Side side, Number limit, Number price) noexcept {
    if (limit.is_none()) return true;
    return !price.is_none() && (side == Side::BUY ? price <= limit : price >= limit);
}

}  // namespace

Order* Broker::worked_order(const OrderRequest& request) {
    Order* parent = request.parent_id != 0 ? orders_.find(request.parent_id) : nullptr;
    const bool works =
        parent && parent->request.algorithm != 0 && parent->request.algorithm == request.strategy;
    return works ? parent : nullptr;
}

std::vector<Order*> Broker::slices_of(const Order& parent) {
    std::vector<Order*> orders;
    for (auto slice = slices_.lower_bound({parent.id, 0});
         slice != slices_.end() && slice->first == parent.id; ++slice)
        orders.push_back(orders_.find_kept(slice->second));
    return orders;
}

Number Broker::left_for_slices(const Order& parent, const Order* amended) {
    Number left = parent.remaining();
    for (const Order* slice : slices_of(parent))
        if (slice != amended) left = sum(left, -slice->remaining(), "rest of an order");
    return left;
}

const Order& Broker::left_of(const Order& parent, const Order* amended) {
    left_ = parent;
    left_.forget_amends();
    left_.size = sum(parent.filled, left_for_slices(parent, amended), "size of an order");
    return left_;
}

bool Broker::fits_parent(const OrderRequest& request, const Order& parent, const Order* amended,
                         std::string& reason) {
    const OrderRequest& whole = parent.request;
    const Number left = left_for_slices(parent, amended);
    if (is_terminal(parent.state) || parent.state == OrderState::CREATED ||
        parent.state == OrderState::PENDING_CANCEL) {
        return refuse({"its parent is ", name_of(parent.state)}, reason);
    }
    if (request.account != parent.account || request.instrument != parent.instrument ||
        request.get_side() != parent.side || request.get_position_side() != whole.get_position_side()) {
        return refuse({"its parent has another account, instrument or side"}, reason);
    }
    if (whole.reduce_only && !request.reduce_only) return refuse({"its parent is reduce-only"}, reason);
    if (request.algorithm != 0 || lacking(request, gateway_of(request.account)->capabilities).trigger)
        return refuse({"a part of an order goes straight to the venue"}, reason);
    const Number price = request.get_price();
    if (!keeps_to(parent.side, parent.price, price))
        return refuse({"price ", price, " is worse than its parent's, ", parent.price}, reason);
    if (request.get_size() > left)
        return refuse({"size ", request.get_size(), " is above what its parent has left, ", left}, reason);
    return true;
}

void Broker::credit_parent(const Order& slice, const Fill& fill) {
    Order* kept = orders_.find_kept(slice.slice_of);
    if (!kept) return;  // it was over long ago
    Order& parent = *kept;
    const bool late = is_terminal(parent.state);
    orders_.change(parent, [&](Order& o) {
        o.filled = sum(o.filled, fill.get_size(), "filled size");
        if (may_move(o.state, o.filled_state())) o.state = o.filled_state();
    });
    const std::string odd = late ? std::string("fill of an order that is ") + name_of(parent.state)
                            : parent.filled > parent.size
                                ? "its parts have filled " + to_text(parent.filled) + ", above its size"
                                : std::string();
    tell(parent, fill.time, !odd.empty(), odd);
}

void Broker::end_slices(const Order& parent) {
    for (Order* slice : slices_of(parent)) {
        if (!slice->counts_in_parent) continue;
        orders_.change(*slice, [](Order& o) { o.counts_in_parent = false; });
        if (slice->state != OrderState::PENDING_CANCEL)
            send_cancel(*slice, std::string("its parent is ") + name_of(parent.state));
    }
}

void Broker::end_worked(std::uint64_t algorithm, std::int64_t before) {
    if (!algorithms_.count(algorithm)) return;
    for (const std::uint64_t id : orders_.live()) {
        Order& order = *orders_.find_kept(id);
        const bool is_worked = order.request.algorithm == algorithm && order.state != OrderState::CREATED;
        if (!is_worked || order.asked_at >= before) continue;
        orders_.change(order, [](Order& o) {
            o.state = o.state == OrderState::PENDING_CANCEL ? OrderState::CANCELED : OrderState::EXPIRED;
        });
        tell(order, 0, false, "its algorithm has ended");
    }
}

}  // namespace kungfu::broker
