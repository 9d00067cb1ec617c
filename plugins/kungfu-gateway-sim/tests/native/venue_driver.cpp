// Drives the venue's component through the C ABI with an in-memory port: a script in, its events out.
//
// The script has one item a line. First the settings, then `go START_NS`, then events `TIME KIND ...` in
// order of time, then `until TIME`. Every event that the venue appends is printed as `TIME OUTPUT KIND
// key=value ...`.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "kungfu/component.hpp"
#include "kungfu/id.hpp"
#include "venue.hpp"

namespace {

using namespace kungfu;

constexpr std::uint64_t kBroker = 77;
constexpr std::uint64_t kVenue = 99;
constexpr std::uint64_t kInput = 5;

struct Frame {
    kf_frame header;
    std::uint32_t type;
    std::vector<std::uint64_t> bytes;  // header and payload, aligned
    std::uint32_t length;
};

std::map<std::uint64_t, std::string> names;

std::uint64_t named(const std::string& name) {
    names[id_of(name)] = name;
    return id_of(name);
}

const std::string& name_of_id(std::uint64_t id) {
    static const std::string unknown = "?";
    const auto found = names.find(id);
    return found == names.end() ? unknown : found->second;
}

[[noreturn]] void die(const std::string& what) {
    std::cerr << what << '\n';
    std::exit(2);
}

Number number(const std::string& text) {
    if (text == "-") return Number::none();
    Number value;
    if (parse_number(text, value) != NumberError::OK) die("not a number: " + text);
    return value;
}

/// The in-memory port: a queue of frames, a simulated clock, and printed output.
struct Memory {
    std::deque<Frame> inputs;
    std::vector<std::uint64_t> in_hand;
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    kf_port port{};

    Memory() {
        port.abi_version = KF_ABI_VERSION;
        port.struct_size = sizeof(kf_port);
        port.layout_hash = kLayoutHash;
        port.self = this;
        port.next = [](void* self, kf_event* event) -> std::int32_t {
            return static_cast<Memory*>(self)->next(*event);
        };
        port.now = [](void* self) -> std::int64_t { return static_cast<Memory*>(self)->time; };
        port.append = [](void* self, std::uint32_t output, std::uint32_t type, std::uint64_t destination,
                         const kf_cause* cause, const void* payload, std::uint32_t length) -> std::int32_t {
            return static_cast<Memory*>(self)->append(output, type, destination, cause, payload, length);
        };
        port.source = [](void*) -> std::uint64_t { return kVenue; };
    }

    template <class T>
    void add(std::int64_t at, const T& event, std::string_view tail = {}, std::uint64_t destination = 0) {
        Frame frame{};
        frame.header.sequence = ++sequence;
        frame.header.gen_time = at;
        frame.header.source = kBroker;
        frame.header.destination = destination;
        frame.type = T::kType;
        frame.length = static_cast<std::uint32_t>(sizeof(T) + tail.size());
        frame.bytes.resize((sizeof(kf_frame) + frame.length + 7) / 8);
        auto* bytes = reinterpret_cast<char*>(frame.bytes.data());
        std::memcpy(bytes, &frame.header, sizeof(kf_frame));
        std::memcpy(bytes + sizeof(kf_frame), &event, sizeof(T));
        if (!tail.empty()) std::memcpy(bytes + sizeof(kf_frame) + sizeof(T), tail.data(), tail.size());
        inputs.push_back(std::move(frame));
    }

    int next(kf_event& event) {
        if (inputs.empty() || inputs.front().header.gen_time > time) return 0;
        in_hand = inputs.front().bytes;
        event = {reinterpret_cast<const kf_frame*>(in_hand.data()), kInput, inputs.front().type,
                 inputs.front().length};
        inputs.pop_front();
        return 1;
    }

    int append(std::uint32_t output, std::uint32_t type, std::uint64_t destination, const kf_cause* cause,
               const void* payload, std::uint32_t length) const {
        std::cout << time << ' ' << output << ' ' << describe(type, payload, length) << " to=" << destination
                  << " cause=" << (cause == nullptr ? -1 : static_cast<long>(cause->sequence)) << '\n';
        return KF_OK;
    }

