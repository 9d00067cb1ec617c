#include "synthetic_market.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::sim {

namespace {

constexpr std::uint32_t kMarketData = 1;
constexpr std::int64_t kDriftPeriod = 100'000'000;
constexpr std::int64_t kDriftShare = 563'114;  // sqrt(drift period / year of 365 days) * 10^10

Side opposite(Side side) noexcept { return side == Side::BUY ? Side::SELL : Side::BUY; }

void require_appended(std::int32_t status) {
    if (status != KF_OK)
        throw std::runtime_error("simulated venue: cannot write market data, status " +
                                 std::to_string(status));
}

OrderKind kind_of(OrderType type) noexcept {
    if (type == OrderType::MARKET) return OrderKind::MARKET;
    return type == OrderType::POST_ONLY ? OrderKind::POST_ONLY : OrderKind::LIMIT;
}

}  // namespace

SyntheticMarket::SyntheticMarket(const SyntheticSettings& settings, std::uint64_t seed, const Moment& moment,
                                 Port& port, MarketReports& reports)
    : settings_(settings),
      moment_(moment),
      port_(port),
      reports_(reports),
      random_(seed ^ id_of(settings.name)),
      instrument_(id_of(settings.name)),
      fair_(ticks_of(settings.start_price) << 16) {}

Instrument SyntheticMarket::definition() const {
    Instrument definition{};
    definition.instrument = instrument_;
    definition.set_product(settings_.perpetual ? Product::PERPETUAL : Product::SPOT);
    definition.set_contract_kind(settings_.perpetual ? ContractKind::LINEAR : ContractKind::NONE);
    definition.set_size_unit(SizeUnit::BASE);
    definition.set_status(InstrumentStatus::TRADING);
    definition.set_tick(settings_.tick);
    definition.set_lot(settings_.lot);
    definition.set_min_size(settings_.lot);
    definition.set_max_size(Number::none());
    definition.set_min_notional(Number::none());
    definition.set_contract_value(Number::none());
    definition.settle_decimals = 8;
    definition.set_venue(settings_.venue);
    definition.set_symbol(settings_.symbol);
    definition.set_base(settings_.base);
    definition.set_quote(settings_.quote);
    definition.set_settle(settings_.quote);
    return definition;
}

void SyntheticMarket::open() {
    require_appended(port_.append(definition(), settings_.name, 0, &moment_.cause, kMarketData));
    for (std::int64_t i = 0; i < settings_.resting_orders; ++i) place_limit(OrderKind::POST_ONLY);
    touched_.clear();
    publish_snapshot();
    publish_top();
    next_drift_ = moment_.time + kDriftPeriod;
    next_order_ = moment_.time + settings_.order_interval_ns;
    next_trade_ = moment_.time + settings_.trade_interval_ns;
}

std::int64_t SyntheticMarket::next_time() const noexcept {
    return std::min(next_drift_, std::min(next_order_, next_trade_));
}

void SyntheticMarket::advance() {
    const auto after = [this](std::int64_t mean) {
        return std::max<std::int64_t>(
            1, static_cast<std::int64_t>(static_cast<int128>(mean) * random_.exponential() >> 16));
    };
    if (next_drift_ <= moment_.time) {
        next_drift_ += kDriftPeriod;
        drift();
    } else if (next_order_ <= moment_.time) {
        next_order_ += after(settings_.order_interval_ns);
        order_or_cancel();
    } else if (next_trade_ <= moment_.time) {
        next_trade_ += after(settings_.trade_interval_ns);
        place_market();
    }
}

