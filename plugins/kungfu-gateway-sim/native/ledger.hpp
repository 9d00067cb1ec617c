/// What the accounts of the venue have, and what their open spot orders hold back; exact.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exact.hpp"

namespace kungfu::sim {

class Ledger {
  public:
    void open(std::uint64_t account) { balances_[account]; }
    bool knows(std::uint64_t account) const { return balances_.count(account) != 0; }

    void change(std::uint64_t account, const std::string& currency, Money by) {
        Money& balance = balances_[account][currency];
        balance = sum(balance, by);
    }

    /// Balance less what open orders hold back, one order left out.
    Money available(std::uint64_t account, const std::string& currency,
                    std::uint64_t except_order = 0) const {
        Money left{};
        const auto owner = balances_.find(account);
        if (owner == balances_.end()) return left;
        const auto balance = owner->second.find(currency);
        if (balance != owner->second.end()) left = balance->second;
        for (const auto& [order, hold] : holds_) {
            if (order != except_order && hold.account == account && hold.currency == currency) {
                left = sum(left, -hold.amount);
            }
        }
        return left;
    }

    /// Holds an amount back for an order, in place of what it held before.
    void hold(std::uint64_t order, std::uint64_t account, const std::string& currency, Money amount) {
        holds_[order] = {account, currency, amount};
    }

    void release(std::uint64_t order) { holds_.erase(order); }

  private:
    struct Hold {
        std::uint64_t account;
        std::string currency;
        Money amount;
    };
    std::unordered_map<std::uint64_t, std::map<std::string, Money>> balances_;
    std::unordered_map<std::uint64_t, Hold> holds_;
};

}  // namespace kungfu::sim
