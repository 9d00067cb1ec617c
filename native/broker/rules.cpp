#include "broker/rules.hpp"

#include "broker/emulation.hpp"
#include "broker/exact.hpp"
#include "broker/wording.hpp"

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
        if (price.mantissa <= 0) return refuse({what, " ", price, " is not positive"}, reason);
        const Number tick = market.definition.get_tick();
        if (is_multiple(price, tick)) return true;
        return refuse({what, " ", price, " is not a multiple of the tick ", tick, " of ", market.name},
                      reason);
    }
    const char* type = name_of(order.get_type());
    if (wanted) return refuse({"a ", type, " order needs a ", what}, reason);
    return refuse({"a ", type, " order takes no ", what, ", got ", price}, reason);
}

bool obeys_size(const OrderRequest& order, const Market& market, std::string& reason) {
    const Instrument& d = market.definition;
    const Number size = order.get_size();
    if (size.is_none() || size.mantissa <= 0) return refuse({"size ", size, " is not positive"}, reason);
    if (!is_multiple(size, d.get_lot())) {
        return refuse({"size ", size, " is not a multiple of the lot ", d.get_lot(), " of ", market.name},
                      reason);
    }
    if (is_limit(d.get_min_size()) && size < d.get_min_size()) {
        return refuse({"size ", size, " is below the minimum ", d.get_min_size(), " of ", market.name},
                      reason);
    }
    if (is_limit(d.get_max_size()) && size > d.get_max_size()) {
        return refuse({"size ", size, " is above the maximum ", d.get_max_size(), " of ", market.name},
                      reason);
    }
    return true;
}

bool obeys_display_size(const OrderRequest& order, const Market& market, std::string& reason) {
    const Number shown = order.get_display_size();
    if (shown.is_none()) return true;
    if (shown.mantissa > 0 && shown <= order.get_size() && is_multiple(shown, market.definition.get_lot()))
        return true;
    return refuse({"display size ", shown, " is not a multiple of the lot ", market.definition.get_lot(),
                   " between 0 and the size ", order.get_size()},
                  reason);
}

bool obeys_expiry(const OrderRequest& order, std::int64_t now, std::string& reason) {
    const bool ends = order.get_time_in_force() == TimeInForce::GTD;
    if (ends ? order.expire_time > now : order.expire_time == 0) return true;
    if (ends) return refuse({"expire time ", order.expire_time, " is not after now, ", now}, reason);
    return refuse({"only a GTD order takes an expire time, got ", order.expire_time}, reason);
}

/// The gateway lacks what was asked for, or what it would be made of.
template <class E>
bool refuse_lacking(const Gateway& gateway, const char* before, E wanted, E sent, const char* after,
                    std::string& reason) {
    if (wanted == sent)
        return refuse({gateway.kind, " ", gateway.name, " takes no ", before, name_of(wanted), after},
                      reason);
    return refuse({gateway.kind, " ", gateway.name, " takes no ", before, name_of(wanted),
                   " (it would be made of ", name_of(sent), ")", after},
                  reason);
}

}  // namespace

bool is_expressible(const OrderRequest& order, const Gateway& gateway, std::string& reason) {
    const auto lacks = [&](const char* what, const char* which = "") {
        return refuse({gateway.kind, " ", gateway.name, " takes no ", what, which}, reason);
    };
    if (order.side != static_cast<std::uint8_t>(Side::BUY) &&
        order.side != static_cast<std::uint8_t>(Side::SELL)) {
        return refuse({"side ", order.side, " is neither BUY nor SELL"}, reason);
    }
    const Capabilities& venue = gateway.capabilities;
    const Lacking lacks_what = lacking(order, venue);
    const OrderType type = sent_type(order, lacks_what);
    const TimeInForce time = sent_time_in_force(order, lacks_what);
    if (!venue.can(type)) return refuse_lacking(gateway, "", order.get_type(), type, " orders", reason);
    if (!venue.can(time)) {
        return refuse_lacking(gateway, "time in force ", order.get_time_in_force(), time, "", reason);
    }
    if (order.reduce_only && !venue.reduce_only) return lacks("reduce-only orders");
    if (!order.get_display_size().is_none() && !venue.display_size) return lacks("display size");
    if (order.get_position_side() != PositionSide::NET && !venue.position_sides)
        return lacks("position side ", name_of(order.get_position_side()));
    return true;
}

bool fits_mode(const OrderRequest& order, const AccountTerms& terms, const Instrument& definition,
               std::string& reason) {
    const PositionSide side = order.get_position_side();
    const bool two = terms.hedging && !is_spot(definition);
    if (two ? side == PositionSide::LONG || side == PositionSide::SHORT : side == PositionSide::NET)
        return true;
    if (two) {
        return refuse(
            {"the account holds long and short side by side: position side LONG or SHORT is missing"},
            reason);
    }
    return refuse({"the account has one position of the instrument, not a ", name_of(side), " one"}, reason);
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
        return refuse({"the value of size ", order.get_size(), " at ", price, " does not fit"}, reason);
    }
    if (compare(value, to_money(least)) >= 0) return true;
    return refuse({"notional ", value, " is below the minimum ", least, " of ", market.name}, reason);
}

}  // namespace kungfu::broker
