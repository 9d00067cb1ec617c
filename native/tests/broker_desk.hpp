/// A broker on an in-memory port, with one strategy and one gateway to speak for.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.hpp"
#include "check.hpp"
#include "kungfu/id.hpp"

namespace desk {

using namespace kungfu;

constexpr std::uint64_t kBroker = id_of("broker");
constexpr std::uint64_t kStrategy = id_of("strategy");
constexpr std::uint64_t kVenue = id_of("venue");
constexpr std::uint64_t kAccount = id_of("venue/main");
constexpr std::uint64_t kSpot = id_of("venue:spot:BTCUSDT");
constexpr std::uint64_t kPerpetual = id_of("venue:perpetual:BTCUSDT");

inline Number num(const char* text) {
    Number value;
    CHECK(parse_number(text, value) == NumberError::OK);
    return value;
}

inline Money money(const char* text) { return to_money(num(text)); }
inline bool same(Money a, Money b) { return !a.is_none() && !b.is_none() && compare(a, b) == 0; }

/// One appended event, as it would stand in a journal.
struct Record {
    std::vector<std::uint64_t> words;  // aligned like a mapped page
    std::uint32_t type = 0;
    std::uint64_t destination = 0;
    kf_cause cause{};
    std::uint32_t length = 0;

    template <class T>
    const T& as() const {
        CHECK(type == T::kType);
        return *reinterpret_cast<const T*>(words.data() + sizeof(kf_frame) / 8);
    }
    template <class T>
    std::string tail() const {
        const char* payload = reinterpret_cast<const char*>(words.data() + sizeof(kf_frame) / 8);
        return {payload + sizeof(T), length - sizeof(T)};
    }
};

/// The in-memory port: a queue of input events, a list of output events.
class Desk {
  public:
    explicit Desk(broker::BrokerConfig config = plain())
        : broker_(std::make_unique<broker::Broker>(std::move(config))) {
        port_.abi_version = KF_ABI_VERSION;
        port_.struct_size = sizeof port_;
        port_.layout_hash = kLayoutHash;
        port_.self = this;
        port_.next = [](void* self, kf_event* event) -> std::int32_t {
            return static_cast<Desk*>(self)->next(event);
        };
        port_.now = [](void* self) -> std::int64_t { return static_cast<Desk*>(self)->now; };
        port_.append = [](void* self, std::uint32_t output, std::uint32_t type, std::uint64_t destination,
                          const kf_cause* cause, const void* payload, std::uint32_t length) -> std::int32_t {
            return static_cast<Desk*>(self)->append(output, type, destination, cause, payload, length);
        };
        port_.source = [](void*) -> std::uint64_t { return kBroker; };
        port_.said = [](void* self) -> std::uint64_t { return static_cast<Desk*>(self)->said_; };
        port_.recorded = [](void*, std::uint32_t, const void**, std::uint32_t*) -> std::int32_t { return 0; };
        broker_->start(Port(&port_));
    }

    /// Another broker goes on with the state of this one.
    void reload(broker::BrokerConfig config) {
        const std::string state = broker_->save();
        broker_ = std::make_unique<broker::Broker>(std::move(config));
        broker_->start(Port(&port_));
        broker_->load(state);
    }

    /// The broker reads that it starts, and with which settings.
    void start() {
        ComponentStatus status{};
        status.set_kind(ComponentKind::BROKER);
        status.set_phase(ComponentPhase::START);
        put(kBroker, 0, status, broker_->settings());
    }

    static broker::BrokerConfig plain() {
        broker::BrokerConfig config;
        broker::Gateway gateway;
        gateway.source = kVenue;
        gateway.name = "venue";
        gateway.capabilities = {(1U << 1) | (1U << 2) | (1U << 3) | (1U << 5),
                                (1U << 1) | (1U << 2) | (1U << 4), true, true};
        gateway.capabilities.display_size = true;
        config.gateways.push_back(gateway);
        config.routes.push_back({kAccount, "venue/main", kVenue});
        return config;
    }

    template <class T>
    void put(std::uint64_t source, std::uint64_t destination, const T& event, std::string_view tail = {}) {
        Record record;
        record.length = static_cast<std::uint32_t>(sizeof(T) + tail.size());
        record.words.resize((sizeof(kf_frame) + record.length + 7) / 8);
        kf_frame frame{};
        frame.sequence = ++sequence_;
        frame.gen_time = now;
        frame.source = source;
        frame.destination = destination;
        frame.type = T::kType;
        char* bytes = reinterpret_cast<char*>(record.words.data());
        std::memcpy(bytes, &frame, sizeof frame);
        std::memcpy(bytes + sizeof frame, &event, sizeof event);
        if (!tail.empty()) std::memcpy(bytes + sizeof frame + sizeof event, tail.data(), tail.size());
        record.type = T::kType;
        inputs_.push_back(std::move(record));
    }

    /// Lets the broker work off its inputs; gives what it appended since the last call.
    std::vector<Record> run() {
        while (broker_->poll() != 0) {
        }
        return std::exchange(outputs_, {});
    }

    void define_spot() {
        Instrument d = definition(kSpot, Product::SPOT, ContractKind::NONE);
        put(kVenue, 0, d, "venue:spot:BTCUSDT");
    }

    void define_perpetual() {
        Instrument d = definition(kPerpetual, Product::PERPETUAL, ContractKind::LINEAR);
        d.set_settle("USDT");
        put(kVenue, 0, d, "venue:perpetual:BTCUSDT");
    }

