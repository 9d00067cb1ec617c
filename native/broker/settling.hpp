/// What the broker knows of orders in doubt, and of accounts that are compared with their venues.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/accounts.hpp"
#include "broker/state_bytes.hpp"
#include "kungfu/events.hpp"

namespace kungfu::broker {

/// How long the broker waits for venues, in ns; docs/reference/reconciliation.md says what for.
struct Timing {
    std::int64_t answer_timeout = 5'000'000'000;
    std::int64_t order_deadline = 5'000'000'000;  ///< What an order carries; 0: none.
    std::int64_t clock_bound = 1'000'000'000;     ///< How far a venue's clock may be off from ours.
    std::int64_t fill_timeout = 1'000'000'000;
    std::int64_t first_retry = 1'000'000'000;
    std::int64_t longest_retry = 30'000'000'000;
    std::int64_t alarm_after = 60'000'000'000;
    std::int64_t reconcile_interval = 60'000'000'000;
    std::int64_t resend_max_age =
        0;                      ///< Until then an order that was lost on its way goes out again; 0: never.
    std::int64_t absences = 3;  ///< Answers that an order is not found, before it counts as absent.

    /// Calls each(name, value) for each of them.
    template <class Self, class Each>
    static void each(Self& self, Each&& each) {
        each("answer_timeout", self.answer_timeout);
        each("order_deadline", self.order_deadline);
        each("clock_bound", self.clock_bound);
        each("fill_timeout", self.fill_timeout);
        each("first_retry", self.first_retry);
        each("longest_retry", self.longest_retry);
        each("alarm_after", self.alarm_after);
        each("reconcile_interval", self.reconcile_interval);
        each("resend_max_age", self.resend_max_age);
        each("absences", self.absences);
    }
};

/// An order whose fate is being found out.
struct Doubt {
    std::int64_t since = 0;
    std::int64_t absent_from = 0;  ///< A venue that does not know it from then on never will.
    std::int64_t next = 0;         ///< When it is asked again.
    std::uint64_t query = 0;
    std::uint32_t tries = 0;
    std::uint32_t absences = 0;
    bool alarmed = false;
    bool may_be_unsent = false;  ///< Nothing was heard of the order, and nobody wants it cancelled.
};

/// A venue's word on something that is compared: a position's or a balance's amount.
struct Compared {
    std::uint64_t instrument = 0;
    Currency currency;
    PositionSide side = PositionSide::NET;

    auto tie() const noexcept { return std::make_tuple(instrument, currency.code(), side); }
    bool operator<(const Compared& o) const noexcept { return tie() < o.tie(); }
    bool operator==(const Compared& o) const noexcept { return tie() == o.tie(); }
};

struct Amounts {
    Money ours;
    Money theirs;
    bool operator==(const Amounts& o) const noexcept {
        return compare(ours, o.ours) == 0 && compare(theirs, o.theirs) == 0;
    }
};

/// Where the comparison of an account with its venue stands.
struct AccountSync {
    AccountState state = AccountState::RECONCILING;
    bool connected = true;
    bool ever = false;        ///< It succeeded once.
    std::uint64_t query = 0;  ///< Under way; 0 if none is.
    std::int64_t began = 0;
    std::int64_t next = 0;       ///< When it is asked again.
    std::int64_t last_fill = 0;  ///< Venue time of the latest fill that was booked.
    std::uint32_t tries = 0;
    std::unordered_set<std::uint64_t> seen;   ///< Orders that were reported since it began.
    std::map<Compared, Position> positions;   ///< Told since it began.
    std::map<Compared, Money> balances;       ///< Likewise.
    std::map<Compared, Amounts> differences;  ///< Of the last comparison; what stays is adjusted.
};

}  // namespace kungfu::broker
