"""Risk checks written in Python inside the native chain."""

import sys
from decimal import Decimal
from typing import Any

import pytest
from broker_desk import Desk, Said

from kungfu_core import _native
from kungfu_core.enums import (
    ContractKind,
    InstrumentStatus,
    LogLevel,
    OrderState,
    OrderType,
    Product,
    Side,
    SizeUnit,
    TimeInForce,
    Verdict,
)

STRATEGY, VENUE = _native.id_of("strategy"), _native.id_of("venue")
ACCOUNT, INSTRUMENT = _native.id_of("venue/main"), _native.id_of("venue:perpetual:BTCUSDT")
ROUTE = ("venue/main", "venue", False, "1", [])


class Check:
    """Answers with what a function says; remembers what it saw."""

    def __init__(self, judge: Any) -> None:
        self.judge = judge

    def check(self, order: Any, view: Any) -> Any:
        return self.judge(order, view)


class Trading(Desk):
    def __init__(self, *judges: Any, budget: int = 0, most_faults: int = 3) -> None:
        checks = [(f"check {i}", Check(judge)) for i, judge in enumerate(judges)]
        gateway = (
            "venue",
            [OrderType.MARKET, OrderType.LIMIT],
            list(TimeInForce),
            [],
            ["amend", "reduce_only"],
        )
        super().__init__(
            _native.make_broker([gateway], [ROUTE], checks, budget=budget, most_faults=most_faults),
            "broker",
        )
        self.put(
            "instrument",
            VENUE,
            instrument=INSTRUMENT,
            product=Product.PERPETUAL,
            tick="0.1",
            contract_kind=ContractKind.LINEAR,
            size_unit=SizeUnit.BASE,
            lot="0.001",
            venue="venue",
            status=InstrumentStatus.TRADING,
            base="BTC",
            quote="USDT",
            settle="USDT",
            settle_decimals=2,
            symbol="BTCUSDT",
            name="venue:perpetual:BTCUSDT",
        )
        self.orders = 0

    def order(self, side: Side, size: str, price: str = "100") -> Said:
        """Send a limit order; give the update that it led to."""
        self.orders += 1
        self.put(
            "order_request",
            STRATEGY,
            self.source,
            order_id=self.orders,
            instrument=INSTRUMENT,
            account=ACCOUNT,
            strategy=STRATEGY,
            side=side,
            type=OrderType.LIMIT,
            size=size,
            price=price,
            time_in_force=TimeInForce.GTC,
            tag="mine",
        )
        self.said = self.run()
        return next(said for said in self.said if said.name == "order_update")

    def fill(self, side: Side, size: str) -> None:
        """Send an order and fill it."""
        self.order(side, size)
        self.put(
            "fill",
            VENUE,
            order_id=self.orders,
            instrument=INSTRUMENT,
            account=ACCOUNT,
            side=side,
            price="100",
            size=size,
            trade_id=str(self.orders),
            fee="0",
        )
        self.run()


def test_a_reason_refuses_and_names_the_check() -> None:
    desk = Trading(
        lambda order, view: None, lambda order, view: f"size {order.size_exact} is too much"
    )
    update = desk.order(Side.BUY, "1.5")
    assert update.values["state"] == OrderState.RISK_REJECTED
    assert update.values["reason"] == "check 1: size 1.5 is too much"


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (
            lambda order, view: 1 / 0,
            "risk check check 0 failed: ZeroDivisionError: division by zero",
        ),
        (
            lambda order, view: 7,
            "risk check check 0 failed: it returned 7, expected a reason or None",
        ),
        (lambda order, view: view.nothing, "failed: AttributeError"),
        (lambda order, view: view.notional(INSTRUMENT, "many", 1), "expected a decimal number"),
    ],
)
def test_a_broken_check_refuses_all_but_what_provably_reduces(judge: Any, reason: str) -> None:
    broken = False
    desk = Trading(lambda order, view: judge(order, view) if broken else None)
    desk.fill(Side.BUY, "2")
    broken = True
    update = desk.order(Side.BUY, "1")
    assert update.values["state"] == OrderState.RISK_REJECTED
    assert reason in update.values["reason"]
    assert desk.order(Side.SELL, "2.001").values["state"] == OrderState.RISK_REJECTED
    assert desk.order(Side.SELL, "2").values["state"] == OrderState.SUBMITTED
    assert desk.order(Side.SELL, "0.001").values["state"] == OrderState.RISK_REJECTED


