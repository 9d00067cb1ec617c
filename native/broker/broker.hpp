/// The broker component: takes orders in, lets them through or refuses them, books what became of them.
///
/// Inputs: STRATEGY journals (requests whose destination is this broker), TD and MD journals of
/// gateways. Output 0: the BROKER journal, from which gateways take what is addressed to them and
/// strategies hear of their orders. docs/reference/orders.md has the flow.
#pragma once

#include <string_view>
#include <unordered_map>

#include "broker/config.hpp"
#include "kungfu/component.hpp"

namespace kungfu::broker {

/// Ends the broker with a Fault if its journal did not take an event.
void require_appended(std::int32_t status, const char* type);

class Broker : public Component {
  public:
    /// Throws std::invalid_argument if a route leads to no gateway or something is named twice.
    explicit Broker(BrokerConfig config);

    void start(Port port) override;
    std::int64_t poll() override;

  private:
    void handle(const Event& event);
    void handle_request(const Event& event);

    // from strategies
    void on_request(const Event& event, const OrderRequest& request);
    void on_cancel(const Event& event, const OrderCancel& cancel);
    void on_amend(const Event& event, const OrderAmend& amend);
    bool is_acceptable(const OrderRequest& request, std::uint64_t sender, std::string& reason);
    bool is_amendable(const Order& order, const OrderAmend& amend, std::uint64_t sender, std::string& reason);

    // from gateways
    void on_update(const OrderUpdate& reported, std::string_view reason);
    void on_fill(const Fill& reported);
    void on_cash(const CashMovement& reported);

    Order* find_or_adopt(const OrderUpdate& reported);
    void apply(Order& order, const OrderUpdate& reported, std::string_view reason);
    void book(Order& order, const Fill& reported);

    /// Tells the order's strategy where it stands; an anomaly says that the report did not fit it.
    void tell(const Order& order, std::int64_t time, bool anomaly, std::string_view reason);
    /// Answers a cancel or amend of an order that was never heard of.
    template <class Request>
    void answer_unknown(const Event& event, const Request& request, const char* what);
    void tell_balances(std::uint64_t account, const Booking& booking);
    void tell_position(const HoldingKey& key, const Holding& holding, const Market& market);
    template <class T>
    void emit(const T& event, std::uint64_t destination) {
        require_appended(port_.append(event, destination), T::kName);
    }
    template <class T>
    void emit(const T& event, std::string_view tail, std::uint64_t destination) {
        require_appended(port_.append(event, tail, destination), T::kName);
    }

    const Gateway* gateway_of(std::uint64_t account) const noexcept;

    std::unordered_map<std::uint64_t, Gateway> gateways_;
    std::unordered_map<std::uint64_t, Route> routes_;
    std::vector<std::unique_ptr<RiskCheck>> checks_;
    Port port_;
    Markets markets_;
    Orders orders_;
    Accounts accounts_;
};

}  // namespace kungfu::broker
