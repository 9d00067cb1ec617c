/// The simulated venue as a component: orders in with latency, checks, balances, reports out.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "kungfu/component.hpp"
#include "ledger.hpp"
#include "recorded_market.hpp"
#include "settings.hpp"
#include "synthetic_market.hpp"

namespace kungfu::sim {

class Venue final : public Component, private MarketReports {
  public:
    explicit Venue(VenueSettings settings) : settings_(std::move(settings)) {}

    void start(Port port) override;
    std::int64_t poll() override;
    std::int64_t next_time() override;

  private:
    struct Order {
        OrderRequest request;  // price and size as they are in force
        std::uint64_t broker;  // who sent it, and hears of it
        Number filled;
    };
    /// A request on its way to the book.
    struct Arrival {
        std::int64_t due;
        kf_cause cause;
        std::uint64_t broker;
        std::variant<OrderRequest, OrderCancel, OrderAmend> request;
    };
    /// A report on its way back.
    struct Report {
        std::int64_t due;
        kf_cause cause;
        std::uint64_t broker;
        std::variant<OrderUpdate, Fill> event;
        std::string reason;
    };
    struct Listing {
        Instrument definition{};
        bool defined = false;
        std::unique_ptr<Market> market;
        RecordedMarket* recorded = nullptr;    // the market, if it is a recorded one
        SyntheticMarket* synthetic = nullptr;  // likewise
    };

    void announce_balances();
    void open_markets();

    /// Does the earliest thing that is due by `now`; false if nothing is.
    bool run_due(std::int64_t now);
    void read(const Event& event);
    void read_market_data(const Event& event);
    Listing& recorded_listing(std::uint64_t instrument);
    template <class Request>
    bool arrive(const Event& event);
    void send(const Report& report);

    void handle(const OrderRequest& request, std::uint64_t broker);
    void handle(const OrderCancel& request, std::uint64_t broker);
    void handle(const OrderAmend& request, std::uint64_t broker);
    const char* amend(Order& order, const OrderAmend& request);
    /// The order that a cancel or amend means; says so to the broker if the venue never had it.
    template <class Request>
    Order* find_open(const Request& request, std::uint64_t broker);

    /// Why an order cannot be taken, or nullptr.
    const char* fault_of(const OrderRequest& request) const;
    static const char* fault_of_terms(const OrderRequest& request);
    const char* fault_of_steps(const Instrument& definition, Number price, Number size) const;
    const char* fault_of_value(const Instrument& definition, Number price, Number size) const;
    const char* fault_of_balance(const OrderRequest& request, Number open) const;

    Money notional(const Instrument& definition, Number price, Number size) const;
    Money highest_fee(Money value) const;
    void hold(const Order& order);
    void book(const Order& order, Number price, Number size, Money fee);

    void accepted(std::uint64_t order) override;
    void rejected(std::uint64_t order, const char* reason) override;
    void filled(std::uint64_t order, Number price, Number size, Liquidity liquidity) override;
    void ended(std::uint64_t order, OrderState state, const char* reason) override;

    static OrderState state_of(const Order& order) noexcept;
    void report(const Order& order, OrderState state, const char* reason = "");
    void finish(std::uint64_t order);
    Listing& listing_of(const Order& order) { return listings_.at(order.request.instrument); }

    const VenueSettings settings_;
    Port port_;
    Moment moment_;
    Ledger ledger_;
    std::unordered_map<std::uint64_t, Listing> listings_;
    std::vector<SyntheticMarket*> synthetic_;  // in the order of the configuration
    std::unordered_map<std::uint64_t, Order> orders_;
    std::unordered_set<std::uint64_t> finished_;
    std::deque<Arrival> arrivals_;
    std::deque<Report> reports_;
    std::uint64_t fill_id_ = 0;
};

}  // namespace kungfu::sim
