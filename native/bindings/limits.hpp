/// The native limits for Python: how a configuration says them.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "broker/limit_config.hpp"

namespace kungfu::python {

/// From a time on, how far a time zone is ahead of UTC; both in ns.
using OffsetRow = std::tuple<std::int64_t, std::int64_t>;

/// A scope, its subject's name, its limits by name as text, and the offsets of its time zone from UTC.
using LimitRow = std::tuple<std::uint8_t, std::string, std::vector<std::tuple<std::string, std::string>>,
                            std::vector<OffsetRow>>;

broker::DayClock day_clock_of(const std::vector<OffsetRow>& zone);

std::vector<broker::ScopeConfig> limits_of(const std::vector<LimitRow>& rows);

void bind_limits(nanobind::module_& m);

}  // namespace kungfu::python
