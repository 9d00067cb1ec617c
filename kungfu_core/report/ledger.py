"""Follows the accounts of a run event by event, and values them; nothing is rounded.

All of it runs under `EXACT`, in which a result that would have to be rounded is an error.
"""

import decimal
from collections import defaultdict
from decimal import Decimal

import attrs

from kungfu_core import events
from kungfu_core.enums import CashKind, Liquidity, Product, Side, SizeUnit

EXACT = decimal.Context(
    prec=200, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero]
)
"""Wide enough for sums of products of 128-bit amounts."""

ZERO = Decimal(0)
_HALF = Decimal("0.5")

Pair = tuple[int, int]
"""Account and instrument."""
Purse = tuple[int, str]
"""Account and currency."""


@attrs.define
class Prices:
    """The last prices of one instrument, of each kind, with their times."""

    mark: Decimal | None = None
    mark_time: int = 0
    quote: tuple[int, int, int, int] | None = None
    """Mantissa and exponent of best bid and best offer."""
    quote_time: int = 0
    trade: Decimal | None = None
    trade_time: int = 0
    fill: Decimal | None = None
    fill_time: int = 0

    def valuation(self) -> tuple[Decimal | None, str, int]:
        """Give the price that positions are valued at, its kind and its time."""
        if self.mark is not None:
            return self.mark, "mark", self.mark_time
        if self.quote is not None:
            bid, bid_exponent, ask, ask_exponent = self.quote
            both = Decimal(bid).scaleb(bid_exponent) + Decimal(ask).scaleb(ask_exponent)
            return both * _HALF, "mid", self.quote_time
        if self.trade is not None:
            return self.trade, "trade", self.trade_time
        return self.fill, "fill" if self.fill is not None else "", self.fill_time


@attrs.define
class Holding:
    """What an account has done with, and holds of, an instrument."""

    position: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    spot_units: Decimal = ZERO
    """Base currency gained by trading, fees in it taken off; spot only."""
    funding: Decimal = ZERO
    fills: int = 0
    maker_fills: int = 0
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    turnover: Decimal = ZERO
    value: Decimal = ZERO
    """Sum of the signed values of the fills."""
    fees: dict[str, Decimal] = attrs.field(factory=lambda: defaultdict(Decimal))


@attrs.define
class _Presence:
    """How long an account has had any open position in a settlement currency."""

    open_positions: set[int] = attrs.field(factory=set)
    since: int = 0
    time: int = 0


