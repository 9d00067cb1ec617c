"""Durations, times and decimals are read exactly, and what is none is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.values import parse_decimal, parse_duration, parse_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("7ns", 7),
        ("250us", 250_000),
        ("5ms", 5_000_000),
        ("1.5s", 1_500_000_000),
        ("1m", 60_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("2d", 172_800_000_000_000),
    ],
)
def test_duration(text, nanoseconds):
    """A duration is numbers with units."""
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("value", ["", "5", 5, "5 ms", "-1s", "1.5ns", "1y", "٣s", None, "300000d"])
def test_what_is_no_duration(value):
    """A bare number has no unit, and a fraction of a nanosecond is lost to nobody."""
    with pytest.raises(ValueError, match=r"expected|range"):
        parse_duration(value)


@given(st.integers(0, 2**63 - 1))
def test_time_of_every_nanosecond(nanoseconds):
    """Text with nine digits after the point gives every nanosecond back."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = EPOCH + timedelta(seconds=seconds)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    assert parse_time(text) == nanoseconds
    assert parse_time(nanoseconds) == nanoseconds


@pytest.mark.parametrize(
    "value",
    [
        "2024-08-09",
        "2024-08-09T00:00Z",
        "2024-08-09 00:00:00Z",
        "2024-08-09 00:00",
        "2024-08-09T00:00:00.000",
        "2024-08-09T02:00:00.000+02:00",
        datetime(2024, 8, 9, tzinfo=UTC),
        1723161600_000000000,
    ],
)
def test_ways_to_write_a_time(value):
    """A day alone begins at midnight; any offset is minded, and without one it is UTC."""
    assert parse_time(value) == 1723161600_000000000


@pytest.mark.parametrize(
    "value",
    [
        "2024-08-09T",
        "2024-08-09+02:00",
        datetime(2024, 8, 9),  # noqa: DTZ001 - the point of the test
        datetime(2024, 8, 9, microsecond=5, tzinfo=UTC),
        "2024-13-09",
        "yesterday",
        "1969-12-31",
        "2263-01-01",
        -1,
        True,
        1.5,
    ],
)
def test_what_is_no_time(value):
    """A local date-time, or what is out of the range of the clock, is refused."""
    with pytest.raises(ValueError, match=r"expected|no time|range|in quotes"):
        parse_time(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimal_keeps_its_digits(number):
    """Whatever a decimal looks like, it comes back digit by digit."""
    assert parse_decimal(str(number)).as_tuple() == number.as_tuple()
    assert parse_decimal(number) is number


@pytest.mark.parametrize(
    "value", ["", "1,5", "1_000", "nan", "inf", Decimal("inf"), True, None, []]
)
def test_what_is_no_decimal(value):
    """Separators, infinities and other types are refused."""
    with pytest.raises(ValueError, match="expected a decimal number"):
        parse_decimal(value)
