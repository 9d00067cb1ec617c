/// The broker's settings: what it was made with, and what its journal says of each start.
#include <algorithm>
#include <stdexcept>

#include "broker/broker.hpp"

namespace kungfu::broker {

void Broker::set(Settings settings) {
    reached_.clear();
    gateways_.clear();
    routes_.clear();
    accounts_.forget_terms();
    for (Gateway& gateway : settings.gateways) {
        const std::string name = gateway.name;
        if (!gateways_.emplace(gateway.source, std::move(gateway)).second)
            throw std::invalid_argument("gateway " + name + " is configured twice");
    }
    algorithms_.clear();
    for (Gateway& algorithm : settings.algorithms)
        algorithms_.emplace(algorithm.source, std::move(algorithm));
    for (Route& route : settings.routes) {
        const std::string name = route.name;
        if (!gateways_.count(route.gateway)) {
            throw std::invalid_argument("account " + name + " is routed to gateway " + hex(route.gateway) +
                                        ", which is not configured");
        }
        reached_.emplace_back(route.account, &gateways_.at(route.gateway));
        accounts_.set_terms(route.account, route.terms);
        limits_.add_account(route.account, name);
        if (!routes_.emplace(route.account, std::move(route)).second)
            throw std::invalid_argument("account " + name + " is configured twice");
    }
    hook_terms_ = settings.hooks;
    timing_ = settings.timing;
    emulation_ = std::move(settings.emulation);
    std::vector<Hook> hooks;
    for (const std::string& name : settings.check_names) {
        const auto is_it = [&](const Hook& hook) { return hook.name == name; };
        if (std::any_of(hooks.begin(), hooks.end(), is_it))
            throw std::invalid_argument("risk check " + name + " is configured twice");
        const auto check =
            std::find_if(checks_.begin(), checks_.end(), [&](const auto& c) { return c->name() == name; });
        const auto known = std::find_if(hooks_.begin(), hooks_.end(), is_it);
        hooks.push_back({name, check == checks_.end() ? nullptr : check->get(),
                         known == hooks_.end() ? 0 : known->faults});
    }
    hooks_ = std::move(hooks);
    limits_.configure(settings.limits, [&](const LimitChange& change) {
        if (!in_force_.empty()) emit(change, "configuration", 0);
    });
}

void Broker::set_as_journaled(std::string_view text) {
    // What it was made with counted for nothing yet; a rebuild is made with something else than it was then.
    if (in_force_.empty()) limits_.lift_all();
    in_force_ = text;
    try {
        set(settings_of(text));
    } catch (const std::invalid_argument& error) {
        throw Fault("the settings of a start cannot be put in force: " + std::string(error.what()));
    }
}

void Broker::give_up_unreachable() {
    std::vector<std::uint64_t> ids;
    orders_.each([&](const Order& order) {
        if (!can_ask(order.account) || !receiver_of(order)) ids.push_back(order.id);
    });
    std::sort(ids.begin(), ids.end());
    for (const std::uint64_t id : ids) {
        Order* order = orders_.find_kept(id);
        if (!order) continue;  // let go, as another one ended
        doubts_.erase(id);
        order->fills_due = 0;
        if (receiver_of(*order)) continue;
        const bool is_worked = order->request.algorithm != 0;
        const char* why =
            is_worked ? "its algorithm is no longer configured" : "its account is no longer configured";
        if (held_.find(id)) {
            end_held(*order, OrderState::CANCELED, why);
        } else if (is_worked && !is_terminal(order->state)) {
            orders_.change(*order, [](Order& o) { o.state = OrderState::CANCELED; });
            tell(*order, 0, false, why);
        } else if (is_waiting(order->state)) {
            orders_.change(*order, [](Order& o) { o.state = OrderState::UNKNOWN; });
            tell(*order, 0, false, why);
        }
    }
    for (auto sync = syncs_.begin(); sync != syncs_.end();)
        sync = can_ask(sync->first) ? std::next(sync) : syncs_.erase(sync);
}

}  // namespace kungfu::broker
