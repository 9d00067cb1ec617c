#include "venue.hpp"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::sim {

namespace {

constexpr std::int64_t kWorkPerPoll = 256;

void require_appended(std::int32_t status) {
    if (status != KF_OK)
        throw std::runtime_error("simulated venue: cannot write to its journal, status " +
                                 std::to_string(status));
}

std::string text(std::string_view view) { return std::string(view); }

bool is_spot(const Instrument& definition) { return definition.get_product() == Product::SPOT; }

}  // namespace

void Venue::start(Port port) {
    port_ = port;
    moment_ = {port_.now(), {}};
    moment_.cause.time = moment_.time;
    announce_balances();
    if (!settings_.recorded) open_markets();
}

void Venue::announce_balances() {
    for (const std::string& account : settings_.accounts) ledger_.open(id_of(account));
    for (const BalanceSettings& balance : settings_.balances) {
        ledger_.change(id_of(balance.account), balance.currency, to_money(balance.amount));
        CashMovement movement{};
        movement.account = id_of(balance.account);
        movement.time = moment_.time;
        movement.set_amount(to_money(balance.amount));
        movement.set_kind(CashKind::TRANSFER);
        movement.set_currency(balance.currency);
        require_appended(port_.append(movement, 0, &moment_.cause));
    }
}

void Venue::open_markets() {
    MarketReports& reports = *this;
    for (const SyntheticSettings& instrument : settings_.instruments) {
        auto market = std::make_unique<SyntheticMarket>(instrument, settings_.seed, moment_, port_, reports);
        SyntheticMarket* synthetic = market.get();
        listings_[id_of(instrument.name)] = {synthetic->definition(), true, std::move(market), nullptr,
                                             synthetic};
        synthetic_.push_back(synthetic);
        synthetic->open();
    }
}

std::int64_t Venue::next_time() {
    std::int64_t next = kNever;
    if (!arrivals_.empty()) next = std::min(next, arrivals_.front().due);
    if (!reports_.empty()) next = std::min(next, reports_.front().due);
    for (const SyntheticMarket* market : synthetic_) next = std::min(next, market->next_time());
    return next;
}

std::int64_t Venue::poll() {
    std::int64_t done = 0;
    while (done < kWorkPerPoll) {
        if (run_due(port_.now())) {
            ++done;
            continue;
        }
        Event event;
        if (!port_.next(event)) break;
        read(event);
        ++done;
    }
    return done;
}

bool Venue::run_due(std::int64_t now) {
    const std::int64_t due = next_time();
    if (due > now) return false;
    moment_.time = std::max(moment_.time, due);
    moment_.cause = {0, 0, moment_.time};
    for (SyntheticMarket* market : synthetic_) {
        if (market->next_time() <= due) {
            market->advance();
            return true;
        }
    }
    if (!arrivals_.empty() && arrivals_.front().due <= due) {
        const Arrival arrival = arrivals_.front();
        arrivals_.pop_front();
        moment_.cause = arrival.cause;
        std::visit([&](const auto& request) { handle(request, arrival.broker); }, arrival.request);
        return true;
    }
    const Report report = reports_.front();
    reports_.pop_front();
    send(report);
    return true;
}

void Venue::read(const Event& event) {
    moment_ = {std::max(moment_.time, port_.now()), event.as_cause()};
    if (event.frame->destination == port_.source()) {
        if (arrive<OrderRequest>(event) || arrive<OrderCancel>(event) || arrive<OrderAmend>(event)) return;
    }
    if (settings_.recorded) read_market_data(event);
}

template <class Request>
bool Venue::arrive(const Event& event) {
    const Request* request = event.as<Request>();
    if (request == nullptr) return false;
    arrivals_.push_back(
        {moment_.time + settings_.order_latency_ns, event.as_cause(), event.frame->source, *request});
    return true;
}

void Venue::read_market_data(const Event& event) {
    if (const auto* definition = event.as<Instrument>()) {
        Listing& listing = recorded_listing(definition->instrument);
        listing.definition = *definition;
        listing.defined = true;
    } else if (const auto* snapshot = event.as<BookSnapshot>()) {
        recorded_listing(snapshot->instrument).recorded->take(*snapshot, event.tail<BookSnapshot>());
    } else if (const auto* delta = event.as<BookDelta>()) {
        recorded_listing(delta->instrument).recorded->take(*delta, event.tail<BookDelta>());
    } else if (const auto* quote = event.as<Quote>()) {
        recorded_listing(quote->instrument).recorded->take(*quote);
    } else if (const auto* trade = event.as<Trade>()) {
        recorded_listing(trade->instrument).recorded->take(*trade);
    }
}

