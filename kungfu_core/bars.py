"""Bars from trades: one builder for live bars and for history, so that both agree at the seam."""

from decimal import Decimal

from kungfu_core.events import Bar, Trade


class BarBuilder:
    """Sums up the trades of one instrument in stretches of equal length.

    A trade belongs to the stretch in which it was received (its generation time), since that is the
    only time that a component knows; stretches begin at multiples of the timeframe since 1970 UTC.
    Stretches without a trade give no bar.
    """

    def __init__(self, instrument: int, timeframe: int) -> None:
        self.instrument = instrument
        self.timeframe = timeframe
        self._start = 0
        self._count = 0
        self._open = self._high = self._low = self._close = self._volume = Decimal(0)

    @property
    def end(self) -> int | None:
        """When the stretch in hand is over; None if it has no trade yet."""
        return self._start + self.timeframe if self._count else None

    def start_of(self, time: int) -> int:
        """Give the beginning of the stretch that a moment lies in."""
        return time - time % self.timeframe

    def add(self, trade: Trade) -> Bar | None:
        """Take a trade; gives the bar that was complete before it, if there is one."""
        done = self.close(trade.gen_time)
        price = trade.price_exact
        if not self._count:
            self._start = self.start_of(trade.gen_time)
            self._open = self._high = self._low = price
            self._volume = Decimal(0)
        self._high = max(self._high, price)
        self._low = min(self._low, price)
        self._close = price
        self._volume += trade.size_exact
        self._count += 1
        return done

    def close(self, now: int) -> Bar | None:
        """Give the bar in hand if it is complete by now."""
        if not self._count or now < self._start + self.timeframe:
            return None
        bar = Bar(
            instrument=self.instrument,
            time=self._start,
            timeframe=self.timeframe,
            open=self._open,
            high=self._high,
            low=self._low,
            close=self._close,
            volume=self._volume,
            trade_count=self._count,
        )
        self._count = 0
        return bar
