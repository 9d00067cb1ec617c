#include "bindings/limits.hpp"

#include <nanobind/stl/string.h>

#include <utility>

#include "kungfu/id.hpp"

namespace kungfu::python {

namespace nb = nanobind;

broker::DayClock day_clock_of(const std::vector<OffsetRow>& zone) {
    std::vector<broker::UtcOffset> offsets;
    for (const auto& [from, ahead] : zone) offsets.push_back({from, ahead});
    return broker::DayClock(std::move(offsets));
}

std::vector<broker::ScopeConfig> limits_of(const std::vector<LimitRow>& rows) {
    std::vector<broker::ScopeConfig> scopes;
    for (const auto& [number, name, limits, zone] : rows) {
        const auto scope = static_cast<Scope>(number);
        broker::ScopeConfig config{
            scope, scope == Scope::GLOBAL ? 0 : id_of(name), name, {}, day_clock_of(zone)};
        for (const auto& [limit, text] : limits) config.limits.emplace_back(limit, text);
        scopes.push_back(std::move(config));
    }
    return scopes;
}

void bind_limits(nb::module_& m) {
    m.def(
        "check_limit",
        [](const std::string& name, const std::string& text) {
            broker::LimitSettings settings;
            std::string why;
            if (!broker::set_limit(settings, name, text, why)) throw nb::value_error(why.c_str());
        },
        nb::arg("name"), nb::arg("text"), "Raise ValueError if a limit cannot have that value.");
}

}  // namespace kungfu::python