Venue::Listing& Venue::recorded_listing(std::uint64_t instrument) {
    Listing& listing = listings_[instrument];
    if (listing.market == nullptr) {
        MarketReports& reports = *this;
        auto market = std::make_unique<RecordedMarket>(reports);
        listing.recorded = market.get();
        listing.market = std::move(market);
    }
    return listing;
}

void Venue::send(const Report& report) {
    require_appended(std::visit(
        [&](const auto& event) {
            if constexpr (std::is_same_v<std::decay_t<decltype(event)>, OrderUpdate>) {
                return port_.append(event, report.reason, report.broker, &report.cause);
            } else {
                return port_.append(event, report.broker, &report.cause);
            }
        },
        report.event));
}

OrderState Venue::state_of(const Order& order) noexcept {
    return order.filled.is_zero() ? OrderState::ACCEPTED : OrderState::PARTIALLY_FILLED;
}

// --- requests at the book ---------------------------------------------------------------------

void Venue::handle(const OrderRequest& request, std::uint64_t broker) {
    Order order{request, broker, Number{}};
    if (request.get_type() == OrderType::MARKET) order.request.set_price(Number::none());
    if (finished_.count(request.order_id) != 0) return;
    const auto known = orders_.find(request.order_id);
    if (known != orders_.end()) {
        report(known->second, state_of(known->second), "duplicate order id: the first stands");
        return;
    }
    const char* fault = fault_of(order.request);
    if (fault != nullptr) {
        finished_.insert(request.order_id);
        report(order, OrderState::REJECTED, fault);
        return;
    }
    orders_.emplace(request.order_id, order);
    hold(order);
    listing_of(order).market->submit({request.order_id, request.get_side(), request.get_type(),
                                      request.get_time_in_force(), order.request.get_price(),
                                      request.get_size()});
}

template <class Request>
Venue::Order* Venue::find_open(const Request& request, std::uint64_t broker) {
    const auto found = orders_.find(request.order_id);
    if (found != orders_.end()) return &found->second;
    // What ended it is on its way to the broker already, unless the venue never had the order.
    if (finished_.count(request.order_id) == 0) {
        Order unknown{};
        unknown.request.order_id = request.order_id;
        unknown.request.instrument = request.instrument;
        unknown.request.account = request.account;
        unknown.request.strategy = request.strategy;
        unknown.request.set_price(Number::none());
        unknown.request.set_size(Number::none());
        unknown.broker = broker;
        report(unknown, OrderState::CANCELED, "unknown order");
    }
    return nullptr;
}

void Venue::handle(const OrderCancel& request, std::uint64_t broker) {
    Order* order = find_open(request, broker);
    if (order == nullptr) return;
    listing_of(*order).market->cancel(request.order_id);
    ended(request.order_id, OrderState::CANCELED, "canceled on request");
}

void Venue::handle(const OrderAmend& request, std::uint64_t broker) {
    Order* order = find_open(request, broker);
    if (order == nullptr) return;
    const char* refusal = amend(*order, request);
    if (refusal == nullptr) return;
    report(*order, state_of(*order), (std::string("amend refused: ") + refusal).c_str());
}

const char* Venue::amend(Order& order, const OrderAmend& request) {
    const OrderRequest before = order.request;
    OrderRequest wanted = before;
    if (!request.get_price().is_none()) wanted.set_price(request.get_price());
    if (!request.get_size().is_none()) wanted.set_size(request.get_size());
    const Instrument& definition = listing_of(order).definition;
    if (const char* fault = fault_of_steps(definition, wanted.get_price(), wanted.get_size())) return fault;
    const Number open = difference(wanted.get_size(), order.filled);
    if (!is_positive(open)) {
        listing_of(order).market->cancel(request.order_id);
        ended(request.order_id, OrderState::CANCELED, "amended to no more than is filled");
        return nullptr;
    }
    if (const char* fault = fault_of_balance(wanted, open)) return fault;
    order.request = wanted;
    hold(order);
    const char* refusal = listing_of(order).market->amend(request.order_id, wanted.get_price(), open);
    if (refusal != nullptr) {
        order.request = before;
        hold(order);
    }
    return refusal;
}

