/// A market that replays what was recorded and fills our orders against it.
///
/// docs/explanation/simulated-venue.md states the fill rule; the tests check it fill for fill.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kungfu/book.hpp"
#include "market.hpp"

namespace kungfu::sim {

/// The recorded levels as they stand: the book, with the quote over it where the quote is newer.
class RecordedView {
  public:
    void take(const BookSnapshot& event, std::string_view tail);
    void take(const BookDelta& event, std::string_view tail);
    void take(const Quote& event);

    /// Whether there is a book or a quote, and it is not crossed.
    bool tradable() const noexcept;
    PriceLevel best(Side side) const noexcept;
    /// What a side shows at a price; absent where the recording does not reach that deep.
    Number displayed(Side side, Number price) const noexcept;
    /// Calls visit(price, size) for each level of a side, best first, until it says false.
    template <class Visit>
    void levels(Side side, Visit&& visit) const {
        const bool over = quote_rules();
        const PriceLevel top = over ? quoted(side) : PriceLevel{};
        if (over && (top.is_none() || !visit(top.price, top.size))) return;
        for (std::size_t i = 0; book_.known() && i < book_.depth(side); ++i) {
            const PriceLevel level = book_.level(side, i);
            if (over && !better(side, top.price, level.price)) continue;
            if (!visit(level.price, level.size)) return;
        }
    }

    /// Whether price `a` is better than `b` for somebody who rests on that side.
    static bool better(Side side, Number a, Number b) noexcept { return side == Side::BUY ? a > b : a < b; }

  private:
    /// Whether the quote, and not the book, says what the best levels are.
    bool quote_rules() const noexcept;
    PriceLevel quoted(Side side) const noexcept;
    void took_book(BookChange change) noexcept;

    OrderBook book_;
    Quote quote_{};
    bool has_quote_ = false;
    bool quote_is_last_ = false;  // arrived after the last change of the book
};

class RecordedMarket final : public Market {
  public:
    explicit RecordedMarket(MarketReports& reports) : reports_(reports) {}

    void take(const BookSnapshot& event, std::string_view tail);
    void take(const BookDelta& event, std::string_view tail);
    void take(const Quote& event);
    void take(const Trade& event);

    void submit(const MarketOrder& order) override;
    void cancel(std::uint64_t order) override;
    const char* amend(std::uint64_t order, Number price, Number size) override;
    Money cost_of_taking(Side side, Number size) const override;

  private:
    struct Resting {
        MarketOrder order;
        Number ahead;  // displayed before us and not yet gone; absent where the recording does not reach
    };
    /// What we took of a level since its displayed size last changed.
    struct Taken {
        Side side;
        Number price;
        Number displayed;
        Number size;
    };

    Number available(Side side, Number price, Number displayed) const noexcept;
    void consume(Side side, Number price, Number displayed, Number size);
    bool would_take(const MarketOrder& order) const noexcept;
    Number takable(const MarketOrder& order) const;
    /// Takes what the opposite levels have, each fill at the level's price or, for an order that
    /// rested, at its own.
    void walk(MarketOrder& order, Liquidity liquidity);
    void enter(MarketOrder order);
    void rest(const MarketOrder& order);
    void changed();
    void drop_filled();

    MarketReports& reports_;
    RecordedView view_;
    std::vector<Resting> resting_;  // bids, then offers; best price first, then in order of arrival
    std::vector<Taken> taken_;
    bool has_single_trades_ = false;
};

}  // namespace kungfu::sim
