"""Each native limit: what passes, what is refused in which words, that one can always get out."""

import fnmatch
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from broker_desk import Desk, Said
from hypothesis import given

from kungfu_core import _native
from kungfu_core.day_zone import utc_offsets
from kungfu_core.enums import (
    CashKind,
    CommandKind,
    ContractKind,
    FeedState,
    InstrumentStatus,
    LogLevel,
    OrderState,
    OrderType,
    Product,
    Scope,
    Side,
    SizeUnit,
    SwitchState,
    TimeInForce,
)
from kungfu_core.values import parse_time

LIMITS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"
SECOND = 1_000_000_000
STRATEGY, OTHER, VENUE, PERSON = map(_native.id_of, ("strategy", "other", "venue", "person"))
MAIN, SECOND_ACCOUNT = _native.id_of("main"), _native.id_of("second")
PERPETUAL, SPOT, FOREIGN, INVERSE = map(
    _native.id_of,
    ("venue:perpetual:BTC", "venue:spot:BTC", "venue:perpetual:ETH", "venue:inverse:BTC"),
)
NAMES = {
    PERPETUAL: "venue:perpetual:BTC",
    SPOT: "venue:spot:BTC",
    FOREIGN: "venue:perpetual:ETH",
    INVERSE: "venue:inverse:BTC",
}
BUY, SELL = Side.BUY, Side.SELL
ABILITIES = ["amend", "reduce_only"]


def definition(instrument: int) -> dict[str, Any]:
    inverse = instrument == INVERSE
    return {
        "instrument": instrument,
        "product": Product.SPOT if instrument == SPOT else Product.PERPETUAL,
        "contract_kind": ContractKind.NONE
        if instrument == SPOT
        else (ContractKind.INVERSE if inverse else ContractKind.LINEAR),
        "size_unit": SizeUnit.CONTRACTS if inverse else SizeUnit.BASE,
        "contract_value": "10" if inverse else None,
        "tick": "0.1",
        "lot": "1" if inverse else "0.001",
        "status": InstrumentStatus.TRADING,
        "settle_decimals": 8,
        "venue": "venue",
        "symbol": "BTC",
        "base": "BTC",
        "quote": {FOREIGN: "EUR", INVERSE: "USD"}.get(instrument, "USDT"),
        "settle": {SPOT: "", FOREIGN: "EUR", INVERSE: "BTC"}.get(instrument, "USDT"),
        "name": NAMES[instrument],
    }


class Trading(Desk):
    """A broker with limits, a strategy that sends and a venue that answers."""

    def __init__(
        self,
        limits: dict[str, str] | None = None,
        *,
        account: dict[str, str] | None = None,
        strategy: dict[str, str] | None = None,
        zone: list[tuple[int, int]] | None = None,
    ) -> None:
        scopes = [
            (Scope.GLOBAL, "", limits),
            (Scope.ACCOUNT, "main", account),
            (Scope.STRATEGY, "strategy", strategy),
        ]
        rows = [(s, name, list(own.items()), zone or []) for s, name, own in scopes if own]
        types = [OrderType.MARKET, OrderType.LIMIT]
        gateway = ("venue", types, list(TimeInForce), [], ABILITIES)
        routes = [(name, "venue", False, "1", ()) for name in ("main", "second")]
        super().__init__(_native.make_broker([gateway], routes, [], limits=rows), "broker")
        self.orders = 0
        for instrument in NAMES:
            self.put("instrument", VENUE, **definition(instrument))
        self.run()

    def order(
        self, side: Side, size: str, price: str | None = "100", *, of: int = PERPETUAL, **more: Any
    ) -> Said:
        """Send an order; give the last update that it led to."""
        self.orders += 1
        values = {
            "order_id": self.orders,
            "instrument": of,
            "account": MAIN,
            "strategy": STRATEGY,
            "side": side,
            "type": OrderType.MARKET if price is None else OrderType.LIMIT,
            "size": size,
            "price": price,
            "time_in_force": TimeInForce.GTC,
        } | more
        self.put("order_request", values["strategy"], self.source, **values)
        self.said = self.run()
        updates = [s for s in self.said if s.name == "order_update"]
        return next(s for s in reversed(updates) if s.values["order_id"] == self.orders)

    def reason(self, *order: Any, **more: Any) -> str:
        """Send an order that is refused; give the reason."""
        update = self.order(*order, **more)
        assert update.values["state"] == OrderState.RISK_REJECTED
        return str(update.values["reason"])

    def passes(self, *order: Any, **more: Any) -> bool:
        return bool(self.order(*order, **more).values["state"] == OrderState.SUBMITTED)

    def fill(
        self,
        order: int,
        side: Side,
        size: str,
        price: str = "100",
        *,
        of: int = PERPETUAL,
        fee: str = "0",
    ) -> list[Said]:
        self.put(
            "fill", VENUE, order_id=order, instrument=of, account=MAIN, side=side, price=price,
            size=size, trade_id=f"{order}-{self._sequence}", fee=fee, fee_currency="USDT",
            time=self.now,
        )  # fmt: skip
        return self.run()

    def hold(
        self, side: Side, size: str, price: str = "100", *, of: int = PERPETUAL, **more: Any
    ) -> None:
        """Get a position."""
        assert self.passes(side, size, price, of=of, **more)
        self.fill(self.orders, side, size, price, of=of)

    def over(self, order: int, state: OrderState = OrderState.CANCELED) -> list[Said]:
        self.put(
            "order_update",
            VENUE,
            order_id=order,
            instrument=PERPETUAL,
            account=MAIN,
            side=BUY,
            state=state,
        )
        return self.run()

    def cancel(self, order: int, strategy: int = STRATEGY) -> list[Said]:
        self.put(
            "order_cancel",
            strategy,
            self.source,
            order_id=order,
            instrument=PERPETUAL,
            account=MAIN,
            strategy=strategy,
        )
        return self.run()

    def trade(self, price: str, size: str = "1", of: int = PERPETUAL) -> list[Said]:
        self.put("trade", VENUE, instrument=of, price=price, size=size, side=BUY)
        return self.run()

    def quote(self, bid: str, ask: str, size: str = "5") -> None:
        self.put(
            "quote",
            VENUE,
            instrument=PERPETUAL,
            bid_price=bid,
            ask_price=ask,
            bid_size=size,
            ask_size=size,
        )
        self.run()

    def mark(self, price: str, of: int = PERPETUAL) -> list[Said]:
        self.put("mark_price", VENUE, instrument=of, price=price)
        return self.run()

    def deposit(self, amount: str, currency: str = "USDT") -> None:
        self.put(
            "cash_movement",
            VENUE,
            account=MAIN,
            amount=amount,
            currency=currency,
            kind=CashKind.TRANSFER,
        )
        self.run()

    def command(
        self, kind: CommandKind, scope: Scope = Scope.GLOBAL, subject: int = 0, **more: str
    ) -> list[Said]:
        self.put(
            "operator_command", PERSON, self.source, kind=kind, scope=scope, subject=subject,
            **{"who": "me: a test"} | more,
        )  # fmt: skip
        return self.run()

    def set_limit(self, limit: str, setting: str) -> list[Said]:
        return self.command(CommandKind.SET_LIMIT, limit=limit, setting=setting)


