/// What a broker is set to: its accounts, the gateways behind them, its limits, how long it waits for venues.
///
/// As text it stands in the broker's journal, with each start: a rebuild is set to what counted then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/accounts.hpp"
#include "broker/limit_config.hpp"
#include "broker/settling.hpp"
#include "kungfu/enums.hpp"

namespace kungfu::broker {

/// What a gateway can express; one bit per value of OrderType, of TimeInForce and of PriceKind.
struct Capabilities {
    std::uint32_t order_types = 0;
    std::uint32_t times_in_force = 0;
    bool amend = false;
    bool reduce_only = false;
    bool queries = false;  // answers venue_query, so that orders can be settled and accounts compared
    bool display_size = false;
    bool position_sides = false;  // long and short side by side
    bool oto = false;             // holds an order until its parent has filled
    bool oco = false;             // cancels the orders of a group when one of them fills
    std::uint32_t triggers = 1U << static_cast<unsigned>(PriceKind::LAST);  // what its stops can watch

    bool can(OrderType type) const noexcept { return has(order_types, static_cast<unsigned>(type)); }
    bool can(TimeInForce time) const noexcept { return has(times_in_force, static_cast<unsigned>(time)); }
    bool can(PriceKind price) const noexcept { return has(triggers, static_cast<unsigned>(price)); }

    /// Calls each(name, flag) for what else it can do.
    template <class Self, class Each>
    static void each_ability(Self& self, Each&& each) {
        each("amend", self.amend);
        each("reduce_only", self.reduce_only);
        each("queries", self.queries);
        each("display_size", self.display_size);
        each("position_sides", self.position_sides);
        each("oto", self.oto);
        each("oco", self.oco);
    }

  private:
    static bool has(std::uint32_t bits, unsigned value) noexcept {
        return value < 32 && (bits >> value) & 1U;
    }
};

/// What takes orders: a gateway, or an execution algorithm that works them by orders of its own.
struct Gateway {
    std::uint64_t source = 0;
    std::string name;
    Capabilities capabilities;
    const char* kind = "gateway";
};

/// An algorithm as a taker of orders: what it does not know of them, the broker does.
inline Gateway algorithm(std::uint64_t source, std::string name) {
    Capabilities capabilities;
    capabilities.order_types =
        1U << static_cast<unsigned>(OrderType::MARKET) | 1U << static_cast<unsigned>(OrderType::LIMIT);
    capabilities.times_in_force = 1U << static_cast<unsigned>(TimeInForce::GTC);
    capabilities.reduce_only = capabilities.position_sides = true;
    return {source, std::move(name), capabilities, "algorithm"};
}

/// What becomes of a held order whose trigger was crossed while the broker was down.
enum class MissedTrigger : std::uint8_t { ASK, FIRE, CANCEL };

/// What the broker does for orders that a venue cannot express.
struct Emulation {
    MissedTrigger missed_trigger = MissedTrigger::ASK;
    DayClock clock;  // whose days DAY orders end with
};

/// An account and the gateway that reaches it.
struct Route {
    std::uint64_t account = 0;
    std::string name;
    std::uint64_t gateway = 0;
    AccountTerms terms;
};

/// How the checks of plugins are held to account.
struct HookTerms {
    std::int64_t budget = 0;  // of wall time for one order, ns; 0: no clock is looked at
    std::uint32_t most_faults = 3;
};

/// What the configuration says, names of checks included.
struct Settings {
    std::vector<Gateway> gateways;
    std::vector<Gateway> algorithms;
    std::vector<Route> routes;
    std::vector<ScopeConfig> limits;
    std::vector<std::string> check_names;
    HookTerms hooks;
    Timing timing;
    Emulation emulation;
};

std::string to_text(const Settings& settings);

/// Throws std::invalid_argument, with the line, if it is not such a text.
Settings settings_of(std::string_view text);

}  // namespace kungfu::broker
