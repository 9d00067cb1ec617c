"""Follow the trend: hold a position on the side where the fast average of the price is."""

from decimal import Decimal

import attrs

from kungfu_core import Context, Fill, OrderState, OrderUpdate, Side, Strategy, Trade
from kungfu_core.enums import Product
from kungfu_strategies.sizes import amount, positive, size_worth

_REFUSED = (OrderState.RISK_REJECTED, OrderState.REJECTED)


@attrs.define(eq=False)
class EmaCross(Strategy):
    """Long while the fast average of trade prices is above the slow one, else short; flat on spot.

    Attributes:
        instrument: canonical name of what is traded.
        notional: how much to hold, in quote currency; its size is fixed at the first trade.
        fast: how many trades the fast exponential average spans.
        slow: how many trades the slow one spans; nothing is traded before so many were seen.
    """

    instrument: str
    notional: Decimal = attrs.field(default=Decimal(1000), validator=positive)
    fast: int = attrs.field(default=50, validator=attrs.validators.gt(0))
    slow: int = attrs.field(default=200)
    _size: Decimal = attrs.field(default=Decimal(0), init=False)
    _held: Decimal = attrs.field(default=Decimal(0), init=False)
    _refused: Decimal | None = attrs.field(default=None, init=False)
    _seen: int = attrs.field(default=0, init=False)
    _fast_average: float = attrs.field(default=0.0, init=False)
    _slow_average: float = attrs.field(default=0.0, init=False)

    @slow.validator
    def _check_slow(self, _: object, value: int) -> None:
        if value <= self.fast:
            raise ValueError(f"slow must be more than fast ({self.fast}), got {value}")

    def on_start(self, context: Context) -> None:
        """Take up what is held already, and warm up with the past if there is any."""
        self._held = context.position(self.instrument).size_exact
        for trade in context.history(self.instrument, Trade, count=3 * self.slow):
            self._learn(trade.price)
        context.subscribe(self.instrument, Trade)

    def on_trade(self, context: Context, trade: Trade) -> None:
        """Trade the difference between what is held and what the averages say."""
        self._learn(trade.price)
        if self._seen < self.slow or context.open_orders(self.instrument):
            return
        definition = context.instrument(self.instrument)
        if not self._size:
            self._size = size_worth(self.notional, trade.price_exact, definition)
        target = self._target(short=definition.product is not Product.SPOT)
        missing = target - self._held
        if not missing or target == self._refused:
            return
        place = context.buy if missing > 0 else context.sell
        place(definition, **amount(abs(missing), definition))
        self._refused = None

    def on_fill(self, context: Context, fill: Fill) -> None:
        """Count what is held; a fill comes before the update that closes its order."""
        self._held += fill.size_exact if fill.side is Side.BUY else -fill.size_exact

    def on_order(self, context: Context, update: OrderUpdate) -> None:
        """Leave a target that was refused alone until the averages have crossed again."""
        if update.state in _REFUSED:
            change = update.size_exact if update.side is Side.BUY else -update.size_exact
            self._refused = self._held + change
            context.log.warning(f"order refused: {update.reason}")

    def _learn(self, price: float) -> None:
        if not self._seen:
            self._fast_average = self._slow_average = price
        self._seen += 1
        self._fast_average += (price - self._fast_average) * 2 / (self.fast + 1)
        self._slow_average += (price - self._slow_average) * 2 / (self.slow + 1)

    def _target(self, *, short: bool) -> Decimal:
        if self._fast_average > self._slow_average:
            return self._size
        return -self._size if short else Decimal(0)