def names(said: list[Said]) -> list[str]:
    return [s.name for s in said]


def only(said: list[Said], name: str) -> Said:
    (found,) = (s for s in said if s.name == name)
    return found


# --- each limit: an order that it lets pass, one that it refuses ---------------------------------


Prepare = Callable[[Trading], object]
BREAKS: dict[str, tuple[dict[str, str], Prepare, str]] = {
    "max_order_size": ({"max_order_size": "1.5"}, lambda d: None, "size 2 is above 1.5"),
    "max_order_notional": (
        {"max_order_notional": "USDT=199.9"}, lambda d: None, "notional 200 USDT is above 199.9",
    ),
    "max_position": (
        {"max_position": "3"}, lambda d: d.order(BUY, "1.5"),
        "position {0} with all open orders filled is beyond 3",
    ),
    "max_net_notional": (
        {"max_net_notional": "USDT=300"}, lambda d: d.order(BUY, "1.5"),
        "net notional {1} USDT with all open orders filled is beyond 300",
    ),
    "max_gross_notional": (
        {"max_gross_notional": "USDT=300"}, lambda d: d.order(BUY, "1.5"),
        "gross notional {1} USDT with all open orders filled is beyond 300",
    ),
    "max_leverage": (
        {"max_leverage": "3"}, lambda d: (d.deposit("100"), d.order(BUY, "1.5")),
        "gross notional {1} USDT with all open orders filled is more than 3 times the equity 100",
    ),
    "max_open_orders": (
        {"max_open_orders": "1"}, lambda d: d.order(BUY, "1"), "1 orders are open, the most is 1",
    ),
    "max_order_rate": (
        {"max_order_rate": "1/10s"}, lambda d: d.order(BUY, "1"), "more than 1 orders in 10s",
    ),
    "price_collar_last": (
        {"price_collar_last": "0.1"}, lambda d: d.trade("111.2"),
        "price 100 is further than 0.1 from the last price 111.2",
    ),
    "price_collar_mid": (
        {"price_collar_mid": "0.1"}, lambda d: d.quote("111", "111.4"),
        "price 100 is further than 0.1 from the mid price 111.20",
    ),
    "price_collar_mark": (
        {"price_collar_mark": "0.1"}, lambda d: d.mark("90.8"),
        "price 100 is further than 0.1 from the mark price 90.8",
    ),
    "max_volume_share": (
        {"max_volume_share": "0.1", "volume_window": "10s"}, lambda d: d.trade("100", "19.9"),
        "size 2 is above 0.1 of the 19.9 traded in 10s",
    ),
    "duplicate_window": (
        {"duplicate_window": "1s"}, lambda d: d.order(BUY, "2"),
        "the same order came 0s ago, within 1s",
    ),
    "self_trade": (
        {"self_trade": "reject"}, lambda d: d.order(SELL, "0.001", "99.9"),
        "price 100 would trade with our order {2} at 99.9",
    ),
    "max_data_age": (
        {"max_data_age": "1s"}, lambda d: None, "there is no market data of venue:perpetual:BTC",
    ),
    "max_clock_offset": (
        {"max_clock_offset": "5ms"}, lambda d: None, "how far the clock is off is not known",
    ),
    "instruments": (
        {"instruments": "venue:spot:*"}, lambda d: None,
        "venue:perpetual:BTC is not among venue:spot:*",
    ),
    "trading_hours": (
        {"trading_hours": "08:00-20:00"}, lambda d: None, "Thu 00:00 is outside of 08:00-20:00",
    ),
    "kill_switch": ({}, lambda d: d.command(CommandKind.KILL), "thrown: me: a test"),
}  # fmt: skip
"""By limit: its setting, what has to happen, and how a buy of 2 at 100 is refused then."""


@pytest.mark.parametrize("limit", BREAKS)
def test_a_limit_refuses_in_its_own_words(limit: str) -> None:
    limits, prepare, said = BREAKS[limit]
    desk = Trading(limits)
    prepare(desk)
    own = f"{desk.orders:016x}"
    assert desk.reason(BUY, "2") == f"limit {limit}: " + said.format("3.5", "350.0", own)


@pytest.mark.parametrize("limit", BREAKS)
def test_the_page_on_limits_has_the_words_of_the_broker(limit: str) -> None:
    """All but the amounts and times, which stand for any."""
    page = LIMITS_PAGE.read_text()
    said = f"limit {limit}: {BREAKS[limit][2]}"
    if limit == "kill_switch":
        assert "`limit kill_switch: thrown: `" in page
        return
    section = next(part for part in page.split("\n### ") if part.startswith(f"`{limit}`"))
    documented = re.findall(r"^- `(.*?)`", section, re.MULTILINE)
    any_amount = re.compile(r"\{\d\}|\b[\d.:]*\d[0-9a-f]*(?:[mnu]?s|m|h)?\b")
    texts = [any_amount.sub("N", text) for text in documented]
    assert any_amount.sub("N", said.partition(": ")[2]) in texts


