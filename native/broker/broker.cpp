#include "broker/broker.hpp"

#include "broker/exact.hpp"
#include "broker/rules.hpp"

namespace kungfu::broker {
namespace {

constexpr int kEventsPerPoll = 256;
constexpr const char* kCostDoesNotFit = "its cost on top of the open orders does not fit";

const char* meaning_of(std::int32_t status) noexcept {
    switch (status) {
        case KF_DISK_FULL: return "the disk is full";
        case KF_TOO_LARGE: return "the event does not fit into a page";
        case KF_IO_ERROR: return "the file system refused";
        case KF_BAD_ARGUMENT: return "there is no such output or event type";
        case KF_CLOSED: return "the journal is closed";
        default: return "unknown status";
    }
}

}  // namespace

void require_appended(std::int32_t status, const char* type) {
    if (status == KF_OK) return;
    throw Fault(std::string("cannot append ") + type + " to the broker's journal: " + meaning_of(status));
}

Broker::Broker(BrokerConfig config) : checks_(std::move(config.checks)) {
    if (config.history)
        orders_.set_history(std::move(config.history), config.most_closed, [this] { return port_.said(); });
    Settings settings(std::move(config));
    for (const auto& check : checks_) settings.check_names.emplace_back(check->name());
    offered_ = to_text(settings);
    set(std::move(settings));
    orders_.set_watch([this](const Order& order, const Counted& before, const Counted& after) {
        limits_.count(order, before, after);
    });
}

void Broker::start(Port port) { port_ = std::move(port); }

std::int64_t Broker::poll() {
    Event event{};
    std::int64_t done = fire_deadlines();
    while (done < kEventsPerPoll && port_.next(event)) {
        handle(event);
        settle_ties();
        ++done;
    }
    return done;
}

void Broker::handle(const Event& event) {
    dispatch(event);
    enforce_limits(event);
}

void Broker::dispatch(const Event& event) {
    limits_.take_market_data(event);
    if (const auto* quote = event.as<Quote>()) {
        markets_.on_quote(*quote);
    } else if (const auto* trade = event.as<Trade>()) {
        markets_.on_trade(*trade);
        watch(trade->instrument, PriceKind::LAST, trade->get_price());
    } else if (const auto* mark = event.as<MarkPrice>()) {
        markets_.on_mark(*mark);
        watch(mark->instrument, PriceKind::MARK, mark->get_price());
    } else if (const auto* definition = event.as<Instrument>()) {
        markets_.define(*definition, event.tail<Instrument>());
        limits_.on_definition(definition->instrument);
    } else if (const auto* update = event.as<OrderUpdate>()) {
        on_update(*update, event.tail<OrderUpdate>());
    } else if (const auto* fill = event.as<Fill>()) {
        on_fill(*fill);
    } else if (const auto* cash = event.as<CashMovement>()) {
        on_cash(*cash);
    } else if (const auto* position = event.as<Position>()) {
        on_position_report(*position);
    } else if (const auto* balance = event.as<Balance>()) {
        on_balance_report(*balance);
    } else if (const auto* answer = event.as<VenueAnswer>()) {
        on_answer(*answer, event.tail<VenueAnswer>());
    } else if (const auto* offset = event.as<ClockOffset>()) {
        limits_.on_clock_offset(*offset);
    } else if (const auto* connection = event.as<Connection>()) {
        on_connection(*connection, event.frame->source);
    } else if (const auto* status = event.as<ComponentStatus>()) {
        const bool starts = status->get_phase() == ComponentPhase::START;
        if (event.frame->source == port_.source()) {
            if (starts) on_component_start(event.tail<ComponentStatus>());
        } else if (starts || status->get_phase() == ComponentPhase::FAULT) {
            end_worked(event.frame->source, starts ? event.frame->gen_time : port_.now() + 1);
        }
    } else if (event.frame->destination == port_.source()) {
        handle_request(event);
    }
}

void Broker::handle_request(const Event& event) {
    if (const auto* request = event.as<OrderRequest>()) {
        on_request(event, *request);
    } else if (const auto* cancel = event.as<OrderCancel>()) {
        on_cancel(event, *cancel);
    } else if (const auto* amend = event.as<OrderAmend>()) {
        on_amend(event, *amend);
    } else if (const auto* command = event.as<OperatorCommand>()) {
        on_command(*command, event.tail<OperatorCommand>());
    }
}

const Gateway* Broker::gateway_of(std::uint64_t account) const noexcept {
    for (const auto& [reached, gateway] : reached_)
        if (reached == account) return gateway;
    return nullptr;
}

const Gateway* Broker::receiver_of(std::uint64_t account, std::uint64_t algorithm) const noexcept {
    if (algorithm == 0) return gateway_of(account);
    const auto found = algorithms_.find(algorithm);
    return found == algorithms_.end() ? nullptr : &found->second;
}

void Broker::tell(const Order& order, std::int64_t time, bool anomaly, std::string_view reason) {
    OrderUpdate update = describe(order);
    update.time = time;
    update.anomaly = anomaly;
    emit(update, reason, order.strategy);
    const bool tied = held_.concerns(order.id) || order.request.algorithm != 0 || order.slice_of != 0;
    if (tied) changed_.push_back(order.id);
}

// --- from strategies ----------------------------------------------------------------------------

void Broker::on_request(const Event& event, const OrderRequest& request) {
    const std::uint64_t sender = event.frame->source;
    if (const Order* known = orders_.find(request.order_id)) {
        OrderUpdate update = describe(*known);
        update.anomaly = 1;
        return emit(update, "order id " + hex(request.order_id) + " is already used; nothing was sent",
                    sender);
    }
    Order order(request);
    order.strategy = sender;
    order.created_at = port_.now();
    std::string reason;
    if (is_tied_well(request, reason) && is_acceptable(request, sender, nullptr, reason)) {
        if (const Order* parent = worked_order(request)) {
            order.slice_of = parent->id;
            order.slice_for = parent->strategy;
            order.counts_in_parent = true;
            slices_.emplace(parent->id, order.id);
        } else {
            limits_.remember(request, port_.now());
        }
        if (const auto parameters = event.tail<OrderRequest>(); !parameters.empty())
            parameters_[order.id] = parameters;
        order.worst_price = limits_.worst_price(request, *markets_.find(request.instrument));
        return place(orders_.add(order));
    }
    order.state = OrderState::RISK_REJECTED;
    if (order.id != 0) orders_.add(order);
    tell(order, 0, false, reason);
}

bool Broker::is_acceptable(const OrderRequest& request, std::uint64_t sender, const Order* held,
                           std::string& reason) {
    if (request.order_id == 0) return refuse({"order id 0 stands for no order"}, reason);
    if (request.strategy != sender) {
        return refuse({"strategy ", Hex{request.strategy}, " is not the sender, ", Hex{sender}}, reason);
    }
    if (!gateway_of(request.account))
        return refuse({"account ", Hex{request.account}, " is not configured"}, reason);
    const Gateway* gateway = receiver_of(request.account, request.algorithm);
    if (!gateway) return refuse({"algorithm ", Hex{request.algorithm}, " is not configured"}, reason);
    if (!is_ready(request.account)) {
        return refuse(
            {"account ", routes_.at(request.account).name, " has not been compared with its venue yet"},
            reason);
    }
    const Market* market = markets_.find(request.instrument);
    if (!market) return refuse({"instrument ", Hex{request.instrument}, " is not defined"}, reason);
    const Instrument& definition = market->definition;
    if (definition.get_status() != InstrumentStatus::TRADING) {
        return refuse({market->name, " does not trade: its status is ", name_of(definition.get_status())},
                      reason);
    }
    if (const char* why = unbookable(definition)) return refuse({market->name, ": ", why}, reason);
    if (!fits_mode(request, accounts_.terms(request.account), definition, reason)) return false;
    if (!is_expressible(request, *gateway, reason) || !obeys_steps(request, *market, port_.now(), reason))
        return false;
    const Order* parent = worked_order(request);
    if (parent && !fits_parent(request, *parent, nullptr, reason)) return false;
    const Order* counted = parent ? &left_of(*parent, nullptr) : held;
    const RiskView view(port_.now(), markets_, orders_, accounts_, request, counted);
    const auto exempt = [&] { return view.reduces_position() ? reason.clear(), true : false; };
    if (!obeys_min_notional(request, *market, reason) && !request.reduce_only && !exempt()) return false;
    reason.clear();
    Number open;
    if (!exact_sum(orders_.open_size(request.account, request.instrument, request.get_side()),
                   request.get_size(), open)) {
        return refuse({"size ", request.get_size(), " on top of the open orders does not fit"}, reason);
    }
    const Number worst = limits_.worst_price(request, *market);
    if (!limits_.fits_costs(request, worst, counted)) return refuse({kCostDoesNotFit}, reason);
    if (!limits_.obeys_reduce_only(request, reason)) return false;
    const std::uint64_t owner = parent ? parent->strategy : request.strategy;
    if (!limits_.allow(request, owner, *market, worst, counted, port_.now(), reason) && !exempt())
        return false;
    return passes_checks(request, view, reason);
}

template <class Request>
void Broker::answer_unknown(const Event& event, const Request& request, const char* what) {
    OrderUpdate update{};
    update.order_id = request.order_id;
    update.instrument = request.instrument;
    update.account = request.account;
    update.strategy = request.strategy;
    update.set_price(Number::none());
    update.set_size(Number::none());
    update.set_filled(Number::none());
    update.set_state(OrderState::UNKNOWN);
    update.anomaly = 1;
    emit(update, std::string(what) + ": order " + hex(request.order_id) + " is not known",
         event.frame->source);
}

void Broker::on_cancel(const Event& event, const OrderCancel& cancel) {
    Order* order = orders_.find(cancel.order_id);
    if (!order) return answer_unknown(event, cancel, "cancel");
    if (held_.find(order->id)) return end_held(*order, OrderState::CANCELED, {});
    std::string reason;
    if (!may_move(order->state, OrderState::PENDING_CANCEL)) {
        reason = std::string("cancel: the order is already ") + name_of(order->state);
    } else if (!receiver_of(*order)) {
        reason = "cancel: account " + hex(order->account) + " is not configured";
    }
    if (reason.empty()) return send_cancel(*order, {});
    OrderUpdate update = describe(*order);
    update.anomaly = 1;
    emit(update, reason, event.frame->source);
}

void Broker::on_amend(const Event& event, const OrderAmend& amend) {
    Order* order = orders_.find(amend.order_id);
    if (!order) return answer_unknown(event, amend, "amend");
    std::string reason;
    if (!is_amendable(*order, amend, event.frame->source, reason)) {
        OrderUpdate update = describe(*order);
        update.anomaly = 1;
        return emit(update, "amend: " + reason, event.frame->source);
    }
    if (held_.find(order->id)) return apply_amend(*order, amend);
    send_amend(*order, amend, {});
}

void Broker::send_amend(Order& order, const OrderAmend& amend, std::string_view why) {
    orders_.change(order, [&](Order& o) {
        const Number price = amend.get_price();
        o.ask_for(amend.get_size(), price);
        if (!price.is_none() && (o.worst_price.is_none() || price > o.worst_price)) o.worst_price = price;
        o.state = OrderState::PENDING_AMEND;
        o.reason_hash = 0;
    });
    expect_answer(order);
    tell(order, 0, false, why);
    limits_.pass(order, port_.now());
    OrderAmend forwarded = amend;
    forwarded.order_id = order.id;
    forwarded.instrument = order.instrument;
    forwarded.account = order.account;
    forwarded.strategy = order.strategy;
    emit(forwarded, receiver_of(order)->source);
}

bool Broker::is_amendable(const Order& order, const OrderAmend& amend, std::uint64_t sender,
                          std::string& reason) {
    const Gateway* gateway = receiver_of(order);
    const Market* market = markets_.find(order.instrument);
    if (order.strategy != sender) return refuse({"the order is not the sender's"}, reason);
    if (!gateway) return refuse({kNobodyTakesIt}, reason);
    const bool held = held_.find(order.id) != nullptr;
    if (!held && !may_move(order.state, OrderState::PENDING_AMEND)) {
        return refuse({"the order is ", name_of(order.state)}, reason);
    }
    if (!held && !gateway->capabilities.amend)
        return refuse({gateway->kind, " ", gateway->name, " cannot amend orders"}, reason);
    const Number price = amend.get_price().is_none() ? order.price : amend.get_price();
    const Number size = amend.get_size().is_none() ? order.size : amend.get_size();
    const bool same_price =
        price.is_none() ? order.price.is_none() : !order.price.is_none() && price == order.price;
    const bool same_trigger = amend.get_trigger_price().is_none();
    if (same_price && same_trigger && size == order.size)
        return refuse({"price and size stay as they are"}, reason);
    OrderRequest changed = order.request;
    changed.set_price(price);
    if (!same_trigger) changed.set_trigger_price(amend.get_trigger_price());
    changed.set_size(size);
    changed.set_display_size(Number::none());
    if (!obeys_steps(changed, *market, port_.now(), reason)) return false;
    Number rest;
    if (!exact_sum(size, -order.filled, rest) || rest.mantissa <= 0) {
        return refuse({"size ", size, " is not above what is filled, ", order.filled}, reason);
    }
    changed.set_size(rest);
    const Order* parent = order.slice_of != 0 ? orders_.find(order.slice_of) : nullptr;
    if (parent && !fits_parent(changed, *parent, &order, reason)) return false;
    const Order* counted = parent ? &left_of(*parent, &order) : &order;
    const RiskView view(port_.now(), markets_, orders_, accounts_, changed, counted);
    Number open;
    if (!exact_sum(view.open_size(order.account, order.instrument, order.side), rest, open)) {
        return refuse({"size ", size, " on top of the open orders does not fit"}, reason);
    }
    const Number worst = limits_.worst_price(changed, *market);
    if (!limits_.fits_costs(changed, worst, counted)) return refuse({kCostDoesNotFit}, reason);
    const bool increases = size > order.size || !same_price;
    if (!increases) return true;
    if (!limits_.obeys_reduce_only(changed, reason)) return false;
    if (!limits_.allow(changed, order.owner(), *market, worst, counted, port_.now(), reason) &&
        !view.reduces_position())
        return false;
    reason.clear();
    return passes_checks(changed, view, reason);
}

}  // namespace kungfu::broker
