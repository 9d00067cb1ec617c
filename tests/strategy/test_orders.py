"""What an order says, what is refused before it is said, and what is known of it afterwards."""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategy_stage import NAME, OTHER, START, definition, trade, update

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
        (lambda c: c.buy(NAME, 1, price=0), "price: expected more than 0, got 0"),
        (lambda c: c.sell(NAME, 1, price="-1.5"), "price: expected more than 0, got -1.5"),
        (lambda c: c.buy(NAME, 1, trigger_price=0), "trigger_price: expected more than 0, got 0"),
        (
            lambda c: c.amend(c.buy(NAME, 1, price=1), price=0),
            "price: expected more than 0, got 0",
        ),
        (
            lambda c: c.bracket(Side.BUY, NAME, 1, take_profit=9, stop=0),
            "stop: expected more than 0, got 0",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, time_in_force="DAY"),
            (
                "time_in_force: expected one of TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, "
                "TimeInForce.GTD, TimeInForce.DAY, got 'DAY'; from kungfu_core import TimeInForce"
            ),
        ),
        (
            lambda c: c.submit("buy", NAME, 1),
            "side: expected one of Side.BUY, Side.SELL, got 'buy'; from kungfu_core import Side",
        ),
        (
            lambda c: c.bracket("buy", NAME, 1, take_profit=9, stop=1),
            "side: expected one of Side.BUY, Side.SELL, got 'buy'",
        ),
        (
            lambda c: c.buy(NAME, 1, trigger_price=9, trigger_by="MARK"),
            "trigger_by: expected one of PriceKind.LAST, PriceKind.MARK, got 'MARK'",
        ),
        (
            lambda c: c.buy(NAME, 1, position_side="LONG"),
            "position_side: expected one of PositionSide.NET, PositionSide.LONG, ",
        ),
        (
            lambda c: c.position(NAME, side="LONG"),
            "side: expected one of PositionSide.NET, PositionSide.LONG, ",
        ),
        (
            lambda c: c.buy(NAME, 1, expire_time="2020-01-01"),
            "expire_time: expected ns since 1970 UTC, got '2020-01-01'",
        ),
        (lambda c: c.buy(NAME, 1, parent=3), "parent: expected an Order, got 3"),
        (lambda c: c.buy(NAME, 1, group="x"), "group: expected an Order, got 'x'"),
        (
            lambda c: c.amend(c.buy(NAME, 1)),
            "amend: expected price=, size=, contracts= or trigger_price=",
        ),
        (
            lambda c: c.buy(NAME, 1, trigger_price="100.05"),
            f"trigger_price 100.05 is off the tick 0.1 of {NAME}: expected 100.0 or 100.1",
        ),
        (
            lambda c: c.buy(NAME, 1, trailing_offset=5, price=100),
            "trailing_offset: expected neither price= nor trigger_price= with it",
        ),
        (
            lambda c: c.buy(NAME, 1, trailing_offset=-5),
            "trailing_offset: expected more than 0, got -5",
        ),
        (
            lambda c: c.buy(NAME, 1, trigger_by=PriceKind.MARK),
            "trigger_by: expected trigger_price= or trailing_offset= with it",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, trigger_price=1, post_only=True),
            "post_only: a stop cannot be post-only",
        ),
        (
            lambda c: c.buy(NAME, 1, display_size=1),
            "display_size: expected a limit order, this one is MARKET",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, display_size=2),
            "display_size: expected at most the size 1, got 2",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, time_in_force=TimeInForce.GTD),
            "time_in_force: a GTD order needs an expire_time=",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, time_in_force=TimeInForce.IOC, expire_time=c.now + 1),
            "expire_time: a IOC order takes none",
        ),
        (
            lambda c: c.buy(NAME, 1, price=1, expire_time=c.now),
            "expire_time: expected a time after now, ",
        ),
        (
            lambda c: c.buy(OTHER, 1, parent=c.buy(NAME, 1)),
            "parent: order 101 is of another instrument or account",
        ),
        (
            lambda c: c.buy(NAME, 1, account="second", group=c.buy(NAME, 1)),
            "group: order 101 is of another instrument or account",
        ),
        (
            lambda c: c.bracket(Side.BUY, NAME, 1, take_profit=90, stop=110, price=100),
            (
                "bracket: expected stop below take_profit and a price between them, "
                "got stop=110, take_profit=90, price=100"
            ),
        ),
        (
            lambda c: c.bracket(Side.SELL, NAME, 1, take_profit=90, stop=110, price=110),
            "bracket: expected take_profit below stop and a price between them",
        ),
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


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"price": 99, "post_only": True}, {"type": OrderType.POST_ONLY}),
        (
            {"trigger_price": 101},
            {"type": OrderType.STOP_MARKET, "trigger_price": Decimal(101), "price": None},
        ),
        (
            {"trigger_price": 101, "price": "101.5", "trigger_by": PriceKind.MARK},
            {"type": OrderType.STOP_LIMIT, "trigger_by": PriceKind.MARK, "price": Decimal("101.5")},
        ),
        (
            {"trailing_offset": "2.5"},
            {"type": OrderType.TRAILING_STOP, "trailing_offset": Decimal("2.5")},
        ),
        ({"price": 99, "display_size": "0.1"}, {"display_size": Decimal("0.1")}),
        (
            {"price": 99, "expire_time": 2 * START},
            {"time_in_force": TimeInForce.GTD, "expire_time": 2 * START},
        ),
        ({"price": 99, "time_in_force": TimeInForce.DAY}, {"time_in_force": TimeInForce.DAY}),
        ({"position_side": PositionSide.SHORT}, {"position_side": PositionSide.SHORT}),
    ],
)
def test_each_kind_of_order_is_said_as_what_it_is(stage, terms, expected):
    stage.run(Does(lambda c: c.buy(NAME, 1, **terms)))
    (request,) = stage.written(events.OrderRequest)
    said = request.as_dict()
    assert {name: said[name] for name in expected} == expected


