"""What a symbol of Binance stands for, and the steps of its prices and sizes."""

import re
from datetime import UTC, datetime
from functools import cached_property
from math import gcd

import attrs

from kungfu_core.enums import ContractKind, InstrumentStatus, Product, SizeUnit
from kungfu_core.errors import DataError
from kungfu_core.interfaces import Emit
from kungfu_core.schema import fnv1a64
from kungfu_gateway_binance.wire import Market

VENUE = "binance"

QUOTE_CURRENCIES = (
    "AEUR", "ARS", "AUD", "BIDR", "BKRW", "BNB", "BRL", "BTC", "BUSD", "BVND", "COP", "CZK",
    "DAI", "DOGE", "DOT", "ETH", "EUR", "EURI", "FDUSD", "GBP", "IDR", "IDRT", "JPY", "MXN",
    "NGN", "PAX", "PLN", "RLUSD", "RON", "RUB", "SOL", "TRX", "TRY", "TUSD", "U", "UAH", "USD1",
    "USDC", "USDE", "USDP", "USDS", "USDT", "VAI", "XRP", "XUSD", "ZAR",
)  # fmt: skip
"""Currencies in which Binance quotes or quoted; a symbol is base and quote, nothing between."""

_QUOTES_LONGEST_FIRST = sorted(QUOTE_CURRENCIES, key=lambda quote: (-len(quote), quote))
_DELIVERY = re.compile(r"(\w+)_([0-9]{6})")
_COIN_M = re.compile(r"\w+USD_(PERP|[0-9]{6})")
_SYMBOL = re.compile(r"\w{2,}")
_DELIVERY_HOUR_UTC = 8
_CHECKED_TEXTS = 1 << 16
"""How many distinct texts a `Step` remembers; forgetting one costs time only."""


class Step:
    """Finds the largest of 1, 2 or 5 times a power of ten that divides every number seen."""

    def __init__(self) -> None:
        self._divisor = 0
        self._exponent = 0
        self._seen: set[str] = set()

    def see(self, text: str) -> None:
        """Take a checked decimal text into account."""
        if text in self._seen:
            return
        if len(self._seen) >= _CHECKED_TEXTS:
            self._seen.clear()
        self._seen.add(text)
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        if len(fraction) > -self._exponent:
            self._divisor *= 10 ** (len(fraction) + self._exponent)
            self._exponent = -len(fraction)
        number = int(whole + fraction) * 10 ** (-self._exponent - len(fraction))
        self._divisor = gcd(self._divisor, number)

    def text(self) -> str | None:
        """The step as decimal text; None if no number but zero was seen."""
        if self._divisor == 0:
            return None
        rest, power = self._divisor, self._exponent
        while rest % 10 == 0:
            rest //= 10
            power += 1
        digit = 5 if rest % 5 == 0 else 2 if rest % 2 == 0 else 1
        return f"{digit}{'0' * power}" if power >= 0 else f"0.{'0' * (-power - 1)}{digit}"


@attrs.frozen
class Listing:
    """A symbol in one of the markets, and what can be read off it."""

    market: Market
    symbol: str
    product: Product
    base: str
    quote: str
    expiry: int
    """Nanoseconds since 1970 UTC; 0 for never."""

    @cached_property
    def name(self) -> str:
        """Canonical name, e.g. `binance:spot:BTCUSDT`."""
        return f"{VENUE}:{self.product.name.lower()}:{self.symbol}"

    @cached_property
    def id(self) -> int:
        """The 64-bit id hashed from the name."""
        return fnv1a64(self.name.encode()) or 1

    def define(self, emit: Emit, tick: str | None, lot: str | None) -> None:
        """Emit the definition, with steps that were inferred from what was recorded."""
        contract = self.product is not Product.SPOT
        emit(
            self.id,
            self.product,
            ContractKind.LINEAR if contract else ContractKind.NONE,
            SizeUnit.BASE,
            InstrumentStatus.TRADING,
            tick,
            lot,
            lot,
            None,
            None,
            1 if contract else None,
            self.expiry,
            8,
            True,
            VENUE,
            self.symbol,
            self.base,
            self.quote,
            self.quote,
            self.base if contract else "",
            self.name,
        )


def listing(market: Market, symbol: str) -> Listing:
    """Read product, currencies and expiry off a symbol.

    Raises:
        DataError: it does not end in a known quote currency, or is no symbol at all.
    """
    delivery = _DELIVERY.fullmatch(symbol) if market is Market.USD_M else None
    pair = delivery[1] if delivery else symbol
    product = Product.SPOT
    if market is Market.USD_M:
        product = Product.FUTURE if delivery else Product.PERPETUAL
    if not _SYMBOL.fullmatch(symbol) or len(symbol.encode()) > 40:
        raise DataError(f"symbol {symbol!r} is not one of Binance")
    if _COIN_M.fullmatch(symbol):
        raise DataError(f"symbol {symbol!r} is of COIN-M futures; spot and USD-M are read")
    for quote in _QUOTES_LONGEST_FIRST:
        base = pair.removesuffix(quote)
        if base and base != pair:
            if len(base.encode()) > 16:
                break
            expiry = _delivery_time(symbol, delivery[2]) if delivery else 0
            return Listing(market, symbol, product, base, quote, expiry)
    raise DataError(
        f"symbol {symbol!r}: cannot tell base from quote currency; "
        f"known quote currencies are {', '.join(QUOTE_CURRENCIES)}"
    )


def _delivery_time(symbol: str, yymmdd: str) -> int:
    """Quarterly contracts deliver at 08:00 UTC of the day in their symbol."""
    try:
        day = datetime.strptime(yymmdd, "%y%m%d").replace(hour=_DELIVERY_HOUR_UTC, tzinfo=UTC)
    except ValueError:
        raise DataError(f"symbol {symbol!r}: {yymmdd!r} is not a day (YYMMDD)") from None
    return int(day.timestamp()) * 1_000_000_000
