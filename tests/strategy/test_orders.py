"""What an order says, what is refused before it is said, and what is known of it afterwards."""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategy_stage import NAME, definition, trade, update

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.enums import (
    ContractKind,
    OrderState,
    OrderType,
    PositionSide,
    PriceKind,
    Side,
    SizeUnit,
    TimeInForce,
)
from kungfu_core.errors import OrderError
from kungfu_core.instruments import exact
from kungfu_core.orders import order_size
from kungfu_core.strategy import Strategy

CONTRACTS = {"size_unit": SizeUnit.CONTRACTS, "contract_value": "0.01", "lot": "1"}
INVERSE = CONTRACTS | {"contract_kind": ContractKind.INVERSE, "contract_value": "100"}


@attrs.define(eq=False)
class Does(Strategy):
    """Does one thing at the start, and keeps what it gave or raised."""

    deed: object
    got: object = None
    raised: Exception | None = None
    context: object = None

    def on_start(self, context):
        self.context = context
        try:
            self.got = self.deed(context)
        except OrderError as error:
            self.raised = error


def test_a_limit_order_says_everything(stage):
    strategy = Does(
        lambda c: c.buy(
            NAME,
            "0.010",
            price=99.9,
            account="second",
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            tag="mine",
        )
    )
    stage.run(strategy)
    (request,) = stage.written(events.OrderRequest)
    assert request.as_dict() == {
        "order_id": 101,
        "instrument": id_of(NAME),
        "account": id_of("second"),
        "strategy": id_of("mine"),
        "price": Decimal("99.9"),
        "size": Decimal("0.010"),
        "trigger_price": None,
        "trailing_offset": None,
        "display_size": None,
        "expire_time": 0,
        "deadline": 0,
        "parent_id": 0,
        "group_id": 0,
        "algorithm": 0,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.IOC,
        "trigger_by": PriceKind.LAST,
        "position_side": PositionSide.NET,
        "reduce_only": True,
        "tag": "mine",
        "parameters": "",
    }
    assert request.destination == id_of("broker")
    assert strategy.got.id == 101


def test_without_a_price_it_is_a_market_order(stage):
    stage.run(Does(lambda c: c.sell(NAME, 1)))
    (request,) = stage.written(events.OrderRequest)
    assert (request.side, request.type, request.price_exact) == (Side.SELL, OrderType.MARKET, None)


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (
            lambda c: c.buy(NAME, 1, price="100.05"),
            f"price 100.05 is off the tick 0.1 of {NAME}: expected 100.0 or 100.1",
        ),
        (
            lambda c: c.buy(NAME, 0.0015),
            f"size 0.0015 is off the lot 0.001 of {NAME}: expected 0.001 or 0.002",
        ),
        (lambda c: c.buy(NAME, 0), "size: expected more than 0, got 0"),
        (lambda c: c.buy(NAME, "-1"), "size: expected more than 0, got -1"),
        (lambda c: c.buy(NAME, float("nan")), "size: expected a finite number, got nan"),
        (lambda c: c.buy(NAME, "much"), "size: expected a decimal number, got 'much'"),
        (lambda c: c.buy(NAME, None), f"{NAME}: expected either a size or contracts="),
        (lambda c: c.buy(NAME, 1, contracts=1), f"{NAME}: expected either a size or contracts="),
        (lambda c: c.buy(NAME, 1, post_only=True), "post_only: expected a price"),
        (
            lambda c: c.buy(NAME, 1, account="x"),
            "unknown account 'x'; expected one of: main, second",
        ),
        (
            lambda c: c.buy(NAME, 1, tag="t" * 33),
            f"tag: expected at most 32 bytes of UTF-8, got {'t' * 33!r}",
        ),
        (
            lambda c: c.buy(NAME, "12345678901234567890.123"),
            "size: expected a number that fits exactly",
        ),
        (lambda c: c.buy(NAME, "1e200"), "size: 1E+200 is out of range"),
        (lambda c: c.amend(5, price=1), "order 5 is not open"),
        (lambda c: c.amend(c.buy(NAME, 1)), "amend: expected price=, size= or contracts="),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(stage, deed, message):
    """The error is for the user as it stands."""
    strategy = Does(deed)
    stage.run(strategy)
    assert stage.runtime.fault is None
    assert str(strategy.raised).startswith(message)


def test_a_refused_order_leaves_nothing_behind(stage):
    """It is not open, and nothing was journaled."""
    strategy = Does(lambda c: c.buy(NAME, 1, tag="t" * 33))
    stage.run(strategy)
    assert strategy.context.open_orders() == []
    assert stage.written(events.OrderRequest) == []


