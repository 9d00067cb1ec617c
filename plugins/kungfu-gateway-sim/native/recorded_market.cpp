#include "recorded_market.hpp"

#include <algorithm>

#include "exact.hpp"

namespace kungfu::sim {

namespace {

Side opposite(Side side) noexcept { return side == Side::BUY ? Side::SELL : Side::BUY; }

}  // namespace

void RecordedView::take(const BookSnapshot& event, std::string_view tail) {
    took_book(book_.apply(event, tail));
}
void RecordedView::take(const BookDelta& event, std::string_view tail) {
    took_book(book_.apply(event, tail));
}

void RecordedView::took_book(BookChange change) noexcept {
    if (change == BookChange::APPLIED) quote_is_last_ = false;
}

void RecordedView::take(const Quote& event) {
    quote_ = event;
    has_quote_ = true;
    quote_is_last_ = true;
}

bool RecordedView::quote_rules() const noexcept {
    if (!has_quote_ || !book_.known()) return has_quote_;
    return quote_.update_id == 0 || book_.update_id() == 0 ? quote_is_last_
                                                           : quote_.update_id > book_.update_id();
}

PriceLevel RecordedView::quoted(Side side) const noexcept {
    const PriceLevel level = side == Side::BUY ? PriceLevel{quote_.get_bid_price(), quote_.get_bid_size()}
                                               : PriceLevel{quote_.get_ask_price(), quote_.get_ask_size()};
    return level.size.is_none() || !is_positive(level.size) ? PriceLevel{} : level;
}

PriceLevel RecordedView::best(Side side) const noexcept {
    if (quote_rules()) return quoted(side);
    return book_.known() ? book_.best(side) : PriceLevel{};
}

bool RecordedView::tradable() const noexcept {
    if (!has_quote_ && !book_.known()) return false;
    const PriceLevel bid = best(Side::BUY);
    const PriceLevel ask = best(Side::SELL);
    return bid.is_none() || ask.is_none() || bid.price < ask.price;
}

Number RecordedView::displayed(Side side, Number price) const noexcept {
    const bool over = quote_rules();
    if (over) {
        const PriceLevel top = quoted(side);
        if (top.is_none() || better(side, price, top.price)) return Number{};
        if (price == top.price) return top.size;
    }
    if (!book_.known()) return Number::none();
    const std::size_t depth = book_.depth(side);
    if (depth == 0 || better(side, book_.level(side, depth - 1).price, price)) return Number::none();
    return book_.size_at(side, price);
}

void RecordedMarket::take(const BookSnapshot& event, std::string_view tail) {
    view_.take(event, tail);
    changed();
}

void RecordedMarket::take(const BookDelta& event, std::string_view tail) {
    view_.take(event, tail);
    changed();
}

void RecordedMarket::take(const Quote& event) {
    view_.take(event);
    changed();
}

Number RecordedMarket::available(Side side, Number price, Number displayed) const noexcept {
    for (const Taken& taken : taken_) {
        Number left;
        if (taken.side == side && taken.price == price && subtract(displayed, taken.size, left)) return left;
    }
    return displayed;
}

void RecordedMarket::consume(Side side, Number price, Number displayed, Number size) {
    for (Taken& taken : taken_) {
        if (taken.side == side && taken.price == price) {
            taken.size = sum(taken.size, size);
            return;
        }
    }
    taken_.push_back({side, price, displayed, size});
}

void RecordedMarket::walk(MarketOrder& order, Liquidity liquidity) {
    const Side side = opposite(order.side);
    view_.levels(side, [&](Number price, Number displayed) {
        if (order.type != OrderType::MARKET && RecordedView::better(side, order.price, price)) return false;
        const Number size = smaller(order.size, available(side, price, displayed));
        if (is_positive(size)) {
            consume(side, price, displayed, size);
            order.size = difference(order.size, size);
            reports_.filled(order.id, liquidity == Liquidity::MAKER ? order.price : price, size, liquidity);
        }
        return is_positive(order.size);
    });
}

Number RecordedMarket::takable(const MarketOrder& order) const {
    const Side side = opposite(order.side);
    Number total{};
    view_.levels(side, [&](Number price, Number displayed) {
        if (order.type != OrderType::MARKET && RecordedView::better(side, order.price, price)) return false;
        total = sum(total, available(side, price, displayed));
        return total < order.size;
    });
    return total;
}

bool RecordedMarket::would_take(const MarketOrder& order) const noexcept {
    const Side side = opposite(order.side);
    const PriceLevel best = view_.best(side);
    return view_.tradable() && !best.is_none() && !RecordedView::better(side, order.price, best.price);
}

Money RecordedMarket::cost_of_taking(Side side, Number size) const {
    Money cost{};
    if (!view_.tradable()) return cost;
    const Side from = opposite(side);
    view_.levels(from, [&](Number price, Number displayed) {
        const Number part = smaller(size, available(from, price, displayed));
        if (is_positive(part)) {
            cost = sum(cost, product(price, part));
            size = difference(size, part);
        }
        return is_positive(size);
    });
    return cost;
}

void RecordedMarket::submit(const MarketOrder& order) {
    if (order.type == OrderType::POST_ONLY && would_take(order)) {
        reports_.rejected(order.id, kWouldTake);
        return;
    }
    reports_.accepted(order.id);
    enter(order);
}

void RecordedMarket::enter(MarketOrder order) {
    const bool whole =
        order.time_in_force != TimeInForce::FOK || (view_.tradable() && takable(order) >= order.size);
    if (!whole) {
        reports_.ended(order.id, OrderState::EXPIRED, kFillOrKill);
        return;
    }
    if (view_.tradable()) walk(order, Liquidity::TAKER);
    if (!is_positive(order.size)) return;
    if (order.type == OrderType::MARKET) {
        reports_.ended(order.id, OrderState::CANCELED, kNoLiquidity);
    } else if (order.time_in_force == TimeInForce::IOC) {
        reports_.ended(order.id, OrderState::EXPIRED, kImmediate);
    } else {
        rest(order);
    }
}

void RecordedMarket::rest(const MarketOrder& order) {
    const auto place = std::find_if(resting_.begin(), resting_.end(), [&](const Resting& other) {
        if (other.order.side != order.side) return other.order.side == Side::SELL;
        return RecordedView::better(order.side, order.price, other.order.price);
    });
    resting_.insert(place, {order, view_.displayed(order.side, order.price)});
}

void RecordedMarket::cancel(std::uint64_t order) {
    resting_.erase(std::remove_if(resting_.begin(), resting_.end(),
                                  [order](const Resting& resting) { return resting.order.id == order; }),
                   resting_.end());
}

const char* RecordedMarket::amend(std::uint64_t order, Number price, Number size) {
    const auto place = std::find_if(resting_.begin(), resting_.end(),
                                    [order](const Resting& resting) { return resting.order.id == order; });
    if (place == resting_.end()) return "order does not rest";
    MarketOrder wanted = place->order;
    wanted.price = price;
    wanted.size = size;
    if (wanted.type == OrderType::POST_ONLY && would_take(wanted)) return kWouldTake;
    const bool keeps_place = price == place->order.price && size <= place->order.size;
    if (keeps_place) {
        place->order.size = size;
        reports_.accepted(order);
        return nullptr;
    }
    resting_.erase(place);
    reports_.accepted(order);
    enter(wanted);
    return nullptr;
}

/// After the view has changed: what we took is forgotten where the level is another one now, queues
/// get shorter, and orders that the other side has reached are filled.
void RecordedMarket::changed() {
    const auto is_other = [this](const Taken& taken) {
        const Number now = view_.displayed(taken.side, taken.price);
        return now.is_none() || now != taken.displayed;
    };
    taken_.erase(std::remove_if(taken_.begin(), taken_.end(), is_other), taken_.end());
    for (Resting& resting : resting_) {
        const Number shown = view_.displayed(resting.order.side, resting.order.price);
        if (!shown.is_none() && (resting.ahead.is_none() || shown < resting.ahead)) resting.ahead = shown;
    }
    if (!view_.tradable()) return;
    for (Resting& resting : resting_) walk(resting.order, Liquidity::MAKER);
    drop_filled();
}

void RecordedMarket::take(const Trade& event) {
    // A recording can hold the same trades one by one and summed up.
    if (event.aggregate == 0) has_single_trades_ = true;
    if ((event.aggregate != 0 && has_single_trades_) || !view_.tradable()) return;
    const Side side = opposite(event.get_side());
    const Number price = event.get_price();
    Number left = event.get_size();
    for (Resting& resting : resting_) {
        MarketOrder& order = resting.order;
        if (order.side != side || RecordedView::better(side, price, order.price)) continue;
        Number reachable = left;
        if (order.price == price) {
            if (resting.ahead.is_none()) continue;
            reachable = smaller(left, difference(event.get_size(), resting.ahead));
            const Number gone = smaller(resting.ahead, event.get_size());
            resting.ahead = difference(resting.ahead, gone);
        }
        const Number size = smaller(order.size, reachable);
        if (!is_positive(size)) continue;
        left = difference(left, size);
        order.size = difference(order.size, size);
        reports_.filled(order.id, order.price, size, Liquidity::MAKER);
    }
    drop_filled();
}

void RecordedMarket::drop_filled() {
    resting_.erase(std::remove_if(resting_.begin(), resting_.end(),
                                  [](const Resting& resting) { return !is_positive(resting.order.size); }),
                   resting_.end());
}

}  // namespace kungfu::sim
