"""Durations, times and exact decimals as people write them in a configuration.

Strategies and plugins use `Duration` and `Time` as the types of their fields; both are plain `int`
at run time.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NewType

Duration = NewType("Duration", int)
"""A length of time in nanoseconds; written `250us`, `5ms`, `1m` or `1h30m`."""

Time = NewType("Time", int)
"""Nanoseconds since 1970 UTC; written `2024-08-09T00:00:00Z`, or as that number."""

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_PART = r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART})+", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME = Time(2**63 - 1)
"""In the year 2262; later ones do not fit into an event."""


def parse_duration(text: object) -> Duration:
    """Read a duration.

    Raises:
        ValueError: it is not one, or not a whole number of nanoseconds.
    """
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError(f'expected a duration like "250us", "5ms" or "1m", got {shown(text)}')
    total = sum(
        (Decimal(number) * _UNITS[unit] for number, unit in re.findall(_PART, text)), Decimal(0)
    )
    if total != int(total):
        raise ValueError(f"expected a whole number of nanoseconds, got {shown(text)}")
    return Duration(_in_range(int(total), text))


def duration_text(duration: int) -> str:
    """Write a duration in the largest unit that leaves no fraction."""
    unit, length = next((u, n) for u, n in reversed(_UNITS.items()) if duration % n == 0)
    return "0s" if duration == 0 else f"{duration // length}{unit}"


def parse_time(value: object) -> Time:
    """Read a point in time: text, a date-time with its offset, or nanoseconds since 1970.

    Text without an offset is UTC.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Time(_in_range(value, value))
    if isinstance(value, datetime):
        if value.tzinfo is None:  # elsewhere in Python, and in TOML, that means local time
            raise ValueError(f"expected a date-time with its offset, got {value}")
        if value.microsecond:
            # TOML readers cut fractions off at microseconds.
            raise ValueError("write a time with a fraction of a second in quotes")
        value = value.isoformat()
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'expected a time like "2024-08-09T00:00:00Z", got {shown(value)}')
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset or 'Z'}")
    except ValueError as error:
        raise ValueError(f"{shown(value)} is no time: {error}") from None
    whole_seconds = (moment - _EPOCH) // timedelta(seconds=1)
    nanoseconds = int((fraction or "").ljust(9, "0"))
    return Time(_in_range(whole_seconds * _UNITS["s"] + nanoseconds, value))


def parse_decimal(value: object) -> Decimal:
    """Read an exact decimal number, quoted or not.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise ValueError(f'expected a decimal number like "0.1", got {shown(value)}')


def _in_range(nanoseconds: int, written: object) -> int:
    if not 0 <= nanoseconds <= LAST_TIME:
        raise ValueError(f"{shown(written)} is out of range (the years 1970 to 2262)")
    return nanoseconds


def shown(value: object) -> str:
    """Show a TOML value much as it stands in the file, for messages."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, dict):
        return "a table"
    return "an array" if isinstance(value, list) else str(value)