// --- checks and money -------------------------------------------------------------------------

const char* Venue::fault_of(const OrderRequest& request) const {
    if (!ledger_.knows(request.account)) return "unknown account";
    const auto found = listings_.find(request.instrument);
    if (found == listings_.end() || !found->second.defined) return "unknown instrument";
    const Instrument& definition = found->second.definition;
    if (definition.get_status() != InstrumentStatus::TRADING) return "instrument is not trading";
    if (definition.get_contract_kind() == ContractKind::INVERSE) return "inverse contracts are not simulated";
    if (definition.get_size_unit() == SizeUnit::CONTRACTS && definition.get_contract_value().is_none()) {
        return "instrument has no contract value";
    }
    if (const char* fault = fault_of_terms(request)) return fault;
    if (const char* fault = fault_of_steps(definition, request.get_price(), request.get_size())) return fault;
    return fault_of_balance(request, request.get_size());
}

const char* Venue::fault_of_terms(const OrderRequest& request) {
    const OrderType type = request.get_type();
    const TimeInForce lasts = request.get_time_in_force();
    if (request.get_side() != Side::BUY && request.get_side() != Side::SELL) return "no side";
    if (type != OrderType::MARKET && type != OrderType::LIMIT && type != OrderType::POST_ONLY) {
        return "order type is not supported";
    }
    if (lasts != TimeInForce::GTC && lasts != TimeInForce::IOC && lasts != TimeInForce::FOK) {
        return "time in force is not supported";
    }
    if (type == OrderType::POST_ONLY && lasts != TimeInForce::GTC)
        return "a post-only order must be good till cancelled";
    if (type != OrderType::MARKET && request.get_price().is_none()) return "a limit order needs a price";
    if (!request.get_display_size().is_none() && !request.get_display_size().is_zero())
        return "iceberg orders are not supported";
    if (request.reduce_only != 0) return "reduce-only is not supported";
    return nullptr;
}

const char* Venue::fault_of_steps(const Instrument& definition, Number price, Number size) const {
    if (size.is_none() || !is_positive(size)) return "size must be positive";
    if (!is_multiple(size, definition.get_lot())) return "size is not a multiple of the lot";
    const Number least = definition.get_min_size();
    const Number most = definition.get_max_size();
    if (!least.is_none() && size < least) return "size is below the minimum";
    if (!most.is_none() && is_positive(most) && size > most) return "size is above the maximum";
    if (price.is_none()) return nullptr;
    if (!is_positive(price)) return "price must be positive";
    if (!is_multiple(price, definition.get_tick())) return "price is not a multiple of the tick";
    return fault_of_value(definition, price, size);
}

const char* Venue::fault_of_value(const Instrument& definition, Number price, Number size) const {
    try {
        const Money value = notional(definition, price, size);
        static_cast<void>(sum(value, highest_fee(value)));
        const Number least = definition.get_min_notional();
        return !least.is_none() && compare(value, to_money(least)) < 0 ? "order value is below the minimum"
                                                                       : nullptr;
    } catch (const std::overflow_error&) {
        return "order value is out of range";
    }
}

/// Spot only: perpetuals have no margin rule in this version.
const char* Venue::fault_of_balance(const OrderRequest& request, Number open) const {
    const Listing& listing = listings_.at(request.instrument);
    if (!is_spot(listing.definition)) return nullptr;
    constexpr const char* kInsufficient = "insufficient balance";
    if (request.get_side() == Side::SELL) {
        const Money has =
            ledger_.available(request.account, text(listing.definition.get_base()), request.order_id);
        return compare(has, to_money(open)) < 0 ? kInsufficient : nullptr;
    }
    const Money value = request.get_type() == OrderType::MARKET
                            ? listing.market->cost_of_taking(Side::BUY, open)
                            : product(request.get_price(), open);
    const Money has =
        ledger_.available(request.account, text(listing.definition.get_quote()), request.order_id);
    return compare(has, sum(value, highest_fee(value))) < 0 ? kInsufficient : nullptr;
}

Money Venue::highest_fee(Money value) const {
    const Number rate = settings_.maker_fee > settings_.taker_fee ? settings_.maker_fee : settings_.taker_fee;
    return is_positive(rate) ? product(value, rate) : Money{};
}

