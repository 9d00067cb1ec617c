#include "broker/limits.hpp"

#include <stdexcept>
#include <utility>

#include "broker/exact.hpp"
#include "broker/wording.hpp"

namespace kungfu::broker {
namespace {

/// The end of a message: whose limit it is.
std::string of(const LimitScope& scope) {
    if (scope.scope == Scope::GLOBAL) return {};
    return std::string(scope.scope == Scope::ACCOUNT ? " (account " : " (strategy ") + scope.name + ")";
}

[[gnu::cold, gnu::noinline]] bool refuse(const LimitScope& scope, const char* limit,
                                         std::initializer_list<Part> parts, std::string& reason) {
    reason = std::string("limit ") + limit + ": " + worded(parts) + of(scope);
    return false;
}

std::string text_of(const LimitScope& scope, const char* limit) {
    const auto found = scope.texts.find(limit);
    return found == scope.texts.end() ? std::string() : found->second;
}

[[gnu::cold, gnu::noinline]] Money times_in_full(Money amount, Number factor) {
    const int exponent = amount.exponent + factor.exponent;
    Money out;
    if (exponent <= kNoneExponent || exponent > 127 ||
        __builtin_mul_overflow(amount.mantissa, static_cast<int128>(factor.mantissa), &out.mantissa)) {
        throw Fault(to_text(amount) + " times " + to_text(factor) + " does not fit");
    }
    out.exponent = static_cast<std::int8_t>(exponent);
    return out;
}

/// amount * factor; a fault if that does not fit.
[[gnu::always_inline]] inline Money times(Money amount, Number factor) {
    const auto word = static_cast<std::int64_t>(amount.mantissa);
    Money out;
    const bool is_short = word == amount.mantissa && multiply(Number{word, amount.exponent}, factor, out);
    return is_short ? out : times_in_full(amount, factor);
}

/// sum(), but quick where one of both is 0, as it mostly is here.
template <class Exact>
[[gnu::always_inline]] inline Exact plus(Exact a, Exact b, const char* what) {
    if (a.mantissa == 0) return b;
    return b.mantissa == 0 ? a : sum(a, b, what);
}

/// What a size is worth in quote currency; an inverse contract is worth the same at any price.
Money quote_value(Number size, Number price, const Instrument& definition) {
    if (Money value; definition.get_size_unit() == SizeUnit::BASE && multiply(price, size, value))
        return value;
    const Number at = is_inverse(definition) ? Number{1, 0} : price;
    Money value;
    if (value_of(at, size, multiplier(definition), value)) return value;
    throw Fault("the value of " + to_text(size) + " at " + to_text(price) + " does not fit");
}

/// Whether it makes the position larger that it names, of two; one that names none may.
bool opens(PositionSide position, Side side) noexcept {
    return position == PositionSide::NET || (position == PositionSide::LONG) == (side == Side::BUY);
}

Number larger(Number a, Number b) noexcept {
    if (a.is_none() || b.is_none()) return a.is_none() ? b : a;
    return a < b ? b : a;
}

/// Where an order of a side would trade now, as far as that is known.
Number market_price(const Market& market, Side side) noexcept {
    const Number touch = side == Side::BUY ? market.ask : market.bid;
    if (!touch.is_none()) return touch;
    return market.last.is_none() ? market.mark : market.last;
}

}  // namespace

// --- the scopes -----------------------------------------------------------------------------------

void Limits::configure(const std::vector<ScopeConfig>& configs,
                       const std::function<void(const LimitChange&)>& told) {
    for (const ScopeConfig& config : configs) scope(config.scope, config.subject).name = config.name;
    for (LimitScope* s : scopes()) {
        std::map<std::string, std::string> said;
        s->clock = {};
        s->hours_asked = kNever;
        for (const ScopeConfig& config : configs) {
            if (config.scope != s->scope || config.subject != s->subject) continue;
            s->clock = config.clock;
            for (const auto& [name, text] : config.limits) said[name] = text;
        }
        const auto before = std::exchange(s->configured, said);
        for (const auto& [name, text] : before) said.try_emplace(name);
        for (const auto& [name, text] : said) {
            const auto last = before.find(name);
            if (last != before.end() && last->second == text) continue;
            if (text_of(*s, name.c_str()) == text) continue;
            const LimitChange what = describe_change(*s, name, text);
            std::string why;
            if (!change(*s, name, text, why))
                throw std::invalid_argument(
                    std::string("limit ").append(name).append(": ").append(why).append(of(*s)));
            told(what);
        }
    }
    renew_needs();
}

void Limits::lift_all() {
    for (LimitScope* s : scopes()) {
        s->limits = {};
        s->texts.clear();
        s->configured.clear();
        s->results.clear();
        s->orders.set({});
        s->cancels.set({});
        for (Exposure& e : s->exposures) resolve(*s, e);
    }
    renew_needs();
}

LimitChange Limits::describe_change(const LimitScope& s, const std::string& name, std::string_view text) {
    LimitChange change{};
    change.subject = s.subject;
    change.set_scope(s.scope);
    change.set_limit(name);
    change.set_before(text_of(s, name.c_str()));
    change.set_after(text);
    return change;
}

void Limits::add_account(std::uint64_t account, const std::string& name) {
    scope(Scope::ACCOUNT, account).name = name;
}

bool Limits::change(LimitScope& s, const std::string& name, const std::string& text, std::string& why) {
    if (!set_limit(s.limits, name, text, why)) return false;
    if (text.empty()) {
        s.texts.erase(name);
    } else {
        s.texts[name] = text;
    }
    s.hours_asked = kNever;
    if (name == "max_order_rate") s.orders.set(s.limits.max_order_rate);
    if (name == "max_cancel_rate") s.cancels.set(s.limits.max_cancel_rate);
    if (name == "instruments")
        for (Exposure& e : s.exposures) resolve(s, e);
    begin_watching(s);
    renew_needs();
    return true;
}

LimitScope& Limits::scope(Scope which, std::uint64_t subject) {
    if (which == Scope::GLOBAL) return global_;
    auto& scopes = which == Scope::ACCOUNT ? account_scopes_ : strategy_scopes_;
    const auto [found, is_new] = scopes.try_emplace(subject);
    if (is_new) {
        found->second.scope = which;
        found->second.subject = subject;
        found->second.name = hex(subject);
    }
    return found->second;
}

bool LimitScope::is_open(std::int64_t now) {
    constexpr std::int64_t kMinute = 60'000'000'000;
    // Hours begin and end with a minute, and so do changes of the clocks.
    const std::int64_t minute = now / kMinute;
    if (minute != hours_asked) {
        hours_asked = minute;
        were_open = limits.trading_hours.are_open(clock.weekday(now), clock.minute(now));
    }
    return were_open;
}

bool Limits::any_flattens() const noexcept {
    const auto flattens = [](const auto& scope) { return scope.second.flattens; };
    return global_.flattens || std::any_of(account_scopes_.begin(), account_scopes_.end(), flattens) ||
           std::any_of(strategy_scopes_.begin(), strategy_scopes_.end(), flattens);
}

std::vector<LimitScope*> Limits::scopes() {
    std::vector<LimitScope*> all{&global_};
    for (auto* scopes : {&account_scopes_, &strategy_scopes_})
        for (auto& [subject, s] : *scopes) all.push_back(&s);
    return all;
}

std::array<LimitScope*, 3> Limits::scopes_of(std::uint64_t account, std::uint64_t strategy) {
    return {&global_, &scope(Scope::ACCOUNT, account),
            strategy == 0 ? nullptr : &scope(Scope::STRATEGY, strategy)};
}

std::array<LimitScope*, 3> Limits::paced(const Order& order) {
    auto scopes = scopes_of(order.account, order.owner());
    for (LimitScope*& s : scopes)
        if (s && !s->cancels.is_limited()) s = nullptr;
    return scopes;
}

const Limits::Shares& Limits::shares_of(std::uint64_t account, std::uint64_t strategy,
                                        std::uint64_t instrument) {
    const Owner owner{account, strategy, instrument};
    if (!last_shares_ || !(last_shares_->first == owner)) {
        const auto [found, is_new] = shares_.try_emplace(owner);
        if (is_new) {
            const auto scopes = scopes_of(account, strategy);
            for (std::size_t i = 0; i < scopes.size(); ++i)
                if (scopes[i]) found->second[i] = {scopes[i], &exposure(*scopes[i], account, instrument)};
        }
        last_shares_ = &*found;
    }
    return last_shares_->second;
}

Exposure& Limits::exposure(LimitScope& s, std::uint64_t account, std::uint64_t instrument) {
    for (Exposure& e : s.exposures) {
        if (e.instrument == instrument && e.account == account) return e;
    }
    Exposure& e = s.exposures.emplace_back();
    e.account = account;
    e.instrument = instrument;
    resolve(s, e);
    return e;
}

void Limits::on_definition(std::uint64_t instrument) {
    for (LimitScope* s : scopes())
        for (Exposure& e : s->exposures)
            if (e.instrument == instrument) resolve(*s, e);
}

void Limits::resolve(const LimitScope& s, Exposure& e) const {
    e.market = markets_.find(e.instrument);
    if (e.market == nullptr) return;
    const Instrument& definition = e.market->definition;
    e.base = Currency(definition.get_base());
    e.quote = Currency(definition.get_quote());
    e.settle = Currency(settlement_currency(definition));
    e.is_spot = broker::is_spot(definition);
    e.is_hedged = accounts_.terms(e.account).hedging && !e.is_spot;
    const auto& patterns = s.limits.instruments;
    e.is_allowed = patterns.empty() ||
                   std::any_of(patterns.begin(), patterns.end(),
                               [&](const auto& pattern) { return matches_pattern(e.market->name, pattern); });
}

void Limits::renew_needs() {
    MarketWatch::Needs needs;
    const bool followed = follows_own_orders();
    longest_repetition_ = 0;
    watches_results_ = counts_orders_ = false;
    self_trades_ = 0;
    for (const LimitScope* s : scopes()) {
        const LimitSettings& l = s->limits;
        needs.age |= l.max_data_age > 0;
        needs.depth |= !l.max_slippage.is_none();
        if (!l.max_volume_share.is_none())
            needs.volume_window = std::max(needs.volume_window, l.volume_window);
        longest_repetition_ = std::max(longest_repetition_, l.duplicate_window);
        watches_results_ |= l.limits_losses();
        counts_orders_ |= !l.max_order_rate.is_none();
        self_trades_ |= 1U << static_cast<unsigned>(l.self_trade);
    }
    watch_.set_needs(needs);
    if (follows_own_orders() != followed) follow_own_orders();
}

void Limits::follow_own_orders() {
    own_.clear();
    if (!follows_own_orders()) return;
    orders_.each([&](const Order& order) {
        const Counted counted(order);
        if (counted.is_resting) own_.add(order, counted.price);
    });
}

void Limits::on_clock_offset(const ClockOffset& offset) noexcept {
    has_clock_offset_ = true;
    const std::int64_t off = offset.offset < 0 ? -offset.offset : offset.offset;
    if (__builtin_add_overflow(off, offset.error, &clock_off_by_)) clock_off_by_ = kNever;
}

void Limits::count(const Order& order, const Counted& before, const Counted& after) {
    constexpr const char* kOpenCost = "cost of open orders";
    struct Amount {
        Number size{0, 0};
        Money cost{0, 0};
    };
    if (!before.counts() && !after.counts()) return;
    const auto part_of = [&](const Counted& counted) {
        Amount part;
        // An order that may only reduce never adds to what can be reached.
        if (!counted.only_reduces) part.size = counted.rest;
        const Number price = counted.worst_price.is_none() ? counted.price : counted.worst_price;
        if (order.side == Side::BUY && !price.is_none() && !multiply(part.size, price, part.cost))
            part.cost = {0, 0};
        return part;
    };
    const Amount gone = before.rest.is_zero() ? Amount{} : part_of(before);
    const Amount came = after.rest.is_zero() ? Amount{} : part_of(after);
    for (const auto& [s, e] : shares_of(order.account, order.owner(), order.instrument)) {
        if (s == nullptr) continue;
        s->open_orders += after.is_open - before.is_open;
        if (gone.size.is_zero() && came.size.is_zero()) continue;
        const auto renew = [&](Number& sum) {
            sum = plus(plus(sum, -gone.size, "open size"), came.size, "open size");
        };
        renew(order.side == Side::BUY ? e->buys : e->sells);
        if (opens(order.request.get_position_side(), order.side)) renew(e->opening);
        e->buys_cost = plus(plus(e->buys_cost, -gone.cost, kOpenCost), came.cost, kOpenCost);
    }
    if (before.rests_like(after) || !follows_own_orders()) return;
    if (before.is_resting) own_.remove(order, before.price);
    if (after.is_resting) own_.add(order, after.price);
}

void Limits::on_position(const HoldingKey& key, const Holding& holding) {
    const auto set = [&](LimitScope& s) {
        Exposure& e = exposure(s, key.account, key.instrument);
        const bool is_long = holding.size.mantissa > 0;
        const Number size = magnitude(holding.size);
        if (key.side != PositionSide::SHORT) e.longs = is_long ? size : Number{0, 0};
        if (key.side != PositionSide::LONG) e.shorts = is_long ? Number{0, 0} : size;
    };
    if (key.strategy != 0) return set(scope(Scope::STRATEGY, key.strategy));
    set(global_);
    set(scope(Scope::ACCOUNT, key.account));
}

// --- results --------------------------------------------------------------------------------------

void Limits::begin_watching(LimitScope& s) {
    // What was lost while nothing limited it is no loss of a limit that comes later.
    const auto is_over = [&](const ResultWatch& w) {
        return !amount_of(s.limits.max_daily_loss, w.currency) &&
               !amount_of(s.limits.max_drawdown, w.currency);
    };
    s.results.erase(std::remove_if(s.results.begin(), s.results.end(), is_over), s.results.end());
    for (const CurrencyTable* table : {&s.limits.max_daily_loss, &s.limits.max_drawdown}) {
        for (const auto& [currency, limit] : *table) {
            const bool known = std::any_of(s.results.begin(), s.results.end(),
                                           [&c = currency](const ResultWatch& w) { return w.currency == c; });
            if (known) continue;
            ResultWatch watch;
            watch.currency = currency;
            const Money result = accounts_.result(s.scope, s.subject, currency, markets_);
            watch.is_known = !result.is_none();
            if (watch.is_known) watch.day_began = watch.peak = watch.last = result;
            s.results.push_back(watch);
        }
    }
}

bool Limits::holds_watched(std::uint64_t instrument) const noexcept {
    // Whatever a scope holds, the global one does.
    for (const Exposure& e : global_.exposures)
        if (e.instrument == instrument && (!e.longs.is_zero() || !e.shorts.is_zero())) return true;
    return false;
}

std::vector<std::pair<LimitScope*, std::string>> Limits::watch_results(std::int64_t now) {
    std::vector<std::pair<LimitScope*, std::string>> broken;
    for (LimitScope* s : scopes()) {
        if (!s->limits.limits_losses()) continue;
        const std::int64_t day = s->clock.day(now);
        std::string reason;
        bool too_much = false;
        for (ResultWatch& watch : s->results) {
            // Nothing has changed since the last time, so that is what it was when the day began.
            if (day != s->day) watch.day_began = watch.last;
            const Money result = accounts_.result(s->scope, s->subject, watch.currency, markets_);
            watch.is_known = !result.is_none();
            if (!watch.is_known) continue;
            watch.last = result;
            if (compare(result, watch.peak) > 0) watch.peak = result;
            too_much = too_much || is_too_much(*s, watch, reason);
        }
        s->day = day;
        if (too_much && !s->is_thrown) broken.emplace_back(s, reason);
    }
    return broken;
}

bool Limits::is_too_much(const LimitScope& s, const ResultWatch& watch, std::string& reason) const {
    const auto exceeds = [&](const CurrencyTable& table, Money from, const char* limit, const char* since) {
        const Money* most = amount_of(table, watch.currency);
        if (most == nullptr) return false;
        const Money lost = sum(from, -watch.last, "loss");
        if (compare(lost, *most) <= 0) return false;
        refuse(s, limit, {"a loss of ", lost, " ", watch.currency, " since ", since, " is above ", *most},
               reason);
        return true;
    };
    return exceeds(s.limits.max_daily_loss, watch.day_began, "max_daily_loss", "the day began") ||
           exceeds(s.limits.max_drawdown, watch.peak, "max_drawdown", "the best result");
}

void Limits::forgive(LimitScope& s) {
    for (ResultWatch& watch : s.results) watch.day_began = watch.peak = watch.last;
}

// --- an order -------------------------------------------------------------------------------------

Number Limits::worst_price(const OrderRequest& order, const Market& market) const noexcept {
    const Number asked = larger(order.get_price(), order.get_trigger_price());
    const bool may_do_better = order.get_side() == Side::SELL || order.get_price().is_none();
    return may_do_better ? larger(asked, market_price(market, order.get_side())) : asked;
}

bool Limits::allow(const OrderRequest& order, std::uint64_t owner, const Market& market, Number worst_price,
                   const Order* amended, std::int64_t now, std::string& reason) {
    const Shares& shares = shares_of(order.account, owner, order.instrument);
    const auto judges = [](const Share& share) { return share.scope && share.scope->judges(); };
    if (std::none_of(shares.begin(), shares.end(), judges)) return true;
    const Case c{order,
                 market,
                 amended,
                 now,
                 order.get_size(),
                 order.get_side(),
                 worst_price,
                 shares[0].exposure->quote,
                 shares[0].exposure->settle,
                 watch_.find(order.instrument),
                 longest_repetition_ > 0 && !amended ? recent_.last(order) : RecentOrders::kNever,
                 {}};
    bool wants_funds = false;
    try {
        for (const Share& share : shares) {
            if (!judges(share)) continue;
            if (!obeys(*share.scope, *share.exposure, c, reason)) return false;
            wants_funds = wants_funds || share.scope->limits.check_funds;
        }
        return !wants_funds || obeys_funds(shares[1], c, reason);
    } catch (const Fault& fault) {
        return refuse(global_, "arithmetic", {fault.what()}, reason);
    }
}

bool Limits::fits_costs(const OrderRequest& order, Number worst_price, const Order* amended) {
    if (order.get_side() == Side::SELL || worst_price.is_none()) return true;
    const Number size = amended ? larger(order.get_size(), amended->remaining()) : order.get_size();
    // With room for the digits of any other order: it would be these that could not be counted.
    constexpr Money kSmallest{1, -18};
    Money cost;
    Money all;
    if (!multiply(size, worst_price, cost)) return false;
    const Money open = exposure(global_, order.account, order.instrument).buys_cost;
    const auto is_short = [](Money amount) {
        return amount.exponent >= kSmallest.exponent && amount.exponent <= 0 &&
               static_cast<std::int64_t>(amount.mantissa) == amount.mantissa;
    };
    if (is_short(cost) && is_short(open)) return true;
    return exact_sum(cost, kSmallest, cost) && exact_sum(open, cost, all);
}

bool Limits::obeys_reduce_only(const OrderRequest& order, std::string& reason) const {
    if (!order.reduce_only) return true;
    const bool sells = order.get_side() == Side::SELL;
    const PositionSide side = order.get_position_side();
    const Number held = side == PositionSide::NET
                            ? accounts_.net_size(order.account, order.instrument)
                            : accounts_.holding({order.account, order.instrument, 0, side}).size;
    const Number other = orders_.open_size(order.account, order.instrument, sells ? Side::BUY : Side::SELL);
    Number most;
    if (!exact_sum(sells ? held : -held, other, most) || order.get_size() <= most) return true;
    return refuse(global_, "reduce_only",
                  {"size ", order.get_size(), " would turn over the position ", held,
                   ", with all open orders of the other side filled"},
                  reason);
}

void Limits::remember(const OrderRequest& order, std::int64_t now) {
    if (longest_repetition_ > 0) recent_.add(order, now, now - longest_repetition_);
}

void Limits::pass(const Order& order, std::int64_t now) {
    if (!counts_orders_) return;
    for (const Share& share : shares_of(order.account, order.owner(), order.instrument))
        if (share.scope && share.scope->orders.is_limited()) share.scope->orders.take(now);
}

bool Limits::is_sent(std::uint64_t order) const {
    const Order* known = orders_.find_kept(order);
    return known && known->state != OrderState::CREATED;
}

bool Limits::obeys(LimitScope& s, Exposure& own, const Case& c, std::string& reason) {
    const LimitSettings& l = s.limits;
    if (s.is_thrown) return refuse(s, "kill_switch", {"thrown: ", s.reason}, reason);
    if (!l.instruments.empty() && !own.is_allowed) {
        return refuse(s, "instruments", {c.market.name, " is not among ", text_of(s, "instruments")}, reason);
    }
    if (!obeys_times(s, c, reason) || !obeys_sizes(s, c, reason) || !obeys_prices(s, c, reason)) return false;
    const bool is_worked = c.order.algorithm != 0;  // its parts meet the market, one by one
    if (!l.max_slippage.is_none() && !is_worked && !obeys_slippage(s, c, reason)) return false;
    if (!l.max_volume_share.is_none() && !is_worked && !obeys_volume(s, c, reason)) return false;
    if (!obeys_repetition(s, c, reason)) return false;
    if (l.needs_reach() && !obeys_reach(s, c, reason)) return false;
    if (!s.orders.is_limited() || s.orders.has(c.now)) return true;
    return refuse(s, "max_order_rate",
                  {"more than ", l.max_order_rate.count, " orders in ", Duration{l.max_order_rate.interval}},
                  reason);
}

bool Limits::obeys_times(LimitScope& s, const Case& c, std::string& reason) const {
    const LimitSettings& l = s.limits;
    if (!l.trading_hours.empty() && !s.is_open(c.now)) {
        const int minute = s.clock.minute(c.now);
        char time[16];
        std::snprintf(time, sizeof time, "%s %02d:%02d", weekday_name(s.clock.weekday(c.now)), minute / 60,
                      minute % 60);
        return refuse(s, "trading_hours", {time, " is outside of ", l.trading_hours.text}, reason);
    }
    if (l.max_data_age > 0) {
        if (c.watched == nullptr || c.watched->updated == 0)
            return refuse(s, "max_data_age", {"there is no market data of ", c.market.name}, reason);
        if (!c.watched->down.empty()) {
            const char* state = name_of(c.watched->down.begin()->second);
            return refuse(s, "max_data_age", {"a feed of ", c.market.name, " is ", state}, reason);
        }
        if (c.now - c.watched->updated > l.max_data_age) {
            return refuse(s, "max_data_age",
                          {"the market data of ", c.market.name, " is ", Duration{c.now - c.watched->updated},
                           " old, the most is ", Duration{l.max_data_age}},
                          reason);
        }
    }
    if (l.max_clock_offset > 0) {
        if (!has_clock_offset_)
            return refuse(s, "max_clock_offset", {"how far the clock is off is not known"}, reason);
        if (clock_off_by_ > l.max_clock_offset) {
            return refuse(s, "max_clock_offset",
                          {"the clock may be off by ", Duration{clock_off_by_}, ", the most is ",
                           Duration{l.max_clock_offset}},
                          reason);
        }
    }
    for (const ResultWatch& watch : s.results) {
        if (watch.is_known || !l.limits_losses()) continue;
        return refuse(s, l.max_daily_loss.empty() ? "max_drawdown" : "max_daily_loss",
                      {"the result in ", watch.currency, " is not known: a position has no mark price"},
                      reason);
    }
    // What is lost in a currency without an amount would not be limited.
    const auto has_amount = [&](const CurrencyTable& table) {
        return table.empty() || amount_of(table, c.settle) != nullptr;
    };
    if (!has_amount(l.max_daily_loss))
        return refuse(s, "max_daily_loss", {"it has no amount for ", c.settle}, reason);
    if (!has_amount(l.max_drawdown))
        return refuse(s, "max_drawdown", {"it has no amount for ", c.settle}, reason);
    return true;
}

bool Limits::obeys_sizes(const LimitScope& s, const Case& c, std::string& reason) const {
    const LimitSettings& l = s.limits;
    if (l.max_open_orders > 0 && !c.amended && s.open_orders >= l.max_open_orders) {
        return refuse(s, "max_open_orders",
                      {s.open_orders, " orders are open, the most is ", l.max_open_orders}, reason);
    }
    if (!l.max_order_size.is_none() && c.size > l.max_order_size) {
        return refuse(s, "max_order_size", {"size ", c.size, " is above ", l.max_order_size}, reason);
    }
    if (l.max_order_notional.empty()) return true;
    const Money* most = amount_of(l.max_order_notional, c.quote);
    if (most == nullptr) return refuse(s, "max_order_notional", {"it has no amount for ", c.quote}, reason);
    if (c.worst.is_none() && !is_inverse(c.market.definition)) {
        return refuse(s, "max_order_notional",
                      {"the notional of size ", c.size, " is not known: there is no market price"}, reason);
    }
    const Money notional = quote_value(c.size, c.worst, c.market.definition);
    if (compare(notional, *most) <= 0) return true;
    return refuse(s, "max_order_notional", {"notional ", notional, " ", c.quote, " is above ", *most},
                  reason);
}

bool Limits::obeys_prices(const LimitScope& s, const Case& c, std::string& reason) const {
    const LimitSettings& l = s.limits;
    const Number price = c.order.get_price();
    const bool has_collar =
        !l.price_collar_last.is_none() || !l.price_collar_mid.is_none() || !l.price_collar_mark.is_none();
    if (!has_collar || price.is_none()) return true;
    const Number trigger = c.order.get_trigger_price();
    const Market& m = c.market;
    // In `parts` halves or wholes, so that the middle of bid and offer needs no division.
    const auto is_near = [&](const char* limit, const char* what, Number most, Number reference,
                             std::int64_t parts) {
        if (most.is_none()) return true;
        if (!trigger.is_none()) reference = trigger, parts = 1, what = "trigger";
        if (reference.is_none())
            return refuse(s, limit, {"price ", price, " cannot be compared: there is no ", what, " price"},
                          reason);
        Money scaled;
        if (!multiply(price, {parts, 0}, scaled)) throw Fault("price " + to_text(price) + " does not fit");
        const Money apart = magnitude(sum(scaled, -to_money(reference), "distance of a price"));
        if (compare(apart, times(to_money(reference), most)) <= 0) return true;
        const Money shown = parts == 1 ? to_money(reference) : times(to_money(reference), {5, -1});
        return refuse(s, limit,
                      {"price ", price, " is further than ", most, " from the ", what, " price ", shown},
                      reason);
    };
    const bool has_mid = !m.bid.is_none() && !m.ask.is_none();
    const Number both = has_mid ? sum(m.bid, m.ask, "middle of bid and offer") : Number::none();
    return is_near("price_collar_last", "last", l.price_collar_last, m.last, 1) &&
           is_near("price_collar_mid", "mid", l.price_collar_mid, both, 2) &&
           is_near("price_collar_mark", "mark", l.price_collar_mark, m.mark, 1);
}

bool Limits::obeys_slippage(const LimitScope& s, const Case& c, std::string& reason) const {
    if (c.order.get_type() != OrderType::MARKET) return true;
    const Number most = s.limits.max_slippage;
    const WatchedMarket* watched = c.watched;
    const bool has_book = watched && watched->book.known();
    const Side other = c.side == Side::BUY ? Side::SELL : Side::BUY;
    const Number bid = has_book ? watched->book.best_bid().price : c.market.bid;
    const Number ask = has_book ? watched->book.best_ask().price : c.market.ask;
    if (bid.is_none() || ask.is_none())
        return refuse(s, "max_slippage", {"there is no bid and offer to compare with"}, reason);
    Number reached = c.side == Side::BUY ? ask : bid;
    Number shown{0, 0};
    if (has_book) {
        for (std::size_t i = 0; i < watched->book.depth(other) && shown < c.size; ++i) {
            const PriceLevel level = watched->book.level(other, i);
            shown = sum(shown, level.size, "size in a book");
            reached = level.price;
        }
    } else if (watched) {
        const Number touch = c.side == Side::BUY ? watched->ask_size : watched->bid_size;
        if (!touch.is_none()) shown = touch;
    }
    if (shown < c.size) {
        return refuse(
            s, "max_slippage",
            {"size ", c.size, " is above the ", shown, " that the ", (has_book ? "book" : "quote"), " shows"},
            reason);
    }
    const Number both = sum(bid, ask, "middle of bid and offer");
    Money twice;
    if (!multiply(reached, {2, 0}, twice)) throw Fault("price " + to_text(reached) + " does not fit");
    const Money apart = magnitude(sum(twice, -to_money(both), "slippage"));
    if (compare(apart, times(to_money(both), most)) <= 0) return true;
    return refuse(s, "max_slippage",
                  {"size ", c.size, " would trade as far as price ", reached, ", further than ", most,
                   " from the mid price ", times(to_money(both), {5, -1})},
                  reason);
}

bool Limits::obeys_volume(const LimitScope& s, const Case& c, std::string& reason) const {
    const LimitSettings& l = s.limits;
    const Money traded = c.watched ? c.watched->volume.after(c.now - l.volume_window) : Money{0, 0};
    if (compare(to_money(c.size), times(traded, l.max_volume_share)) <= 0) return true;
    return refuse(s, "max_volume_share",
                  {"size ", c.size, " is above ", l.max_volume_share, " of the ", traded, " traded in ",
                   Duration{l.volume_window}},
                  reason);
}

bool Limits::obeys_repetition(const LimitScope& s, const Case& c, std::string& reason) {
    const LimitSettings& l = s.limits;
    if (c.repeats != RecentOrders::kNever && c.now - c.repeats < l.duplicate_window) {
        return refuse(s, "duplicate_window",
                      {"the same order came ", Duration{c.now - c.repeats}, " ago, within ",
                       Duration{l.duplicate_window}},
                      reason);
    }
    const bool rejects = l.self_trade == SelfTrade::REJECT ||
                         (l.self_trade != SelfTrade::ALLOWED && c.amended && is_sent(c.order.order_id));
    if (!rejects || waits(c.order)) return true;
    const Number price = c.order.get_price();
    return !own_.crossing(c.order.instrument, c.side, price, [&](const auto& other) {
        if (other.id == c.order.order_id || !is_in(s, other.id)) return false;
        const Part own = price.is_none() ? Part("a market order") : Part("price ");
        const Part at = price.is_none() ? Part("") : Part(price);
        refuse(s, "self_trade", {own, at, " would trade with our order ", Hex{other.id}, " at ", other.price},
               reason);
        return true;
    });
}

Limits::Ends Limits::ends_of(const Exposure& e, const Case& c) const {
    const char* what = "position with all open orders filled";
    Number buys = e.buys;
    Number sells = e.sells;
    Number opening = e.opening;
    if (e.account == c.order.account && e.instrument == c.order.instrument) {
        Number& own = c.side == Side::BUY ? buys : sells;
        Number more{0, 0};
        if (!c.order.reduce_only) more = c.size;
        if (c.amended && !c.amended->request.reduce_only) more = plus(more, -c.amended->remaining(), what);
        own = plus(own, more, what);
        if (opens(c.order.get_position_side(), c.side)) opening = plus(opening, more, what);
    }
    const Number held = e.shorts.is_zero() ? e.longs : plus(e.longs, -e.shorts, what);
    Ends ends{plus(held, buys, what), plus(held, -sells, what), {}};
    ends.farthest = larger(magnitude(ends.high), magnitude(ends.low));
    // Of two positions, each can become larger without the other one becoming smaller.
    if (e.is_hedged) ends.farthest = plus(plus(e.longs, e.shorts, what), opening, what);
    return ends;
}

Number Limits::price_of(const Exposure& e, const Case& c) const noexcept {
    const Number mark = e.market->marking_price();
    if (!mark.is_none()) return mark;
    return e.instrument == c.order.instrument ? c.worst : market_price(*e.market, Side::BUY);
}

Limits::Reach Limits::reach_of(LimitScope& s, const Case& c) const {
    const LimitSettings& l = s.limits;
    const bool wants_notional = !l.max_net_notional.empty() || !l.max_gross_notional.empty();
    const bool wants_leverage = !l.max_leverage.is_none();
    Reach reach;
    for (Exposure& e : s.exposures) {
        const Ends ends = ends_of(e, c);
        if (ends.farthest.is_zero() && e.instrument != c.order.instrument) continue;
        const Number end = c.side == Side::BUY ? ends.high : ends.low;
        if (e.instrument == c.order.instrument)
            reach.position = plus(reach.position, end, "position with all open orders filled");
        const bool is_noted = wants_notional && (!e.market || e.quote == c.quote);
        const bool is_levered = wants_leverage && (!e.market || (e.settle == c.settle && !e.is_spot));
        if (!is_noted && !is_levered) continue;
        const Number price = e.market ? price_of(e, c) : Number::none();
        if (price.is_none()) {
            reach.is_known = false;
            continue;
        }
        const Instrument& definition = e.market->definition;
        if (is_noted) {
            const Money gross = quote_value(ends.farthest, price, definition);
            const Money net = magnitude(end) == ends.farthest ? (end.mantissa < 0 ? -gross : gross)
                                                              : quote_value(end, price, definition);
            reach.net = plus(reach.net, net, "net notional");
            reach.gross = plus(reach.gross, gross, "gross notional");
        }
        if (is_levered)
            reach.levered = plus(reach.levered, value_at(ends.farthest, price, definition), "gross notional");
    }
    return reach;
}

bool Limits::obeys_reach(LimitScope& s, const Case& c, std::string& reason) {
    const LimitSettings& l = s.limits;
    const Reach reach = reach_of(s, c);
    const auto beyond = [&](auto reached, auto most) {
        return compare(c.side == Side::BUY ? reached : -reached, most) > 0;
    };
    if (!l.max_position.is_none() && beyond(reach.position, l.max_position)) {
        return refuse(
            s, "max_position",
            {"position ", reach.position, " with all open orders filled is beyond ", l.max_position}, reason);
    }
    const auto is_within = [&](const char* limit, const char* what, const CurrencyTable& table, Money reached,
                               bool is_signed) {
        if (table.empty()) return true;
        const Money* most = amount_of(table, c.quote);
        if (most == nullptr) return refuse(s, limit, {"it has no amount for ", c.quote}, reason);
        if (!reach.is_known) return refuse(s, limit, {what, " is not known: a price is missing"}, reason);
        if (is_signed ? !beyond(reached, *most) : compare(reached, *most) <= 0) return true;
        return refuse(s, limit,
                      {what, " ", reached, " ", c.quote, " with all open orders filled is beyond ", *most},
                      reason);
    };
    return is_within("max_net_notional", "net notional", l.max_net_notional, reach.net, true) &&
           is_within("max_gross_notional", "gross notional", l.max_gross_notional, reach.gross, false) &&
           (l.max_leverage.is_none() || obeys_leverage(s, c, reach, reason));
}

bool Limits::obeys_leverage(const LimitScope& s, const Case& c, const Reach& reach,
                            std::string& reason) const {
    if (is_spot(c.market.definition)) return true;
    const Number most = s.limits.max_leverage;
    const Money equity = equity_of(s, c);
    if (!reach.is_known || equity.is_none())
        return refuse(s, "max_leverage", {"the leverage is not known: a price is missing"}, reason);
    if (compare(reach.levered, times(equity, most)) <= 0) return true;
    return refuse(s, "max_leverage",
                  {"gross notional ", reach.levered, " ", c.settle,
                   " with all open orders filled is more than ", most, " times the equity ", equity},
                  reason);
}

Money Limits::account_equity(const Case& c) const {
    if (!c.equity) c.equity = accounts_.equity(c.order.account, c.settle, markets_);
    return *c.equity;
}

/// A strategy has no equity of its own: it is that of the order's account.
Money Limits::equity_of(const LimitScope& s, const Case& c) const {
    if (s.scope != Scope::GLOBAL) return account_equity(c);
    Money total{0, 0};
    for (const auto& [account, unused] : account_scopes_) {
        const bool is_own = account == c.order.account;
        const Money equity = is_own ? account_equity(c) : accounts_.equity(account, c.settle, markets_);
        if (equity.is_none()) return equity;
        total = plus(total, equity, "equity");
    }
    return total;
}

bool Limits::obeys_funds(const Share& share, const Case& c, std::string& reason) {
    LimitScope& account = *share.scope;
    const bool is_spot = share.exposure->is_spot;
    const bool sells_coins = is_spot && c.side == Side::SELL;
    const Currency base = share.exposure->base;
    const Currency currency = sells_coins ? base : c.settle;
    const char* what = "funds that are needed";
    Money needed{0, 0};
    if (c.worst.is_none() && !sells_coins) {
        return refuse(account, "check_funds",
                      {"what size ", c.size, " costs is not known: there is no market price"}, reason);
    }
    if (sells_coins) {
        needed = to_money(c.size);
        if (c.amended) needed = plus(needed, -to_money(c.amended->remaining()), what);
    } else if (is_spot) {
        if (!multiply(c.size, c.worst, needed)) throw Fault("the cost of an order does not fit");
        Money freed{0, 0};
        const bool frees = c.amended && !c.amended->worst_price.is_none();
        if (frees && !multiply(c.amended->remaining(), c.amended->worst_price, freed))
            throw Fault("the cost of an order does not fit");
        needed = plus(needed, -freed, what);
    }
    for (Exposure& e : account.exposures) {
        if (e.market == nullptr || e.is_spot != is_spot) continue;
        if (sells_coins) {
            if (e.base == base) needed = plus(needed, to_money(e.sells), what);
        } else if (e.settle != currency) {
            continue;
        } else if (is_spot) {
            needed = plus(needed, e.buys_cost, what);
        } else {
            const Number size = ends_of(e, c).farthest;
            const Number price = price_of(e, c);
            if (size.is_zero()) continue;
            if (price.is_none()) return refuse(account, "check_funds", {"a price is missing"}, reason);
            const Number leverage = accounts_.leverage(e.account, e.instrument);
            const bool is_whole = leverage.mantissa == 1 && leverage.exponent == 0;
            const Money margin = is_whole ? value_at(size, price, e.market->definition)
                                          : margin_of(size, price, leverage, e.market->definition);
            if (margin.is_none()) throw Fault("a margin does not fit");
            needed = plus(needed, margin, what);
        }
    }
    const Money there = is_spot ? accounts_.balance(c.order.account, currency) : account_equity(c);
    if (there.is_none()) return refuse(account, "check_funds", {"the equity is not known"}, reason);
    if (compare(needed, there) <= 0) return true;
    return refuse(account, "check_funds",
                  {needed, " ", currency, " is needed with all open orders filled, ", there, " is there"},
                  reason);
}

// --- state ----------------------------------------------------------------------------------------

namespace {

std::map<std::string, std::string> get_texts(StateReader& state) {
    std::map<std::string, std::string> texts;
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const std::string name(state.get_text());
        texts[name] = state.get_text();
    }
    return texts;
}

void put_scope(StateWriter& state, const LimitScope& s) {
    state.put(s.scope);
    state.put(s.subject);
    for (const auto* limits : {&s.texts, &s.configured}) {
        state.put(static_cast<std::uint64_t>(limits->size()));
        for (const auto& [name, text] : *limits) state.put_text(name), state.put_text(text);
    }
    state.put(s.orders);
    state.put(s.cancels);
    state.put(static_cast<std::uint64_t>(s.results.size()));
    for (const ResultWatch& watch : s.results) state.put(watch);
    state.put(s.day);
    state.put(s.is_thrown);
    state.put(s.flattens);
    state.put_text(s.reason);
    // Counted anew, sums would have other zeros at their ends, and messages would show them.
    state.put(s.open_orders);
    state.put(static_cast<std::uint64_t>(s.exposures.size()));
    for (const Exposure& e : s.exposures) {
        state.put(e.account);
        state.put(e.instrument);
        for (const Number part : {e.longs, e.shorts, e.buys, e.sells, e.opening}) state.put(part);
        state.put(e.buys_cost);
    }
}

}  // namespace