/// One step of a geometric random walk with the configured volatility.
void SyntheticMarket::drift() {
    const int128 scaled =
        static_cast<int128>(fair_) * settings_.volatility_ppm * kDriftShare / 1'000'000 / 65'536;
    fair_ += static_cast<std::int64_t>(scaled * random_.normal() / 10'000'000'000);
    constexpr std::int64_t kLowest = std::int64_t{64} << 16;
    constexpr std::int64_t kHighest = std::int64_t{1} << 58;
    fair_ = std::max(kLowest, std::min(kHighest, fair_));
}

/// As many orders are placed as are cancelled while the wanted number of them rests.
void SyntheticMarket::order_or_cancel() {
    const auto wanted = static_cast<std::uint64_t>(settings_.resting_orders);
    if (random_.below(2 * wanted) < flow_.size()) {
        cancel_one();
    } else {
        place_limit(OrderKind::LIMIT);
    }
    publish_book();
}

void SyntheticMarket::place_limit(OrderKind kind) {
    const Side side = random_.coin() ? Side::BUY : Side::SELL;
    const std::int64_t scale = std::max<std::int64_t>(2, fair_ticks() / 10'000);
    const std::int64_t away = 1 + (scale * random_.exponential() >> 16);
    const std::int64_t price = std::max<std::int64_t>(1, fair_ticks() + (side == Side::BUY ? -away : away));
    const EngineOrder order{next_id_++, side, kind, TimeInForce::GTC, price, random_size()};
    submit_to_engine(order);
    if (engine_.open_size(order.id) > 0) remember({order.id, side, price});
}

/// How far an order stands from the fair price; negative where it has been overtaken.
std::int64_t SyntheticMarket::distance(const FlowOrder& order) const noexcept {
    return order.side == Side::BUY ? fair_ticks() - order.price : order.price - fair_ticks();
}

/// Cancels what the fair price has overtaken, otherwise rather what is far from it.
void SyntheticMarket::cancel_one() {
    const FlowOrder& one = flow_[random_.below(flow_.size())];
    const FlowOrder& two = flow_[random_.below(flow_.size())];
    const bool first = distance(one) < 0 || (distance(two) >= 0 && distance(one) > distance(two));
    const FlowOrder chosen = first ? one : two;
    events_.clear();
    engine_.cancel(chosen.id, events_);
    touch(chosen.side, chosen.price);
    forget(chosen.id);
}

void SyntheticMarket::place_market() {
    const Side side = random_.coin() ? Side::BUY : Side::SELL;
    submit_to_engine({next_id_++, side, OrderKind::MARKET, TimeInForce::IOC, 0, random_size()});
    publish_book();
}

/// Sizes with a long tail: the product of two exponentials.
std::int64_t SyntheticMarket::random_size() {
    const int128 size = static_cast<int128>(lots_of(settings_.typical_size)) * random_.exponential() *
                            random_.exponential() >>
                        32;
    return 1 + static_cast<std::int64_t>(std::min<int128>(size, MatchingEngine::kMaxSize / 2));
}

void SyntheticMarket::remember(const FlowOrder& order) {
    flow_places_[order.id] = flow_.size();
    flow_.push_back(order);
}

void SyntheticMarket::forget(std::uint64_t id) {
    const auto place = flow_places_.find(id);
    if (place == flow_places_.end()) return;
    flow_[place->second] = flow_.back();
    flow_places_[flow_.back().id] = place->second;
    flow_.pop_back();
    flow_places_.erase(id);
}

void SyntheticMarket::submit_to_engine(const EngineOrder& order) {
    events_.clear();
    engine_.submit(order, events_);
    tell(order);
}

/// Passes on what the engine said about an order that entered: trades to everybody, the rest to us.
void SyntheticMarket::tell(const EngineOrder& order) {
    const auto own = ours_.find(order.id);
    const bool is_ours = own != ours_.end();
    const std::uint64_t our_id = is_ours ? own->second.id : 0;
    for (const EngineEvent& event : events_) {
        switch (event.kind) {
            case EngineEvent::Kind::TRADE: tell_trade(event, order.side); break;
            case EngineEvent::Kind::DONE:
                forget(event.order);
                if (ours_.count(event.order) != 0) {
                    engine_ids_.erase(ours_.at(event.order).id);
                    ours_.erase(event.order);
                }
                break;
            case EngineEvent::Kind::ACCEPTED:
                if (is_ours) reports_.accepted(our_id);
                break;
            case EngineEvent::Kind::REJECTED:
                if (is_ours)
                    reports_.rejected(our_id, event.reason == EngineReason::WOULD_TAKE
                                                  ? kWouldTake
                                                  : "price or size out of range");
                break;
            case EngineEvent::Kind::CANCELED:
                if (!is_ours) break;
                if (order.kind == OrderKind::MARKET)
                    reports_.ended(our_id, OrderState::CANCELED, kNoLiquidity);
                else
                    reports_.ended(our_id, OrderState::EXPIRED,
                                   order.time_in_force == TimeInForce::FOK ? kFillOrKill : kImmediate);
                break;
        }
    }
    if (engine_.open_size(order.id) > 0) {
        touch(order.side, order.price);
    } else if (is_ours) {
        engine_ids_.erase(our_id);
        ours_.erase(order.id);
    }
}

void SyntheticMarket::tell_trade(const EngineEvent& trade, Side taker) {
    ++trade_id_;
    touch(opposite(taker), trade.price);
    publish_trade(trade, taker);
    const auto report = [&](std::uint64_t id, Liquidity liquidity) {
        const auto own = ours_.find(id);
        if (own != ours_.end())
            reports_.filled(own->second.id, price_of(trade.price), size_of(trade.size), liquidity);
    };
    report(trade.maker, Liquidity::MAKER);
    report(trade.order, Liquidity::TAKER);
}

void SyntheticMarket::submit(const MarketOrder& order) {
    const std::int64_t price = order.price.is_none() ? 0 : ticks_of(order.price);
    const EngineOrder entered{next_id_++,          order.side, kind_of(order.type),
                              order.time_in_force, price,      lots_of(order.size)};
    engine_ids_[order.id] = entered.id;
    EngineOrder own = entered;
    own.id = order.id;
    ours_[entered.id] = own;
    submit_to_engine(entered);
    publish_book();
}

void SyntheticMarket::cancel(std::uint64_t order) {
    const auto id = engine_ids_.find(order);
    if (id == engine_ids_.end()) return;
    const EngineOrder own = ours_.at(id->second);
    events_.clear();
    engine_.cancel(id->second, events_);
    touch(own.side, own.price);
    ours_.erase(id->second);
    engine_ids_.erase(id);
    publish_book();
}

const char* SyntheticMarket::amend(std::uint64_t order, Number price, Number size) {
    const auto id = engine_ids_.find(order);
    if (id == engine_ids_.end()) return "order does not rest";
    EngineOrder& own = ours_.at(id->second);
    events_.clear();
    engine_.amend(id->second, ticks_of(price), lots_of(size), events_);
    if (events_.front().kind == EngineEvent::Kind::REJECTED) {
        return events_.front().reason == EngineReason::WOULD_TAKE ? kWouldTake : "price or size out of range";
    }
    touch(own.side, own.price);
    own.price = ticks_of(price);
    EngineOrder changed = own;
    changed.id = id->second;
    tell(changed);
    publish_book();
    return nullptr;
}

Money SyntheticMarket::cost_of_taking(Side side, Number size) const {
    Money cost{};
    std::int64_t missing = lots_of(size);
    engine_.levels(opposite(side), [&](std::int64_t price, std::int64_t there) {
        const std::int64_t part = std::min(missing, there);
        cost = sum(cost, product(price_of(price), size_of(part)));
        missing -= part;
        return missing > 0;
    });
    return cost;
}

Number SyntheticMarket::price_of(std::int64_t ticks) const noexcept {
    return {ticks * settings_.tick.mantissa, settings_.tick.exponent};
}

Number SyntheticMarket::size_of(std::int64_t lots) const noexcept {
    return {lots * settings_.lot.mantissa, settings_.lot.exponent};
}

std::int64_t SyntheticMarket::ticks_of(Number price) const {
    std::int64_t mantissa = 0;
    if (!price.at(settings_.tick.exponent, mantissa)) return 0;
    return mantissa / settings_.tick.mantissa;
}

std::int64_t SyntheticMarket::lots_of(Number size) const {
    std::int64_t mantissa = 0;
    if (!size.at(settings_.lot.exponent, mantissa)) return 0;
    return mantissa / settings_.lot.mantissa;
}

Level SyntheticMarket::level(Side side, std::int64_t price, std::int64_t size) const {
    Level made{};
    made.set_side(side);
    made.set_price(price_of(price));
    made.set_size(size_of(size));
    return made;
}

void SyntheticMarket::publish_trade(const EngineEvent& trade, Side taker) {
    Trade event{};
    event.instrument = instrument_;
    event.time = moment_.time;
    event.trade_id = trade_id_;
    event.set_price(price_of(trade.price));
    event.set_size(size_of(trade.size));
    event.set_side(taker);
    require_appended(port_.append(event, 0, &moment_.cause, kMarketData));
}

void SyntheticMarket::publish_snapshot() {
    std::vector<Level> all;
    for (const Side side : {Side::BUY, Side::SELL}) {
        engine_.levels(side, [&](std::int64_t price, std::int64_t size) {
            all.push_back(level(side, price, size));
            return true;
        });
    }
    BookSnapshot event{};
    event.instrument = instrument_;
    event.time = moment_.time;
    event.update_id = ++update_id_;
    const std::string_view tail(static_cast<const char*>(static_cast<const void*>(all.data())),
                                all.size() * sizeof(Level));
    require_appended(port_.append(event, tail, 0, &moment_.cause, kMarketData));
}

/// Publishes the levels that changed since the last time, then the best prices if they did.
void SyntheticMarket::publish_book() {
    if (touched_.empty()) return;
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    std::vector<Level> changes;
    for (const auto& [side, price] : touched_)
        changes.push_back(level(side, price, engine_.size_at(side, price)));
    touched_.clear();
    BookDelta event{};
    event.instrument = instrument_;
    event.time = moment_.time;
    event.previous_id = update_id_;
    event.update_id = ++update_id_;
    const std::string_view tail(static_cast<const char*>(static_cast<const void*>(changes.data())),
                                changes.size() * sizeof(Level));
    require_appended(port_.append(event, tail, 0, &moment_.cause, kMarketData));
    publish_top();
}

void SyntheticMarket::publish_top() {
    const std::int64_t bid = engine_.best(Side::BUY);
    const std::int64_t ask = engine_.best(Side::SELL);
    const Top now{bid, engine_.size_at(Side::BUY, bid), ask, engine_.size_at(Side::SELL, ask)};
    if (now == top_) return;
    top_ = now;
    Quote event{};
    event.instrument = instrument_;
    event.time = moment_.time;
    event.update_id = update_id_;
    event.set_bid_price(bid != 0 ? price_of(bid) : Number::none());
    event.set_bid_size(bid != 0 ? size_of(now.bid_size) : Number::none());
    event.set_ask_price(ask != 0 ? price_of(ask) : Number::none());
    event.set_ask_size(ask != 0 ? size_of(now.ask_size) : Number::none());
    require_appended(port_.append(event, 0, &moment_.cause, kMarketData));
}

}  // namespace kungfu::sim
