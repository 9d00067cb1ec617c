/// The risk checks that every order passes, and what they may look at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/accounts.hpp"
#include "broker/markets.hpp"
#include "broker/orders.hpp"

namespace kungfu::broker {

/// The broker's state at the moment of an order. Valid only during the check.
class RiskView {
  public:
    /// `amended`: the order that `order` would replace; its own open size is left out. May be null.
    RiskView(std::int64_t now, const Markets& markets, const Orders& orders, const Accounts& accounts,
             const OrderRequest& order, const Order* amended) noexcept
        : now_(now),
          markets_(markets),
          orders_(orders),
          accounts_(accounts),
          order_(order),
          amended_(amended) {}

    std::int64_t now() const noexcept { return now_; }

    /// Whether the order makes the position smaller even if all open orders of its side fill first.
    bool reduces_position() const;

    Number position(std::uint64_t account, std::uint64_t instrument) const;
    Number open_size(std::uint64_t account, std::uint64_t instrument, Side side) const;
    Money balance(std::uint64_t account, std::string_view currency) const;

    // As in Accounts: none if an open position has no mark.
    Money result(Scope scope, std::uint64_t subject, std::string_view currency) const;
    Money unrealized(std::uint64_t account, std::string_view currency) const;
    Money equity(std::uint64_t account, std::string_view currency) const;
    Money margin_used(std::uint64_t account, std::string_view currency) const;
    Money margin_free(std::uint64_t account, std::string_view currency) const;

    Number last_price(std::uint64_t instrument) const noexcept;
    Number bid_price(std::uint64_t instrument) const noexcept;
    Number ask_price(std::uint64_t instrument) const noexcept;
    /// None without both a bid and an offer.
    Money mid_price(std::uint64_t instrument) const noexcept;
    /// Size at a price in settlement currency; none where it is unknown or does not fit.
    Money notional(std::uint64_t instrument, Number price, Number size) const noexcept;
    /// nullptr if it is unknown.
    const Instrument* instrument(std::uint64_t id) const noexcept;
    std::string_view instrument_name(std::uint64_t id) const noexcept;

  private:
    std::int64_t now_;
    const Markets& markets_;
    const Orders& orders_;
    const Accounts& accounts_;
    const OrderRequest& order_;
    const Order* amended_;
};

/// A check of orders; it must depend on nothing but its arguments and what it saw of earlier orders.
struct RiskCheck {
    virtual ~RiskCheck() = default;
    /// REFUSED and FAILED say why in `reason`; FAILED means that the check itself is broken.
    virtual Verdict judge(const OrderRequest& order, const RiskView& view, std::string& reason) = 0;
    virtual std::string_view name() const { return {}; }
};

}  // namespace kungfu::broker
