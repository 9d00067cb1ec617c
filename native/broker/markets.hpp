/// What the broker knows of markets: definitions, last trade, best quote and mark, by instrument id.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

struct Market {
    Instrument definition{};
    std::string name;
    bool defined = false;
    Number last = Number::none();
    Number bid = Number::none();
    Number ask = Number::none();
    Number mark = Number::none();

    /// The mark price, or the last trade where the venue gives no mark; none before either.
    Number marking_price() const noexcept { return mark.is_none() ? last : mark; }
};

/// What one unit of size is worth in base units: 1, or the contract value.
Number multiplier(const Instrument& definition) noexcept;

/// Spot: what is bought stands in a balance of its own.
inline bool is_spot(const Instrument& definition) noexcept {
    return definition.get_product() == Product::SPOT;
}

/// Whether it pays in base currency: what it is worth is contracts by price.
inline bool is_inverse(const Instrument& definition) noexcept {
    return definition.get_contract_kind() == ContractKind::INVERSE;
}

/// The currency in which positions of the instrument have their cost.
std::string_view settlement_currency(const Instrument& definition) noexcept;

/// What a size is worth at a price, in settlement currency and with the sign of the size: exact for spot and
/// linear contracts, a quotient rounded once for inverse ones. False if it is unknown or does not fit.
bool worth_of(Number size, Number price, const Instrument& definition, Money& out) noexcept;

/// Why the instrument's fills cannot be booked; nullptr if they can.
const char* unbookable(const Instrument& definition) noexcept;

class Markets {
  public:
    void define(const Instrument& definition, std::string_view name);
    void on_trade(const Trade& trade) { markets_[trade.instrument].last = trade.get_price(); }
    void on_quote(const Quote& quote);
    void on_mark(const MarkPrice& mark) { markets_[mark.instrument].mark = mark.get_price(); }

    /// The market if the instrument's definition is known.
    const Market* find(std::uint64_t instrument) const noexcept {
        if (instrument != last_asked_ || last_found_ == nullptr) look_up(instrument);
        return last_found_;
    }

    void save(StateWriter& state) const;
    bool load(StateReader& state);

  private:
    void look_up(std::uint64_t instrument) const noexcept;

    std::unordered_map<std::uint64_t, Market> markets_;
    // The same one is asked for several times in a row; a market that was found stays where it is.
    mutable std::uint64_t last_asked_ = 0;
    mutable const Market* last_found_ = nullptr;
};

}  // namespace kungfu::broker
