/// The broker component: takes orders in, lets them through or refuses them, books what became of them.
///
/// Inputs: STRATEGY journals (requests whose destination is this broker), TD and MD journals of
/// gateways. Output 0: the BROKER journal, from which gateways take what is addressed to them and
/// strategies hear of their orders. docs/reference/orders.md has the flow.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/cancel_pacing.hpp"
#include "broker/config.hpp"
#include "broker/deadlines.hpp"
#include "broker/emulation.hpp"
#include "broker/limits.hpp"
#include "broker/wording.hpp"
#include "kungfu/component.hpp"

namespace kungfu::broker {

/// Something was asked of an order's venue, and its answer decides where the order stands.
inline bool is_waiting(OrderState state) noexcept {
    return state == OrderState::SUBMITTED || state == OrderState::PENDING_CANCEL ||
           state == OrderState::PENDING_AMEND;
}

/// Ends the broker with a Fault if its journal did not take an event.
void require_appended(std::int32_t status, const char* type);

class Broker : public Component {
  public:
    /// Throws std::invalid_argument if a route leads to no gateway or something is named twice.
    explicit Broker(BrokerConfig config);

    void start(Port port) override;
    std::int64_t poll() override;
    std::int64_t next_time() override { return deadlines_.next_time(); }
    std::string settings() override { return offered_; }
    std::string save() override;
    void load(std::string_view state) override;

  private:
    /// A plugin's check, and how often it failed or overran.
    struct Hook {
        std::string name;
        RiskCheck* check = nullptr;  // nullptr if it is no longer configured, and only its verdicts are there
        std::uint32_t faults = 0;
    };

    // settings
    /// Puts settings in force; throws std::invalid_argument if they do not fit together.
    void set(Settings settings);
    /// Settings that its journal says, of this start or, in a rebuild, of an earlier one.
    void set_as_journaled(std::string_view text);
    /// Ends what cannot go on without whom the order went to, or without a venue that can be asked.
    void give_up_unreachable();

    void handle(const Event& event);
    void dispatch(const Event& event);
    void handle_request(const Event& event);

    // from strategies
    void on_request(const Event& event, const OrderRequest& request);
    void on_cancel(const Event& event, const OrderCancel& cancel);
    void on_amend(const Event& event, const OrderAmend& amend);
    /// `held`: the order itself if it has been accepted before, and was held since; else nullptr.
    bool is_acceptable(const OrderRequest& request, std::uint64_t sender, const Order* held,
                       std::string& reason);
    bool is_amendable(const Order& order, const OrderAmend& amend, std::uint64_t sender, std::string& reason);

    /// What of an order another one must allow: its parent, or an order of its group.
    bool is_tied_well(const OrderRequest& request, std::string& reason);

    // orders that are held back, tied together or ended by the broker
    void place(Order& order);
    void hold(Order& order, Held held, const std::string& until);
    /// Lets an order out, or has it wait for a price if its venue cannot.
    void arm(Order& order);
    void let_out(Order& order);
    void submit(Order& order, const OrderRequest& sent, std::string_view why);
    void let_out_waiting(std::uint64_t account);
    void end_held(Order& order, OrderState state, std::string_view why);
    void watch(std::uint64_t instrument, PriceKind kind, Number price);
    void on_trigger_missed(Order& order, Held& held, Number price);
    void apply_amend(Order& order, const OrderAmend& amend);
    void expire_at(const Order& order, std::int64_t time);
    void expire(Order& order);
    /// Cancels an order that can be, as soon as the rates of cancels allow.
    void send_cancel(Order& order, std::string_view why);
    void send_amend(Order& order, const OrderAmend& amend, std::string_view why);
    /// Does what the orders that have changed mean for others.
    void settle_ties();
    /// A copy: the parent may be let go while its children end.
    void settle_children(Order parent);
    /// Lets a child out now that its parent is over, at most as large as what that has filled.
    void follow(Order& child, const Order& parent);
    void settle_group(const Order& order);
    void settle_leg(Leg& leg);
    bool can_shrink(const Order& order, Number size) const noexcept;
    Number price_of(std::uint64_t instrument, PriceKind kind) const noexcept;

