/// What a venue would refuse anyway: what it cannot express, and values off its steps and limits.
#pragma once

#include <cstdint>
#include <string>

#include "broker/config.hpp"
#include "broker/markets.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// Whether the gateway can express the order, what the broker does for it taken off; false with the reason
/// otherwise.
bool is_expressible(const OrderRequest& order, const Gateway& gateway, std::string& reason);

/// Whether the order says which position it is for where an account has two, and only there.
bool fits_mode(const OrderRequest& order, const AccountTerms& terms, const Instrument& definition,
               std::string& reason);

/// Whether sizes stand on lot and within the limits, prices on tick and where the type wants them.
bool obeys_steps(const OrderRequest& order, const Market& market, std::int64_t now, std::string& reason);

/// Whether the order is worth enough, as far as its price is known.
bool obeys_min_notional(const OrderRequest& order, const Market& market, std::string& reason);

}  // namespace kungfu::broker
