/// What limits watch of markets besides prices: how old data is, how much was traded, how deep books are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>

#include "broker/exact.hpp"
#include "broker/state_bytes.hpp"
#include "kungfu/book.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// Sizes of trades over a window that slides.
class TradedVolume {
  public:
    void add(std::int64_t time, Number size, std::int64_t longest_window) {
        total_ = sum(total_, to_money(size), "traded volume");
        trades_.push_back({time, total_});
        for (; trades_.front().time <= time - longest_window; trades_.pop_front())
            before_ = trades_.front().total;
    }

    /// What was traded after `since`.
    Money after(std::int64_t since) const {
        if (trades_.empty() || since < trades_.front().time) return sum(total_, -before_, "traded volume");
        const auto first = std::upper_bound(trades_.begin(), trades_.end(), since,
                                            [](std::int64_t t, const Sum& trade) { return t < trade.time; });
        return sum(total_, -std::prev(first)->total, "traded volume");
    }

    void save(StateWriter& state) const {
        state.put(total_);
        state.put(before_);
        state.put(static_cast<std::uint64_t>(trades_.size()));
        for (const Sum& trade : trades_) state.put(trade);
    }
    bool load(StateReader& state) {
        total_ = state.get<Money>();
        before_ = state.get<Money>();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n)
            trades_.push_back(state.get<Sum>());
        return state.good();
    }

  private:
    struct Sum {
        std::int64_t time;
        Money total;  // of all trades up to this one
    };
    std::deque<Sum> trades_;
    Money total_{0, 0};
    Money before_{0, 0};  // of the trades that have left the longest window
};

/// A market as limits see it.
struct WatchedMarket {
    std::int64_t updated = 0;  // when data came last; 0 if none ever did
    TradedVolume volume;
    OrderBook book;
    Number bid_size = Number::none();
    Number ask_size = Number::none();
    std::map<std::uint32_t, FeedState> down;  // feeds that are not live, by event type; 0 is all of them
};

/// Follows only what some limit needs.
class MarketWatch {
  public:
    struct Needs {
        bool age = false;
        bool depth = false;
        std::int64_t volume_window = 0;  // the longest

        bool any() const noexcept { return age || depth || volume_window > 0; }
    };

    void set_needs(Needs needs) noexcept { needs_ = needs; }

    void take(const Event& event) {
        // Whatever is needed now: a limit may come later, and the news does not come again.
        if (const auto* status = event.as<FeedStatus>()) return take_status(*status);
        if (!needs_.any()) return;
        const std::int64_t time = event.frame->gen_time;
        if (const auto* quote = event.as<Quote>()) {
            WatchedMarket& market = seen(quote->instrument, time);
            market.bid_size = quote->get_bid_size();
            market.ask_size = quote->get_ask_size();
        } else if (const auto* trade = event.as<Trade>()) {
            WatchedMarket& market = seen(trade->instrument, time);
            if (needs_.volume_window > 0 && !trade->get_size().is_none())
                market.volume.add(time, trade->get_size(), needs_.volume_window);
        } else if (const auto* mark = event.as<MarkPrice>()) {
            seen(mark->instrument, time);
        } else if (const auto* snapshot = event.as<BookSnapshot>()) {
            WatchedMarket& market = seen(snapshot->instrument, time);
            if (needs_.depth) market.book.apply(*snapshot, event.tail<BookSnapshot>());
        } else if (const auto* delta = event.as<BookDelta>()) {
            WatchedMarket& market = seen(delta->instrument, time);
            if (needs_.depth) market.book.apply(*delta, event.tail<BookDelta>());
        }
    }

    /// nullptr if nothing came of it yet.
    const WatchedMarket* find(std::uint64_t instrument) const noexcept {
        if (markets_.empty()) return nullptr;
        const auto found = markets_.find(instrument);
        return found == markets_.end() ? nullptr : &found->second;
    }

    void save(StateWriter& state) const {
        state.put(static_cast<std::uint64_t>(markets_.size()));
        for (const auto& [instrument, market] : markets_) {
            state.put(instrument);
            state.put(market.updated);
            state.put(market.bid_size);
            state.put(market.ask_size);
            put_map(state, market.down);
            market.volume.save(state);
            market.book.save(state);
        }
    }
    bool load(StateReader& state) {
        markets_.clear();
        for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
            WatchedMarket& market = markets_[state.get<std::uint64_t>()];
            market.updated = state.get<std::int64_t>();
            market.bid_size = state.get<Number>();
            market.ask_size = state.get<Number>();
            get_map(state, market.down);
            market.volume.load(state);
            market.book.load(state);
        }
        return state.good();
    }

  private:
    void take_status(const FeedStatus& status) {
        auto& down = markets_[status.instrument].down;
        if (status.get_state() != FeedState::LIVE) {
            down[status.event_type] = status.get_state();
        } else if (status.event_type == 0) {
            down.clear();
        } else {
            down.erase(status.event_type);
        }
    }

    WatchedMarket& seen(std::uint64_t instrument, std::int64_t time) {
        WatchedMarket& market = markets_[instrument];
        market.updated = time;
        return market;
    }

    Needs needs_;
    std::unordered_map<std::uint64_t, WatchedMarket> markets_;
};

}  // namespace kungfu::broker
