/// Reads back from the broker's journal what became of an order that is no longer kept in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/orders.hpp"
#include "journal/location.hpp"

namespace kungfu::broker {

/// An order as its journaled events leave it, and its fills.
struct RecalledOrder {
    Order order;
    std::vector<Fill> fills;
};

class OrderHistory {
  public:
    /// `own` is the broker's journal.
    explicit OrderHistory(journal::Location own) : own_(std::move(own)) {}

    /// What events `from`..`up_to` of the journal say of an order; false if they do not name it.
    bool recall(std::uint64_t order_id, std::uint64_t from, std::uint64_t up_to, RecalledOrder& out) const;

  private:
    journal::Location own_;
};

}  // namespace kungfu::broker
