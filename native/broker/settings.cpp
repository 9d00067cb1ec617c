#include "broker/settings.hpp"

#include <charconv>
#include <stdexcept>

#include "kungfu/number.hpp"

namespace kungfu::broker {
namespace {

constexpr const char* kZone = "zone";

/// Sections with a line for each setting, `[what which]` and `name = value`.
class Lines {
  public:
    void section(const std::string& head) { text_ += "[" + head + "]\n"; }
    void put(std::string_view name, std::string_view value) {
        text_.append(name).append(" = ").append(value).append("\n");
    }
    void put(std::string_view name, const char* value) { put(name, std::string_view(value)); }
    template <class Integer>
    void put(std::string_view name, Integer value) {
        put(name, std::string_view(std::to_string(value)));
    }
    void put(std::string_view name, const DayClock& clock) {
        std::string zone;
        for (const UtcOffset& offset : clock.zone())
            zone +=
                (zone.empty() ? "" : " ") + std::to_string(offset.from) + " " + std::to_string(offset.ahead);
        put(name, std::string_view(zone));
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

struct Line {
    std::string_view name;
    std::string_view value;
};

std::string_view take_word(std::string_view& text) noexcept {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

[[noreturn]] void refuse(std::string_view value, const char* expected) {
    throw std::invalid_argument(std::string("expected ") + expected + ", got \"" + std::string(value) + "\"");
}

template <class Integer>
void read(std::string_view text, Integer& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) refuse(text, "a whole number");
}

void read(std::string_view text, bool& out) {
    out = text == "1";
    if (!out && text != "0") refuse(text, "0 or 1");
}

void read(std::string_view text, Number& out) {
    if (parse_number(text, out) != NumberError::OK) refuse(text, "a number");
}

void read(std::string_view text, DayClock& out) {
    std::vector<UtcOffset> zone;
    while (!text.empty()) {
        UtcOffset& offset = zone.emplace_back();
        read(take_word(text), offset.from);
        read(take_word(text), offset.ahead);
    }
    out = DayClock(std::move(zone));
}

template <class Enum>
void read_enum(std::string_view text, Enum& out) {
    std::uint8_t number = 0;
    read(text, number);
    out = static_cast<Enum>(number);
}

/// What the lines of a section are read into.
class SettingsReader {
  public:
    void line(std::string_view text) {
        if (!text.empty() && text.front() == '[' && text.back() == ']')
            return begin(text.substr(1, text.size() - 2));
        const std::size_t equals = text.find(" = ");
        if (equals == std::string_view::npos) refuse(text, "[section] or name = value");
        const Line line{text.substr(0, equals), text.substr(equals + 3)};
        if (!(this->*section_)(line)) refuse(line.name, "a setting that this section has");
    }
    Settings take() { return std::move(settings_); }

  private:
    void begin(std::string_view head) {
        const std::string_view what = take_word(head);
        if (what == "broker") {
            section_ = &SettingsReader::of_broker;
        } else if (what == "gateway") {
            Gateway& gateway = settings_.gateways.emplace_back();
            read(take_word(head), gateway.source);
            gateway.name = head;
            section_ = &SettingsReader::of_gateway;
        } else if (what == "algorithm") {
            std::uint64_t source = 0;
            read(take_word(head), source);
            settings_.algorithms.push_back(algorithm(source, std::string(head)));
            section_ = &SettingsReader::of_nothing;
        } else if (what == "account") {
            Route& route = settings_.routes.emplace_back();
            read(take_word(head), route.account);
            route.name = head;
            section_ = &SettingsReader::of_account;
        } else if (what == "limits") {
            ScopeConfig& scope = settings_.limits.emplace_back();
            read_enum(take_word(head), scope.scope);
            read(take_word(head), scope.subject);
            scope.name = head;
            section_ = &SettingsReader::of_limits;
        } else {
            refuse(what, "broker, gateway, algorithm, account or limits");
        }
    }

    bool of_nothing(const Line&) { return false; }

    bool of_broker(const Line& line) {
        bool known = true;
        if (line.name == "missed_trigger") {
            read_enum(line.value, settings_.emulation.missed_trigger);
        } else if (line.name == kZone) {
            read(line.value, settings_.emulation.clock);
        } else if (line.name == "check") {
            settings_.check_names.emplace_back(line.value);
        } else if (line.name == "check_budget") {
            read(line.value, settings_.hooks.budget);
        } else if (line.name == "most_faults") {
            read(line.value, settings_.hooks.most_faults);
        } else {
            known = false;
            Timing::each(settings_.timing, [&](const char* name, std::int64_t& value) {
                if (line.name == name) read(line.value, value), known = true;
            });
        }
        return known;
    }

    bool of_gateway(const Line& line) {
        Capabilities& can = settings_.gateways.back().capabilities;
        bool known = true;
        if (line.name == "order_types") {
            read(line.value, can.order_types);
        } else if (line.name == "times_in_force") {
            read(line.value, can.times_in_force);
        } else if (line.name == "triggers") {
            read(line.value, can.triggers);
        } else {
            known = false;
            Capabilities::each_ability(can, [&](const char* name, bool& value) {
                if (line.name == name) read(line.value, value), known = true;
            });
        }
        return known;
    }

    bool of_account(const Line& line) {
        Route& route = settings_.routes.back();
        if (line.name == "gateway") {
            read(line.value, route.gateway);
        } else if (line.name == "hedging") {
            read(line.value, route.terms.hedging);
        } else if (line.name == "leverage") {
            read(line.value, route.terms.leverage);
        } else {
            auto& [instrument, leverage] = route.terms.leverages.emplace_back();
            read(line.name, instrument);
            read(line.value, leverage);
        }
        return true;
    }

    bool of_limits(const Line& line) {
        ScopeConfig& scope = settings_.limits.back();
        if (line.name == kZone) {
            read(line.value, scope.clock);
        } else {
            scope.limits.emplace_back(line.name, line.value);
        }
        return true;
    }

    Settings settings_;
    bool (SettingsReader::*section_)(const Line&) = &SettingsReader::of_nothing;
};

}  // namespace

std::string to_text(const Settings& settings) {
    Lines lines;
    lines.section("broker");
    Timing::each(settings.timing, [&](const char* name, std::int64_t value) { lines.put(name, value); });
    lines.put("missed_trigger", static_cast<int>(settings.emulation.missed_trigger));
    lines.put(kZone, settings.emulation.clock);
    for (const std::string& name : settings.check_names) lines.put("check", std::string_view(name));
    lines.put("check_budget", settings.hooks.budget);
    lines.put("most_faults", settings.hooks.most_faults);
    for (const Gateway& gateway : settings.gateways) {
        const Capabilities& can = gateway.capabilities;
        lines.section("gateway " + std::to_string(gateway.source) + " " + gateway.name);
        lines.put("order_types", can.order_types);
        lines.put("times_in_force", can.times_in_force);
        lines.put("triggers", can.triggers);
        Capabilities::each_ability(
            can, [&](const char* name, bool value) { lines.put(name, static_cast<int>(value)); });
    }
    for (const Gateway& one : settings.algorithms)
        lines.section("algorithm " + std::to_string(one.source) + " " + one.name);
    for (const Route& route : settings.routes) {
        lines.section("account " + std::to_string(route.account) + " " + route.name);
        lines.put("gateway", route.gateway);
        lines.put("hedging", static_cast<int>(route.terms.hedging));
        lines.put("leverage", std::string_view(kungfu::to_text(route.terms.leverage)));
        for (const auto& [instrument, leverage] : route.terms.leverages)
            lines.put(std::to_string(instrument), std::string_view(kungfu::to_text(leverage)));
    }
    for (const ScopeConfig& scope : settings.limits) {
        lines.section("limits " + std::to_string(static_cast<int>(scope.scope)) + " " +
                      std::to_string(scope.subject) + " " + scope.name);
        lines.put(kZone, scope.clock);
        for (const auto& [name, text] : scope.limits) lines.put(name, std::string_view(text));
    }
    return lines.take();
}

Settings settings_of(std::string_view text) {
    SettingsReader reader;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        try {
            reader.line(text.substr(0, end));
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument("line " + std::to_string(number) + ": " + error.what());
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return reader.take();
}

}  // namespace kungfu::broker