@attrs.define
class Ledger:
    """Positions, balances and prices as of the last event that was told."""

    instruments: dict[int, events.Instrument] = attrs.field(factory=dict)
    prices: dict[int, Prices] = attrs.field(factory=lambda: defaultdict(Prices))
    holdings: dict[Pair, Holding] = attrs.field(factory=lambda: defaultdict(Holding))
    movements: dict[Purse, dict[CashKind, Decimal]] = attrs.field(
        factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    cash: dict[Purse, Decimal] = attrs.field(factory=lambda: defaultdict(Decimal))
    totals: dict[Purse, Decimal] = attrs.field(factory=dict)
    transfers: dict[Purse, Decimal] = attrs.field(factory=lambda: defaultdict(Decimal))
    _presence: dict[Purse, _Presence] = attrs.field(factory=lambda: defaultdict(_Presence))

    def currency(self, instrument: int) -> str:
        """Give the settlement currency; empty if the instrument was never defined."""
        definition = self.instruments.get(instrument)
        return (definition.settle or definition.quote) if definition else ""

    def unit(self, instrument: int) -> Decimal:
        """Give what a size of one counts for in a value."""
        definition = self.instruments.get(instrument)
        if definition is None or definition.size_unit != SizeUnit.CONTRACTS:
            return Decimal(1)
        return definition.contract_value_exact or Decimal(1)

    def is_spot(self, instrument: int) -> bool:
        """Whether what is bought stands in a balance of its own."""
        definition = self.instruments.get(instrument)
        return definition is not None and definition.product == Product.SPOT

    def traded(self, pair: Pair) -> Decimal:
        """Give the sum of the fills' signed sizes, those of fees in kind taken off."""
        holding, definition = self.holdings[pair], self.instruments.get(pair[1])
        taken = holding.fees.get(definition.base, ZERO) if definition else ZERO
        return holding.bought - holding.sold - (taken if self.is_spot(pair[1]) else ZERO)

    # --- what is told --------------------------------------------------------------------------

    def on_fill(self, fill: events.Fill) -> Decimal:
        """Take a booked fill, and give its value without a sign."""
        price, size = fill.price_exact, fill.size_exact
        value = price * size * self.unit(fill.instrument)
        holding = self.holdings[fill.account, fill.instrument]
        holding.fills += 1
        holding.maker_fills += fill.liquidity == Liquidity.MAKER
        holding.turnover += value
        if fill.side == Side.BUY:
            holding.bought += size
            holding.value += value
        else:
            holding.sold += size
            holding.value -= value
        prices = self.prices[fill.instrument]
        prices.fill, prices.fill_time = price, fill.gen_time
        return value

    def on_cash(self, movement: events.CashMovement) -> None:
        """Take a change of a balance."""
        purse = movement.account, movement.currency
        amount, kind = movement.amount_exact, movement.kind
        self.cash[purse] += amount
        self.movements[purse][kind] += amount
        if kind == CashKind.TRANSFER:
            self.transfers[purse] += amount
        if not movement.instrument:
            return
        holding = self.holdings[movement.account, movement.instrument]
        if kind == CashKind.FEE:
            holding.fees[movement.currency] -= amount
        elif kind == CashKind.FUNDING:
            holding.funding += amount
        traded = kind in (CashKind.FEE, CashKind.PRINCIPAL) and self.is_spot(movement.instrument)
        if traded and movement.currency == self.instruments[movement.instrument].base:
            holding.spot_units += amount

    def on_balance(self, balance: events.Balance) -> None:
        """Take the broker's word for a balance."""
        self.totals[balance.account, balance.currency] = balance.total_exact

    def on_position(self, position: events.Position) -> None:
        """Take the broker's word for an account's position."""
        if position.strategy:
            return
        holding = self.holdings[position.account, position.instrument]
        holding.position = position.size_exact
        holding.cost = position.cost_exact
        holding.realized = position.realized_pnl_exact
        presence = self._presence[position.account, self.currency(position.instrument)]
        if holding.position:
            if not presence.open_positions:
                presence.since = position.gen_time
            presence.open_positions.add(position.instrument)
        elif position.instrument in presence.open_positions:
            presence.open_positions.remove(position.instrument)
            if not presence.open_positions:
                presence.time += position.gen_time - presence.since

    # --- what it is worth ----------------------------------------------------------------------

    def unrealized(self, pair: Pair) -> Decimal | None:
        """Give the position's value less its cost; None without a price."""
        holding = self.holdings[pair]
        if not holding.position:
            return -holding.cost
        price = self.prices[pair[1]].valuation()[0]
        if price is None:
            return None
        return price * holding.position * self.unit(pair[1]) - holding.cost

    def equity(self, purse: Purse) -> tuple[Decimal, Decimal]:
        """Give equity and exposure of an account in a settlement currency."""
        account, currency = purse
        equity, exposure = self.cash[purse], ZERO
        for pair, holding in self.holdings.items():
            held = holding.position or holding.spot_units
            if pair[0] != account or not held or self.currency(pair[1]) != currency:
                continue
            price = self.prices[pair[1]].valuation()[0]
            if price is None:
                continue
            value = price * holding.position * self.unit(pair[1])
            exposure += abs(value)
            if self.is_spot(pair[1]):
                equity += price * holding.spot_units
            else:
                equity += value - holding.cost
        return equity, exposure

    def time_open(self, purse: Purse, now: int) -> int:
        """Give for how long (ns) there was an open position until now."""
        presence = self._presence[purse]
        return presence.time + (now - presence.since if presence.open_positions else 0)
