"""What a user can set: fees, latency, and the markets that the venue generates itself."""

import re
from decimal import Decimal

import attrs

from kungfu_core.enums import Product
from kungfu_core.values import Duration

_NAME = re.compile(r"([a-z0-9_-]{1,16}):(spot|perpetual):([A-Z0-9]{1,16})-([A-Z0-9]{1,16})")
_MANTISSA_LIMIT = 2**63


def decimal_text(value: Decimal) -> str:
    """Give plain decimal text that keeps every digit."""
    return format(value, "f")


def _fits(value: Decimal) -> bool:
    """Whether the core's exact numbers can hold a value."""
    _, digits, exponent = value.as_tuple()
    mantissa = int("".join(map(str, digits)) or "0")
    return isinstance(exponent, int) and -30 <= exponent <= 18 and mantissa < _MANTISSA_LIMIT


def _exact(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    if not _fits(value):
        raise ValueError(f"{attribute.name} has more digits than an exact number holds: {value}")


def _positive(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, got {value}")


def _rate(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    if not Decimal("-0.1") <= value <= Decimal("0.1"):
        raise ValueError(
            f"{attribute.name} must be a fraction of the order value between -0.1 and 0.1 "
            f"(0.0005 is five hundredths of a percent), got {value}"
        )


def _canonical(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{attribute.name} must look like 'sim:spot:BTC-USDT' or 'sim:perpetual:BTC-USDT', "
            f"got {value!r}"
        )


@attrs.frozen
class SyntheticInstrument:
    """A market that the venue generates.

    Attributes:
        name: canonical name, venue:product:BASE-QUOTE; product is spot or perpetual (linear,
            settled in the quote currency). Sizes count base units.
        tick: smallest price step.
        lot: smallest size step.
        start_price: where the fair price begins; a multiple of the tick.
        volatility: standard deviation of a year's return of the fair price; 0.6 is usual for BTC.
        typical_size: mean size of the flow's orders, in base units.
        orders_per_second: how often the flow places or cancels an order, on average.
        trades_per_second: how often the flow sends a market order, on average.
        resting_orders: how many orders of the flow rest in the book, on average.
    """

    name: str = attrs.field(validator=_canonical)
    tick: Decimal = attrs.field(default=Decimal("0.1"), validator=[_positive, _exact])
    lot: Decimal = attrs.field(default=Decimal("0.0001"), validator=[_positive, _exact])
    start_price: Decimal = attrs.field(default=Decimal(60000), validator=[_positive, _exact])
    volatility: Decimal = attrs.field(default=Decimal("0.6"))
    typical_size: Decimal = attrs.field(default=Decimal("0.05"), validator=[_positive, _exact])
    orders_per_second: Decimal = attrs.field(default=Decimal(20), validator=_positive)
    trades_per_second: Decimal = attrs.field(default=Decimal(2), validator=_positive)
    resting_orders: int = attrs.field(default=200)

    @volatility.validator
    def _check_volatility(self, _: object, value: Decimal) -> None:
        if not 0 <= value <= 10:
            raise ValueError(f"volatility must be between 0 and 10, got {value}")

    @orders_per_second.validator
    @trades_per_second.validator
    def _check_rate(self, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
        if not Decimal("0.000001") <= value <= 1_000_000:
            raise ValueError(f"{attribute.name} must be between 0.000001 and 1000000, got {value}")

    @resting_orders.validator
    def _check_resting_orders(self, _: object, value: int) -> None:
        if not 1 <= value <= 100_000:
            raise ValueError(f"resting_orders must be between 1 and 100000, got {value}")

    @start_price.validator
    def _check_start_price(self, _: object, value: Decimal) -> None:
        if self.tick > 0 and (value % self.tick != 0 or not 64 <= value / self.tick <= 2**40):
            raise ValueError(
                f"start_price must be a multiple of the tick {self.tick}, from 64 ticks on, "
                f"got {value}"
            )

    @property
    def parts(self) -> tuple[str, Product, str, str]:
        """Venue, product, base and quote currency, as the name says them."""
        match = _NAME.fullmatch(self.name)
        assert match is not None  # noqa: S101 - the validator saw to it
        venue, product, base, quote = match.groups()
        return venue, Product[product.upper()], base, quote


@attrs.frozen
class SimConfig:
    """The simulated venue.

    Attributes:
        maker_fee: fee for orders that rested, as a fraction of what traded; negative for a rebate.
        taker_fee: fee for orders that took, likewise. Fees are in quote currency (spot) or in
            settlement currency, exact to the last digit.
        order_latency: how long an order, cancel or amend takes to reach the book.
        report_latency: how long an answer or a fill takes back.
        instruments: the markets that the venue generates. Where the market comes from a recording
            these are not used.
    """

    maker_fee: Decimal = attrs.field(default=Decimal("0.0002"), validator=[_rate, _exact])
    taker_fee: Decimal = attrs.field(default=Decimal("0.0005"), validator=[_rate, _exact])
    order_latency: Duration = attrs.field(default=Duration(1_000_000))
    report_latency: Duration = attrs.field(default=Duration(1_000_000))
    instruments: tuple[SyntheticInstrument, ...] = attrs.field(default=())

    @order_latency.validator
    @report_latency.validator
    def _check_latency(self, attribute: "attrs.Attribute[int]", value: int) -> None:
        if not 0 <= value <= 3_600_000_000_000:
            raise ValueError(f"{attribute.name} must be between 0 and an hour, got {value} ns")

    @instruments.validator
    def _check_instruments(self, _: object, value: tuple[SyntheticInstrument, ...]) -> None:
        names = [instrument.name for instrument in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands there twice")
