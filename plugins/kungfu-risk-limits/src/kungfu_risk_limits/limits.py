"""The risk check `limits`: refuses orders that are too large, too far off, or too many.

An order that provably reduces a position is never refused: one can always get out.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from kungfu_core.enums import Side
from kungfu_core.interfaces import RiskView
from kungfu_risk_limits.order_rate import OrderRate, TokenBucket, parse_order_rate

if TYPE_CHECKING:
    from kungfu_core.events import OrderRequest


def _positive(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, got {value}")


@attrs.frozen
class LimitsConfig:
    """The limits; one that is left out is not checked.

    Attributes:
        max_order_size: of one order, in the instrument's size unit.
        max_notional: value of one order in its instrument's settlement or quote currency.
        max_position: of one account in one instrument, either way, if all open orders fill.
        price_collar: how far a price may be from the market, as a fraction: 0.05 is 5 %.
        max_order_rate: orders per time over all strategies and accounts, e.g. "10/1s".
    """

    max_order_size: Decimal | None = attrs.field(default=None, validator=_positive)
    max_notional: Decimal | None = attrs.field(default=None, validator=_positive)
    max_position: Decimal | None = attrs.field(default=None, validator=_positive)
    price_collar: Decimal | None = attrs.field(default=None, validator=_positive)
    max_order_rate: OrderRate | None = attrs.field(default=None, converter=parse_order_rate)


class Limits:
    """Applies a `LimitsConfig` to orders."""

    def __init__(self, config: LimitsConfig) -> None:
        self._config = config
        self._bucket = TokenBucket(config.max_order_rate) if config.max_order_rate else None

    def check(self, order: "OrderRequest", view: RiskView) -> str | None:
        """Refuse the order by giving the limit that it breaks, or let it pass with None."""
        if view.reduces_position:
            self._in_rate(view.now)  # it counts, but it is not held up
            return None
        broken = next(self._broken_limits(order, view), None)
        if broken is None and not self._in_rate(view.now):
            return f"order rate is above the limit of {self._config.max_order_rate}"
        return broken

    def _in_rate(self, now: int) -> bool:
        return self._bucket is None or self._bucket.take(now)

    def _broken_limits(self, order: "OrderRequest", view: RiskView) -> Iterator[str]:
        config = self._config
        if config.max_order_size is not None and order.size_exact > config.max_order_size:
            yield f"order size {order.size_exact} is above the limit of {config.max_order_size}"
        if config.price_collar is not None:
            yield from _price(order, view, config.price_collar)
        if config.max_notional is not None:
            yield from _notional(order, view, config.max_notional)
        if config.max_position is not None:
            yield from _position(order, view, config.max_position)


def _market_price(order: "OrderRequest", view: RiskView) -> Decimal | None:
    mid = view.mid_price(order.instrument)
    return view.last_price(order.instrument) if mid is None else mid


def _price(order: "OrderRequest", view: RiskView, collar: Decimal) -> Iterator[str]:
    """Compare a limit price with the price at which the order becomes active."""
    price = order.price_exact
    if price is None:
        return
    reference = order.trigger_price_exact
    if reference is None:
        reference = _market_price(order, view)
    if reference is None:
        yield f"price {price} cannot be compared: there is no market price yet"
    elif abs(price - reference) > collar * reference:
        yield (
            f"price {price} is further from {reference} than the limit of {_percent(collar)} "
            f"({reference - collar * reference:f} to {reference + collar * reference:f})"
        )


def _notional(order: "OrderRequest", view: RiskView, limit: Decimal) -> Iterator[str]:
    """Value the order at the worst price that it can be filled at, as far as that is known."""
    prices: list[Decimal | None] = [order.price_exact]
    if order.side == Side.SELL or order.price_exact is None:
        prices.append(_market_price(order, view))
    values = [
        view.notional(order.instrument, price, order.size_exact)
        for price in prices
        if price is not None
    ]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        yield "notional cannot be computed: there is no market price yet or it is out of range"
    elif max(known) > limit:
        yield f"notional {max(known):f} is above the limit of {limit}"


def _position(order: "OrderRequest", view: RiskView, limit: Decimal) -> Iterator[str]:
    position = view.position(order.account, order.instrument)
    added = order.size_exact + view.open_size(order.account, order.instrument, order.side)
    reached = position + added if order.side == Side.BUY else position - added
    if (reached if order.side == Side.BUY else -reached) > limit:
        yield f"position {reached} with all open orders filled is beyond the limit of {limit}"


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f} %"