@pytest.mark.parametrize("limit", BREAKS)
@pytest.mark.parametrize("scope", ["account", "strategy"])
def test_a_limit_of_an_account_or_a_strategy_holds_for_it_alone(limit: str, scope: str) -> None:
    limits, prepare, _ = BREAKS[limit]
    subject = {"account": MAIN, "strategy": STRATEGY}[scope]
    desk = Trading(**{scope: limits}) if limits else Trading()
    if limits:
        prepare(desk)
    else:
        desk.command(CommandKind.KILL, Scope[scope.upper()], subject)
    name = {"account": "main", "strategy": "strategy" if limits else f"{STRATEGY:016x}"}[scope]
    reason = desk.reason(BUY, "2")
    assert reason.startswith(f"limit {limit}: ")
    assert reason.endswith(f" ({scope} {name})")
    elsewhere = {"account": SECOND_ACCOUNT} if scope == "account" else {"strategy": OTHER}
    assert desk.passes(BUY, "2", **elsewhere)


@pytest.mark.parametrize("limit", BREAKS)
def test_what_provably_reduces_passes_every_limit(limit: str) -> None:
    limits, prepare, _ = BREAKS[limit]
    desk = Trading()
    desk.hold(BUY, "5")
    for name, setting in limits.items():
        desk.set_limit(name, setting)
    prepare(desk)
    assert desk.order(BUY, "2").values["state"] == OrderState.RISK_REJECTED
    assert desk.passes(SELL, "2", "100")
    assert desk.order(SELL, "4", "100").values["state"] in {
        OrderState.RISK_REJECTED,
        OrderState.SUBMITTED,
    }


@pytest.mark.parametrize("limit", BREAKS)
def test_a_cancel_passes_every_limit(limit: str) -> None:
    limits, prepare, _ = BREAKS[limit]
    desk = Trading()
    desk.order(BUY, "1", "98")
    for name, setting in limits.items():
        desk.set_limit(name, setting)
    prepare(desk)
    if limit != "kill_switch":  # it cancels by itself
        assert names(desk.cancel(1)) == ["order_update", "order_cancel"]


@pytest.mark.parametrize("limit", BREAKS)
def test_a_limit_that_is_lifted_refuses_nothing(limit: str) -> None:
    limits, prepare, _ = BREAKS[limit]
    desk = Trading(limits)
    prepare(desk)
    for name in limits:
        desk.set_limit(name, "")
    if not limits:
        desk.command(CommandKind.RESET)
    assert desk.passes(BUY, "2")


# --- what a limit lets pass, and what it counts --------------------------------------------------


def test_a_value_at_the_limit_passes() -> None:
    desk = Trading({"max_order_size": "2", "max_order_notional": "USDT=200", "max_position": "2"})
    assert desk.passes(BUY, "2.000")


def test_a_currency_that_a_table_lacks_is_refused() -> None:
    desk = Trading({"max_order_notional": "USDT=200"})
    assert desk.reason(BUY, "1", of=FOREIGN) == "limit max_order_notional: it has no amount for EUR"
    desk = Trading({"max_net_notional": "USDT=200"})
    assert desk.reason(BUY, "1", of=FOREIGN) == "limit max_net_notional: it has no amount for EUR"
    for limit in ("max_daily_loss", "max_drawdown"):
        desk = Trading({limit: "USDT=200"})
        assert desk.passes(BUY, "1")
        assert desk.reason(BUY, "1", of=FOREIGN) == f"limit {limit}: it has no amount for EUR"


def test_a_market_order_is_valued_where_the_market_is() -> None:
    desk = Trading({"max_order_notional": "USDT=200"})
    assert desk.reason(BUY, "2", None) == (
        "limit max_order_notional: the notional of size 2 is not known: there is no market price"
    )
    desk.quote("99", "100.1")
    assert desk.reason(BUY, "2", None).endswith("notional 200.2 USDT is above 200")
    assert desk.passes(SELL, "2", None)


def test_a_sell_is_valued_at_the_bid_where_that_is_better() -> None:
    desk = Trading({"max_order_notional": "USDT=200"})
    desk.quote("101", "102")
    assert desk.reason(SELL, "2", "100").endswith("notional 202 USDT is above 200")


def test_an_inverse_contract_is_worth_its_quote_amount_at_any_price() -> None:
    desk = Trading({"max_order_notional": "USD=30"})
    assert desk.passes(BUY, "3", "50000", of=INVERSE)
    assert desk.reason(BUY, "4", "50000", of=INVERSE).endswith("notional 40 USD is above 30")


amounts = st.integers(1, 400).map(lambda n: Decimal(n) / 100)


@given(
    st.lists(st.tuples(st.sampled_from([BUY, SELL]), amounts, st.integers(0, 3)), max_size=8),
    st.sampled_from([BUY, SELL]),
    amounts,
)
def test_worst_cases_are_those_of_the_slow_sums(
    orders: list[tuple[Side, Decimal, int]], side: Side, size: Decimal
) -> None:
    """Held, open, canceled and filled orders; every limit just reached or just missed."""
    desk = Trading()
    held = {PERPETUAL: Decimal(0), SPOT: Decimal(0)}
    ends = {(i, s): Decimal(0) for i in held for s in Side}
    desk.mark("100")
    desk.mark("50", SPOT)
    for number, (way, amount, fate) in enumerate(orders):
        of = PERPETUAL if number % 2 else SPOT
        assert desk.passes(way, str(amount), "100" if of == PERPETUAL else "50", of=of)
        if fate == 0:
            desk.fill(desk.orders, way, str(amount), "50", of=of)
            held[of] += amount if way == BUY else -amount
        elif fate == 1:
            desk.over(desk.orders)
        else:
            ends[of, way] += amount
            if fate == 2:
                desk.cancel(desk.orders)
    worst = {}
    prices = {PERPETUAL: 100, SPOT: 50}
    ends[PERPETUAL, side] += size
    for of, position in held.items():
        worst[of] = (position + ends[of, BUY], position - ends[of, SELL])
    end = 0 if side == BUY else 1
    sign = 1 if side == BUY else -1
    net = sign * sum(worst[of][end] * prices[of] for of in held)
    gross = sum(max(map(abs, worst[of])) * prices[of] for of in held)
    position = sign * worst[PERPETUAL][end]
    opposite = held[PERPETUAL] * sign < 0
    # Its own open size counts in `ends` already.
    reduces = opposite and ends[PERPETUAL, side] <= abs(held[PERPETUAL])
    for limit, reached, table in (
        ("max_position", position, "{}"),
        ("max_net_notional", net, "USDT={}"),
        ("max_gross_notional", gross, "USDT={}"),
    ):
        if reached <= Decimal("0.01") or reduces:
            continue
        desk.set_limit(limit, table.format(reached))
        desk.set_limit("max_order_rate", "")
        assert desk.passes(side, str(size)), limit
        desk.over(desk.orders)
        desk.set_limit(limit, table.format(reached - Decimal("0.01")))
        assert desk.reason(side, str(size)).startswith(f"limit {limit}: ")
        desk.set_limit(limit, "")


