/// What the Python side has validated and hands over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kungfu/number.hpp"

namespace kungfu::sim {

/// A market that the venue generates; `config.py` says what each value means.
struct SyntheticSettings {
    std::string name;
    std::string venue;
    std::string symbol;
    std::string base;
    std::string quote;
    bool perpetual = false;
    Number tick;
    Number lot;
    Number start_price;
    Number typical_size;
    std::int64_t volatility_ppm = 0;  // a year's, in millionths
    std::int64_t order_interval_ns = 0;
    std::int64_t trade_interval_ns = 0;
    std::int64_t resting_orders = 0;
};

struct BalanceSettings {
    std::string account;
    std::string currency;
    Number amount;
};

struct VenueSettings {
    bool recorded = false;
    std::uint64_t seed = 0;
    Number maker_fee;
    Number taker_fee;
    std::int64_t order_latency_ns = 0;
    std::int64_t report_latency_ns = 0;
    std::vector<std::string> accounts;
    std::vector<BalanceSettings> balances;
    std::vector<SyntheticSettings> instruments;
};

}  // namespace kungfu::sim
