/// Limits where they are nearest to the machine: what an order costs that passes, and books.
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "broker_desk.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace desk;
using broker::Limits;
using broker::ScopeConfig;

namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

ScopeConfig global(Texts limits) { return {Scope::GLOBAL, 0, {}, std::move(limits), {}}; }

broker::BrokerConfig with(Texts limits) {
    auto config = Desk::plain();
    config.limits.push_back(global(std::move(limits)));
    return config;
}

const Texts& all_limits() {
    static const Texts kAll = {
        {"max_order_size", "10"},
        {"max_order_notional", "USDT=1000000"},
        {"max_position", "1000000"},
        {"max_net_notional", "USDT=100000000000"},
        {"max_gross_notional", "USDT=100000000000"},
        {"max_leverage", "100000"},
        {"max_open_orders", "1000000"},
        {"max_order_rate", "1000000/1s"},
        {"max_cancel_rate", "1000000/1s"},
        {"price_collar_last", "0.1"},
        {"price_collar_mid", "0.1"},
        {"price_collar_mark", "0.1"},
        {"max_slippage", "0.1"},
        {"max_volume_share", "0.5"},
        {"volume_window", "1h"},
        {"duplicate_window", "1h"},
        {"self_trade", "reject"},
        {"check_funds", "true"},
        {"max_data_age", "1h"},
        {"max_clock_offset", "1s"},
        {"instruments", "venue:*"},
        {"trading_hours", "00:00-24:00"},
        {"max_daily_loss", "USDT=1000000"},
        {"max_drawdown", "USDT=1000000"},
    };
    return kAll;
}

template <class T>
void tell_watch(Limits& limits, const T& payload) {
    struct {
        kf_frame frame;
        T payload;
    } bytes{};
    bytes.payload = payload;
    bytes.frame.gen_time = 1000;
    Event event{};
    event.frame = &bytes.frame;
    event.type = T::kType;
    event.length = sizeof payload;
    limits.take_market_data(event);
}

void an_order_that_passes_all_limits_allocates_nothing() {
    broker::Markets markets;
    broker::Orders orders;
    broker::Accounts accounts;
    Limits limits(markets, orders, accounts);
    std::vector<ScopeConfig> scopes = {global(all_limits())};
    scopes.push_back({Scope::ACCOUNT, kAccount, "venue/main", all_limits(), {}});
    scopes.push_back({Scope::STRATEGY, kStrategy, "strategy", all_limits(), {}});
    limits.configure(scopes, [](const LimitChange&) {});
    markets.define(Desk::definition(kPerpetual, Product::PERPETUAL, ContractKind::LINEAR),
                   "venue:perpetual:BTCUSDT");
    Trade trade{};
    trade.instrument = kPerpetual;
    trade.set_price(num("100"));
    trade.set_size(num("1000"));
    markets.on_trade(trade);
    tell_watch(limits, trade);
    Quote quote{};
    quote.instrument = kPerpetual;
    quote.set_bid_price(num("99.9"));
    quote.set_ask_price(num("100.1"));
    markets.on_quote(quote);
    MarkPrice mark{};
    mark.instrument = kPerpetual;
    mark.set_price(num("100"));
    markets.on_mark(mark);
    limits.on_clock_offset(ClockOffset{});
    CashMovement deposit{};
    deposit.account = kAccount;
    deposit.set_amount(money("1000000"));
    deposit.set_kind(CashKind::TRANSFER);
    deposit.set_currency("USDT");
    accounts.book(deposit, 0, nullptr);

    const broker::Market& market = *markets.find(kPerpetual);
    const auto pass = [&](std::int64_t n) {
        OrderRequest request = Desk::limit(1, Side::BUY, "1", "100");
        request.set_size({1000 + n, -3});
        std::string reason;
        const bool passes = limits.allow(request, request.strategy, market,
                                         limits.worst_price(request, market), nullptr, 1000, reason);
        if (!passes) std::fprintf(stderr, "%s\n", reason.c_str());
        CHECK(passes);
        limits.remember(request, 1000);
        broker::Order order;
        order.account = request.account;
        order.strategy = request.strategy;
        limits.pass(order, 1000);
    };
    pass(0);
    const std::size_t before = allocations;
    for (std::int64_t n = 1; n < 100; ++n) pass(n);
    CHECK(allocations == before);
}

void an_order_whose_cost_fits_no_number_is_refused() {
    Desk d;
    Instrument anything = Desk::definition(kSpot, Product::SPOT, ContractKind::NONE);
    anything.set_max_size(Number::none());
    d.put(kVenue, 0, anything, "venue:spot:BTCUSDT");
    OrderRequest r = Desk::limit(1, Side::BUY, "100", "1", kSpot);
    r.set_price({9, 21});
    d.request(r);
    const auto out = d.run();
    CHECK(only_update(out).as<OrderUpdate>().get_state() == OrderState::RISK_REJECTED);
    CHECK(only_update(out).tail<OrderUpdate>() == "its cost on top of the open orders does not fit");
    d.request(Desk::limit(2, Side::BUY, "1", "100", kSpot));
    CHECK(d.run().back().type == OrderRequest::kType);
}

