/// The limits that every order passes: what each scope holds, may come to hold, and is allowed.
///
/// A scope is everything, an account or a strategy; an order passes the limits of all that it is in.
/// docs/reference/limits.md has each limit and its message. Nothing here allocates while orders pass.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/accounts.hpp"
#include "broker/limit_config.hpp"
#include "broker/market_watch.hpp"
#include "broker/orders.hpp"
#include "broker/own_orders.hpp"
#include "broker/recent_orders.hpp"

namespace kungfu::broker {

/// What a scope holds of an instrument in an account, and what its open orders may still fill.
struct Exposure {
    std::uint64_t account = 0;
    std::uint64_t instrument = 0;
    const Market* market = nullptr;  // nullptr while the instrument is not defined
    Currency base, quote, settle;
    bool is_spot = false;
    bool is_allowed = true;  // by the limit `instruments`
    bool is_hedged = false;  // a long and a short position side by side
    Number longs{0, 0};
    Number shorts{0, 0};  // without sign
    Number buys{0, 0};
    Number sells{0, 0};
    Number opening{0, 0};   // of both, what makes one of two positions larger
    Money buys_cost{0, 0};  // of the open buys at the prices that they were judged at
};

/// How an owner's result in a currency has gone.
struct ResultWatch {
    Currency currency;
    Money day_began{0, 0};  // what it was then
    Money peak{0, 0};
    Money last{0, 0};
    bool is_known = true;
};

/// A scope: its limits, and what they are compared with.
struct LimitScope {
    Scope scope = Scope::GLOBAL;
    std::uint64_t subject = 0;
    std::string name;  // of the subject; empty for the global scope

    LimitSettings limits;
    std::map<std::string, std::string> texts;       // of the limits in force, by name
    std::map<std::string, std::string> configured;  // what the configuration said the last time
    DayClock clock;

    std::deque<Exposure> exposures;  // they stay where they are
    std::int64_t open_orders = 0;
    TokenBucket orders;
    TokenBucket cancels;
    std::vector<ResultWatch> results;
    std::int64_t day = std::numeric_limits<std::int64_t>::min();

    std::int64_t hours_asked = kNever;  // the minute in which it was last asked for its trading hours
    bool were_open = false;             // then

    bool is_thrown = false;  // the kill switch
    bool flattens = false;   // positions are being closed
    std::string reason;      // why it was thrown

    /// Whether a time is in its trading hours.
    bool is_open(std::int64_t now);
    /// Whether it has anything to say of orders.
    bool judges() const noexcept { return is_thrown || !texts.empty(); }
    /// Whether something of an account and a strategy is in it.
    bool has(std::uint64_t account, std::uint64_t strategy) const noexcept {
        return scope == Scope::GLOBAL || subject == (scope == Scope::ACCOUNT ? account : strategy);
    }
};

class Limits {
  public:
    Limits(const Markets& markets, const Orders& orders, const Accounts& accounts)
        : markets_(markets), orders_(orders), accounts_(accounts) {}

    /// Takes over what the configuration says otherwise than it did the last time, and calls told(change) for
    /// what that changes. Throws std::invalid_argument if a limit is not what it should be.
    void configure(const std::vector<ScopeConfig>& scopes,
                   const std::function<void(const LimitChange&)>& told);
    /// As if nothing had been configured or changed.
    void lift_all();
    /// An account that is configured: its result counts in the global one.
    void add_account(std::uint64_t account, const std::string& name);

    /// Sets or lifts a limit; false with the reason if that cannot be.
    bool change(LimitScope& scope, const std::string& name, const std::string& text, std::string& why);
    /// The event that says so, before it is done.
    static LimitChange describe_change(const LimitScope& scope, const std::string& name,
                                       std::string_view text);

    LimitScope& scope(Scope scope, std::uint64_t subject);
    /// All scopes, in an order that is always the same.
    std::vector<LimitScope*> scopes();