void Limits::save(StateWriter& state) const {
    state.put(static_cast<std::uint64_t>(1 + account_scopes_.size() + strategy_scopes_.size()));
    put_scope(state, global_);
    for (const auto* scopes : {&account_scopes_, &strategy_scopes_})
        for (const auto& [subject, s] : *scopes) put_scope(state, s);
    watch_.save(state);
    recent_.save(state);
    state.put(has_clock_offset_);
    state.put(clock_off_by_);
}

bool Limits::load(StateReader& state) {
    lift_all();
    shares_.clear();
    last_shares_ = nullptr;
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto which = state.get<Scope>();
        LimitScope& s = scope(which, state.get<std::uint64_t>());
        for (const auto& [name, text] : get_texts(state)) {
            std::string why;
            if (!change(s, name, text, why)) return false;
        }
        s.configured = get_texts(state);
        s.orders = state.get<TokenBucket>();
        s.cancels = state.get<TokenBucket>();
        std::vector<ResultWatch> results;
        for (auto m = state.get<std::uint64_t>(); m > 0 && state.good(); --m)
            results.push_back(state.get<ResultWatch>());
        s.results = std::move(results);
        s.day = state.get<std::int64_t>();
        s.is_thrown = state.get<bool>();
        s.flattens = state.get<bool>();
        s.reason = state.get_text();
        s.open_orders = state.get<std::int64_t>();
        s.exposures.clear();
        for (auto m = state.get<std::uint64_t>(); m > 0 && state.good(); --m) {
            Exposure& e = s.exposures.emplace_back();
            e.account = state.get<std::uint64_t>();
            e.instrument = state.get<std::uint64_t>();
            for (Number* part : {&e.longs, &e.shorts, &e.buys, &e.sells, &e.opening})
                *part = state.get<Number>();
            e.buys_cost = state.get<Money>();
            resolve(s, e);
        }
    }
    if (!watch_.load(state) || !recent_.load(state)) return false;
    has_clock_offset_ = state.get<bool>();
    clock_off_by_ = state.get<std::int64_t>();
    follow_own_orders();
    for (LimitScope* s : scopes()) begin_watching(*s);
    return state.good();
}

}  // namespace kungfu::broker
