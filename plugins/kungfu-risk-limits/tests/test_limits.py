"""The limits refuse what is beyond them, say so with value and limit, and never bar the way out."""

from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.enums import Side
from kungfu_risk_limits.limits import Limits, LimitsConfig
from kungfu_risk_limits.order_rate import OrderRate, TokenBucket, parse_order_rate

SECOND = 1_000_000_000


@attrs.frozen
class Order:
    """The fields of an `OrderRequest` that the limits read."""

    side: Side = Side.BUY
    size_exact: Decimal = Decimal(1)
    price_exact: Decimal | None = Decimal(100)
    trigger_price_exact: Decimal | None = None
    account: int = 1
    instrument: int = 2


@attrs.frozen
class View:
    """A broker's state, written down."""

    now: int = 0
    reduces_position: bool = False
    held: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    last: Decimal | None = Decimal(100)
    mid: Decimal | None = None

    def position(self, account, instrument):
        return self.held

    def open_size(self, account, instrument, side):
        return self.open

    def last_price(self, instrument):
        return self.last

    def mid_price(self, instrument):
        return self.mid

    def notional(self, instrument, price, size):
        return price * size


def refusal(config, order=None, view=None):
    return Limits(config).check(order or Order(), view or View())


def test_no_limits_refuse_nothing():
    """A limit that is left out is not checked."""
    assert refusal(LimitsConfig(), Order(size_exact=Decimal("1e12"), price_exact=None)) is None


@pytest.mark.parametrize(
    ("limits", "order", "view", "text"),
    [
        (
            {"max_order_size": Decimal(5)},
            Order(size_exact=Decimal("5.01")),
            View(),
            "order size 5.01 is above the limit of 5",
        ),
        ({"max_order_size": Decimal(5)}, Order(size_exact=Decimal("5.00")), View(), None),
        (
            {"max_notional": Decimal(150)},
            Order(size_exact=Decimal("1.6")),
            View(),
            "notional 160.0 is above the limit of 150",
        ),
        (
            {"max_notional": Decimal(150)},
            Order(price_exact=None, size_exact=Decimal(2)),
            View(),
            "notional 200 is above the limit of 150",
        ),
        (
            {"max_notional": Decimal(150)},
            Order(side=Side.SELL, price_exact=Decimal(1), size_exact=Decimal(2)),
            View(),
            "notional 200 is above the limit of 150",
        ),
        (
            {"max_notional": Decimal(150)},
            Order(price_exact=Decimal(50), size_exact=Decimal(2)),
            View(),
            None,
        ),
        (
            {"max_notional": Decimal(150)},
            Order(price_exact=None),
            View(last=None),
            "notional cannot be computed: there is no market price yet or it is out of range",
        ),
        (
            {"max_position": Decimal(10)},
            Order(size_exact=Decimal(3)),
            View(held=Decimal(5), open=Decimal("2.5")),
            "position 10.5 with all open orders filled is beyond the limit of 10",
        ),
        (
            {"max_position": Decimal(10)},
            Order(side=Side.SELL, size_exact=Decimal(3)),
            View(held=Decimal(-5), open=Decimal("2.5")),
            "position -10.5 with all open orders filled is beyond the limit of 10",
        ),
        (
            {"max_position": Decimal(10)},
            Order(size_exact=Decimal(3)),
            View(held=Decimal(5), open=Decimal(2)),
            None,
        ),
        (
            {"max_position": Decimal(10)},
            Order(size_exact=Decimal(25)),
            View(held=Decimal(-20)),
            None,
        ),
        (
            {"price_collar": Decimal("0.05")},
            Order(price_exact=Decimal("105.01")),
            View(),
            "price 105.01 is further from 100 than the limit of 5 % (95.00 to 105.00)",
        ),
        (
            {"price_collar": Decimal("0.05")},
            Order(price_exact=Decimal("94.9")),
            View(),
            "price 94.9 is further from 100 than the limit of 5 % (95.00 to 105.00)",
        ),
        ({"price_collar": Decimal("0.05")}, Order(price_exact=Decimal(105)), View(), None),
        (
            {"price_collar": Decimal("0.05")},
            Order(price_exact=Decimal(105)),
            View(mid=Decimal(101), last=Decimal(50)),
            None,
        ),
        ({"price_collar": Decimal("0.05")}, Order(price_exact=None), View(), None),
        (
            {"price_collar": Decimal("0.05")},
            Order(price_exact=Decimal(200), trigger_price_exact=Decimal(199)),
            View(),
            None,
        ),
        (
            {"price_collar": Decimal("0.05")},
            Order(),
            View(last=None),
            "price 100 cannot be compared: there is no market price yet",
        ),
    ],
)
def test_limit(limits, order, view, text):
    """A limit refuses what is beyond it and nothing that is on it, naming value and limit."""
    assert refusal(LimitsConfig(**limits), order, view) == text


