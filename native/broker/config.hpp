/// How a broker is put together: its accounts, the gateways behind them, its risk checks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/order_history.hpp"
#include "broker/risk.hpp"
#include "broker/settling.hpp"
#include "kungfu/enums.hpp"

namespace kungfu::broker {

/// What a gateway can express; one bit per value of OrderType and of TimeInForce.
struct Capabilities {
    std::uint32_t order_types = 0;
    std::uint32_t times_in_force = 0;
    bool amend = false;
    bool reduce_only = false;
    bool queries = false;  // answers venue_query, so that orders can be settled and accounts compared

    bool can(OrderType type) const noexcept { return (order_types >> static_cast<unsigned>(type)) & 1U; }
    bool can(TimeInForce time) const noexcept { return (times_in_force >> static_cast<unsigned>(time)) & 1U; }
};

/// A gateway that takes orders.
struct Gateway {
    std::uint64_t source = 0;
    std::string name;
    Capabilities capabilities;
};

/// An account and the gateway that reaches it.
struct Route {
    std::uint64_t account = 0;
    std::string name;
    std::uint64_t gateway = 0;
    AccountTerms terms;
};

struct BrokerConfig {
    std::vector<Gateway> gateways;
    std::vector<Route> routes;
    std::vector<std::unique_ptr<RiskCheck>> checks;  // asked in this order
    Timing timing;
    std::unique_ptr<OrderHistory> history;  // of the broker's own journal; without it no order is let go
    std::size_t most_closed = 4096;         // orders that are over and not let go
};

}  // namespace kungfu::broker