def test_external_fills_count_in_the_position() -> None:
    desk = Trading({"max_position": "3"})
    desk.put(
        "fill", VENUE, instrument=PERPETUAL, account=MAIN, side=BUY, price="100", size="2",
        trade_id="x", fee="0", venue_order_id="V",
    )  # fmt: skip
    desk.run()
    assert desk.reason(BUY, "1.5").startswith("limit max_position: position 3.5 ")
    assert desk.passes(BUY, "1")


def test_an_order_of_unknown_fate_counts_in_full() -> None:
    desk = Trading({"max_position": "3"})
    desk.order(BUY, "2")
    desk.over(1, OrderState.UNKNOWN)
    assert desk.reason(BUY, "1.5").startswith("limit max_position: position 3.5 ")


def test_a_reduce_only_order_adds_nothing_to_what_can_be_reached() -> None:
    desk = Trading({"max_position": "2"})
    desk.hold(BUY, "2")
    for _ in range(3):
        assert desk.passes(SELL, "2", "120", reduce_only=True)
    assert desk.reason(SELL, "5", "120").startswith("limit max_position: position -3 ")


def test_a_reduce_only_order_that_would_turn_the_position_over_is_refused() -> None:
    desk = Trading()
    desk.hold(BUY, "2")
    assert desk.reason(SELL, "2.001", reduce_only=True) == (
        "limit reduce_only: size 2.001 would turn over the position 2, with all open orders of the "
        "other side filled"
    )
    assert desk.reason(BUY, "1", reduce_only=True).startswith("limit reduce_only: size 1 ")
    desk.order(BUY, "1", "90")
    assert desk.passes(SELL, "3", "120", reduce_only=True)


def test_an_amend_is_judged_by_what_it_may_still_fill() -> None:
    desk = Trading({"max_position": "3"})
    desk.order(BUY, "2")
    desk.fill(1, BUY, "0.5")
    for size, state in (("3.5", OrderState.PARTIALLY_FILLED), ("3", OrderState.PENDING_AMEND)):
        desk.put("order_amend", STRATEGY, desk.source, order_id=1, strategy=STRATEGY, size=size)
        assert only(desk.run(), "order_update").values["state"] == state


def test_leverage_leaves_spot_out_and_takes_the_account_s_equity_for_a_strategy() -> None:
    desk = Trading(strategy={"max_leverage": "2"})
    desk.deposit("100")
    assert desk.passes(BUY, "50", "100", of=SPOT)
    assert desk.passes(BUY, "2")
    assert desk.reason(BUY, "0.1").endswith("2 times the equity 100 (strategy strategy)")


def test_a_contract_needs_margin_at_the_account_s_leverage() -> None:
    desk = Trading({"check_funds": "true"})
    desk.mark("100")
    desk.deposit("250")
    assert desk.passes(BUY, "2.5")
    assert desk.reason(BUY, "0.001") == (
        "limit check_funds: 250.100 USDT is needed with all open orders filled, 250 is there "
        "(account main)"
    )
    assert desk.passes(SELL, "2.5", "101")


def test_spot_needs_what_it_costs_and_coins_that_are_there() -> None:
    desk = Trading({"check_funds": "true"})
    desk.deposit("250")
    desk.deposit("1", "BTC")
    assert desk.passes(BUY, "2", "100", of=SPOT)
    assert desk.reason(BUY, "1", "50.1", of=SPOT) == (
        "limit check_funds: 250.1 USDT is needed with all open orders filled, 250 is there "
        "(account main)"
    )
    assert desk.passes(BUY, "1", "50", of=SPOT)
    assert desk.passes(SELL, "0.6", "120", of=SPOT)
    assert desk.reason(SELL, "0.5", "120", of=SPOT) == (
        "limit check_funds: 1.1 BTC is needed with all open orders filled, 1 is there "
        "(account main)"
    )


def test_open_orders_count_until_they_are_over() -> None:
    desk = Trading({"max_open_orders": "1"})
    desk.order(BUY, "1")
    desk.cancel(1)
    assert desk.reason(BUY, "1", "99").startswith("limit max_open_orders")
    desk.over(1)
    assert desk.passes(BUY, "1", "98")


def test_a_rate_lets_its_count_through_and_then_as_many_in_each_interval() -> None:
    desk = Trading({"max_order_rate": "3/1s"})
    outcomes = []
    for at in range(0, 2_000, 100):
        desk.now = at * 1_000_000
        outcomes.append(desk.passes(BUY, "1", str(100 + at / 1000)))
    level, expected = 3000, []
    for number in range(20):
        level = min(3000, level + (300 if number else 0))
        expected.append(level >= 1000)
        level -= 1000 if level >= 1000 else 0
    assert outcomes == expected


def test_orders_that_reduce_take_their_place_in_the_rate() -> None:
    desk = Trading()
    desk.hold(BUY, "5")
    desk.set_limit("max_order_rate", "1/1s")
    assert desk.passes(SELL, "1")
    assert desk.reason(BUY, "1").startswith("limit max_order_rate")


