#include "broker/orders.hpp"

#include <algorithm>
#include <cstring>

#include "broker/exact.hpp"
#include "broker/order_history.hpp"
#include "kungfu/id.hpp"

namespace kungfu::broker {
namespace {

/// Room for orders that are not over, besides those that are.
constexpr std::size_t kSpare = 1024;

}  // namespace

Number Order::remaining() const {
    if (state == OrderState::CREATED) return {0, 0};  // held back
    const Number total = is_terminal(state) ? venue_filled : largest_size();
    if (total.is_none()) return {0, 0};
    const Number rest = filled.is_zero() ? total : sum(total, -filled, "rest of an order");
    return rest.mantissa > 0 ? rest : Number{0, 0};
}

OrderState Order::filled_state() const noexcept {
    if (filled.is_zero()) return OrderState::ACCEPTED;
    return !size.is_none() && filled >= largest_size() ? OrderState::FILLED : OrderState::PARTIALLY_FILLED;
}

bool is_order_state(std::uint8_t number) noexcept {
    return number >= static_cast<std::uint8_t>(OrderState::CREATED) &&
           number < sizeof kOrderMoves / sizeof kOrderMoves[0];
}

OrderUpdate describe(const Order& order) noexcept {
    OrderUpdate update{};
    update.order_id = order.id;
    update.instrument = order.instrument;
    update.account = order.account;
    update.strategy = order.strategy;
    update.set_price(order.price);
    update.set_size(order.size);
    update.set_filled(order.filled);
    update.set_side(order.side);
    update.set_position_side(order.request.get_position_side());
    update.set_state(order.state);
    update.set_venue_order_id(order.get_venue_order_id());
    return update;
}

Orders::Orders() = default;
Orders::~Orders() = default;

void Orders::set_history(std::unique_ptr<OrderHistory> history, std::size_t most_closed,
                         std::function<std::uint64_t()> said) {
    most_closed_ = most_closed;
    history_ = std::move(history);
    said_ = std::move(said);
    // What they will take is there from now on: no order waits for the system to give memory.
    gone_.make_room();
    orders_.reserve(most_closed_ + kSpare);
    Kept filled;
    for (std::uint64_t id = 0; id < most_closed_ + kSpare; ++id) filled.try_emplace(id);
    while (!filled.empty()) spare_.push_back(filled.extract(filled.begin()));
}

Order* Orders::find_kept(std::uint64_t id) noexcept {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : &found->second;
}

const Order* Orders::find_kept(std::uint64_t id) const noexcept {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : &found->second;
}

Order* Orders::find(std::uint64_t id) {
    if (Order* kept = find_kept(id)) return kept;
    return !is_ahead(id) && gone_.may_have(id) ? recall(id) : nullptr;
}

Order* Orders::recall(std::uint64_t id) {
    RecalledOrder found;
    if (!history_->recall(id, place_before(id), said_(), found)) return nullptr;
    found.order.last_trade[0] = '\0';
    Order& order = keep(found.order);
    for (const Fill& fill : found.fills) remember_fill(order, fill.get_trade_id());
    count(order, {}, Counted(order));
    close(id);
    return &order;
}

void Orders::close(std::uint64_t id) {
    if (!history_) return;
    closed_.push_back(id);
    for (std::size_t looked = 0; closed_.size() > most_closed_ && looked < 2; ++looked) {
        const std::uint64_t oldest = closed_.front();
        closed_.pop_front();
        if (orders_.at(oldest).misses_fills()) {
            closed_.push_back(oldest);
        } else {
            let_go(oldest);
        }
    }
}

void Orders::let_go(std::uint64_t id) {
    const auto order = orders_.find(id);
    FillKey key{id, {}};
    std::memcpy(key.trade_id.data(), order->second.last_trade, key.trade_id.size());
    for (auto fill = fills_.find(key); fill != fills_.end(); fill = fills_.find(key)) {
        key.trade_id = fill->second;
        fills_.erase(fill);
    }
    spare_.push_back(orders_.extract(order));
    gone_.add(id);
}

void Orders::note_place(std::uint64_t id) {
    constexpr std::uint64_t kStride = 1024;
    if (!history_) return;
    Series& series = series_[id >> kCountBits];
    if (series.milestones.empty() || id >= series.milestones.back().first + kStride)
        series.milestones.push_back({id, said_()});
    series.last = std::max(series.last, id);
}

bool Orders::is_ahead(std::uint64_t id) const noexcept {
    const auto series = series_.find(id >> kCountBits);
    return series != series_.end() && id > series->second.last && id - series->second.last < (1U << 20);
}

std::uint64_t Orders::place_before(std::uint64_t id) const {
    const auto series = series_.find(id >> kCountBits);
    if (series == series_.end() || id > series->second.last) return 1;
    std::uint64_t place = 1;
    for (const Milestone& milestone : series->second.milestones) {
        if (milestone.first > id) break;
        place = milestone.said + 1;
    }
    return place;
}

std::vector<std::uint64_t> Orders::live() const {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, order] : orders_)
        if (!is_terminal(order.state)) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