    // orders that an algorithm works by orders of its own
    /// The order of which a request is to be a part; nullptr if it is not to be one.
    Order* worked_order(const OrderRequest& request);
    bool fits_parent(const OrderRequest& request, const Order& parent, const Order* amended,
                     std::string& reason);
    /// What was placed for it and is not over.
    std::vector<Order*> slices_of(const Order& parent);
    Number left_for_slices(const Order& parent, const Order* amended);
    /// The parent without what its slices may still fill: that much of it a new one takes the place of. Good
    /// until the next one.
    const Order& left_of(const Order& parent, const Order* amended);
    void credit_parent(const Order& slice, const Fill& fill);
    void end_slices(const Order& parent);
    /// Ends the orders that an algorithm was given before a time: it has ended, and nobody works them any
    /// more.
    void end_worked(std::uint64_t algorithm, std::int64_t before);

    // from gateways
    void on_update(const OrderUpdate& reported, std::string_view reason);
    void on_fill(const Fill& reported);
    void on_cash(const CashMovement& reported);

    void on_position_report(const Position& reported);
    void on_balance_report(const Balance& reported);
    void on_answer(const VenueAnswer& answer, std::string_view detail);
    void on_account_answer(const VenueAnswer& answer, std::string_view detail);
    void on_connection(const Connection& connection, std::uint64_t gateway);

    // orders in doubt
    bool can_ask(std::uint64_t account) const noexcept;
    /// Something was asked of the venue: looks again when an answer is overdue.
    void expect_answer(Order& order);
    /// The venue told of fills: looks again when they are overdue.
    void expect_fills(Order& order);
    std::int64_t fire_deadlines();
    bool matters(const Deadline& deadline);
    void act_on(const Deadline& deadline);
    /// Begins to find out an order's fate; one that waits for an answer is UNKNOWN until then.
    void doubt(Order& order, std::string_view why);
    void ask_about(const Order& order, Doubt& doubt);
    void ask_again(const Order& order, Doubt& doubt);
    std::int64_t retry_after(std::uint32_t tries) const noexcept;
    bool is_settled(const Order& order) const noexcept;
    void settle_as_absent(Order& order);
    /// Whether an order that the venue surely does not have may go out once more.
    bool may_send_again(const Order& order, const Doubt& doubt) const noexcept;
    void tell_difference(Difference difference, const Order& order, std::string_view rule);
    void alarm(const std::string& message);

    // comparing accounts with their venues
    void on_component_start(std::string_view settings);
    void begin_reconciling(std::uint64_t account, std::string_view why);
    void set_account_state(std::uint64_t account, AccountSync& sync, AccountState state,
                           std::string_view why);
    bool is_ready(std::uint64_t account) const noexcept;
    /// Its venue is being asked what there is, as it was not reached for a while.
    bool is_comparing(std::uint64_t account) const noexcept;
    void ask_for_account(std::uint64_t account);
    void ask_account_at(std::uint64_t account, AccountSync& sync, std::int64_t time);
    void ask_about_missing_orders(std::uint64_t account, const AccountSync& sync);
    std::map<Compared, Amounts> differences(std::uint64_t account, const AccountSync& sync) const;
    void adjust(const VenueAnswer& answer, const AccountSync& sync, const Compared& what,
                const Amounts& amounts);
    void adjust_balance(const VenueAnswer& answer, const Currency& currency, const Amounts& amounts);
    void adjust_position(std::uint64_t account, const AccountSync& sync, const Compared& what,
                         const Amounts& amounts);

