"""Follows the accounts of a run event by event, and values them.

All of it runs under `EXACT`, in which a result that would have to be rounded is an error; but what
an inverse contract is worth is a quotient, rounded as in the books.
"""

import decimal
from collections import defaultdict
from decimal import Decimal

import attrs

from kungfu_core import events
from kungfu_core.enums import (
    CashKind,
    ContractKind,
    Liquidity,
    PositionSide,
    Product,
    Side,
    SizeUnit,
)

EXACT = decimal.Context(
    prec=200, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero]
)
"""Wide enough for sums of products of 128-bit amounts."""

ROUNDED = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_EVEN)

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


@attrs.frozen
class OnePosition:
    """A position as the broker told it: the only one, or in hedging mode one of two."""

    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO


@attrs.define
class Holding:
    """What an account has done with, and holds of, an instrument."""

    sides: dict[PositionSide, OnePosition] = attrs.field(factory=dict)
    position: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    settled: Decimal = ZERO
    """What settlements closed of the position."""
    paid: Decimal | None = None
    """Profit that the venue itself worked out, once it did, and other movements of profit."""
    funding: Decimal = ZERO
    fills: int = 0
    maker_fills: int = 0
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    turnover: Decimal = ZERO
    value: Decimal = ZERO
    """Sum of the signed values of the fills, less that of what settlements closed."""
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

    def is_inverse(self, instrument: int) -> bool:
        """Whether it pays in base currency."""
        definition = self.instruments.get(instrument)
        return definition is not None and definition.contract_kind == ContractKind.INVERSE

    def worth(self, instrument: int, size: Decimal, price: Decimal) -> Decimal:
        """Give what a size is worth at a price, with the sign of the size."""
        if not self.is_inverse(instrument):
            return price * size * self.unit(instrument)
        step = Decimal(1).scaleb(-self.instruments[instrument].settle_decimals)
        return ROUNDED.divide(size * self.unit(instrument), price).quantize(step, context=ROUNDED)

    def gain(self, instrument: int, worth: Decimal, cost: Decimal) -> Decimal:
        """Give what is won by what costs so much and is worth so much."""
        return cost - worth if self.is_inverse(instrument) else worth - cost

    def traded(self, pair: Pair) -> Decimal:
        """Give the signed sizes of fills summed up, less fees in kind and what was settled."""
        holding, definition = self.holdings[pair], self.instruments.get(pair[1])
        taken = holding.fees.get(definition.base, ZERO) if definition else ZERO
        net = holding.bought - holding.sold - holding.settled
        return net - (taken if self.is_spot(pair[1]) else ZERO)

    def cost_explained(self, pair: Pair) -> Decimal:
        """Give the cost that follows from the values of the fills and from what they realised.

        Where the venue works out what is realised, only that can be checked: the cost less what is
        told too much of it.
        """
        holding = self.holdings[pair]
        if holding.paid is not None:
            return holding.cost + holding.realized - holding.paid
        inverse = self.is_inverse(pair[1])
        return holding.value + (-holding.realized if inverse else holding.realized)

    # --- what is told --------------------------------------------------------------------------

    def on_fill(self, fill: events.Fill) -> Decimal:
        """Take a booked fill, and give its value without a sign."""
        price, size = fill.price_exact, fill.size_exact
        holding = self.holdings[fill.account, fill.instrument]
        value = self._value(fill, holding)
        if fill.realized_pnl_exact is not None and holding.paid is None:
            holding.paid = holding.realized
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

    def _value(self, fill: events.Fill, holding: Holding) -> Decimal:
        """Value a fill; one that goes through zero is two, and each may be rounded."""
        size, price, instrument = fill.size_exact, fill.price_exact, fill.instrument
        held = holding.sides.get(fill.position_side, OnePosition()).size
        closes = held > 0 if fill.side == Side.SELL else held < 0
        first = abs(held) if closes and abs(held) < size else size
        rest = self.worth(instrument, size - first, price) if first != size else ZERO
        return self.worth(instrument, first, price) + rest

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
        elif kind == CashKind.SETTLEMENT and any(p.size for p in holding.sides.values()):
            # It pays for all that is held, which is then worth its cost and the profit.
            inverse = self.is_inverse(movement.instrument)
            holding.value -= holding.cost + (-amount if inverse else amount)
            holding.settled += holding.position
        if kind in (CashKind.REALIZED_PNL, CashKind.SETTLEMENT) and holding.paid is not None:
            holding.paid += amount

    def on_balance(self, balance: events.Balance) -> None:
        """Take the broker's word for a balance."""
        self.totals[balance.account, balance.currency] = balance.total_exact

    def on_position(self, position: events.Position) -> None:
        """Take the broker's word for an account's position."""
        if position.strategy:
            return
        holding = self.holdings[position.account, position.instrument]
        holding.sides[position.position_side] = OnePosition(
            position.size_exact, position.cost_exact, position.realized_pnl_exact
        )
        holding.position = sum((p.size for p in holding.sides.values()), ZERO)
        holding.cost = sum((p.cost for p in holding.sides.values()), ZERO)
        holding.realized = sum((p.realized for p in holding.sides.values()), ZERO)
        presence = self._presence[position.account, self.currency(position.instrument)]
        if any(p.size for p in holding.sides.values()):
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
        open_sides = [p for p in self.holdings[pair].sides.values() if p.size]
        price = self.prices[pair[1]].valuation()[0]
        if open_sides and price is None:
            return None
        gains = [
            self.gain(pair[1], self.worth(pair[1], p.size, price or ZERO), p.cost)
            for p in open_sides
        ]
        return sum(gains, ZERO)

    def equity(self, purse: Purse) -> tuple[Decimal, Decimal]:
        """Give equity and exposure of an account in a settlement currency."""
        account, currency = purse
        equity, exposure = self.cash[purse], ZERO
        for pair, holding in self.holdings.items():
            is_held = any(p.size for p in holding.sides.values())
            if pair[0] != account or not is_held or self.currency(pair[1]) != currency:
                continue
            price = self.prices[pair[1]].valuation()[0]
            if price is None:
                continue
            value = self.worth(pair[1], holding.position, price)
            exposure += abs(value)
            equity += value if self.is_spot(pair[1]) else self.unrealized(pair) or ZERO
        return equity, exposure

    def time_open(self, purse: Purse, now: int) -> int:
        """Give for how long (ns) there was an open position until now."""
        presence = self._presence[purse]
        return presence.time + (now - presence.since if presence.open_positions else 0)
