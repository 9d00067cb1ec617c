/// How a broker is put together: its settings, its risk checks, its own journal.
#pragma once

#include <memory>
#include <vector>

#include "broker/order_history.hpp"
#include "broker/risk.hpp"
#include "broker/settings.hpp"

namespace kungfu::broker {

struct BrokerConfig : Settings {
    std::vector<std::unique_ptr<RiskCheck>> checks;  // asked in this order
    std::unique_ptr<OrderHistory> history;  // of the broker's own journal; without it no order is let go
    std::size_t most_closed = 4096;         // orders that are over and not let go
};

}  // namespace kungfu::broker