std::string book_of(const std::vector<std::pair<const char*, const char*>>& asks) {
    std::vector<Level> levels;
    const auto add = [&](Side side, const char* price, const char* size) {
        Level level{};
        level.set_side(side);
        level.set_price(num(price));
        level.set_size(num(size));
        levels.push_back(level);
    };
    add(Side::BUY, "99", "10");
    for (const auto& [price, size] : asks) add(Side::SELL, price, size);
    return {reinterpret_cast<const char*>(levels.data()), levels.size() * sizeof(Level)};
}

void slippage_is_taken_from_the_book() {
    Desk d(with({{"max_slippage", "0.02"}}));
    d.define_perpetual();
    BookSnapshot snapshot{};
    snapshot.instrument = kPerpetual;
    snapshot.update_id = 5;
    d.put(kVenue, 0, snapshot, book_of({{"101", "1"}, {"102", "2"}, {"103", "4"}}));
    const auto outcome = [&](std::uint64_t id, const char* size) {
        d.request(Desk::limit(id, Side::BUY, size, nullptr));
        return std::string(only_update(d.run()).tail<OrderUpdate>());
    };
    CHECK(outcome(1, "3").empty());
    CHECK(outcome(2, "3.001") ==
          "limit max_slippage: size 3.001 would trade as far as price 103, further than 0.02 from the mid "
          "price "
          "100.0");
    CHECK(outcome(3, "7.001") == "limit max_slippage: size 7.001 is above the 7 that the book shows");
    BookDelta delta{};
    delta.instrument = kPerpetual;
    delta.update_id = 6;
    delta.previous_id = 5;
    Level gone{};
    gone.set_side(Side::SELL);
    gone.set_price(num("101"));
    gone.set_size({0, 0});
    d.put(kVenue, 0, delta, {reinterpret_cast<const char*>(&gone), sizeof gone});
    CHECK(outcome(4, "2").empty());
    // The book is part of the state, so that a broker that comes back judges alike.
    d.reload(with({{"max_slippage", "0.02"}}));
    CHECK(outcome(5, "6.001") == "limit max_slippage: size 6.001 is above the 6 that the book shows");
}

/// A rebuild compares every byte with what was said before the snapshot's broker took over.
void refusals_read_the_same_after_a_snapshot() {
    const auto refusal = [](bool reloaded) {
        Desk d(with({{"max_position", "1"}}));
        d.define_perpetual();
        d.request(Desk::limit(1, Side::BUY, "0.125", "100"));
        d.update(1, OrderState::CANCELED);
        d.run();
        if (reloaded) d.reload(with({{"max_position", "1"}}));
        d.request(Desk::limit(2, Side::BUY, "2", "100"));
        return only_update(d.run()).tail<OrderUpdate>();
    };
    CHECK_EQUAL(refusal(true), refusal(false));
}

/// In hedging mode, what opens a long and what opens a short position add up, and what closes one does not.
void both_positions_of_hedging_mode_count_in_what_is_gross() {
    auto config = with({{"max_gross_notional", "USDT=1000"}});
    config.routes[0].terms.hedging = true;
    config.gateways[0].capabilities.position_sides = true;
    Desk d(std::move(config));
    d.define_perpetual();
    std::uint64_t id = 0;
    const auto state_of = [&](Side side, PositionSide position, const char* size) {
        OrderRequest r = Desk::limit(++id, side, size, "100");
        r.set_position_side(position);
        d.request(r);
        return only_update(d.run()).as<OrderUpdate>().get_state();
    };
    CHECK(state_of(Side::BUY, PositionSide::LONG, "6") == OrderState::SUBMITTED);
    CHECK(state_of(Side::SELL, PositionSide::SHORT, "6") == OrderState::RISK_REJECTED);
    d.fill(Desk::a_fill(1, "a", Side::BUY, "6", "100"));
    d.run();
    CHECK(state_of(Side::SELL, PositionSide::SHORT, "6") == OrderState::RISK_REJECTED);
    CHECK(state_of(Side::SELL, PositionSide::LONG, "6") == OrderState::SUBMITTED);
    CHECK(state_of(Side::SELL, PositionSide::SHORT, "4") == OrderState::SUBMITTED);
    CHECK(state_of(Side::BUY, PositionSide::LONG, "0.1") == OrderState::RISK_REJECTED);
}

void a_limit_that_cannot_be_is_refused_when_the_broker_is_made() {
    std::string said;
    try {
        Desk d(with({{"max_order_size", "many"}}));
    } catch (const std::invalid_argument& error) {
        said = error.what();
    }
    CHECK(said == "limit max_order_size: expected a number above 0, got \"many\"");
}