    // limits
    /// After an event: throws kill switches whose limit it broke, and goes on closing positions.
    void enforce_limits(const Event& event);
    void throw_switch(LimitScope& scope, const std::string& reason);
    void reset_switch(LimitScope& scope, const std::string& reason);
    void tell_switch(const LimitScope& scope, SwitchState state, const std::string& reason);
    void cancel_all(const LimitScope& scope, const std::string& why);
    void flatten(LimitScope& scope);
    bool awaits_ends(const LimitScope& scope) const;
    /// Whether there is a lot or more that can be closed.
    bool close_position(const LimitScope& scope, std::uint64_t account, std::uint64_t instrument, Side side);
    void submit_closing(std::uint64_t strategy, std::uint64_t account, const Market& market, Side side,
                        Number size);
    std::uint64_t next_own_id();
    void release_cancels();
    void emit_cancel(Order& order, std::string_view why);
    /// Fires a trigger, or cancels an order.
    void on_order_command(const OperatorCommand& command, std::string_view who);
    /// Ends an order, or others, that would trade with each other; false if it is this one that ended.
    bool settle_self_trade(Order& order);
    bool reduces(const Order& order) const;
    void on_command(const OperatorCommand& command, std::string_view who);
    /// What a check says of an order, or said when the session that is rebuilt was there.
    RiskVerdict ask(Hook& hook, const OrderRequest& order, const RiskView& view, std::string& why);
    /// Asks the checks in order; false, with the reason, at the first refusal. One that failed or overran
    /// refuses too, unless the order provably makes the position smaller.
    bool passes_checks(const OrderRequest& order, const RiskView& view, std::string& reason);

    Order* find_or_adopt(const OrderUpdate& reported);
    void apply(Order& order, const OrderUpdate& reported, std::string_view reason);
    void book(Order& order, const Fill& reported);
    /// Whether it is known which position a fill of a defined instrument is of.
    bool says_position(const Order& order, const Fill& fill) const;
    /// Which of the account's positions a fill is of; what it does not say, its order does.
    PositionSide position_side(const Order& order, const Fill& fill,
                               const Instrument& definition) const noexcept;

    /// Tells the order's strategy where it stands; an anomaly says that the report did not fit it.
    void tell(const Order& order, std::int64_t time, bool anomaly, std::string_view reason);
    /// Answers a cancel or amend of an order that was never heard of.
    template <class Request>
    void answer_unknown(const Event& event, const Request& request, const char* what);
    void tell_balances(std::uint64_t account, const Booking& booking);
    void tell_position(const HoldingKey& key, const Holding& holding, const Market& market);
    template <class T>
    void emit(const T& event, std::uint64_t destination) {
        require_appended(port_.append(event, destination), T::kName);
    }
    template <class T>
    void emit(const T& event, std::string_view tail, std::uint64_t destination) {
        require_appended(port_.append(event, tail, destination), T::kName);
    }

    const Gateway* gateway_of(std::uint64_t account) const noexcept;
    /// Where an order goes: to the gateway of its account, or to the algorithm that works it.
    const Gateway* receiver_of(std::uint64_t account, std::uint64_t algorithm) const noexcept;
    const Gateway* receiver_of(const Order& order) const noexcept {
        return receiver_of(order.account, order.request.algorithm);
    }

    std::vector<std::unique_ptr<RiskCheck>> checks_;
    std::string offered_;   // what it was made with
    std::string in_force_;  // what its journal says; empty before the first start: then what it was made with
    std::map<std::uint64_t, Gateway> gateways_;
    std::map<std::uint64_t, Gateway> algorithms_;
    std::map<std::uint64_t, Route> routes_;
    std::vector<std::pair<std::uint64_t, const Gateway*>> reached_;  // accounts, and by which gateway; few
    std::vector<Hook> hooks_;
    HookTerms hook_terms_;
    Port port_;
    Markets markets_;
    Orders orders_;
    Accounts accounts_;
    Limits limits_{markets_, orders_, accounts_};
    CancelPacing pacing_;
    std::uint64_t last_own_ = 0;
    Timing timing_;
    Emulation emulation_;
    HeldOrders held_;
    std::vector<std::uint64_t> changed_;                        // orders that others depend on
    std::map<std::uint64_t, std::string> parameters_;           // of held orders, for their algorithms
    Order left_;                                                // what left_of() gives
    std::set<std::pair<std::uint64_t, std::uint64_t>> slices_;  // that are not over, behind their parents
    Deadlines deadlines_;
    std::unordered_map<std::uint64_t, Doubt> doubts_;
    std::unordered_map<std::uint64_t, AccountSync> syncs_;
    std::uint64_t last_query_ = 0;
};

}  // namespace kungfu::broker
