"""What must be booked, slowly: the page on accounting, in decimals wide enough to be exact."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal, localcontext
from typing import Any

from kungfu_core.enums import CashKind, PositionSide, Product, Scope

# Only a quotient is ever rounded here, far behind the digit at which it is rounded for the books.
WIDE = Context(prec=200)
ZERO = Decimal(0)
PLACE_CHANGES = (CashKind.TRANSFER, CashKind.PRINCIPAL, CashKind.CONVERSION, CashKind.ADJUSTMENT)
Event = tuple[str, int, dict[str, Any]]


def rounded(value: Decimal, decimals: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), rounding, WIDE)


@dataclass(frozen=True)
class Thing:
    """An instrument: what is bought, in what it pays, and how many of the former a size of 1 is."""

    id: int
    product: Product
    base: str
    settle: str
    decimals: int
    unit: Decimal = Decimal(1)
    inverse: bool = False

    @property
    def spot(self) -> bool:
        return self.product is Product.SPOT

    def worth(self, size: Decimal, price: Decimal | None) -> Decimal | None:
        if price is None or (self.inverse and price <= 0):
            return None
        if self.inverse:
            return rounded(WIDE.divide(size * self.unit, price), self.decimals)
        return size * self.unit * price

    def gain(self, worth: Decimal, cost: Decimal) -> Decimal:
        return cost - worth if self.inverse else worth - cost

    def part(self, amount: Decimal, of: Decimal, whole: Decimal) -> Decimal:
        """What falls to a part of a size; the whole is no quotient."""
        if of == whole:
            return amount
        return rounded(WIDE.divide(amount * of, whole), self.decimals)


@dataclass
class Holding:
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO

    def trade(self, thing: Thing, size: Decimal, price: Decimal) -> Decimal:
        """Close what is of the other sign, open with the rest; give what that realised."""
        closes = ZERO
        if self.size * size < 0:
            closes = -self.size if abs(size) > abs(self.size) else size
        gained = ZERO
        if closes:
            removed = thing.part(self.cost, -closes, self.size)
            worth = thing.worth(-closes, price)
            assert worth is not None
            gained = thing.gain(worth, removed)
            self.cost -= removed
        opened = thing.worth(size - closes, price)
        assert opened is not None
        self.cost += opened
        self.size += size
        self.realized += gained
        return gained

    def lose(self, fee: Decimal) -> None:
        """Take a fee in kind off; the cost of a position that it takes away whole is lost."""
        left = self.size - fee
        if fee and left * self.size <= 0:
            self.realized -= self.cost
            self.cost = ZERO
        self.size = left

    def open_gain(self, thing: Thing, price: Decimal | None) -> Decimal | None:
        if not self.size:
            return ZERO
        worth = thing.worth(self.size, price)
        return None if worth is None else thing.gain(worth, self.cost)


Key = tuple[int, int, int, PositionSide]
"""Account, strategy (0 for the whole account), instrument, which position."""


@dataclass
class Terms:
    hedging: bool
    leverage: Decimal
    leverages: dict[int, Decimal]


@dataclass
class Books:
    """All accounts and strategies."""

    things: dict[int, Thing]
    terms: dict[int, Terms]
    holdings: dict[Key, Holding] = field(default_factory=dict)
    balances: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    charges: dict[tuple[int, int, str], Decimal] = field(default_factory=dict)
    last: dict[int, Decimal] = field(default_factory=dict)
    marks: dict[int, Decimal] = field(default_factory=dict)

    def price(self, instrument: int) -> Decimal | None:
        return self.marks.get(instrument, self.last.get(instrument))

    # --- what happens ---------------------------------------------------------------------------

    def fill(self, v: dict[str, Any], strategy: int, size: Decimal) -> list[Event]:
        """Book a fill of a signed size that says which position it is of."""
        thing, account = self.things[v["instrument"]], v["account"]
        owners = [0, strategy] if strategy else [0]
        keys: list[Key] = [(account, o, thing.id, v["position_side"]) for o in owners]
        fee, currency = v["fee"], v["fee_currency"] or thing.settle
        in_kind = thing.spot and currency == thing.base
        realized = difference = ZERO
        for key in keys:
            holding = self.holdings.setdefault(key, Holding())
            ours = holding.trade(thing, size, v["price"])
            if key[1] == 0:
                realized = ours if v["realized_pnl"] is None else v["realized_pnl"]
                difference = realized - ours
            holding.realized += difference
            if in_kind:
                holding.lose(fee)
        if not in_kind:
            for owner in owners:
                self.charge(account, owner, currency, -fee)
        if thing.spot:
            paid = thing.worth(size, v["price"])
            assert paid is not None
            moves = [
                (CashKind.PRINCIPAL, thing.base, size),
                (CashKind.PRINCIPAL, thing.settle, -paid),
            ]
        else:
            moves = [(CashKind.REALIZED_PNL, thing.settle, realized)]
        moves = [move for move in [*moves, (CashKind.FEE, currency, -fee)] if move[2]]
        said: list[Event] = [("fill", strategy, {"position_side": v["position_side"]})]
        for kind, moved, amount in moves:
            said.append(self.moved(account, strategy, kind, moved, amount))
        said += [self.told(account, moved) for moved in dict.fromkeys(m for _, m, _ in moves)]
        return said + [self.position(key) for key in keys]

    def cash(self, v: dict[str, Any], strategy: int) -> list[Event]:
        """Book a movement that the venue reports; `strategy`: of the order it names, or 0."""
        account, amount, currency, kind = v["account"], v["amount"], v["currency"], v["kind"]
        said = [self.moved(account, strategy, kind, currency, amount), self.told(account, currency)]
        thing = self.things.get(v["instrument"])
        held = self.held(account, v["instrument"])
        if kind == CashKind.SETTLEMENT and thing and held:
            self.settle(thing, held, amount)
            return said + [self.position(key) for key in held]
        if kind in PLACE_CHANGES:
            return said
        self.charge(account, 0, currency, amount)
        if strategy:
            self.charge(account, strategy, currency, amount)
        elif thing and (whole := self.net_size(account, thing.id)):
            for owner in {key[1] for key in held} - {0}:
                own = sum((self.holdings[key].size for key in held if key[1] == owner), ZERO)
                self.charge(account, owner, currency, thing.part(amount, own, whole))
        return said

    def settle(self, thing: Thing, held: list[Key], amount: Decimal) -> None:
        """Close all that is held: the amount says what a unit was worth, or else the mark does."""
        own = [key for key in held if not key[1]]
        whole = sum((self.holdings[key].size for key in own), ZERO)
        cost = sum((self.holdings[key].cost for key in own), ZERO)
        worth = cost - amount if thing.inverse else cost + amount
        won = {}
        for key in held:
            holding = self.holdings[key]
            if whole:
                won[key] = thing.gain(thing.part(worth, holding.size, whole), holding.cost)
            else:
                won[key] = holding.open_gain(thing, self.price(thing.id)) or ZERO
        if not own:
            self.charge(held[0][0], 0, thing.settle, amount)
        else:
            won[own[-1]] = amount - sum((won[key] for key in own[:-1]), ZERO)
        for key, gained in won.items():
            self.holdings[key] = Holding(realized=self.holdings[key].realized + gained)

    def charge(self, account: int, strategy: int, currency: str, amount: Decimal) -> None:
        key = account, strategy, currency
        self.charges[key] = self.charges.get(key, ZERO) + amount

    def held(self, account: int, instrument: int) -> list[Key]:
        """The positions that are open: of the account, then of the strategies by their ids."""
        return sorted(
            k for k, h in self.holdings.items() if h.size and (k[0], k[2]) == (account, instrument)
        )

    # --- what is said ---------------------------------------------------------------------------

    def moved(
        self, account: int, strategy: int, kind: CashKind, currency: str, amount: Decimal
    ) -> Event:
        key = account, currency
        self.balances[key] = self.balances.get(key, ZERO) + amount
        values = {"account": account, "kind": kind, "currency": currency, "amount": amount}
        return "cash_movement", strategy, values

    def told(self, account: int, currency: str) -> Event:
        total = self.balances[account, currency]
        return "balance", 0, {"account": account, "currency": currency, "total": total}

    def position(self, key: Key) -> Event:
        account, strategy, instrument, side = key
        holding, thing = self.holdings[key], self.things[instrument]
        values = {
            "account": account,
            "strategy": strategy,
            "instrument": instrument,
            "position_side": side,
            "size": holding.size,
            "cost": holding.cost,
            "realized_pnl": holding.realized,
            "unrealized_pnl": holding.open_gain(thing, self.price(instrument)),
            "mark": self.price(instrument),
            "currency": thing.settle,
        }
        return "position", strategy, values

    # --- what a risk check sees -----------------------------------------------------------------

    def net_size(self, account: int, instrument: int) -> Decimal:
        held = [k for k in self.held(account, instrument) if not k[1]]
        return sum((self.holdings[key].size for key in held), ZERO)

    def unrealized(self, account: int, currency: str) -> Decimal | None:
        return self._sum(h.open_gain(t, p) for t, h, p in self._open(account, currency) if h.size)

    def equity(self, account: int, currency: str) -> Decimal | None:
        contracts = [row for row in self._open(account, currency) if not row[0].spot]
        has = self.balances.get((account, currency), ZERO)
        return self._sum([has, *(h.open_gain(t, p) for t, h, p in contracts)])

    def margin_used(self, account: int, currency: str) -> Decimal | None:
        return self._sum(
            self._margin(account, t, h, p)
            for t, h, p in self._open(account, currency)
            if h.size and not t.spot
        )

    def margin_free(self, account: int, currency: str) -> Decimal | None:
        has, used = self.equity(account, currency), self.margin_used(account, currency)
        return None if has is None or used is None else has - used

    def result(self, scope: Scope, subject: int, currency: str) -> Decimal | None:
        def counts(account: int, strategy: int) -> bool:
            if scope is Scope.STRATEGY:
                return strategy == subject
            return not strategy and (scope is Scope.GLOBAL or account == subject)

        charged = [a for (w, s, c), a in self.charges.items() if c == currency and counts(w, s)]
        won = []
        for (account, strategy, instrument, _), holding in self.holdings.items():
            thing = self.things[instrument]
            if thing.settle == currency and counts(account, strategy):
                won += [holding.realized, holding.open_gain(thing, self.price(instrument))]
        return self._sum([*charged, *won])

    def _open(self, account: int, currency: str) -> list[tuple[Thing, Holding, Decimal | None]]:
        return [
            (self.things[k[2]], h, self.price(k[2]))
            for k, h in self.holdings.items()
            if (k[0], k[1], self.things[k[2]].settle) == (account, 0, currency)
        ]

    def _margin(
        self, account: int, thing: Thing, holding: Holding, price: Decimal | None
    ) -> Decimal | None:
        terms, worth = self.terms[account], thing.worth(holding.size, price)
        leverage = terms.leverages.get(thing.id, terms.leverage)
        if worth is None:
            return None
        return rounded(WIDE.divide(abs(worth), leverage), thing.decimals, ROUND_UP)

    @staticmethod
    def _sum(amounts: Any) -> Decimal | None:
        found = list(amounts)
        return None if None in found else sum(found, ZERO)


def exactly() -> Any:
    """Where sums and products of amounts lose no digit."""
    return localcontext(WIDE)