/// The limits that a start changed, as "NAME: BEFORE -> AFTER", and who did it.
std::vector<std::string> restart(Desk& d, Texts limits) {
    d.reload(with(std::move(limits)));
    d.start();
    std::vector<std::string> changes;
    for (const Record& record : d.run()) {
        if (record.type != LimitChange::kType) continue;
        const auto& change = record.as<LimitChange>();
        changes.push_back(std::string(change.get_limit()) + ": " + std::string(change.get_before()) + " -> " +
                          std::string(change.get_after()));
        CHECK(record.tail<LimitChange>() == "configuration");
    }
    return changes;
}

void set_limit(Desk& d, const char* name, const char* text) {
    OperatorCommand command{};
    command.set_kind(CommandKind::SET_LIMIT);
    command.set_scope(Scope::GLOBAL);
    command.set_limit(name);
    command.set_setting(text);
    d.put(kStrategy, kBroker, command, "a person");
    d.run();
}

void what_a_person_changed_stands_until_the_configuration_says_something_else() {
    using Changes = std::vector<std::string>;
    Desk d;
    const Texts first = {{"max_order_size", "5"}, {"max_position", "10"}};
    CHECK((restart(d, first) == Changes{"max_order_size:  -> 5", "max_position:  -> 10"}));
    CHECK(restart(d, first).empty());
    set_limit(d, "max_position", "2");
    set_limit(d, "max_open_orders", "1");
    CHECK(restart(d, first).empty());
    d.define_perpetual();
    d.request(Desk::limit(1, Side::BUY, "3", "100"));
    const std::string tightened = "limit max_position: position 3 with all open orders filled is beyond 2";
    CHECK(only_update(d.run()).tail<OrderUpdate>() == tightened);
    // Another value of one key is no word on the others.
    CHECK(
        (restart(d, {{"max_order_size", "6"}, {"max_position", "10"}}) == Changes{"max_order_size: 5 -> 6"}));
    d.request(Desk::limit(2, Side::BUY, "3", "100"));
    CHECK(only_update(d.run()).tail<OrderUpdate>() == tightened);
    CHECK(
        (restart(d, {{"max_order_size", "6"}, {"max_position", "11"}}) == Changes{"max_position: 2 -> 11"}));
    // A key that is gone lifts what is in force, whoever set it; one that never was there lifts nothing.
    set_limit(d, "max_position", "3");
    CHECK((restart(d, {{"max_order_size", "6"}}) == Changes{"max_position: 3 -> "}));
    CHECK((restart(d, {}) == Changes{"max_order_size: 6 -> "}));
    d.request(Desk::limit(3, Side::BUY, "9", "100"));
    CHECK(only_update(d.run()).tail<OrderUpdate>().empty());
    d.request(Desk::limit(4, Side::BUY, "9", "100"));
    CHECK(only_update(d.run()).tail<OrderUpdate>() ==
          "limit max_open_orders: 1 orders are open, the most is 1");
}

void settings_are_read_back_as_they_were_written() {
    auto config = with(all_limits());
    config.limits.push_back({Scope::ACCOUNT,
                             kAccount,
                             "venue/main",
                             {{"instruments", "a = b,[cd]"}},
                             broker::DayClock({{5, 3600}, {77, -7200}})});
    config.gateways[0].capabilities.queries = true;
    config.routes[0].terms = {true, num("2.5"), {{kPerpetual, num("10")}}};
    config.check_names = {"one", "other"};
    config.algorithms.push_back(broker::algorithm(7, "twap"));
    config.hooks = {12, 4};
    config.timing.absences = 9;
    config.emulation = {broker::MissedTrigger::CANCEL, broker::DayClock({{0, 1}})};
    const std::string text = to_text(config);
    const broker::Settings read = broker::settings_of(text);
    CHECK(to_text(read) == text);
    CHECK(read.limits[1].limits == config.limits[1].limits);
    CHECK(read.limits[1].clock.zone()[1].ahead == -7200);
    CHECK(read.algorithms[0].source == 7 && read.algorithms[0].kind == std::string("algorithm"));
    CHECK(read.routes[0].terms.leverages[0].second == num("10"));
    CHECK(read.gateways[0].capabilities.queries && !read.gateways[0].capabilities.oto);
    const auto refusal = [](const char* of) {
        try {
            broker::settings_of(of);
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal("[broker]\nanswer_timeout = soon\n") == "line 2: expected a whole number, got \"soon\"");
    CHECK(refusal("[broker]\nnothing = 1\n") ==
          "line 2: expected a setting that this section has, got \"nothing\"");
    CHECK(refusal("[other]\n") ==
          "line 1: expected broker, gateway, algorithm, account or limits, got \"other\"");
}

}  // namespace

int main() {
    an_order_that_passes_all_limits_allocates_nothing();
    slippage_is_taken_from_the_book();
    an_order_whose_cost_fits_no_number_is_refused();
    refusals_read_the_same_after_a_snapshot();
    both_positions_of_hedging_mode_count_in_what_is_gross();
    a_limit_that_cannot_be_is_refused_when_the_broker_is_made();
    what_a_person_changed_stands_until_the_configuration_says_something_else();
    settings_are_read_back_as_they_were_written();
}