@pytest.mark.parametrize("collar", ["last", "mid", "mark"])
@given(st.integers(500, 1500), st.integers(500, 1500), st.integers(1, 60))
def test_a_collar_is_that_of_decimals(
    collar: str, price: int, reference: int, percent: int
) -> None:
    desk = Trading({f"price_collar_{collar}": f"0.{percent:02}"})
    near = Decimal(reference) / 10
    if collar == "last":
        desk.trade(str(near))
    elif collar == "mark":
        desk.mark(str(near))
    else:
        desk.quote(str(near - 1), str(near + 1))
    asked = Decimal(price) / 10
    fits = abs(asked - near) <= near * percent / 100
    assert desk.passes(BUY, "1", str(asked)) == fits


@pytest.mark.parametrize("collar", ["last", "mid", "mark"])
def test_a_price_that_cannot_be_compared_is_refused(collar: str) -> None:
    desk = Trading({f"price_collar_{collar}": "0.1"})
    assert desk.reason(BUY, "1") == (
        f"limit price_collar_{collar}: price 100 cannot be compared: there is no {collar} price"
    )
    assert desk.passes(BUY, "1", None)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50)), min_size=1, max_size=12),
    st.integers(0, 9),
)
def test_traded_volume_is_that_of_the_window(trades: list[tuple[int, int]], later: int) -> None:
    desk = Trading({"max_volume_share": "1", "volume_window": "5s"})
    times = []
    for after, size in trades:
        desk.now += after * SECOND
        desk.trade("100", str(size))
        times.append((desk.now, size))
    desk.now += later * SECOND
    volume = sum(size for time, size in times if time > desk.now - 5 * SECOND)
    if volume:
        assert desk.passes(BUY, str(volume))
    assert desk.reason(BUY, f"{volume}.001").startswith("limit max_volume_share: ")


def test_the_same_order_passes_again_after_the_window() -> None:
    desk = Trading({"duplicate_window": "1s"})
    assert desk.passes(BUY, "1", "100")
    desk.now += SECOND - 1
    assert desk.reason(BUY, "1.000", "100.0").startswith("limit duplicate_window: ")
    for other in ((BUY, "1.001", "100"), (BUY, "1", "100.1"), (SELL, "1", "100"), (BUY, "1", None)):
        assert desk.passes(*other)
    assert desk.passes(BUY, "1", "100", strategy=OTHER)
    desk.now += 1
    assert desk.passes(BUY, "1", "100")


def test_very_many_orders_are_remembered_for_the_window() -> None:
    desk = Trading({"duplicate_window": "1s"})
    for number in range(1, 3001):
        assert desk.passes(BUY, f"{number / 1000:.3f}")
    for number in (1, 1024, 1025, 3000):
        assert desk.reason(BUY, f"{number / 1000:.3f}").startswith("limit duplicate_window: ")
    desk.now += SECOND
    for number in range(1, 3001):
        assert desk.passes(BUY, f"{number / 1000:.3f}")
    assert desk.reason(BUY, "0.001").startswith("limit duplicate_window: ")


def test_self_trades_are_those_of_the_scope() -> None:
    desk = Trading(strategy={"self_trade": "reject"})
    desk.order(SELL, "1", "100", strategy=OTHER)
    desk.order(SELL, "1", "101")
    assert desk.passes(BUY, "1", "100.9")
    assert desk.reason(BUY, "1", "101").startswith("limit self_trade: price 101 would trade with ")
    assert desk.reason(BUY, "1", None).startswith("limit self_trade: a market order would trade ")
    desk.over(2)
    assert desk.passes(BUY, "1", "102")


def test_an_order_is_met_at_the_price_that_an_amend_under_way_asks_for() -> None:
    desk = Trading({"self_trade": "reject"})
    desk.order(SELL, "1", "105")
    desk.put(
        "order_amend", STRATEGY, desk.source, order_id=1, instrument=PERPETUAL, account=MAIN,
        strategy=STRATEGY, price="101",
    )  # fmt: skip
    desk.run()
    assert desk.passes(BUY, "1", "100.9")
    assert desk.reason(BUY, "1", "101").startswith("limit self_trade: price 101 would trade with ")
    desk.put(
        "order_update", VENUE, order_id=1, instrument=PERPETUAL, account=MAIN, side=SELL,
        state=OrderState.ACCEPTED, reason="not now",
    )  # fmt: skip
    desk.run()
    assert desk.passes(BUY, "1", "101")
    assert desk.reason(BUY, "1", "105").startswith("limit self_trade: price 105 would trade with ")


def test_orders_that_rested_before_self_trades_were_limited_are_met_too() -> None:
    desk = Trading()
    for price in ("102", "100", "101"):
        desk.order(SELL, "1", price)
    desk.set_limit("self_trade", "reject")
    assert desk.reason(BUY, "1", "100").startswith("limit self_trade: price 100 would trade with ")
    desk.set_limit("self_trade", "")
    assert desk.passes(BUY, "1", "99")
    desk.over(2)
    desk.set_limit("self_trade", "reject")
    assert desk.passes(BUY, "1", "100")
    assert desk.reason(SELL, "1", "99").startswith("limit self_trade: price 99 would trade with ")


def test_self_trade_cancels_the_newest() -> None:
    desk = Trading({"self_trade": "cancel_newest"})
    desk.order(SELL, "1", "100")
    update = desk.order(BUY, "1", "100")
    assert update.values["state"] == OrderState.CANCELED
    assert update.values["reason"] == f"limit self_trade: it would trade with our order {1:016x}"
    assert names(desk.said) == ["order_update", "order_update"]
    assert desk.passes(BUY, "1", "99.9")


def test_self_trade_cancels_the_oldest_before_the_new_one_goes_out() -> None:
    desk = Trading({"self_trade": "cancel_oldest"})
    desk.order(SELL, "1", "100")
    desk.order(SELL, "1", "101")
    desk.order(SELL, "1", "102")
    assert desk.order(BUY, "1", "101").values["state"] == OrderState.SUBMITTED
    sent = [s for s in desk.said if s.destination == VENUE]
    assert [(s.name, s.values["order_id"]) for s in sent] == [
        ("order_cancel", 1),
        ("order_cancel", 2),
        ("order_request", 4),
    ]


def test_an_order_does_not_overtake_the_cancel_of_the_one_it_would_meet() -> None:
    desk = Trading({"self_trade": "cancel_oldest", "max_cancel_rate": "1/1s"})
    desk.order(SELL, "1", "100")
    desk.order(SELL, "1", "100")
    update = desk.order(BUY, "1", "100")
    assert update.values["state"] == OrderState.CANCELED
    assert update.values["reason"].startswith("limit self_trade: the cancel of our order ")