Money Venue::notional(const Instrument& definition, Number price, Number size) const {
    const Money value = product(price, size);
    const bool counts_contracts = definition.get_size_unit() == SizeUnit::CONTRACTS;
    return counts_contracts ? product(value, definition.get_contract_value()) : value;
}

/// Holds back what the open part of a spot order can cost at most.
void Venue::hold(const Order& order) {
    const OrderRequest& request = order.request;
    const Instrument& definition = listing_of(order).definition;
    if (!is_spot(definition) || request.get_type() == OrderType::MARKET) return;
    const Number open = difference(request.get_size(), order.filled);
    if (request.get_side() == Side::SELL) {
        ledger_.hold(request.order_id, request.account, text(definition.get_base()), to_money(open));
        return;
    }
    const Money value = product(request.get_price(), open);
    ledger_.hold(request.order_id, request.account, text(definition.get_quote()),
                 sum(value, highest_fee(value)));
}

void Venue::book(const Order& order, Number price, Number size, Money fee) {
    const OrderRequest& request = order.request;
    const Instrument& definition = listing_of(order).definition;
    if (!is_spot(definition)) {
        ledger_.change(request.account, text(definition.get_settle()), -fee);
        return;
    }
    const bool buys = request.get_side() == Side::BUY;
    const Money value = notional(definition, price, size);
    ledger_.change(request.account, text(definition.get_base()), to_money(buys ? size : -size));
    ledger_.change(request.account, text(definition.get_quote()), sum(buys ? -value : value, -fee));
}

// --- what the market tells --------------------------------------------------------------------

void Venue::accepted(std::uint64_t id) {
    const Order& order = orders_.at(id);
    report(order, state_of(order));
}

void Venue::rejected(std::uint64_t id, const char* reason) {
    report(orders_.at(id), OrderState::REJECTED, reason);
    finish(id);
}

void Venue::filled(std::uint64_t id, Number price, Number size, Liquidity liquidity) {
    Order& order = orders_.at(id);
    const OrderRequest& request = order.request;
    const Instrument& definition = listing_of(order).definition;
    const Number rate = liquidity == Liquidity::MAKER ? settings_.maker_fee : settings_.taker_fee;
    const Money fee = product(notional(definition, price, size), rate);
    order.filled = sum(order.filled, size);
    book(order, price, size, fee);
    Fill fill{};
    fill.order_id = request.order_id;
    fill.instrument = request.instrument;
    fill.account = request.account;
    fill.strategy = request.strategy;
    fill.time = moment_.time;
    fill.set_price(price);
    fill.set_size(size);
    fill.set_fee(fee);
    fill.set_realized_pnl(Money::none());
    fill.set_side(request.get_side());
    fill.set_position_side(request.get_position_side());
    fill.set_liquidity(liquidity);
    fill.set_fee_currency(is_spot(definition) ? definition.get_quote() : definition.get_settle());
    fill.set_trade_id(std::to_string(++fill_id_));
    fill.set_venue_order_id(std::to_string(request.order_id));
    reports_.push_back({moment_.time + settings_.report_latency_ns, moment_.cause, order.broker, fill, {}});
    if (order.filled == request.get_size()) {
        finish(id);
    } else {
        hold(order);
    }
}

void Venue::ended(std::uint64_t id, OrderState state, const char* reason) {
    report(orders_.at(id), state, reason);
    finish(id);
}

void Venue::report(const Order& order, OrderState state, const char* reason) {
    const OrderRequest& request = order.request;
    OrderUpdate update{};
    update.order_id = request.order_id;
    update.instrument = request.instrument;
    update.account = request.account;
    update.strategy = request.strategy;
    update.time = moment_.time;
    update.set_price(request.get_price());
    update.set_size(request.get_size());
    update.set_filled(order.filled);
    update.set_side(request.get_side());
    update.set_position_side(request.get_position_side());
    update.set_state(state);
    update.set_venue_order_id(std::to_string(request.order_id));
    reports_.push_back(
        {moment_.time + settings_.report_latency_ns, moment_.cause, order.broker, update, reason});
}

void Venue::finish(std::uint64_t id) {
    ledger_.release(id);
    orders_.erase(id);
    finished_.insert(id);
}

}  // namespace kungfu::sim
