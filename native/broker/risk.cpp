#include "broker/risk.hpp"

#include "broker/exact.hpp"

namespace kungfu::broker {

bool RiskView::reduces_position() const {
    const Market* market = markets_.find(order_.instrument);
    if (market == nullptr) return false;
    const PositionSide which =
        accounts_.side_of(order_.account, order_.get_position_side(), market->definition);
    const Number held = accounts_.holding({order_.account, order_.instrument, 0, which}).size;
    const bool opposite = order_.get_side() == Side::SELL ? held.mantissa > 0 : held.mantissa < 0;
    Number all;
    return opposite &&
           exact_sum(open_size(order_.account, order_.instrument, order_.get_side()), order_.get_size(),
                     all) &&
           all <= magnitude(held);
}

Number RiskView::position(std::uint64_t account, std::uint64_t instrument) const {
    return accounts_.net_size(account, instrument);
}

Number RiskView::open_size(std::uint64_t account, std::uint64_t instrument, Side side) const {
    const Number open = orders_.open_size(account, instrument, side);
    const bool counted = amended_ && amended_->account == account && amended_->instrument == instrument &&
                         amended_->side == side;
    return counted ? sum(open, -amended_->remaining(), "open size") : open;
}

Money RiskView::balance(std::uint64_t account, std::string_view currency) const {
    return accounts_.balance(account, Currency(currency));
}

Money RiskView::result(Scope scope, std::uint64_t subject, std::string_view currency) const {
    return accounts_.result(scope, subject, Currency(currency), markets_);
}

Money RiskView::unrealized(std::uint64_t account, std::string_view currency) const {
    return accounts_.unrealized(account, Currency(currency), markets_);
}

Money RiskView::equity(std::uint64_t account, std::string_view currency) const {
    return accounts_.equity(account, Currency(currency), markets_);
}

Money RiskView::margin_used(std::uint64_t account, std::string_view currency) const {
    return accounts_.margin_used(account, Currency(currency), markets_);
}

Money RiskView::margin_free(std::uint64_t account, std::string_view currency) const {
    return accounts_.margin_free(account, Currency(currency), markets_);
}

Number RiskView::last_price(std::uint64_t instrument) const noexcept {
    const Market* market = markets_.find(instrument);
    return market ? market->last : Number::none();
}

Number RiskView::bid_price(std::uint64_t instrument) const noexcept {
    const Market* market = markets_.find(instrument);
    return market ? market->bid : Number::none();
}

Number RiskView::ask_price(std::uint64_t instrument) const noexcept {
    const Market* market = markets_.find(instrument);
    return market ? market->ask : Number::none();
}

Money RiskView::mid_price(std::uint64_t instrument) const noexcept {
    const Number bid = bid_price(instrument);
    const Number ask = ask_price(instrument);
    Money both;
    if (bid.is_none() || ask.is_none() || !exact_sum(to_money(bid), to_money(ask), both))
        return Money::none();
    if (both.exponent <= -127 || !scale_up(both.mantissa, 1)) return Money::none();
    return {both.mantissa / 2, static_cast<std::int8_t>(both.exponent - 1)};
}

Money RiskView::notional(std::uint64_t instrument, Number price, Number size) const noexcept {
    const Market* market = markets_.find(instrument);
    Money value;
    if (!market || !worth_of(magnitude(size), price, market->definition, value)) return Money::none();
    return value;
}

const Instrument* RiskView::instrument(std::uint64_t id) const noexcept {
    const Market* market = markets_.find(id);
    return market ? &market->definition : nullptr;
}

std::string_view RiskView::instrument_name(std::uint64_t id) const noexcept {
    const Market* market = markets_.find(id);
    return market ? std::string_view(market->name) : std::string_view();
}

}  // namespace kungfu::broker