def test_data_is_stale_after_its_age() -> None:
    desk = Trading({"max_data_age": "1s"})
    desk.now = 5 * SECOND
    desk.trade("100")
    desk.now += SECOND
    assert desk.passes(BUY, "1")
    desk.now += 1
    assert desk.reason(BUY, "1") == (
        "limit max_data_age: the market data of venue:perpetual:BTC is 1000000001ns old, "
        "the most is 1s"
    )
    desk.quote("99", "101")
    assert desk.passes(BUY, "1")


def test_a_feed_that_is_reported_down_makes_data_stale_at_once() -> None:
    desk = Trading({"max_data_age": "1h"})
    desk.trade("100", "3")
    desk.hold(BUY, "2")
    assert desk.passes(BUY, "1")
    feed = {"instrument": PERPETUAL, "event_type": 0}
    desk.put("feed_status", VENUE, **feed, state=FeedState.GAP)
    desk.trade("100", "3")
    reason = desk.reason(BUY, "1")
    assert reason == "limit max_data_age: a feed of venue:perpetual:BTC is GAP"
    assert desk.passes(SELL, "0.5")  # one can always get out
    desk.put("feed_status", VENUE, **feed | {"event_type": 21}, state=FeedState.STALE)
    desk.put("feed_status", VENUE, **feed | {"event_type": 21}, state=FeedState.LIVE)
    assert "is GAP" in desk.reason(BUY, "1")
    desk.put("feed_status", VENUE, **feed, state=FeedState.LIVE)
    assert desk.passes(BUY, "1")


def test_what_a_feed_said_counts_for_a_limit_that_comes_later() -> None:
    desk = Trading({"max_order_size": "100"})
    desk.put("feed_status", VENUE, instrument=PERPETUAL, state=FeedState.STALE)
    assert desk.passes(BUY, "1")
    desk.set_limit("max_data_age", "1h")
    desk.trade("100", "3")
    assert "is STALE" in desk.reason(BUY, "1")


def test_the_clock_may_be_off_by_offset_and_error() -> None:
    desk = Trading({"max_clock_offset": "5ms"})
    desk.put("clock_offset", VENUE, offset=-4_000_000, error=1_000_000)
    assert desk.passes(BUY, "1")
    desk.put("clock_offset", VENUE, offset=4_000_000, error=1_000_001)
    assert desk.reason(BUY, "1") == (
        "limit max_clock_offset: the clock may be off by 5000001ns, the most is 5ms"
    )


pattern_text = st.text(st.sampled_from("vb:*?[]!-a"), min_size=1, max_size=8)


@given(pattern_text, st.sampled_from(["venue:perpetual:BTC", "vb:a-b", "abv", "]", "b-"]))
def test_names_match_as_in_a_shell(pattern: str, name: str) -> None:
    desk = Desk(
        _native.make_broker(
            [("venue", [OrderType.LIMIT], [TimeInForce.GTC], [], [])],
            [("main", "venue", False, "1", ())],
            [],
            limits=[(Scope.GLOBAL, "", [("instruments", f"{pattern},nothing")], [])],
        ),
        "broker",
    )
    desk.put("instrument", VENUE, **definition(PERPETUAL) | {"name": name})
    desk.put(
        "order_request", STRATEGY, desk.source, order_id=1, instrument=PERPETUAL, account=MAIN,
        strategy=STRATEGY, side=BUY, type=OrderType.LIMIT, size="1", price="1",
        time_in_force=TimeInForce.GTC,
    )  # fmt: skip
    refused = desk.run()[0].values["state"] == OrderState.RISK_REJECTED
    assert refused != fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("hours", "time", "is_open"),
    [
        ("08:00-20:00", "2026-07-01T05:59:59Z", False),
        ("08:00-20:00", "2026-07-01T06:00:00Z", True),  # summer: two hours ahead
        ("08:00-20:00", "2026-07-01T18:00:00Z", False),
        ("08:00-20:00", "2026-01-01T06:30:00Z", False),  # winter: one hour
        ("08:00-20:00", "2026-01-01T07:00:00Z", True),
        ("Mon-Fri 08:00-20:00", "2026-07-04T10:00:00Z", False),
        ("Mon-Fri 08:00-20:00", "2026-07-03T10:00:00Z", True),
        ("Sat-Mon 00:00-24:00", "2026-07-05T10:00:00Z", True),
        ("Fri 22:00-02:00", "2026-07-03T23:30:00Z", True),  # Saturday 01:30
        ("Fri 22:00-02:00", "2026-07-02T23:30:00Z", False),
        ("Mon 08:00-09:00,Fri 10:00-11:00", "2026-07-03T08:30:00Z", True),
    ],
)
def test_trading_hours_are_those_of_the_zone(hours: str, time: str, is_open: bool) -> None:
    begin, end = parse_time("2025-12-01"), parse_time("2026-12-31")
    desk = Trading({"trading_hours": hours}, zone=utc_offsets("Europe/Berlin", begin, end))
    desk.now = parse_time(time)
    assert desk.passes(BUY, "1") == is_open


def test_slippage_is_taken_from_the_quote() -> None:
    desk = Trading({"max_slippage": "0.01"})
    assert desk.reason(BUY, "1", None).endswith("there is no bid and offer to compare with")
    desk.quote("99", "101", "5")
    assert desk.passes(BUY, "5", None)
    assert desk.reason(SELL, "5.001", None) == (
        "limit max_slippage: size 5.001 is above the 5 that the quote shows"
    )
    desk.quote("98.9", "101.1", "5")
    assert desk.reason(BUY, "1", None).startswith(
        "limit max_slippage: size 1 would trade as far as "
    )
    assert desk.passes(BUY, "9", "150")


# --- kill switches -------------------------------------------------------------------------------


