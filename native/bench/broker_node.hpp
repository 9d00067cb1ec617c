/// What the broker's benchmarks share: a market, orders in it, and a broker on real journals.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/broker.hpp"
#include "component/runner.hpp"
#include "figure.hpp"
#include "kungfu/id.hpp"

namespace kungfu::bench {

constexpr std::uint64_t kBroker = id_of("broker");
constexpr std::uint64_t kStrategy = id_of("strategy");
constexpr std::uint64_t kVenue = id_of("venue");
constexpr std::uint64_t kAccount = id_of("venue/main");
constexpr std::uint64_t kInstrument = id_of("venue:perpetual:BTCUSDT");

/// Where a strategy's order ids begin.
constexpr std::uint64_t kFirstId = std::uint64_t{7} << 40;
constexpr std::uint64_t kBrokerPage = 64 << 20;

inline broker::BrokerConfig plain() {
    broker::BrokerConfig config;
    config.gateways.push_back({kVenue, "venue", {~0U, ~0U, true, true, false}});
    config.routes.push_back({kAccount, "venue/main", kVenue});
    return config;
}

inline Instrument definition() {
    Instrument d{};
    d.instrument = kInstrument;
    d.set_product(Product::PERPETUAL);
    d.set_contract_kind(ContractKind::LINEAR);
    d.set_size_unit(SizeUnit::BASE);
    d.set_status(InstrumentStatus::TRADING);
    d.set_tick({1, -1});
    d.set_lot({1, -3});
    d.set_min_size(Number::none());
    d.set_max_size(Number::none());
    d.set_min_notional(Number::none());
    d.set_contract_value(Number::none());
    d.settle_decimals = 8;
    d.set_base("BTC");
    d.set_quote("USDT");
    d.set_settle("USDT");
    return d;
}

inline OrderRequest a_request(std::uint64_t id, Side side, std::int64_t price) {
    OrderRequest request{};
    request.order_id = id;
    request.instrument = kInstrument;
    request.account = kAccount;
    request.strategy = kStrategy;
    request.set_price({price, -1});
    request.set_size({1000, -3});
    request.set_trigger_price(Number::none());
    request.set_trailing_offset(Number::none());
    request.set_display_size(Number::none());
    request.set_side(side);
    request.set_type(OrderType::LIMIT);
    request.set_time_in_force(TimeInForce::GTC);
    return request;
}

inline OrderUpdate an_update(std::uint64_t id, Side side, OrderState state) {
    OrderUpdate update{};
    update.order_id = id;
    update.instrument = kInstrument;
    update.account = kAccount;
    update.set_price(Number::none());
    update.set_size(Number::none());
    update.set_filled(Number::none());
    update.set_side(side);
    update.set_state(state);
    return update;
}

/// The journal of one source, for writing.
inline std::unique_ptr<journal::Writer> journal_of(const std::string& root, Clock& clock, const char* source,
                                                   const char* name) {
    return open_writer(root, clock, kBrokerPage, source, journal::Durability::NONE, name);
}

template <class T>
void put(journal::Writer& to, std::uint64_t source, std::uint64_t destination, const T& event,
         std::string_view tail = {}) {
    std::string payload(reinterpret_cast<const char*>(&event), sizeof event);
    payload += tail;
    if (to.append(T::kType, source, destination, journal::kNoCause, payload.data(),
                  static_cast<std::uint32_t>(payload.size())) != KF_OK) {
        fail(to.error());
    }
}

/// A broker on real journals, which reads those of a venue and of a strategy.
struct BrokerNode {
    explicit BrokerNode(const std::string& root, broker::BrokerConfig config = plain(),
                        std::uint64_t snapshot_every = Runner::kSnapshotEvery)
        : runner(&clock, snapshot_every) {
        config.history =
            std::make_unique<broker::OrderHistory>(journal::Location{root, "broker", "BROKER", ""});
        wiring = std::make_shared<Wiring>("broker", &clock, journal::core_types());
        for (const auto& [source, name] : {std::pair{"venue", "TD"}, std::pair{"strategy", "STRATEGY"}})
            if (wiring->inputs().join({root, source, name, ""}) != KF_OK) fail(wiring->inputs().error());
        wiring->add_output(journal_of(root, clock, "broker", "BROKER"));
        if (!runner.add(export_component(std::make_unique<broker::Broker>(std::move(config))), wiring) ||
            !runner.start()) {
            fail(runner.error());
        }
    }

    /// Works off what there is.
    void work() {
        while (const std::int64_t done = runner.turn())
            if (done < 0) fail(runner.error());
    }

    Clock clock;
    std::shared_ptr<Wiring> wiring;
    Runner runner;
};

}  // namespace kungfu::bench