def test_an_order_follows_its_updates_until_it_is_over(stage):
    stage.broker_at(1, update(101, OrderState.ACCEPTED, size="5", price="99"))
    stage.broker_at(2, update(101, OrderState.PARTIALLY_FILLED, size="5", filled="2", price="99"))
    stage.broker_at(
        3, update(101, OrderState.FILLED, size="5", filled="5", price="99", anomaly=True)
    )
    stage.broker_at(4, update(101, OrderState.FILLED, size="5", filled="5", price="99"))
    seen = []

    class Watches(Does):
        def on_order(self, context, update):
            order = self.got
            seen.append((order.state, order.remaining, context.open_orders(NAME) == [order]))

    stage.run(Watches(lambda c: c.buy(NAME, 5, price=99)))
    assert seen == [
        (OrderState.ACCEPTED, 5, True),
        (OrderState.PARTIALLY_FILLED, 3, True),
        (OrderState.PARTIALLY_FILLED, 3, True),
        (OrderState.FILLED, 0, False),
    ]


def test_cancel_and_amend_name_the_order(stage):
    def deed(context):
        order = context.buy(NAME, 1, price=99)
        context.amend(order, price="98.5", size=2)
        context.cancel(order.id)
        context.cancel(12345)

    stage.run(Does(deed))
    amend, cancel = stage.written(events.OrderAmend, events.OrderCancel)
    assert (amend.order_id, str(amend.price_exact), str(amend.size_exact)) == (101, "98.5", "2")
    assert (cancel.order_id, cancel.destination) == (101, id_of("broker"))


def test_cancel_all_can_be_of_one_instrument(stage):
    def deed(context):
        context.buy(NAME, 1)
        other = context.buy("venue:perpetual:ETHUSDT", 1)
        context.cancel_all("venue:perpetual:ETHUSDT")
        return other

    strategy = Does(deed)
    stage.run(strategy)
    assert [c.order_id for c in stage.written(events.OrderCancel)] == [strategy.got.id]


# --- sizes and steps, against slow obvious arithmetic -------------------------------------------

STEPS = st.sampled_from(["1", "0.1", "0.00025", "0.3", "5", "1E+1", "1E-8"]).map(Decimal)
NUMBERS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=9)


@given(step=STEPS, number=NUMBERS)
def test_rounding_against_whole_number_arithmetic(step, number):
    """Counted in units of 1E-9, where everything is an int."""
    unit, whole = int(step * 10**9), int(number * 10**9)
    instrument = definition(tick=step, lot=step)
    below = whole // unit
    assert int(instrument.round_size(number) * 10**9) == below * unit
    nearest = min((below, below + 1), key=lambda n: (abs(n * unit - whole), n % 2))
    assert int(instrument.round_price(number) * 10**9) == nearest * unit
    if whole % unit:
        with pytest.raises(OrderError) as raised:
            instrument.check_price(number)
        low, _, high = str(raised.value).rpartition("expected ")[2].partition(" or ")
        assert [int(Decimal(v) * 10**9) for v in (low, high)] == [below * unit, (below + 1) * unit]
    else:
        assert instrument.check_price(number) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stands_for_its_shortest_text(number):
    class Named(float):
        def __repr__(self):
            return f"Named({super().__repr__()})"

    assert exact(number, "price") == Decimal(repr(number))
    assert exact(Named(number), "price") == Decimal(repr(number))


@pytest.mark.parametrize(
    ("changes", "size", "contracts", "expected"),
    [
        ({}, "0.5", None, "0.5"),
        ({"contract_value": "0.01"}, None, 3, "0.03"),
        (CONTRACTS, "0.05", None, "5"),
        (CONTRACTS, None, 7, "7"),
        (INVERSE, None, 7, "7"),
    ],
)
def test_sizes_count_what_the_instrument_counts(changes, size, contracts, expected):
    assert order_size(definition(**changes), size, contracts) == Decimal(expected)


@pytest.mark.parametrize(
    ("changes", "size", "contracts", "message"),
    [
        (INVERSE, 1, None, "is inverse: give contracts= instead of a size"),
        ({}, None, 1, "has no contracts: give the size in base units"),
        (CONTRACTS, "0.055", None, "expected 0.05 or 0.06"),
        (CONTRACTS, None, "1.5", "expected 1 or 2"),
        (CONTRACTS | {"contract_value": "0.7"}, 1, None, "expected 0.7 or 1.4"),
        (CONTRACTS, "0", None, "size: expected more than 0"),
    ],
)
def test_sizes_that_are_no_whole_number_of_lots_are_refused(changes, size, contracts, message):
    with pytest.raises(OrderError) as raised:
        order_size(definition(**changes), size, contracts)
    assert message in str(raised.value)


def test_numpy_floats_are_floats():
    numpy = pytest.importorskip("numpy")
    assert definition().check_price(numpy.float64(0.3)) == Decimal("0.3")
    assert definition().check_size(numpy.int64(3)) == 3


def test_trades_are_not_needed_to_know_an_instrument(stage):
    """The definition alone lets an order be placed."""
    stage.market = [row for row in stage.market if not isinstance(row[1], type(trade()))]
    strategy = Does(lambda c: c.buy(NAME, 1))
    stage.run(strategy)
    assert strategy.raised is None