def test_a_daily_loss_throws_the_switch_and_cancels_the_scope_s_orders() -> None:
    desk = Trading(strategy={"max_daily_loss": "USDT=50"})
    desk.mark("100")
    desk.hold(BUY, "5")
    desk.fill(1, BUY, "0.001", fee="1")
    desk.order(BUY, "1", "90")
    desk.order(BUY, "1", "90", strategy=OTHER)
    assert not desk.mark("90.4")
    said = desk.mark("90")
    switch = only(said, "kill_switch")
    assert switch.values["state"] == SwitchState.THROWN
    assert (switch.values["scope"], switch.values["subject"]) == (Scope.STRATEGY, STRATEGY)
    assert switch.values["reason"] == (
        "limit max_daily_loss: a loss of 51.010 USDT since the day began is above 50 "
        "(strategy strategy)"
    )
    assert [s.values["order_id"] for s in said if s.name == "order_cancel"] == [2]
    assert desk.reason(BUY, "1", "91") == (
        f"limit kill_switch: thrown: {switch.values['reason']} (strategy strategy)"
    )
    assert desk.passes(SELL, "1", "91")
    assert desk.passes(BUY, "1", "91", strategy=OTHER)
    said = desk.command(CommandKind.RESET, Scope.STRATEGY, STRATEGY)
    assert only(said, "kill_switch").values["reason"] == "me: a test"
    assert desk.passes(BUY, "1", "91")
    assert not desk.mark("80.1")
    assert "kill_switch" in names(desk.mark("75"))


def test_the_day_begins_in_the_zone() -> None:
    begin = parse_time("2026-07-01")
    zone = utc_offsets("Asia/Tokyo", begin, begin + 10 * 86_400 * SECOND)
    desk = Trading({"max_daily_loss": "USDT=50"}, zone=zone)
    desk.now = parse_time("2026-07-01T14:00:00Z")
    desk.hold(BUY, "5")
    assert not desk.mark("92")
    desk.now = parse_time("2026-07-01T15:00:00Z")  # midnight in Tokyo
    assert not desk.mark("83")
    assert "kill_switch" in names(desk.mark("81.9"))


def test_a_drawdown_is_measured_from_the_best_result() -> None:
    desk = Trading({"max_drawdown": "USDT=50"})
    desk.hold(BUY, "5")
    desk.mark("120")
    desk.now += 5 * 86_400 * SECOND
    assert not desk.mark("110")
    assert only(desk.mark("109.9"), "kill_switch").values["reason"] == (
        "limit max_drawdown: a loss of 50.5 USDT since the best result is above 50"
    )


def test_an_unknown_result_refuses() -> None:
    desk = Trading({"max_daily_loss": "USDT=50"})
    desk.hold(BUY, "5")
    assert desk.reason(BUY, "1") == (
        "limit max_daily_loss: the result in USDT is not known: a position has no mark price"
    )
    desk.mark("100")
    assert desk.passes(BUY, "1")


def test_what_was_lost_before_a_loss_limit_was_set_again_is_no_loss_of_it() -> None:
    desk = Trading({"max_daily_loss": "USDT=50"})
    desk.mark("100")
    desk.hold(BUY, "5")
    desk.set_limit("max_daily_loss", "")
    desk.mark("80")
    desk.set_limit("max_daily_loss", "USDT=50")
    assert "kill_switch" not in names(desk.mark("80"))
    assert "kill_switch" in names(desk.mark("69"))


def test_a_switch_that_flattens_closes_until_nothing_is_held() -> None:
    desk = Trading({"max_daily_loss": "USDT=50", "flatten": "true"})
    desk.mark("100")
    desk.hold(BUY, "5")
    desk.hold(BUY, "1", strategy=OTHER)
    desk.order(SELL, "2", "130")
    said = desk.mark("80")
    sent = [s for s in said if s.destination == VENUE]
    assert [s.name for s in sent] == ["order_cancel", "order_request", "order_request"]
    # The order that is being canceled may still close 2 of 6.
    closing = [s.values for s in sent if s.name == "order_request"]
    assert sum(c["size"] for c in closing) == 4
    assert {(c["side"], c["type"], bool(c["reduce_only"]), c["tag"]) for c in closing} == {
        (SELL, OrderType.MARKET, True, "flatten")
    }
    closing += [s.values for s in desk.over(3) if s.destination == VENUE]
    closed = {s: sum(c["size"] for c in closing if c["strategy"] == s) for s in (STRATEGY, OTHER)}
    assert closed == {STRATEGY: 5, OTHER: 1}
    for c in closing:
        assert not [
            s
            for s in desk.fill(c["order_id"], SELL, str(c["size"]), "80")
            if s.destination == VENUE
        ]
    assert desk.reason(BUY, "1").startswith("limit kill_switch: ")


def test_a_closing_order_that_fills_in_part_is_followed_by_another() -> None:
    desk = Trading()
    desk.hold(SELL, "5")
    said = desk.command(CommandKind.FLATTEN)
    first = only([s for s in said if s.destination == VENUE], "order_request").values
    assert (first["side"], first["size"]) == (BUY, 5)
    desk.fill(first["order_id"], BUY, "3")
    desk.put(
        "order_update",
        VENUE,
        order_id=first["order_id"],
        instrument=PERPETUAL,
        account=MAIN,
        side=BUY,
        state=OrderState.CANCELED,
    )
    second = only([s for s in desk.run() if s.destination == VENUE], "order_request").values
    assert second["size"] == 2
    desk.put(
        "order_update",
        VENUE,
        order_id=second["order_id"],
        instrument=PERPETUAL,
        account=MAIN,
        side=BUY,
        state=OrderState.REJECTED,
        reason="nobody sells",
    )
    said = desk.run()
    assert not [s for s in said if s.destination == VENUE]
    assert only(said, "log").values["message"] == (
        f"order {second['order_id']:016x} was to close 2 of venue:perpetual:BTC and is REJECTED: "
        "nobody sells; the position stays open"
    )


def test_what_comes_after_a_command_to_flatten_is_not_closed() -> None:
    desk = Trading()
    desk.hold(BUY, "1", of=SPOT)
    first = only(desk.command(CommandKind.FLATTEN), "order_request").values
    # Less than a lot is left, as a fee in kind leaves it; and the strategy has quoted meanwhile.
    assert desk.passes(BUY, "1", "90", of=SPOT)
    quoted = desk.orders
    desk.fill(first["order_id"], SELL, "0.9995", of=SPOT)
    desk.over(first["order_id"])
    assert "order_request" not in names(desk.fill(quoted, BUY, "1", "90", of=SPOT))


