"""Every decimal that fits an event comes back digit by digit; what does not fit is an error."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import events

EXPONENTS = st.integers(-127, 127)
MANTISSAS = st.integers(-(2**63) + 1, 2**63 - 1)
AMOUNTS = st.integers(-(2**127) + 1, 2**127 - 1)
WIDE = Context(prec=80)


def decimal(mantissa, exponent):
    return Decimal((mantissa < 0, tuple(map(int, str(abs(mantissa)))), exponent))


def fits(number, largest):
    """Whether some mantissa and exponent say it; the slow way."""
    _, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits)))
    while whole and whole % 10 == 0:
        whole, exponent = whole // 10, exponent + 1
    while exponent > 127 and 0 < whole <= largest:
        whole, exponent = whole * 10, exponent - 1
    return whole == 0 or (whole <= largest and -127 <= exponent <= 127)


@given(MANTISSAS, EXPONENTS)
def test_numbers_come_back_as_they_were(mantissa, exponent):
    number = decimal(mantissa, exponent)
    trade = events.Trade(price=number)
    assert trade.price_exact == number
    assert (trade.price_raw, trade.price_exponent) == (mantissa, exponent) or not mantissa


@given(AMOUNTS, EXPONENTS)
def test_money_comes_back_as_it_was(mantissa, exponent):
    amount = decimal(mantissa, exponent)
    movement = events.CashMovement(amount=amount)
    assert movement.amount_exact == amount
    assert (movement.amount_raw, movement.amount_exponent) == (mantissa, exponent) or not mantissa


@given(
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.builds(decimal, AMOUNTS, st.integers(-200, 200))
)
def test_what_does_not_fit_is_an_error_that_names_the_field(number):
    """Nothing is ever rounded."""
    for field, make, largest in (
        ("price", lambda v: events.Trade(price=v).price_exact, 2**63 - 1),
        ("amount", lambda v: events.CashMovement(amount=v).amount_exact, 2**127 - 1),
    ):
        if fits(number, largest):
            assert make(number) == number
        else:
            with pytest.raises(ValueError, match=f"{field}: expected a number that fits exactly"):
                make(number)


@given(MANTISSAS, st.integers(-40, 40))
def test_the_float_is_the_nearest_one(mantissa, exponent):
    """Compared as exact fractions with its neighbours."""
    wanted = Fraction(decimal(mantissa, exponent))
    got = events.Trade(price=decimal(mantissa, exponent)).price
    off = abs(Fraction(got) - wanted)
    for neighbour in (math.nextafter(got, -math.inf), math.nextafter(got, math.inf)):
        assert off <= abs(Fraction(neighbour) - wanted)


@given(AMOUNTS, st.integers(-40, 40))
def test_the_float_of_money_is_the_nearest_one(mantissa, exponent):
    amount = decimal(mantissa, exponent)
    assert events.Balance(total=amount).total == float(amount)


@pytest.mark.parametrize("form", [str, lambda d: str(d).encode(), lambda d: d])
@given(number=st.decimals(-(10**9), 10**9, places=6))
def test_text_and_bytes_say_the_same_as_a_decimal(form, number):
    assert events.Trade(price=form(number)).price_exact == number


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_whole_numbers_are_taken(number):
    assert events.Trade(price=number).price_exact == number


def test_absent_is_none_and_nan():
    trade = events.Trade()
    assert trade.price_exact is None
    assert math.isnan(trade.price)
    assert events.Trade(price=None) == trade
    assert events.Balance().total_exact is None
    assert math.isnan(events.Balance().total)


@pytest.mark.parametrize(
    "wrong",
    ["", " 1", "1,5", "1_0", "0x1", "NaN", "Infinity", "--1", "1e", b"\xff", Decimal("NaN")],
)
def test_what_is_no_number_is_an_error(wrong):
    with pytest.raises(ValueError, match="price: expected a decimal number"):
        events.Trade(price=wrong)


@pytest.mark.parametrize("wrong", [1.5, [], object()])
def test_a_float_is_no_exact_number(wrong):
    """Which decimal it stands for is for the caller to say."""
    with pytest.raises(ValueError, match="price: expected decimal text, an int, a Decimal or None"):
        events.Trade(price=wrong)