    // --- what happens -------------------------------------------------------------------------------
    void take_market_data(const Event& event) { watch_.take(event); }
    void on_clock_offset(const ClockOffset& offset) noexcept;
    /// So much of an order counted in its scopes, and so much does from now on.
    void count(const Order& order, const Counted& before, const Counted& after);
    /// An instrument is defined, or defined anew.
    void on_definition(std::uint64_t instrument);
    void on_position(const HoldingKey& key, const Holding& holding);
    /// Follows results after a price or a booking; gives the scopes that lost too much just now, and why.
    std::vector<std::pair<LimitScope*, std::string>> watch_results(std::int64_t now);
    /// Whether some scope's positions are being closed.
    bool any_flattens() const noexcept;
    bool watches_results() const noexcept { return watches_results_; }
    /// Whether a scope whose losses are limited holds something of the instrument.
    bool holds_watched(std::uint64_t instrument) const noexcept;
    /// Measures losses from now on anew.
    void forgive(LimitScope& scope);

    // --- an order -----------------------------------------------------------------------------------
    /// The worst price that the order can trade at, as far as that is known; none if it is not.
    Number worst_price(const OrderRequest& order, const Market& market) const noexcept;
    /// False with the reason if it breaks a limit of everything, of its account or of `owner`, a strategy.
    /// `amended` is the order that counts for it already, as it replaces it or is part of it; or nullptr.
    bool allow(const OrderRequest& order, std::uint64_t owner, const Market& market, Number worst_price,
               const Order* amended, std::int64_t now, std::string& reason);
    /// Whether what it and all open orders may cost is a number that can be told.
    bool fits_costs(const OrderRequest& order, Number worst_price, const Order* amended);
    /// False with the reason if it may only reduce a position, and would turn it over or open one even if the
    /// open orders of the other side filled first.
    bool obeys_reduce_only(const OrderRequest& order, std::string& reason) const;
    /// It was accepted: the same order is noticed for a while.
    void remember(const OrderRequest& order, std::int64_t now);
    /// It, or a change of it, goes out: takes its place in the rates.
    void pass(const Order& order, std::int64_t now);
    /// Calls visit(resting) for our open orders that this one would trade with and that share a scope with it
    /// whose `self_trade` is `how`, until it gives true; whether it did.
    template <class Visit>
    bool self_trades(const Order& order, SelfTrade how, Visit&& visit) {
        if (!(self_trades_ >> static_cast<unsigned>(how) & 1U) || waits(order.request)) return false;
        const Shares& shares = shares_of(order.account, order.owner(), order.instrument);
        return own_.crossing(order.instrument, order.side, order.price, [&](const OwnOrders::Resting& other) {
            for (const Share& share : shares) {
                const LimitScope* s = share.scope;
                if (s && s->limits.self_trade == how && other.id != order.id && is_in(*s, other.id))
                    return visit(other);
            }
            return false;
        });
    }

    // --- cancels ------------------------------------------------------------------------------------
    /// The scopes of an order whose cancels are paced.
    std::array<LimitScope*, 3> paced(const Order& order);

    void save(StateWriter& state) const;
    /// Reads the state, after that of orders and markets.
    bool load(StateReader& state);

  private:
    /// It is in no book: its trigger is to be reached first, or an algorithm works it.
    static bool waits(const OrderRequest& order) noexcept {
        return !order.get_trigger_price().is_none() || order.algorithm != 0;
    }
    bool is_sent(std::uint64_t order) const;

    /// An order that is being judged.
    struct Case {
        const OrderRequest& order;
        const Market& market;
        const Order* amended;
        std::int64_t now;
        Number size;
        Side side;
        Number worst;  // price
        Currency quote;
        Currency settle;
        const WatchedMarket* watched;         // nullptr if no data of it came that a limit needs
        std::int64_t repeats;                 // when the same order came last
        mutable std::optional<Money> equity;  // of the account; once, for all that ask
    };
    /// What a scope may come to if this order and all open ones fill.
    struct Reach {
        Number position{0, 0};
        Money net{0, 0};
        Money gross{0, 0};
        Money levered{0, 0};  // gross, in settlement currency, of what is not spot
        bool is_known = true;
    };
    /// Signed sizes at both ends of what may fill.
    struct Ends {
        Number high;
        Number low;
        Number farthest;  // without sign; both positions of hedging mode count
    };