    static Instrument definition(std::uint64_t id, Product product, ContractKind kind) {
        Instrument d{};
        d.instrument = id;
        d.set_product(product);
        d.set_contract_kind(kind);
        d.set_size_unit(SizeUnit::BASE);
        d.set_status(InstrumentStatus::TRADING);
        d.set_tick(num("0.1"));
        d.set_lot(num("0.001"));
        d.set_min_size(num("0.001"));
        d.set_max_size(num("100"));
        d.set_min_notional(num("5"));
        d.set_contract_value(Number::none());
        d.settle_decimals = 2;
        d.set_venue("venue");
        d.set_symbol("BTCUSDT");
        d.set_base("BTC");
        d.set_quote("USDT");
        return d;
    }

    static OrderRequest limit(std::uint64_t id, Side side, const char* size, const char* price,
                              std::uint64_t instrument = kPerpetual) {
        OrderRequest r{};
        r.order_id = id;
        r.instrument = instrument;
        r.account = kAccount;
        r.strategy = kStrategy;
        r.set_price(price ? num(price) : Number::none());
        r.set_size(num(size));
        r.set_trigger_price(Number::none());
        r.set_trailing_offset(Number::none());
        r.set_display_size(Number::none());
        r.set_side(side);
        r.set_type(price ? OrderType::LIMIT : OrderType::MARKET);
        r.set_time_in_force(price ? TimeInForce::GTC : TimeInForce::IOC);
        return r;
    }

    void request(const OrderRequest& r) { put(kStrategy, kBroker, r); }

    void cancel(std::uint64_t id) {
        OrderCancel c{};
        c.order_id = id;
        c.instrument = kPerpetual;
        c.account = kAccount;
        c.strategy = kStrategy;
        put(kStrategy, kBroker, c);
    }

    void amend(std::uint64_t id, const char* size, const char* price, const char* trigger = nullptr) {
        OrderAmend a{};
        a.order_id = id;
        a.instrument = kPerpetual;
        a.account = kAccount;
        a.strategy = kStrategy;
        a.set_size(size ? num(size) : Number::none());
        a.set_price(price ? num(price) : Number::none());
        a.set_trigger_price(trigger ? num(trigger) : Number::none());
        put(kStrategy, kBroker, a);
    }

    void update(std::uint64_t id, OrderState state, const char* filled = nullptr,
                std::string_view reason = {}, const char* size = nullptr, const char* price = nullptr,
                const char* venue_id = "") {
        OrderUpdate u{};
        u.order_id = id;
        u.instrument = kPerpetual;
        u.account = kAccount;
        u.set_price(price ? num(price) : Number::none());
        u.set_size(size ? num(size) : Number::none());
        u.set_filled(filled ? num(filled) : Number::none());
        u.set_side(Side::BUY);
        u.set_state(state);
        u.set_venue_order_id(venue_id);
        put(kVenue, 0, u, reason);
    }

    static Fill a_fill(std::uint64_t id, const char* trade, Side side, const char* size, const char* price,
                       const char* fee = "0", std::uint64_t instrument = kPerpetual) {
        Fill f{};
        f.order_id = id;
        f.instrument = instrument;
        f.account = kAccount;
        f.time = 7;
        f.set_price(num(price));
        f.set_size(num(size));
        f.set_fee(money(fee));
        f.set_realized_pnl(Money::none());
        f.set_side(side);
        f.set_fee_currency("USDT");
        f.set_trade_id(trade);
        return f;
    }

    void fill(const Fill& f) { put(kVenue, 0, f); }

    void deposit(const char* currency, const char* amount) {
        CashMovement c{};
        c.account = kAccount;
        c.set_amount(money(amount));
        c.set_kind(CashKind::TRANSFER);
        c.set_currency(currency);
        put(kVenue, 0, c);
    }

    std::int64_t now = 1000;
    std::int32_t append_status = KF_OK;
    std::uint64_t said_ = 0;

  private:
    std::int32_t next(kf_event* event) {
        if (inputs_.empty()) return 0;
        current_ = std::move(inputs_.front());
        inputs_.pop_front();
        event->frame = reinterpret_cast<const kf_frame*>(current_.words.data());
        event->journal = event->frame->source;
        event->type = current_.type;
        event->length = current_.length;
        return 1;
    }

    std::int32_t append(std::uint32_t output, std::uint32_t type, std::uint64_t destination,
                        const kf_cause* cause, const void* payload, std::uint32_t length) {
        CHECK(output == 0);
        if (append_status != KF_OK) return append_status;
        Record record;
        record.type = type;
        record.destination = destination;
        const auto* frame = reinterpret_cast<const kf_frame*>(current_.words.data());
        record.cause = cause ? *cause : kf_cause{frame->source, frame->sequence, frame->gen_time};
        record.length = length;
        record.words.resize((sizeof(kf_frame) + length + 7) / 8);
        std::memcpy(record.words.data() + sizeof(kf_frame) / 8, payload, length);
        outputs_.push_back(std::move(record));
        return KF_OK;
    }

    kf_port port_{};
    std::unique_ptr<broker::Broker> broker_;
    std::deque<Record> inputs_;
    std::vector<Record> outputs_;
    Record current_;
    std::uint64_t sequence_ = 0;
};

/// The one update in what the broker said.
inline const Record& only_update(const std::vector<Record>& out) {
    const Record* found = nullptr;
    for (const Record& r : out) {
        if (r.type != OrderUpdate::kType) continue;
        CHECK(found == nullptr);
        found = &r;
    }
    CHECK(found != nullptr);
    return *found;
}

inline std::vector<std::uint32_t> types_of(const std::vector<Record>& out) {
    std::vector<std::uint32_t> types;
    for (const Record& r : out) types.push_back(r.type);
    return types;
}

}  // namespace desk
