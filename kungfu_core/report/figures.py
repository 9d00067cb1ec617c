"""How figures are written for people: amounts, times, durations."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

MOST_DECIMALS = 8
ABSENT = "n/a"
_UNITS = (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000))


def column(values: Iterable[Decimal | None], *, signed: bool = False) -> list[str]:
    """Write a column of amounts with as many decimals as its largest needs to be read.

    What is exact in fewer decimals gets fewer; rounding is for the eye only.
    """
    amounts = list(values)
    decimals = _decimals([amount for amount in amounts if amount is not None])
    return [_amount(amount, decimals, signed) for amount in amounts]


def amount(value: Decimal | None, *, signed: bool = False) -> str:
    """Write one amount."""
    return column([value], signed=signed)[0]


def exact(value: Decimal | None) -> str:
    """Write a number with every digit that counts, and separators between thousands."""
    if value is None:
        return ABSENT
    text = format(value, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(amounts: list[Decimal]) -> int:
    largest = max((abs(a) for a in amounts), default=Decimal(0))
    steps = ((1000, 2), (1, 4), (Decimal("0.01"), 6))
    readable = next((n for least, n in steps if largest >= least), MOST_DECIMALS)
    needed = max((_needed(a) for a in amounts), default=0)
    return min(readable, needed)


def _needed(value: Decimal) -> int:
    text = format(value, "f")
    return len(text.rstrip("0").partition(".")[2]) if "." in text else 0


def _amount(value: Decimal | None, decimals: int, signed: bool) -> str:
    if value is None:
        return ABSENT
    with localcontext(Context(prec=200)):
        rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    if not value:
        return "0"
    if not rounded:
        rounded = abs(rounded)
    return format(rounded, "+,f" if signed and rounded else ",f")


def percent(fraction: Decimal | None) -> str:
    """Write a fraction in percent."""
    return ABSENT if fraction is None else f"{fraction * 100:.2f} %"


def amounts(by_currency: Iterable[tuple[str, Decimal]], *, signed: bool = False) -> str:
    """Write amounts in several currencies."""
    return ", ".join(f"{amount(v, signed=signed)} {c}" for c, v in by_currency) or "none"


def duration(nanoseconds: int) -> str:
    """Write a short time in the unit that fits."""
    if abs(nanoseconds) >= 60_000_000_000:
        return span(nanoseconds)
    for unit, length in _UNITS:
        if abs(nanoseconds) >= length:
            return f"{Decimal(nanoseconds) / length:.3g} {unit}"
    return f"{nanoseconds} ns" if nanoseconds else "0"


def span(nanoseconds: int) -> str:
    """Write how long a run lasted, in its two largest units."""
    if nanoseconds < 60_000_000_000:
        return duration(nanoseconds)
    minutes, seconds = divmod(nanoseconds // 1_000_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def moment(time: int) -> str:
    """Write a time as UTC, to the nearest millisecond."""
    seconds, milliseconds = divmod((time + 500_000) // 1_000_000, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds:03d}"