EVERYTHING = LimitsConfig(
    max_order_size=Decimal(1),
    max_notional=Decimal(1),
    max_position=Decimal(1),
    price_collar=Decimal("0.01"),
    max_order_rate="1/1s",
)


def test_one_can_always_get_out():
    """What provably reduces a position passes all limits, the rate included."""
    limits = Limits(EVERYTHING)
    order = Order(Side.SELL, Decimal(50), Decimal(1))
    view = View(reduces_position=True, held=Decimal(100))
    assert [limits.check(order, view) for _ in range(3)] == [None] * 3


def test_way_out_counts_in_the_rate():
    """An order that reduces a position uses up the rate for those that do not."""
    limits = Limits(LimitsConfig(max_order_rate="1/1s"))
    assert limits.check(Order(), View(reduces_position=True)) is None
    assert limits.check(Order(), View()) == "order rate is above the limit of 1 in 1 s"


def test_refused_order_does_not_count_in_the_rate():
    """An order that another limit refuses leaves the rate to the next one."""
    limits = Limits(LimitsConfig(max_order_size=Decimal(1), max_order_rate="1/1s"))
    assert "order size" in limits.check(Order(size_exact=Decimal(2)), View())
    assert limits.check(Order(), View()) is None


def test_rate_recovers_with_the_time_of_orders():
    """After the interval as many orders pass again."""
    limits = Limits(LimitsConfig(max_order_rate="2/1s"))
    times = [0, 0, 0, SECOND // 2 - 1, SECOND // 2, SECOND // 2 + 1]
    passed = [limits.check(Order(), View(now=now)) is None for now in times]
    assert passed == [True, True, False, False, True, False]


@given(
    st.integers(1, 5),
    st.integers(1, 50),
    st.lists(st.integers(0, 60), max_size=60),
)
def test_bucket_against_exact_fractions(orders, interval, gaps):
    """The integer bucket answers as one that is written with fractions of tokens."""
    bucket = TokenBucket(OrderRate(orders, interval))
    now, level = 0, Fraction(orders)
    for gap in gaps:
        now += gap
        level = min(Fraction(orders), level + Fraction(gap * orders, interval))
        expected = level >= 1
        level -= 1 if expected else 0
        assert bucket.take(now) == expected


@pytest.mark.parametrize(
    ("written", "rate"),
    [("10/1s", OrderRate(10, SECOND)), ("5/s", OrderRate(5, SECOND)), (None, None)],
)
def test_rate_is_read(written, rate):
    """A rate is orders, a stroke and a time."""
    assert parse_order_rate(written) == rate


@pytest.mark.parametrize("written", ["", "10", "0/1s", "10/0s", "10/1x", "-1/s", 10, "1.5/s"])
def test_bad_rate_is_refused(written):
    """What is not a rate is told."""
    with pytest.raises(ValueError, match="expected"):
        parse_order_rate(written)


@pytest.mark.parametrize("name", ["max_order_size", "max_notional", "max_position", "price_collar"])
def test_limits_are_positive(name):
    """A limit of 0 or less would refuse everything and is a mistake."""
    with pytest.raises(ValueError, match=f"{name} must be more than 0, got 0"):
        LimitsConfig(**{name: Decimal(0)})
