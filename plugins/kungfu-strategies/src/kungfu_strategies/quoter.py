"""Make a market: keep a bid and an offer in the book, and lean against what is held."""

from decimal import Decimal

import attrs

from kungfu_core import (
    Context,
    Fill,
    Instrument,
    Order,
    OrderState,
    OrderUpdate,
    Quote,
    Side,
    Strategy,
)
from kungfu_core.enums import Product
from kungfu_core.values import Duration
from kungfu_strategies.sizes import amount, positive, size_worth

_RESTING = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
_REFUSED = (OrderState.RISK_REJECTED, OrderState.REJECTED)


@attrs.define(eq=False)
class Quoter(Strategy):
    """Quotes both sides of the best bid and offer; on spot it sells only what it bought.

    Attributes:
        instrument: canonical name of what is traded.
        notional: how much each quote is worth, in quote currency; sizes are fixed at the first
            best bid and offer.
        max_notional: how much to hold at most, either way, in quote currency.
        distance: how many ticks behind the best price a quote stands; 0 joins it.
        skew: how many ticks lower both quotes stand when the most is held (higher when it is
            short); in between in proportion.
        pause: how long not to quote after an order was refused.
    """

    instrument: str
    notional: Decimal = attrs.field(default=Decimal(500), validator=positive)
    max_notional: Decimal = attrs.field(default=Decimal(5000), validator=positive)
    distance: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    skew: int = attrs.field(default=4, validator=attrs.validators.ge(0))
    pause: Duration = attrs.field(default=Duration(1_000_000_000))
    _size: Decimal = attrs.field(default=Decimal(0), init=False)
    _most: Decimal = attrs.field(default=Decimal(0), init=False)
    _held: Decimal = attrs.field(default=Decimal(0), init=False)
    _orders: dict[Side, Order] = attrs.field(factory=dict, init=False)
    _asked: dict[Side, Decimal | None] = attrs.field(factory=dict, init=False)
    _quiet_until: int = attrs.field(default=0, init=False)

    def on_start(self, context: Context) -> None:
        """Take up what is held already."""
        self._held = context.position(self.instrument).size_exact
        context.subscribe(self.instrument, Quote)

    def on_quote(self, context: Context, quote: Quote) -> None:
        """Keep both orders where the new best bid and offer want them."""
        bid, ask = quote.bid_price_exact, quote.ask_price_exact
        if bid is None or ask is None or context.now < self._quiet_until:
            return
        definition = context.instrument(self.instrument)
        if not self._size:
            self._size = size_worth(self.notional, bid, definition)
            self._most = size_worth(self.max_notional, bid, definition)
        tick = definition.tick_exact
        lean = int(self.skew * self._held / self._most)
        # Post-only orders have to stay on their own side of the book, however much they lean.
        buy_at = min(bid - (self.distance + lean) * tick, ask - tick)
        sell_at = max(ask + (self.distance - lean) * tick, bid + tick)
        lowest = Decimal(0) if definition.product is Product.SPOT else -self._most
        self._keep(context, Side.BUY, definition, buy_at, self._most - self._held)
        self._keep(context, Side.SELL, definition, sell_at, self._held - lowest)

    def on_fill(self, context: Context, fill: Fill) -> None:
        """Count what is held."""
        self._held += fill.size_exact if fill.side is Side.BUY else -fill.size_exact

    def on_order(self, context: Context, update: OrderUpdate) -> None:
        """Note the price in force; stop quoting for a while after a refusal."""
        if update.state in _RESTING:
            self._asked[update.side] = update.price_exact
        elif update.state in _REFUSED:
            self._quiet_until = context.now + self.pause
            context.log.warning(f"{update.side} refused: {update.reason}")

    def _keep(
        self, context: Context, side: Side, definition: Instrument, price: Decimal, room: Decimal
    ) -> None:
        """Place, move or take back one side's order, unless it stands where it should."""
        wanted = price if room > 0 and price > 0 else None
        order = self._orders.get(side)
        if order is None or not order.is_open:
            if wanted is None:
                return
            place = context.buy if side is Side.BUY else context.sell
            size = amount(min(self._size, room), definition)
            self._orders[side] = place(definition, price=wanted, post_only=True, **size)
        elif wanted == self._asked[side] or order.state not in _RESTING:
            return
        elif wanted is None:
            context.cancel(order)
        else:
            context.amend(order, price=wanted)
        self._asked[side] = wanted
