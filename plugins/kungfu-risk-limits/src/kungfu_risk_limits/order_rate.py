"""A limit on how many orders may be placed in a length of time, as a token bucket."""

import re

import attrs

from kungfu_core.values import Duration, parse_duration

_WRITTEN = re.compile(r"(\d+)/(\d*[a-z].*|\d.*)", re.ASCII)


@attrs.frozen
class OrderRate:
    """So many orders in such a time, e.g. 10 in a second."""

    orders: int
    interval: Duration

    def __str__(self) -> str:
        return f"{self.orders} in {self.interval / 1e9:g} s"


def parse_order_rate(written: object) -> OrderRate | None:
    """Read a rate like `10/1s` or `10/s`; None stays None.

    Raises:
        ValueError: it is not one.
    """
    if written is None or isinstance(written, OrderRate):
        return written
    match = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f'expected orders per time like "10/1s", got {written!r}')
    interval = match[2] if match[2][0].isdigit() else f"1{match[2]}"
    duration = parse_duration(interval)
    if duration == 0:
        raise ValueError(f"expected a time longer than 0, got {written!r}")
    return OrderRate(int(match[1]), duration)


class TokenBucket:
    """Lets `rate.orders` through at once, and as many in every `rate.interval` after that.

    Its time is that of the orders, and it counts in integers: an order costs `interval`, a
    nanosecond brings `orders`. So equal orders at equal times get equal answers.
    """

    def __init__(self, rate: OrderRate) -> None:
        self._rate = rate
        self._full = rate.orders * rate.interval
        self._level = self._full
        self._now = 0

    def take(self, now: int) -> bool:
        """Take a token if there is one at this time."""
        elapsed = max(0, now - self._now)
        self._now = max(self._now, now)
        self._level = min(self._full, self._level + elapsed * self._rate.orders)
        if self._level < self._rate.interval:
            return False
        self._level -= self._rate.interval
        return True
