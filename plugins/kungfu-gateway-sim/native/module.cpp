/// The Python face: settings in, component capsule out.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

#include "kungfu/component.hpp"
#include "settings.hpp"
#include "venue.hpp"

namespace nb = nanobind;

namespace {

using namespace kungfu::sim;

template <class T>
T get(const nb::dict& settings, const char* key) {
    return nb::cast<T>(settings[key]);
}

kungfu::Number number(const std::string& text) {
    kungfu::Number value;
    if (kungfu::parse_number(text, value) != kungfu::NumberError::OK) {
        throw std::invalid_argument("not an exact number: " + text);
    }
    return value;
}

kungfu::Number get_number(const nb::dict& settings, const char* key) {
    return number(get<std::string>(settings, key));
}

SyntheticSettings read_instrument(const nb::dict& from) {
    SyntheticSettings settings;
    settings.name = get<std::string>(from, "name");
    settings.venue = get<std::string>(from, "venue");
    settings.symbol = get<std::string>(from, "symbol");
    settings.base = get<std::string>(from, "base");
    settings.quote = get<std::string>(from, "quote");
    settings.perpetual = get<bool>(from, "perpetual");
    settings.tick = get_number(from, "tick");
    settings.lot = get_number(from, "lot");
    settings.start_price = get_number(from, "start_price");
    settings.typical_size = get_number(from, "typical_size");
    settings.volatility_ppm = get<std::int64_t>(from, "volatility_ppm");
    settings.order_interval_ns = get<std::int64_t>(from, "order_interval_ns");
    settings.trade_interval_ns = get<std::int64_t>(from, "trade_interval_ns");
    settings.resting_orders = get<std::int64_t>(from, "resting_orders");
    return settings;
}

VenueSettings read_settings(const nb::dict& from) {
    VenueSettings settings;
    settings.recorded = get<bool>(from, "recorded");
    settings.seed = get<std::uint64_t>(from, "seed");
    settings.maker_fee = get_number(from, "maker_fee");
    settings.taker_fee = get_number(from, "taker_fee");
    settings.order_latency_ns = get<std::int64_t>(from, "order_latency_ns");
    settings.report_latency_ns = get<std::int64_t>(from, "report_latency_ns");
    settings.accounts = get<std::vector<std::string>>(from, "accounts");
    using Row = std::tuple<std::string, std::string, std::string>;
    for (const auto& [account, currency, amount] : get<std::vector<Row>>(from, "balances")) {
        settings.balances.push_back({account, currency, number(amount)});
    }
    for (const nb::handle instrument : nb::cast<nb::list>(from["instruments"])) {
        settings.instruments.push_back(read_instrument(nb::cast<nb::dict>(instrument)));
    }
    return settings;
}

/// Frees the component unless the core has taken it over, which renames the capsule.
void free_capsule(PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, KF_COMPONENT_CAPSULE)) return;
    auto* table = static_cast<kf_component*>(PyCapsule_GetPointer(capsule, KF_COMPONENT_CAPSULE));
    table->destroy(table->self);
}

nb::object component(const nb::dict& settings) {
    kf_component* table = kungfu::export_component(std::make_unique<Venue>(read_settings(settings)));
    PyObject* capsule = PyCapsule_New(table, KF_COMPONENT_CAPSULE, free_capsule);
    if (capsule == nullptr) {
        table->destroy(table->self);
        throw nb::python_error();
    }
    return nb::steal(capsule);
}

}  // namespace

NB_MODULE(_venue, m) {
    m.doc() = "The simulated venue's native component.";
    m.def("component", &component, nb::arg("settings"),
          "Make a venue from validated settings; gives a capsule named kungfu.component.v1.");
}