def test_what_a_check_plainly_refuses_is_refused_even_if_it_reduces() -> None:
    """The check has seen that it reduces, and says no: that is a decision, not a failure."""
    seen: list[bool] = []

    def judge(order: Any, view: Any) -> str | None:
        seen.append(view.reduces_position)
        return "not so much" if order.side == Side.SELL and order.size_exact == 1 else None

    desk = Trading(judge)
    desk.fill(Side.BUY, "2")
    update = desk.order(Side.SELL, "1")
    assert update.values["state"] == OrderState.RISK_REJECTED
    assert update.values["reason"] == "check 0: not so much"
    assert seen[-1]
    assert desk.order(Side.SELL, "0.5").values["state"] == OrderState.SUBMITTED


def test_the_view_gives_exact_decimals() -> None:
    seen: dict[str, Any] = {}

    def look(order: Any, view: Any) -> None:
        seen.update(
            now=view.now,
            reduces=view.reduces_position,
            size=order.size_exact,
            tag=order.tag,
            side=order.side,
            position=view.position(ACCOUNT, INSTRUMENT),
            open=view.open_size(ACCOUNT, INSTRUMENT, Side.BUY),
            last=view.last_price(INSTRUMENT),
            mid=view.mid_price(INSTRUMENT),
            notional=view.notional(INSTRUMENT, order.price_exact, Decimal(-2)),
            balance=view.balance(ACCOUNT, "USDT"),
            nothing=view.balance(ACCOUNT, "EUR"),
            name=view.instrument(INSTRUMENT).name,
            tick=view.instrument(INSTRUMENT).tick_exact,
            unknown=view.instrument(5),
            other=view.last_price(5),
        )

    desk = Trading(look)
    desk.put("trade", VENUE, instrument=INSTRUMENT, price="100.10", size="1", side=Side.BUY)
    desk.put("quote", VENUE, instrument=INSTRUMENT, bid_price="100", ask_price="100.1")
    desk.put("cash_movement", VENUE, account=ACCOUNT, amount="12.50", currency="USDT", kind=1)
    desk.fill(Side.SELL, "0.5")
    desk.order(Side.BUY, "0.25")
    desk.order(Side.BUY, "0.125", "99.9")
    assert seen == {
        "now": 1000,
        "reduces": True,
        "size": Decimal("0.125"),
        "tag": "mine",
        "side": Side.BUY,
        "position": Decimal("-0.5"),
        "open": Decimal("0.25"),
        "last": Decimal("100.10"),
        "mid": Decimal("100.05"),
        "notional": Decimal("199.8"),
        "balance": Decimal("12.50"),
        "nothing": Decimal(0),
        "name": "venue:perpetual:BTCUSDT",
        "tick": Decimal("0.1"),
        "unknown": None,
        "other": None,
    }


def test_an_order_that_a_check_keeps_stays_as_it_was() -> None:
    kept: list[Any] = []
    desk = Trading(lambda order, view: kept.append(order))
    for size in ("1", "2", "3"):
        desk.order(Side.BUY, size)
    assert [order.size_exact for order in kept] == [1, 2, 3]


def test_a_view_is_dead_after_its_check() -> None:
    kept: list[Any] = []
    desk = Trading(lambda order, view: kept.append(view))
    desk.order(Side.BUY, "1")
    with pytest.raises(RuntimeError, match="only while its check runs"):
        kept[0].position(ACCOUNT, INSTRUMENT)


def test_an_interrupted_check_ends_the_broker() -> None:
    def interrupt(order: Any, view: Any) -> None:
        raise KeyboardInterrupt

    desk = Trading(interrupt)
    with pytest.raises(RuntimeError, match="risk check check 0 was interrupted"):
        desk.order(Side.BUY, "1")


def test_a_check_that_exits_refuses_the_order() -> None:
    """It fails closed as one that raises, and the session goes on."""

    def leave(order: Any, view: Any) -> None:
        sys.exit(0)

    desk = Trading(leave)
    update = desk.order(Side.BUY, "1")
    assert update.values["reason"] == "risk check check 0 failed: SystemExit: 0"


def test_a_route_to_a_gateway_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="account venue/main is routed to gateway"):
        _native.make_broker([], [ROUTE], [])


def test_a_view_that_outlives_an_interrupted_check_is_closed() -> None:
    """The check ends the broker, and what it kept must not look into what is gone."""
    kept: list[Any] = []

    def interrupt(order: Any, view: Any) -> None:
        kept.append(view)
        raise KeyboardInterrupt

    desk = Trading(interrupt)
    with pytest.raises(RuntimeError, match="interrupted"):
        desk.order(Side.BUY, "1")
    with pytest.raises(RuntimeError, match="only while its check runs"):
        _ = kept[0].now