    /// A scope, and its exposure to an instrument in an account.
    struct Share {
        LimitScope* scope = nullptr;
        Exposure* exposure = nullptr;
    };
    /// Whose orders have the same shares.
    struct Owner {
        std::uint64_t account;
        std::uint64_t strategy;
        std::uint64_t instrument;
        bool operator==(const Owner& o) const noexcept {
            return account == o.account && strategy == o.strategy && instrument == o.instrument;
        }
    };
    struct Hash {
        std::size_t operator()(const Owner& o) const noexcept {
            return (o.account * 31 + o.strategy) * 31 + o.instrument;
        }
    };
    using Shares = std::array<Share, 3>;

    /// What an order counts in: everything, its account and, if it is one of ours, its strategy.
    const Shares& shares_of(std::uint64_t account, std::uint64_t strategy, std::uint64_t instrument);
    std::array<LimitScope*, 3> scopes_of(std::uint64_t account, std::uint64_t strategy);
    bool follows_own_orders() const noexcept {
        return (self_trades_ & ~(1U << static_cast<unsigned>(SelfTrade::ALLOWED))) != 0;
    }
    void follow_own_orders();
    /// Whether an order of ours is in a scope.
    bool is_in(const LimitScope& scope, std::uint64_t order) const noexcept {
        const Order& o = *orders_.find_kept(order);
        return scope.has(o.account, o.owner());
    }
    Exposure& exposure(LimitScope& scope, std::uint64_t account, std::uint64_t instrument);
    void resolve(const LimitScope& scope, Exposure& exposure) const;
    void begin_watching(LimitScope& scope);
    void renew_needs();
    bool is_too_much(const LimitScope& scope, const ResultWatch& watch, std::string& reason) const;

    bool obeys(LimitScope& scope, Exposure& own, const Case& c, std::string& reason);
    bool obeys_times(LimitScope& scope, const Case& c, std::string& reason) const;
    bool obeys_sizes(const LimitScope& scope, const Case& c, std::string& reason) const;
    bool obeys_prices(const LimitScope& scope, const Case& c, std::string& reason) const;
    bool obeys_slippage(const LimitScope& scope, const Case& c, std::string& reason) const;
    bool obeys_volume(const LimitScope& scope, const Case& c, std::string& reason) const;
    bool obeys_repetition(const LimitScope& scope, const Case& c, std::string& reason);
    bool obeys_reach(LimitScope& scope, const Case& c, std::string& reason);
    bool obeys_leverage(const LimitScope& scope, const Case& c, const Reach& reach,
                        std::string& reason) const;
    bool obeys_funds(const Share& account, const Case& c, std::string& reason);
    Money equity_of(const LimitScope& scope, const Case& c) const;
    Money account_equity(const Case& c) const;
    Ends ends_of(const Exposure& e, const Case& c) const;
    Reach reach_of(LimitScope& scope, const Case& c) const;
    Number price_of(const Exposure& e, const Case& c) const noexcept;

    const Markets& markets_;
    const Orders& orders_;
    const Accounts& accounts_;
    LimitScope global_;
    std::map<std::uint64_t, LimitScope> account_scopes_;
    std::map<std::uint64_t, LimitScope> strategy_scopes_;
    MarketWatch watch_;
    OwnOrders own_;
    RecentOrders recent_;
    std::int64_t longest_repetition_ = 0;  // 0: no order is remembered
    bool watches_results_ = false;
    bool counts_orders_ = false;     // some scope has a rate
    std::uint32_t self_trades_ = 0;  // one bit for each value of SelfTrade that some scope has
    std::unordered_map<Owner, Shares, Hash> shares_;
    const std::pair<const Owner, Shares>* last_shares_ = nullptr;  // that were asked for
    bool has_clock_offset_ = false;
    std::int64_t clock_off_by_ = 0;
};

}  // namespace kungfu::broker
