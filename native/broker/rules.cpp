#include "broker/rules.hpp"

#include "broker/emulation.hpp"
#include "broker/exact.hpp"

namespace kungfu::broker {
namespace {

bool wants_price(OrderType type) noexcept {
    return type == OrderType::LIMIT || type == OrderType::POST_ONLY || type == OrderType::STOP_LIMIT;
}

bool wants_trigger(OrderType type) noexcept {
    return type == OrderType::STOP_MARKET || type == OrderType::STOP_LIMIT;
}

bool is_limit(Number limit) noexcept { return !limit.is_none() && !limit.is_zero(); }

/// A price that the type wants must be there, positive and on tick; another must be absent.
bool obeys_tick(const char* what, Number price, bool wanted, const OrderRequest& order, const Market& market,
                std::string& reason) {
    if (price.is_none() != wanted) {
        if (!wanted) return true;
        if (price.mantissa <= 0) {
            reason = std::string(what) + " " + to_text(price) + " is not positive";
            return false;
        }
        if (is_multiple(price, market.definition.get_tick())) return true;
        reason = std::string(what) + " " + to_text(price) + " is not a multiple of the tick " +
                 to_text(market.definition.get_tick()) + " of " + market.name;
        return false;
    }
    const std::string type = name_of(order.get_type());
    reason = wanted ? "a " + type + " order needs a " + what
                    : "a " + type + " order takes no " + what + ", got " + to_text(price);
    return false;
}

bool obeys_size(const OrderRequest& order, const Market& market, std::string& reason) {
    const Instrument& d = market.definition;
    const Number size = order.get_size();
    const auto text = [&] { return "size " + to_text(size); };
    if (size.is_none() || size.mantissa <= 0) {
        reason = text() + " is not positive";
    } else if (!is_multiple(size, d.get_lot())) {
        reason = text() + " is not a multiple of the lot " + to_text(d.get_lot()) + " of " + market.name;
    } else if (is_limit(d.get_min_size()) && size < d.get_min_size()) {
        reason = text() + " is below the minimum " + to_text(d.get_min_size()) + " of " + market.name;
    } else if (is_limit(d.get_max_size()) && size > d.get_max_size()) {
        reason = text() + " is above the maximum " + to_text(d.get_max_size()) + " of " + market.name;
    } else {
        return true;
    }
    return false;
}

bool obeys_display_size(const OrderRequest& order, const Market& market, std::string& reason) {
    const Number shown = order.get_display_size();
    if (shown.is_none()) return true;
    if (shown.mantissa > 0 && shown <= order.get_size() && is_multiple(shown, market.definition.get_lot()))
        return true;
    reason = "display size " + to_text(shown) + " is not a multiple of the lot " +
             to_text(market.definition.get_lot()) + " between 0 and the size " + to_text(order.get_size());
    return false;
}

bool obeys_expiry(const OrderRequest& order, std::int64_t now, std::string& reason) {
    const bool ends = order.get_time_in_force() == TimeInForce::GTD;
    if (ends ? order.expire_time > now : order.expire_time == 0) return true;
    reason =
        ends
            ? "expire time " + std::to_string(order.expire_time) + " is not after now, " + std::to_string(now)
            : std::string("only a GTD order takes an expire time, got ") + std::to_string(order.expire_time);
    return false;
}

/// What is lacking: what was asked for, and what it would be made of.
template <class E>
std::string made_of(E wanted, E sent) {
    const std::string name = name_of(wanted);
    return wanted == sent ? name : name + " (it would be made of " + name_of(sent) + ")";
}

}  // namespace

bool is_expressible(const OrderRequest& order, const Gateway& gateway, std::string& reason) {
    const auto lacks = [&](const std::string& what) {
        reason = std::string(gateway.kind) + " " + gateway.name + " takes no " + what;
        return false;
    };
    if (order.side != static_cast<std::uint8_t>(Side::BUY) &&
        order.side != static_cast<std::uint8_t>(Side::SELL)) {
        reason = "side " + std::to_string(order.side) + " is neither BUY nor SELL";
        return false;
    }
    const Capabilities& venue = gateway.capabilities;
    const OrderRequest sent = sent_form(order, venue);
    if (!venue.can(sent.get_type())) return lacks(made_of(order.get_type(), sent.get_type()) + " orders");
    if (!venue.can(sent.get_time_in_force())) {
        return lacks("time in force " + made_of(order.get_time_in_force(), sent.get_time_in_force()));
    }
    if (order.reduce_only && !venue.reduce_only) return lacks("reduce-only orders");
    if (!order.get_display_size().is_none() && !venue.display_size) return lacks("display size");
    if (order.get_position_side() != PositionSide::NET && !venue.position_sides) {
        return lacks(std::string("position side ") + name_of(order.get_position_side()));
    }
    return true;
}

bool fits_mode(const OrderRequest& order, const AccountTerms& terms, const Instrument& definition,
               std::string& reason) {
    const PositionSide side = order.get_position_side();
    const bool two = terms.hedging && !is_spot(definition);
    if (two ? side == PositionSide::LONG || side == PositionSide::SHORT : side == PositionSide::NET)
        return true;
    reason =
        two ? "the account holds long and short side by side: position side LONG or SHORT is missing"
            : std::string("the account has one position of the instrument, not a ") + name_of(side) + " one";
    return false;
}

bool obeys_steps(const OrderRequest& order, const Market& market, std::int64_t now, std::string& reason) {
    const OrderType type = order.get_type();
    return obeys_size(order, market, reason) &&
           obeys_tick("price", order.get_price(), wants_price(type), order, market, reason) &&
           obeys_tick("trigger price", order.get_trigger_price(), wants_trigger(type), order, market,
                      reason) &&
           obeys_tick("trailing offset", order.get_trailing_offset(), type == OrderType::TRAILING_STOP, order,
                      market, reason) &&
           obeys_display_size(order, market, reason) && obeys_expiry(order, now, reason);
}

bool obeys_min_notional(const OrderRequest& order, const Market& market, std::string& reason) {
    const Number least = market.definition.get_min_notional();
    const Number price = order.get_price().is_none() ? market.last : order.get_price();
    if (!is_limit(least) || price.is_none()) return true;
    Money value;
    // An inverse contract is worth an amount of quote currency, whatever its price.
    if (!value_of(is_inverse(market.definition) ? Number{1, 0} : price, order.get_size(),
                  multiplier(market.definition), value)) {
        reason = "the value of size " + to_text(order.get_size()) + " at " + to_text(price) + " does not fit";
        return false;
    }
    if (compare(value, to_money(least)) >= 0) return true;
    reason = "notional " + to_text(value) + " is below the minimum " + to_text(least) + " of " + market.name;
    return false;
}

}  // namespace kungfu::broker