class SilentError(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise LookupError


def fail_silently(order: Any, view: Any) -> None:
    raise SilentError


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (fail_silently, "risk check check 0 failed: SilentError: (no text)"),
        (lambda order, view: "odd \ud800", "check 0: odd \\ud800"),
    ],
)
def test_a_check_cannot_end_the_broker_by_what_it_says(judge: Any, reason: str) -> None:
    update = Trading(judge).order(Side.BUY, "1")
    assert update.values["state"] == OrderState.RISK_REJECTED
    assert update.values["reason"] == reason


def test_an_order_in_a_traceback_stays_what_it_was() -> None:
    """A check may keep what it raised, for its log."""
    kept: list[Exception] = []

    class Check:
        def check(self, order: Any, view: Any) -> None:
            try:
                self.look(order)
            except ValueError as error:
                kept.append(error)
                raise

        def look(self, order: Any) -> None:
            raise ValueError

    desk = Trading(Check().check)
    for size in ("1", "2", "3", "4"):
        desk.order(Side.BUY, size)
    sizes = []
    for error in kept:
        assert error.__traceback__ is not None
        frame = error.__traceback__.tb_frame
        sizes.append(str(frame.f_locals["order"].size_exact))
    assert sizes == ["1", "2", "3", "4"]


def verdicts(desk: Trading) -> list[dict[str, Any]]:
    return [said.values for said in desk.said if said.name == "risk_verdict"]


def test_every_verdict_but_a_plain_yes_is_journaled_before_what_it_leads_to() -> None:
    desk = Trading(lambda order, view: None, lambda order, view: "no")
    desk.order(Side.BUY, "1")
    assert [said.name for said in desk.said] == ["risk_verdict", "order_update"]
    (verdict,) = verdicts(desk)
    assert (verdict["check"], verdict["verdict"]) == ("check 1", Verdict.REFUSED)
    assert (verdict["reason"], verdict["order_id"]) == ("check 1: no", 1)
    assert verdict["elapsed"] == 0, "no clock is looked at without a budget"


def test_a_check_that_overruns_its_budget_refuses_all_but_what_provably_reduces() -> None:
    desk = Trading(lambda order, view: None)
    desk.fill(Side.BUY, "2")
    late = Trading(lambda order, view: None, budget=1)  # a nanosecond, which no call keeps
    late.load(desk.save())
    late.orders = desk.orders
    update = late.order(Side.BUY, "1")
    assert update.values["state"] == OrderState.RISK_REJECTED
    assert update.values["reason"].startswith("risk check check 0 took ")
    assert update.values["reason"].endswith("ns, its budget is 1ns")
    (verdict,) = verdicts(late)
    assert verdict["verdict"] == Verdict.OVERRAN
    assert verdict["elapsed"] > 1
    assert late.order(Side.SELL, "2").values["state"] == OrderState.SUBMITTED
    assert verdicts(late)[0]["verdict"] == Verdict.OVERRAN


def test_a_refusal_that_took_too_long_says_how_long() -> None:
    desk = Trading(lambda order, view: "no", budget=1)
    assert desk.order(Side.BUY, "1").values["reason"] == "check 0: no"
    (verdict,) = verdicts(desk)
    assert verdict["verdict"] == Verdict.REFUSED
    assert verdict["elapsed"] > 1


def test_a_check_that_keeps_its_budget_says_nothing() -> None:
    desk = Trading(lambda order, view: None, budget=3_600_000_000_000)
    desk.order(Side.BUY, "1")
    assert not verdicts(desk)


def test_a_check_with_too_many_faults_is_reported_once() -> None:
    desk = Trading(lambda order, view: 1 / 0, most_faults=2)
    logs = []
    for _ in range(4):
        desk.order(Side.BUY, "1")
        logs.append([said.values for said in desk.said if said.name == "log"])
    assert [len(log) for log in logs] == [0, 1, 0, 0]
    assert logs[1][0]["level"] == LogLevel.ERROR
    assert logs[1][0]["message"] == (
        "risk check check 0 is unhealthy: 2 times it failed or overran, the last: "
        "risk check check 0 failed: ZeroDivisionError: division by zero"
    )


def test_refusals_are_no_faults() -> None:
    desk = Trading(lambda order, view: "no", most_faults=1)
    desk.order(Side.BUY, "1")
    assert not [said for said in desk.said if said.name == "log"]
