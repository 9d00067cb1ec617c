#include "broker/markets.hpp"

#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

/// The digits of an amount of money: more could not be told apart in 128 bits.
constexpr std::uint8_t kMostDecimals = 38;

}  // namespace

Number multiplier(const Instrument& definition) noexcept {
    return definition.get_size_unit() == SizeUnit::CONTRACTS ? definition.get_contract_value() : Number{1, 0};
}

std::string_view settlement_currency(const Instrument& definition) noexcept {
    const bool quoted = is_spot(definition) || definition.get_settle().empty();
    return quoted ? definition.get_quote() : definition.get_settle();
}

bool worth_of(Number size, Number price, const Instrument& definition, Money& out) noexcept {
    const bool plain = definition.get_size_unit() == SizeUnit::BASE && !is_inverse(definition);
    if (plain && !price.is_none() && !size.is_none() && multiply(price, size, out)) return true;
    return is_inverse(definition)
               ? inverse_value(size, price, multiplier(definition), definition.settle_decimals, out)
               : value_of(price, size, multiplier(definition), out);
}

const char* unbookable(const Instrument& definition) noexcept {
    if (definition.settle_decimals > kMostDecimals) return "no currency has so many decimals";
    switch (definition.get_product()) {
        case Product::SPOT:
            if (definition.get_base().empty() || definition.get_quote().empty())
                return "base or quote currency is missing";
            if (definition.get_size_unit() != SizeUnit::BASE) return "spot sizes must count base units";
            return nullptr;
        case Product::PERPETUAL:
        case Product::FUTURE: break;
        case Product::OPTION:
        default: return "only spot, perpetuals and futures are supported so far";
    }
    const bool inverse = is_inverse(definition);
    if (!inverse && definition.get_contract_kind() != ContractKind::LINEAR)
        return "the contract is neither linear nor inverse";
    if (settlement_currency(definition).empty()) return "the settlement currency is missing";
    const bool counts = definition.get_size_unit() == SizeUnit::CONTRACTS;
    if (inverse && !counts) return "sizes of an inverse contract must count contracts";
    if (!counts) return nullptr;
    if (definition.get_contract_value().is_none() || definition.contract_value <= 0)
        return "the contract value is missing";
    const auto worth = definition.get_contract_currency();
    if (inverse && !worth.empty() && worth != definition.get_quote())
        return "an inverse contract must be worth an amount of quote currency";
    if (!inverse && !worth.empty() && worth != definition.get_base())
        return "a linear contract must be worth an amount of base currency";
    return nullptr;
}

void Markets::define(const Instrument& definition, std::string_view name) {
    Market& market = markets_[definition.instrument];
    market.definition = definition;
    market.name = name.empty() ? std::string(definition.get_symbol()) : std::string(name);
    market.defined = true;
}

void Markets::on_quote(const Quote& quote) {
    Market& market = markets_[quote.instrument];
    market.bid = quote.get_bid_price();
    market.ask = quote.get_ask_price();
}

void Markets::look_up(std::uint64_t instrument) const noexcept {
    const auto found = markets_.find(instrument);
    last_asked_ = instrument;
    last_found_ = found != markets_.end() && found->second.defined ? &found->second : nullptr;
}

void Markets::save(StateWriter& state) const {
    state.put(static_cast<std::uint64_t>(markets_.size()));
    for (const auto& [id, market] : markets_) {
        state.put(id);
        state.put(market.definition);
        state.put_text(market.name);
        state.put(market.defined);
        for (const Number price : {market.last, market.bid, market.ask, market.mark}) state.put(price);
    }
}

bool Markets::load(StateReader& state) {
    markets_.clear();
    last_found_ = nullptr;
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        Market& market = markets_[state.get<std::uint64_t>()];
        market.definition = state.get<Instrument>();
        market.name = state.get_text();
        market.defined = state.get<bool>();
        for (Number* price : {&market.last, &market.bid, &market.ask, &market.mark})
            *price = state.get<Number>();
    }
    return state.good();
}

}  // namespace kungfu::broker
