"""A first strategy: go with the price when it leaves its average. Change it into your own.

Everything that it may know comes through its callbacks' arguments and through the context.
"""

from decimal import Decimal

import attrs

from kungfu_core import Context, Fill, Instrument, Strategy, Trade


@attrs.define(eq=False)
class FirstStrategy(Strategy):
    """Hold a long position above the average price and a short one below it.

    The fields are the keys that `[strategies.NAME.params]` takes; their types and validators are
    checked when the configuration is read.
    """

    instrument: str = ""
    """Canonical name; the first instrument of the venue if it is left out."""
    lots: int = attrs.field(default=10, validator=attrs.validators.gt(0))
    """How much to hold, in the instrument's smallest step."""
    length: int = attrs.field(default=100, validator=attrs.validators.gt(1))
    """How many trades the average remembers, roughly."""
    band: float = attrs.field(default=0.0002, validator=attrs.validators.ge(0))
    """How far the price has to be from its average, as a fraction."""

    _traded: Instrument | None = attrs.field(default=None, init=False)
    _average: float = attrs.field(default=0.0, init=False)
    _wanted: Decimal = attrs.field(default=Decimal(0), init=False)

    def on_start(self, context: Context) -> None:
        """Choose what to trade and ask for its trades."""
        self._traded = context.instrument(self.instrument or context.instruments[0])
        context.subscribe(self._traded, Trade)
        context.log.info(f"trading {self._traded.name}")

    def on_trade(self, context: Context, trade: Trade) -> None:
        """Follow the average, and turn the position when the price is on its other side."""
        self._average += (
            (trade.price - self._average) / self.length if self._average else trade.price
        )
        distance = trade.price / self._average - 1
        if distance > self.band:
            self._hold(context, self.lots)
        elif distance < -self.band:
            self._hold(context, -self.lots)

    def on_fill(self, context: Context, fill: Fill) -> None:
        """Say what was done; the session's log keeps it."""
        context.log.info(f"{fill.side} {fill.size_exact} at {fill.price_exact}")

    def _hold(self, context: Context, lots: int) -> None:
        """Trade the difference between what is wanted now and what was asked for before."""
        if self._traded is None:
            return
        wanted = lots * self._traded.lot_exact
        change = wanted - self._wanted
        if change > 0:
            context.buy(self._traded, change)
        elif change < 0:
            context.sell(self._traded, -change)
        self._wanted = wanted
