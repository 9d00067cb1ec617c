/// A market of its own: seeded order flow around a drifting fair price, matched by the engine.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kungfu/component.hpp"
#include "market.hpp"
#include "matching_engine.hpp"
#include "random.hpp"
#include "settings.hpp"

namespace kungfu::sim {

class SyntheticMarket final : public Market {
  public:
    /// `moment` is the venue's time; `port` takes the market data, on its output 1.
    SyntheticMarket(const SyntheticSettings& settings, std::uint64_t seed, const Moment& moment, Port& port,
                    MarketReports& reports);

    Instrument definition() const;

    /// Fills the book and publishes it.
    void open();
    /// When the flow goes on.
    std::int64_t next_time() const noexcept;
    /// Does what is due at the moment.
    void advance();

    void submit(const MarketOrder& order) override;
    void cancel(std::uint64_t order) override;
    const char* amend(std::uint64_t order, Number price, Number size) override;
    Money cost_of_taking(Side side, Number size) const override;

  private:
    struct FlowOrder {
        std::uint64_t id;
        Side side;
        std::int64_t price;
    };
    struct Top {
        std::int64_t bid = 0;
        std::int64_t bid_size = 0;
        std::int64_t ask = 0;
        std::int64_t ask_size = 0;
        bool operator==(const Top& o) const noexcept {
            return bid == o.bid && bid_size == o.bid_size && ask == o.ask && ask_size == o.ask_size;
        }
    };

    Number price_of(std::int64_t ticks) const noexcept;
    Number size_of(std::int64_t lots) const noexcept;
    std::int64_t ticks_of(Number price) const;
    std::int64_t lots_of(Number size) const;

    void drift();
    void order_or_cancel();
    void place_limit(OrderKind kind);
    void cancel_one();
    void place_market();
    std::int64_t random_size();
    std::int64_t fair_ticks() const noexcept { return fair_ >> 16; }
    std::int64_t distance(const FlowOrder& order) const noexcept;
    void remember(const FlowOrder& order);
    void forget(std::uint64_t id);

    void submit_to_engine(const EngineOrder& order);
    void tell(const EngineOrder& order);
    void tell_trade(const EngineEvent& trade, Side taker);
    void touch(Side side, std::int64_t price) { touched_.emplace_back(side, price); }
    void publish_trade(const EngineEvent& trade, Side taker);
    void publish_book();
    void publish_snapshot();
    void publish_top();
    Level level(Side side, std::int64_t price, std::int64_t size) const;

    const SyntheticSettings settings_;
    const Moment& moment_;
    Port& port_;
    MarketReports& reports_;
    Random random_;
    MatchingEngine engine_;
    MatchingEngine::Events events_;
    std::uint64_t instrument_;
    std::uint64_t next_id_ = 1;
    std::unordered_map<std::uint64_t, std::uint64_t> engine_ids_;  // of our orders, by order id
    std::unordered_map<std::uint64_t, EngineOrder> ours_;          // by engine id; id is the order id
    std::vector<FlowOrder> flow_;
    std::unordered_map<std::uint64_t, std::size_t> flow_places_;
    std::vector<std::pair<Side, std::int64_t>> touched_;
    std::int64_t fair_;  // ticks, in units of 1/65536
    std::int64_t next_drift_ = 0;
    std::int64_t next_order_ = 0;
    std::int64_t next_trade_ = 0;
    std::uint64_t update_id_ = 0;
    std::uint64_t trade_id_ = 0;
    Top top_;
};

}  // namespace kungfu::sim