def test_a_person_can_end_what_flattens() -> None:
    desk = Trading()
    desk.hold(BUY, "5")
    first = only(desk.command(CommandKind.FLATTEN), "order_request").values
    desk.command(CommandKind.RESET)
    desk.fill(first["order_id"], SELL, "3")
    assert "order_request" not in names(desk.over(first["order_id"]))


# --- cancels -------------------------------------------------------------------------------------


def test_cancels_wait_for_their_rate_in_order() -> None:
    desk = Trading({"max_cancel_rate": "2/1s"})
    for number in range(5):
        desk.order(BUY, "1", str(90 + number))
    sent = []
    for number in (3, 1, 5, 2, 4):
        sent += [s.values["order_id"] for s in desk.cancel(number) if s.name == "order_cancel"]
    assert sent == [3, 1]
    while (then := desk.next_time()) < 2**63 - 1:
        desk.now = then
        sent += [s.values["order_id"] for s in desk.run() if s.name == "order_cancel"]
    assert sent == [3, 1, 5, 2, 4]
    assert desk.now == 1000 + 3 * SECOND // 2


def test_a_cancel_of_an_order_that_is_over_does_not_wait_on() -> None:
    desk = Trading({"max_cancel_rate": "1/1s"})
    for number in range(3):
        desk.order(BUY, "1", str(90 + number))
    for number in (1, 2, 3):
        desk.cancel(number)
    desk.over(2, OrderState.EXPIRED)
    desk.now = desk.next_time()
    assert [s.values["order_id"] for s in desk.run() if s.name == "order_cancel"] == [3]


def test_a_strategy_s_rate_holds_up_nobody_else() -> None:
    desk = Trading(strategy={"max_cancel_rate": "1/1s"})
    for number in range(3):
        desk.order(BUY, "1", str(90 + number))
    desk.order(BUY, "1", "80", strategy=OTHER)
    desk.cancel(1)
    said = desk.cancel(2)
    assert only(said, "order_update").values["reason"] == "limit max_cancel_rate: the cancel waits"
    assert "order_cancel" in names(desk.cancel(4, OTHER))


# --- commands ------------------------------------------------------------------------------------


def test_a_change_of_a_limit_is_journaled_with_who_changed_it() -> None:
    desk = Trading({"max_order_size": "5"})
    change = only(desk.set_limit("max_order_size", "1"), "limit_change").values
    assert (change["before"], change["after"], change["limit"]) == ("5", "1", "max_order_size")
    assert change["who"] == "me: a test"
    assert desk.reason(BUY, "2") == "limit max_order_size: size 2 is above 1"


@pytest.mark.parametrize(
    ("limit", "setting", "why"),
    [
        ("max_order_size", "-1", 'limit max_order_size: expected a number above 0, got "-1"'),
        ("max_order_sise", "1", 'limit max_order_sise: there is no limit "max_order_sise"'),
        ("max_order_rate", "10", 'expected a count per time like "10/1s", got "10"'),
        ("trading_hours", "Mon 8-9", 'expected hours like "08:00-20:00"'),
        ("max_drawdown", "5", "expected amounts above 0 by currency"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_said_aloud(
    limit: str, setting: str, why: str
) -> None:
    desk = Trading({"max_order_size": "5"})
    (log,) = desk.set_limit(limit, setting)
    assert log.values["level"] == LogLevel.ERROR
    assert why in log.values["message"]
    assert desk.passes(BUY, "5")


def test_a_person_stops_an_account_and_lets_it_go_again() -> None:
    desk = Trading()
    desk.order(BUY, "1")
    said = desk.command(CommandKind.KILL, Scope.ACCOUNT, MAIN)
    assert names(said) == ["kill_switch", "order_update", "order_cancel"]
    assert not desk.command(CommandKind.KILL, Scope.ACCOUNT, MAIN)
    assert desk.reason(BUY, "1") == "limit kill_switch: thrown: me: a test (account main)"
    assert desk.passes(BUY, "1", account=SECOND_ACCOUNT)
    assert names(desk.command(CommandKind.RESET, Scope.ACCOUNT, MAIN)) == ["kill_switch"]
    assert desk.passes(BUY, "1")


def test_all_of_a_strategy_can_be_canceled() -> None:
    desk = Trading()
    desk.order(BUY, "1")
    desk.order(BUY, "1", strategy=OTHER)
    said = desk.command(CommandKind.CANCEL_ALL, Scope.STRATEGY, OTHER)
    assert [s.values["order_id"] for s in said if s.name == "order_cancel"] == [2]


# --- restarts ------------------------------------------------------------------------------------


def test_limits_go_on_where_they_were_after_a_restart() -> None:
    limits = {
        "max_order_rate": "4/1h",
        "max_cancel_rate": "1/1h",
        "duplicate_window": "1h",
        "max_position": "10",
        "max_volume_share": "1",
        "volume_window": "1h",
        "max_drawdown": "USDT=50",
    }

    def make() -> Trading:
        return Trading(limits)

    desk = make()
    desk.trade("100", "3")
    desk.hold(BUY, "3")
    desk.mark("109")
    desk.order(BUY, "1", "90")
    desk.order(BUY, "1", "91")
    desk.cancel(2)
    desk.cancel(3)
    desk.set_limit("max_position", "4.5")
    desk.command(CommandKind.KILL, Scope.STRATEGY, OTHER)
    after = make()
    after.load(desk.save())
    after.orders = 3
    assert after.next_time() == desk.next_time()
    assert after.reason(BUY, "1", "90").startswith("limit duplicate_window: ")
    assert after.reason(BUY, "3.5", "92").startswith("limit max_volume_share: ")
    assert after.reason(BUY, "1", "93").startswith("limit max_position: position 6 ")
    after.set_limit("max_position", "")
    assert after.reason(BUY, "1", strategy=OTHER).startswith("limit kill_switch: ")
    assert "kill_switch" in names(after.mark("92"))