Order& Orders::keep(const Order& order) {
    if (spare_.empty()) return orders_.emplace(order.id, order).first->second;
    Kept::node_type node = std::move(spare_.back());
    spare_.pop_back();
    node.key() = order.id;
    node.mapped() = order;
    return orders_.insert(std::move(node)).position->second;
}

Order& Orders::add(const Order& order) {
    Order& added = keep(order);
    count(added, {}, Counted(added));
    if (order.strategy != 0) note_place(order.id);
    if (is_terminal(order.state)) close(order.id);
    return added;
}

Number Orders::open_size(std::uint64_t account, std::uint64_t instrument, Side side) const noexcept {
    const auto found = open_.find(OpenKey{account, instrument, side});
    return found == open_.end() ? Number{0, 0} : found->second;
}

bool Orders::remember_fill(Order& order, std::string_view trade_id) {
    FillKey key{order.id, {}};
    set_fixed_text(key.trade_id.data(), key.trade_id.size(), trade_id);
    TradeId before;
    std::memcpy(before.data(), order.last_trade, before.size());
    if (!fills_.emplace(key, before).second) return false;
    std::memcpy(order.last_trade, key.trade_id.data(), key.trade_id.size());
    return true;
}

Counted::Counted(const Order& order)
    : only_reduces(order.request.reduce_only != 0),
      price(order.resting_price()),
      worst_price(order.worst_price) {
    const OrderType type = order.request.get_type();
    const bool waits = type == OrderType::STOP_MARKET || type == OrderType::STOP_LIMIT ||
                       type == OrderType::TRAILING_STOP || order.request.algorithm != 0;
    const bool is_over = is_terminal(order.state);
    is_resting = !is_over && !waits && order.state != OrderState::CREATED;
    if (order.counts_in_parent) return;
    is_open = !is_over;
    rest = order.remaining();
}

void Orders::count(const Order& order, const Counted& before, const Counted& after) {
    if (watch_) watch_(order, before, after);
    if (before.rest.is_zero() && after.rest.is_zero()) return;
    Number& open = open_.try_emplace(OpenKey{order.account, order.instrument, order.side}).first->second;
    if (!before.rest.is_zero()) open = sum(open, -before.rest, "open size");
    if (!after.rest.is_zero()) open = sum(open, after.rest, "open size");
}

void Orders::save(StateWriter& state) const {
    state.put(static_cast<std::uint64_t>(orders_.size()));
    for (const auto& [id, order] : orders_) state.put(order);
    put_map(state, open_);
    state.put(static_cast<std::uint64_t>(fills_.size()));
    for (const auto& [key, before] : fills_) state.put(key), state.put(before);
    state.put(static_cast<std::uint64_t>(closed_.size()));
    for (const std::uint64_t id : closed_) state.put(id);
    state.put_text(gone_.bytes());
    state.put(static_cast<std::uint64_t>(series_.size()));
    for (const auto& [high, series] : series_) {
        state.put(high);
        state.put(series.last);
        state.put(static_cast<std::uint64_t>(series.milestones.size()));
        for (const Milestone& milestone : series.milestones) state.put(milestone);
    }
}

bool Orders::load(StateReader& state) {
    orders_.clear();
    fills_.clear();
    closed_.clear();
    series_.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto order = state.get<Order>();
        orders_.emplace(order.id, order);
    }
    get_map(state, open_);
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto key = state.get<FillKey>();
        fills_[key] = state.get<TradeId>();
    }
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
        closed_.push_back(state.get<std::uint64_t>());
    if (!gone_.set_bytes(state.get_text())) return false;
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        Series& series = series_[state.get<std::uint64_t>()];
        series.last = state.get<std::uint64_t>();
        for (auto m = state.get<std::uint64_t>(); m > 0 && state.good(); --m)
            series.milestones.push_back(state.get<Milestone>());
    }
    return state.good();
}

std::size_t Orders::Hash::operator()(const OpenKey& key) const noexcept {
    return (key.account * 31 + key.instrument) * 31 + static_cast<std::uint8_t>(key.side);
}

std::size_t Orders::Hash::operator()(const FillKey& key) const noexcept {
    std::uint64_t words[sizeof key.trade_id / sizeof(std::uint64_t)];
    std::memcpy(words, key.trade_id.data(), sizeof words);
    std::uint64_t hash = key.order_id;
    for (const std::uint64_t word : words) hash = (hash ^ word ^ (hash >> 32)) * 0x9e3779b97f4a7c15ULL;
    return hash;
}

}  // namespace kungfu::broker