    static std::string describe(std::uint32_t type, const void* payload, std::uint32_t length);
};

std::string levels_text(const void* tail, std::size_t size) {
    std::string out;
    const auto* level = static_cast<const Level*>(tail);
    for (std::size_t i = 0; i < size / sizeof(Level); ++i) {
        out += (out.empty() ? "" : ",") + std::string(level[i].get_side() == Side::BUY ? "B" : "S") + ":" +
               to_text(level[i].get_price()) + ":" + to_text(level[i].get_size());
    }
    return out.empty() ? "-" : out;
}

std::string Memory::describe(std::uint32_t type, const void* payload, std::uint32_t length) {
    std::ostringstream out;
    const auto* bytes = static_cast<const char*>(payload);
    if (type == OrderUpdate::kType) {
        const auto& e = *static_cast<const OrderUpdate*>(payload);
        std::string reason(bytes + sizeof e, length - sizeof e);
        for (char& c : reason) c = c == ' ' ? '_' : c;
        out << "update order=" << e.order_id << " state=" << kungfu::name_of(e.get_state())
            << " price=" << to_text(e.get_price()) << " size=" << to_text(e.get_size())
            << " filled=" << to_text(e.get_filled()) << " time=" << e.time << " reason=" << reason;
    } else if (type == Fill::kType) {
        const auto& e = *static_cast<const Fill*>(payload);
        out << "fill order=" << e.order_id << " account=" << name_of_id(e.account)
            << " side=" << kungfu::name_of(e.get_side()) << " price=" << to_text(e.get_price())
            << " size=" << to_text(e.get_size()) << " fee=" << to_text(e.get_fee())
            << " currency=" << e.get_fee_currency() << " liquidity=" << kungfu::name_of(e.get_liquidity())
            << " trade=" << e.get_trade_id() << " time=" << e.time;
    } else if (type == CashMovement::kType) {
        const auto& e = *static_cast<const CashMovement*>(payload);
        out << "cash account=" << name_of_id(e.account) << " amount=" << to_text(e.get_amount())
            << " currency=" << e.get_currency() << " why=" << kungfu::name_of(e.get_kind());
    } else if (type == Instrument::kType) {
        const auto& e = *static_cast<const Instrument*>(payload);
        out << "instrument name=" << std::string(bytes + sizeof e, length - sizeof e)
            << " tick=" << to_text(e.get_tick()) << " lot=" << to_text(e.get_lot())
            << " quote=" << e.get_quote();
    } else if (type == Trade::kType) {
        const auto& e = *static_cast<const Trade*>(payload);
        out << "trade instrument=" << name_of_id(e.instrument) << " price=" << to_text(e.get_price())
            << " size=" << to_text(e.get_size()) << " side=" << kungfu::name_of(e.get_side())
            << " id=" << e.trade_id;
    } else if (type == Quote::kType) {
        const auto& e = *static_cast<const Quote*>(payload);
        out << "quote instrument=" << name_of_id(e.instrument) << " id=" << e.update_id
            << " bid=" << to_text(e.get_bid_price()) << " bid_size=" << to_text(e.get_bid_size())
            << " ask=" << to_text(e.get_ask_price()) << " ask_size=" << to_text(e.get_ask_size());
    } else if (type == BookSnapshot::kType) {
        const auto& e = *static_cast<const BookSnapshot*>(payload);
        out << "snapshot instrument=" << name_of_id(e.instrument) << " id=" << e.update_id
            << " levels=" << levels_text(bytes + sizeof e, length - sizeof e);
    } else if (type == BookDelta::kType) {
        const auto& e = *static_cast<const BookDelta*>(payload);
        out << "delta instrument=" << name_of_id(e.instrument) << " id=" << e.update_id
            << " previous=" << e.previous_id
            << " levels=" << levels_text(bytes + sizeof e, length - sizeof e);
    } else {
        die("the venue appended an event of type " + std::to_string(type));
    }
    return out.str();
}

std::vector<Level> read_levels(std::istream& in) {
    std::vector<Level> levels;
    for (std::string text; in >> text;) {
        const std::size_t one = text.find(':');
        const std::size_t two = text.find(':', one + 1);
        Level level{};
        level.set_side(text[0] == 'B' ? Side::BUY : Side::SELL);
        level.set_price(number(text.substr(one + 1, two - one - 1)));
        level.set_size(number(text.substr(two + 1)));
        levels.push_back(level);
    }
    return levels;
}

std::string_view tail_of(const std::vector<Level>& levels) {
    return {reinterpret_cast<const char*>(levels.data()), levels.size() * sizeof(Level)};
}

template <class T>
T pick(const std::string& word, std::initializer_list<std::pair<const char*, T>> choices) {
    for (const auto& [text, value] : choices) {
        if (word == text) return value;
    }
    die("unknown word " + word);
}

template <class Request>
Request request_head(std::istream& in) {
    Request request{};
    std::string account;
    std::string instrument;
    in >> request.order_id >> account >> instrument;
    request.account = named(account);
    request.instrument = named(instrument);
    request.strategy = 3;
    return request;
}

void read_request(Memory& memory, std::int64_t at, const std::string& kind, std::istream& in) {
    if (kind == "cancel") {
        memory.add(at, request_head<OrderCancel>(in), {}, kVenue);
        return;
    }
    std::string side;
    std::string type;
    std::string lasts;
    std::string price;
    std::string size;
    if (kind == "amend") {
        auto request = request_head<OrderAmend>(in);
        in >> price >> size;
        request.set_price(number(price));
        request.set_size(number(size));
        memory.add(at, request, {}, kVenue);
        return;
    }
    auto request = request_head<OrderRequest>(in);
    in >> side >> type >> lasts >> price >> size;
    request.set_side(pick<Side>(side, {{"BUY", Side::BUY}, {"SELL", Side::SELL}}));
    request.set_type(pick<OrderType>(type, {{"MARKET", OrderType::MARKET},
                                            {"LIMIT", OrderType::LIMIT},
                                            {"POST_ONLY", OrderType::POST_ONLY},
                                            {"STOP_LIMIT", OrderType::STOP_LIMIT}}));
    request.set_time_in_force(pick<TimeInForce>(lasts, {{"GTC", TimeInForce::GTC},
                                                        {"IOC", TimeInForce::IOC},
                                                        {"FOK", TimeInForce::FOK},
                                                        {"DAY", TimeInForce::DAY}}));
    request.set_price(number(price));
    request.set_size(number(size));
    request.set_trigger_price(Number::none());
    request.set_trailing_offset(Number::none());
    request.set_display_size(Number::none());
    // An order for another venue must not be touched.
    memory.add(at, request, {}, kind == "foreign_order" ? kVenue + 1 : kVenue);
}

void read_event(Memory& memory, std::int64_t at, const std::string& kind, std::istream& in) {
    if (kind == "order" || kind == "foreign_order" || kind == "cancel" || kind == "amend") {
        read_request(memory, at, kind, in);
        return;
    }
    std::string name;
    in >> name;
    const std::uint64_t instrument = named(name);
    std::string a;
    std::string b;
    std::string c;
    std::string d;
    if (kind == "instrument") {
        Instrument event{};
        event.instrument = instrument;
        in >> a >> b >> c;
        event.set_product(a == "spot" ? Product::SPOT : Product::PERPETUAL);
        event.set_contract_kind(a == "spot"      ? ContractKind::NONE
                                : a == "inverse" ? ContractKind::INVERSE
                                                 : ContractKind::LINEAR);
        event.set_size_unit(SizeUnit::BASE);
        event.set_status(InstrumentStatus::TRADING);
        event.set_tick(number(b));
        event.set_lot(number(c));
        event.set_min_size(Number::none());
        event.set_max_size(Number::none());
        event.set_min_notional(Number::none());
        event.set_contract_value(Number::none());
        event.set_base("BTC");
        event.set_quote("USDT");
        event.set_settle("USDT");
        memory.add(at, event, name);
    } else if (kind == "quote") {
        Quote event{};
        event.instrument = instrument;
        in >> event.update_id >> a >> b >> c >> d;
        event.set_bid_price(number(a));
        event.set_bid_size(number(b));
        event.set_ask_price(number(c));
        event.set_ask_size(number(d));
        memory.add(at, event);
    } else if (kind == "snapshot") {
        BookSnapshot event{};
        event.instrument = instrument;
        in >> event.update_id;
        const std::vector<Level> levels = read_levels(in);
        memory.add(at, event, tail_of(levels));
    } else if (kind == "delta") {
        BookDelta event{};
        event.instrument = instrument;
        in >> event.update_id >> event.previous_id;
        const std::vector<Level> levels = read_levels(in);
        memory.add(at, event, tail_of(levels));
    } else if (kind == "trade") {
        Trade event{};
        event.instrument = instrument;
        int aggregate = 0;
        in >> a >> b >> c >> aggregate;
        event.set_side(a == "BUY" ? Side::BUY : Side::SELL);
        event.set_price(number(b));
        event.set_size(number(c));
        event.aggregate = static_cast<std::uint8_t>(aggregate);
        memory.add(at, event);
    } else {
        die("unknown kind " + kind);
    }
}

bool read_setting(sim::VenueSettings& settings, const std::string& word, std::istream& in) {
    std::string a;
    std::string b;
    std::string c;
    std::string d;
    if (word == "recorded") {
        in >> settings.recorded;
    } else if (word == "seed") {
        in >> settings.seed;
    } else if (word == "fees") {
        in >> a >> b;
        settings.maker_fee = number(a);
        settings.taker_fee = number(b);
    } else if (word == "latency") {
        in >> settings.order_latency_ns >> settings.report_latency_ns;
    } else if (word == "account") {
        in >> a;
        named(a);
        settings.accounts.push_back(a);
    } else if (word == "balance") {
        in >> a >> b >> c;
        settings.balances.push_back({a, b, number(c)});
    } else if (word == "market") {
        sim::SyntheticSettings market;
        in >> market.name >> a >> b >> c >> d >> market.volatility_ppm >> market.order_interval_ns >>
            market.trade_interval_ns >> market.resting_orders;
        named(market.name);
        market.venue = "sim";
        market.symbol = "BTC-USDT";
        market.base = "BTC";
        market.quote = "USDT";
        market.perpetual = market.name.find(":perpetual:") != std::string::npos;
        market.tick = number(a);
        market.lot = number(b);
        market.start_price = number(c);
        market.typical_size = number(d);
        settings.instruments.push_back(market);
    } else {
        return false;
    }
    return true;
}

void poll_until_quiet(kf_component* venue) {
    for (;;) {
        const std::int64_t did = venue->poll(venue->self);
        if (did < 0) die(std::string("poll failed: ") + venue->error(venue->self));
        if (did == 0) return;
    }
}

void run(Memory& memory, kf_component* venue, std::int64_t until) {
    if (venue->start(venue->self, &memory.port) != 0)
        die(std::string("start failed: ") + venue->error(venue->self));
    for (;;) {
        std::int64_t time = venue->next_time(venue->self);
        if (!memory.inputs.empty()) time = std::min(time, memory.inputs.front().header.gen_time);
        if (time > until || time == kNever) break;
        memory.time = std::max(memory.time, time);
        poll_until_quiet(venue);
    }
    if (venue->stop(venue->self) != 0) die("stop failed");
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    Memory memory;
    sim::VenueSettings settings;
    std::int64_t until = kNever;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string word;
        if (!(in >> word) || read_setting(settings, word, in)) continue;
        if (word == "go") {
            in >> memory.time;
        } else if (word == "until") {
            in >> until;
        } else {
            std::string kind;
            in >> kind;
            read_event(memory, std::stoll(word), kind, in);
        }
    }
    kf_component* venue = export_component(std::make_unique<sim::Venue>(settings));
    run(memory, venue, until);
    venue->destroy(venue->self);
    return 0;
}