def test_orders_name_their_parent_and_their_group(stage):
    """A group goes by the id of its first order, however it is joined."""

    def deed(context):
        entry = context.buy(NAME, 1, price=99)
        first = context.sell(NAME, 1, price=110, parent=entry)
        second = context.sell(NAME, 1, trigger_price=95, parent=entry, group=first)
        context.sell(NAME, 1, trailing_offset=5, group=second)

    stage.run(Does(deed))
    ties = [(r.order_id, r.parent_id, r.group_id) for r in stage.written(events.OrderRequest)]
    assert ties == [(101, 0, 0), (102, 101, 0), (103, 101, 102), (104, 0, 102)]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_bracket_is_an_entry_and_two_exits(stage, side):
    win, loss = (110, 95) if side is Side.BUY else (95, 110)
    strategy = Does(lambda c: c.bracket(side, NAME, 1, price=100, take_profit=win, stop=loss))
    stage.run(strategy)
    entry, winner, loser = stage.written(events.OrderRequest)
    assert (entry.side, entry.type, entry.price_exact) == (side, OrderType.LIMIT, 100)
    assert (winner.type, winner.price_exact, winner.group_id) == (OrderType.LIMIT, win, 0)
    assert (loser.type, loser.trigger_price_exact) == (OrderType.STOP_MARKET, loss)
    assert loser.group_id == winner.order_id
    assert {winner.side, loser.side} == {Side.SELL if side is Side.BUY else Side.BUY}
    assert {winner.parent_id, loser.parent_id} == {entry.order_id}
    bracket = strategy.got
    assert (bracket.entry.id, bracket.take_profit.id, bracket.stop.id) == (101, 102, 103)
    assert strategy.context.open_orders() == [bracket.entry, bracket.take_profit, bracket.stop]


def test_a_bracket_of_which_one_order_cannot_be_said_places_none(stage):
    strategy = Does(lambda c: c.bracket(Side.BUY, NAME, 1, take_profit="110.05", stop=95))
    stage.run(strategy)
    assert "take_profit 110.05 is off the tick" in str(strategy.raised)
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
        context.amend(order, price="98.5", size=2, trigger_price=97)
        context.cancel(order.id)

    stage.run(Does(deed))
    amend, cancel = stage.written(events.OrderAmend, events.OrderCancel)
    assert (amend.order_id, str(amend.price_exact), str(amend.size_exact)) == (101, "98.5", "2")
    assert amend.trigger_price_exact == 97
    assert (cancel.order_id, cancel.destination) == (101, id_of("broker"))


@pytest.mark.parametrize("order", [None, 5, 102, 12345, "abc", []])
def test_only_an_order_that_was_placed_can_be_cancelled(stage, order):
    """A mistake would look like a cancel of an order that is over."""

    def deed(context):
        context.buy(NAME, 1, price=99)
        context.cancel(order)

    strategy = Does(deed)
    stage.run(strategy)
    assert "cancel: expected an order that this strategy has placed, or its id" in str(
        strategy.raised
    )
    assert stage.written(events.OrderCancel) == []


def test_an_order_that_is_over_can_be_cancelled(stage):
    """Its last update may be on its way when a strategy decides: nothing happens."""

    class Late(Strategy):
        def on_start(self, context):
            self.order = context.buy(NAME, 1, price=99)

        def on_order(self, context, update):
            context.cancel(self.order)
            context.cancel(update.order_id)

    stage.broker_at(1, update(101, OrderState.FILLED, filled="1"))
    stage.run(Late())
    assert stage.runtime.fault is None
    assert stage.written(events.OrderCancel) == []


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
