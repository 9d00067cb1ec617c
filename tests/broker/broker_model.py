"""What the broker must say, slowly: from the pages on orders and on accounting.

Everything is a Fraction, nothing is kept up to date: open sizes, positions and balances are worked
out from the whole history each time that they are needed.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from unittest.mock import ANY

from kungfu_core import _native
from kungfu_core.enums import CashKind, OrderState, OrderType, PriceKind, Side, Verdict
from kungfu_core.order_states import TERMINAL, TRANSITIONS

S = OrderState
ACKNOWLEDGED = (S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED)
Event = tuple[str, int, dict[str, Any]]


@dataclass
class Market:
    """An instrument with round numbers for its rules."""

    id: int
    spot: bool
    tick: Fraction
    lot: Fraction
    unit: Fraction
    decimals: int
    most: Fraction = Fraction(100)
    least_value: Fraction = Fraction(5)
    last: Fraction | None = None
    mark: Fraction | None = None


@dataclass
class Order:
    id: int
    strategy: int
    instrument: int
    side: Side
    size: Fraction | None
    price: Fraction | None
    state: OrderState
    type: OrderType = OrderType.LIMIT
    trigger: Fraction | None = None
    trigger_by: PriceKind = PriceKind.LAST
    parent: int = 0
    awaits: str = ""
    venue_id: str = ""
    wanted: list[Fraction] = field(default_factory=list)
    told: Fraction | None = None
    last_reason: str = ""
    fills: list[Fraction] = field(default_factory=list)

    @property
    def filled(self) -> Fraction:
        return sum(self.fills, Fraction(0))

    @property
    def remaining(self) -> Fraction:
        if self.state == S.CREATED:
            return Fraction(0)
        if self.state in TERMINAL:
            return max((self.told or Fraction(0)) - self.filled, Fraction(0))
        if self.size is None:
            return Fraction(0)
        return max(self.largest_size, self.filled) - self.filled

    @property
    def largest_size(self) -> Fraction:
        return max([self.size or Fraction(0), *self.wanted])

    @property
    def misses_fills(self) -> bool:
        return self.told is not None and self.told > self.filled

    @property
    def state_by_fills(self) -> OrderState:
        if not self.fills:
            return S.ACCEPTED
        whole = self.size is not None and self.filled >= self.largest_size
        return S.FILLED if whole else S.PARTIALLY_FILLED


class Model:
    """The broker of one account at one venue, with a limit on the size of positions."""

    def __init__(self, account: int, venue: int, markets: list[Market], limit: Fraction) -> None:
        self.account, self.venue, self.limit = account, venue, limit
        self.markets = {m.id: m for m in markets}
        self.orders: dict[int, Order] = {}
        self.booked: dict[tuple[int, int, str], dict[str, Any]] = {}
        self.movements: list[tuple[str, Fraction]] = []
        self.refused = 0
        self.judged: list[tuple[int, Fraction, Fraction, Fraction, bool]] = []

    # --- derived from the history -------------------------------------------------------------

    def open_size(self, instrument: int, side: Side, but: Order | None = None) -> Fraction:
        return sum(
            (
                o.remaining
                for o in self.orders.values()
                if o is not but and (o.instrument, o.side) == (instrument, side)
            ),
            Fraction(0),
        )

    def balance(self, currency: str) -> Fraction:
        return sum((amount for c, amount in self.movements if c == currency), Fraction(0))

    def holding(
        self, instrument: int, strategy: int = 0
    ) -> tuple[Fraction, Fraction, list[Fraction]]:
        """Size, cost, and what each fill realised: of the account, or of a strategy's fills."""
        market = self.markets[instrument]
        size = cost = Fraction(0)
        realized = []
        for fill in self.booked.values():
            if fill["instrument"] != instrument or strategy not in (0, fill["strategy"]):
                continue
            price = fill["price"]
            signed = fill["size"] if fill["side"] == Side.BUY else -fill["size"]
            closes = Fraction(0) if size * signed >= 0 else min(abs(size), abs(signed))
            gained = Fraction(0)
            if closes:
                direction = 1 if size > 0 else -1
                removed = cost * closes / abs(size)
                if closes != abs(size):
                    removed = Fraction(round(removed * 10**market.decimals), 10**market.decimals)
                gained = direction * closes * price * market.unit - removed
                size, cost = size - direction * closes, cost - removed
                signed += direction * closes
            size, cost = size + signed, cost + signed * price * market.unit
            if market.spot and fill["fee_currency"] == "BTC":
                left = size - fill["fee"]
                if left * size <= 0 and fill["fee"]:
                    gained, cost = gained - cost, Fraction(0)
                size = left
            realized.append(gained)
        return size, cost, realized

    def position(self, instrument: int, strategy: int) -> Event:
        market = self.markets[instrument]
        size, cost, realized = self.holding(instrument, strategy)
        mark = market.last if market.mark is None else market.mark
        open_gain = None if mark is None else size * mark * market.unit - cost
        values = {
            "instrument": instrument,
            "strategy": strategy,
            "size": size,
            "cost": cost,
            "currency": "USDT",
            "realized_pnl": sum(realized),
            "unrealized_pnl": open_gain if size else Fraction(0),
            "mark": mark,
        }
        return "position", strategy, values

    # --- what is said ---------------------------------------------------------------------------

    def update(
        self, order: Order, anomaly: bool = False, reason: bool = False, to: int | None = None
    ) -> Event:
        values = {
            "order_id": order.id,
            "strategy": order.strategy,
            "instrument": order.instrument,
            "price": order.price,
            "size": order.size,
            "filled": order.filled,
            "side": order.side,
            "state": order.state,
            "anomaly": anomaly,
            "venue_order_id": order.venue_id,
            "reason": reason,
        }
        return "order_update", order.strategy if to is None else to, values

    def nowhere(self, v: dict[str, Any], to: int, *, bare: bool) -> Event:
        """An anomaly about an order that nobody knows."""
        values = {
            "order_id": v["order_id"],
            "strategy": v.get("strategy", 0),
            "state": S.UNKNOWN,
            "instrument": v["instrument"],
            "anomaly": True,
            "reason": True,
            "side": v.get("side", 0),
            "price": None if bare else v.get("price"),
            "size": None if bare else v.get("size"),
            "filled": v.get("filled"),
            "venue_order_id": v.get("venue_order_id", ""),
        }
        return "order_update", to, values

    # --- requests -------------------------------------------------------------------------------

    def order_request(self, v: dict[str, Any], sender: int) -> list[Event]:
        if v["order_id"] in self.orders:
            return [self.update(self.orders[v["order_id"]], anomaly=True, reason=True, to=sender)]
        order = Order(
            v["order_id"],
            sender,
            v["instrument"],
            v["side"],
            v["size"],
            v["price"],
            S.RISK_REJECTED,
            v["type"],
            v["trigger_price"],
            v["trigger_by"],
            v["parent_id"],
        )
        if not order.id:
            return [self.update(order, reason=True)]
        parent = self.orders.get(order.parent) if order.parent else None
        if (order.parent and not self.is_parent(parent, order)) or not self.is_acceptable(order):
            self.orders[order.id] = order
            return [*self.verdicts(), self.update(order, reason=True)]
        order.state = S.CREATED
        self.orders[order.id] = order
        if parent is None:
            return self.arm(order)
        if parent.state in TERMINAL and not parent.misses_fills:
            return self.settle_child(order, parent)
        order.awaits = "parent"
        return [self.update(order, reason=True)]

    def is_parent(self, parent: Order | None, order: Order) -> bool:
        if parent is None or parent.strategy != order.strategy:
            return False
        if parent.instrument != order.instrument:
            return False
        return parent.state not in TERMINAL or parent.filled > 0 or parent.misses_fills

    def is_acceptable(self, order: Order) -> bool:
        return self.obeys_rules(order) and self.is_worth(order) and self.within(order, order.size)

    # --- orders that the broker holds -------------------------------------------------------------

    def arm(self, order: Order) -> list[Event]:
        """Let an order out, or have it wait for its price."""
        market = self.markets[order.instrument]
        price = market.last if order.trigger_by == PriceKind.LAST else market.mark
        if order.trigger is None or self.is_crossed(order, price):
            return self.let_out(order)
        order.awaits = "price"
        return [self.update(order, reason=True)]

    def is_crossed(self, order: Order, price: Fraction | None) -> bool:
        if price is None or order.trigger is None:
            return False
        return price >= order.trigger if order.side == Side.BUY else price <= order.trigger

    def let_out(self, order: Order) -> list[Event]:
        if order.trigger is not None:
            order.trigger = None
            order.type = OrderType.MARKET if order.price is None else OrderType.LIMIT
        if order.awaits and not self.is_acceptable(order):
            order.awaits, order.state = "", S.RISK_REJECTED
            return [*self.verdicts(), self.update(order, reason=True)]
        order.awaits, order.state = "", S.SUBMITTED
        sent = {
            "order_id": order.id,
            "strategy": order.strategy,
            "instrument": order.instrument,
            "side": order.side,
            "size": order.size,
            "price": order.price,
            "trigger_price": None,
            "type": order.type,
            "parent_id": 0,
        }
        return [self.update(order), ("order_request", self.venue, sent)]

    def settle_child(self, child: Order, parent: Order) -> list[Event]:
        if parent.filled <= 0:
            child.awaits, child.state = "", S.CANCELED
            return [self.update(child, reason=True)]
        assert child.size is not None
        if parent.state != S.FILLED:
            child.size = min(child.size, parent.filled)
        return self.arm(child)

    def settled(self) -> list[Event]:
        """What is said once everything that one event means for its own order has been."""
        said: list[Event] = []
        while True:
            over = [
                (o, self.orders[o.parent])
                for o in self.orders.values()
                if o.awaits == "parent" and self.orders[o.parent].state in TERMINAL
            ]
            ready = [(o, parent) for o, parent in over if not parent.misses_fills]
            if not ready:
                return said
            for child, parent in sorted(ready, key=lambda pair: pair[0].id):
                said += self.settle_child(child, parent)

    def print_price(self, instrument: int, kind: PriceKind, price: Fraction) -> list[Event]:
        said: list[Event] = []
        for order in sorted(self.orders.values(), key=lambda o: o.id):
            waits = order.awaits == "price" and order.trigger_by == kind
            if waits and order.instrument == instrument and self.is_crossed(order, price):
                said += self.let_out(order)
        return said

    def obeys_rules(self, order: Order) -> bool:
        market = self.markets[order.instrument]
        stops = order.type in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
        priced = order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        for price, wanted in ((order.price, priced), (order.trigger, stops)):
            if (price is not None) != wanted:
                return False
            if price is not None and (price <= 0 or price % market.tick):
                return False
        assert order.size is not None
        return 0 < order.size <= market.most and order.size % market.lot == 0

    def reduces(self, order: Order, size: Fraction) -> bool:
        held = self.holding(order.instrument)[0]
        opposite = held < 0 if order.side == Side.BUY else held > 0
        return opposite and self.open_size(order.instrument, order.side, but=order) + size <= abs(
            held
        )

    def is_worth(self, order: Order) -> bool:
        market = self.markets[order.instrument]
        price = market.last if order.price is None else order.price
        assert order.size is not None
        if price is None or self.reduces(order, order.size):
            return True
        return price * order.size * market.unit >= market.least_value

    def within(self, order: Order, size: Fraction | None) -> bool:
        assert size is not None
        sign = 1 if order.side == Side.BUY else -1
        held = self.holding(order.instrument)[0]
        open_size = self.open_size(order.instrument, order.side, but=order)
        reduces = self.reduces(order, size)
        self.judged.append((order.id, size, held, open_size, reduces))
        if reduces or abs(held + sign * (open_size + size)) <= self.limit:
            return True
        self.refused = order.id
        return False

    def verdicts(self) -> list[Event]:
        """What the broker says of a check that refused, if one did."""
        number, self.refused = self.refused, 0
        values = {"order_id": number, "verdict": Verdict.REFUSED, "check": "limit", "reason": ANY}
        return [("risk_verdict", 0, values)] if number else []

    def order_cancel(self, v: dict[str, Any], sender: int) -> list[Event]:
        order = self.orders.get(v["order_id"])
        if order is None:
            return [self.nowhere(v, sender, bare=True)]
        if order.awaits:
            order.awaits, order.state = "", S.CANCELED
            return [self.update(order)]
        if S.PENDING_CANCEL not in TRANSITIONS[order.state]:
            return [self.update(order, anomaly=True, reason=True, to=sender)]
        order.state, order.last_reason = S.PENDING_CANCEL, ""
        return [self.update(order), ("order_cancel", self.venue, self.forwarded(order, v))]

    def order_amend(self, v: dict[str, Any], sender: int) -> list[Event]:
        order = self.orders.get(v["order_id"])
        if order is None:
            return [self.nowhere(v, sender, bare=True)]
        if not self.is_amendable(order, v, sender):
            return [*self.verdicts(), self.update(order, anomaly=True, reason=True, to=sender)]
        if order.awaits:
            order.size = order.size if v["size"] is None else v["size"]
            order.price = order.price if v["price"] is None else v["price"]
            if v["trigger_price"] is not None:
                order.trigger = v["trigger_price"]
                if order.awaits == "price":
                    return self.arm(order)
            return [self.update(order, reason=True)]
        order.state, order.last_reason = S.PENDING_AMEND, ""
        if v["size"] is not None:
            order.wanted.append(v["size"])
        return [self.update(order), ("order_amend", self.venue, self.forwarded(order, v))]

    def forwarded(self, order: Order, v: dict[str, Any]) -> dict[str, Any]:
        return v | {"instrument": order.instrument, "strategy": order.strategy}

    def is_amendable(self, order: Order, v: dict[str, Any], sender: int) -> bool:
        amendable = bool(order.awaits) or S.PENDING_AMEND in TRANSITIONS[order.state]
        if order.strategy != sender or not amendable:
            return False
        size = order.size if v["size"] is None else v["size"]
        price = order.price if v["price"] is None else v["price"]
        if v["trigger_price"] is None and (size, price) == (order.size, order.price):
            return False
        trigger = order.trigger if v["trigger_price"] is None else v["trigger_price"]
        changed = Order(
            order.id,
            0,
            order.instrument,
            order.side,
            size,
            price,
            S.CREATED,
            order.type,
            trigger,
        )
        if not self.obeys_rules(changed) or size <= order.filled:
            return False
        grows = size > order.size or price != order.price
        return not grows or self.within(order, size - order.filled)

    # --- reports --------------------------------------------------------------------------------

    def followed(self, v: dict[str, Any]) -> Order | None:
        number = v["order_id"]
        if not number and v["venue_order_id"]:
            number = _native.id_of(f"{self.account}:{v['venue_order_id']}")
        if not number:
            return None
        if number not in self.orders:
            self.orders[number] = Order(
                number,
                0,
                v["instrument"],
                v["side"],
                v.get("size") or None,
                v.get("price") or None,
                S.UNKNOWN,
            )
        return self.orders[number]

    def order_update(self, v: dict[str, Any], _: int) -> list[Event]:
        order = self.followed(v)
        if order is None:
            return [self.nowhere(v | {"strategy": 0}, 0, bare=False)]
        if order.awaits:
            return [self.update(order, anomaly=True, reason=True)]
        told, reported = v["filled"], v["state"]
        if told is not None:
            order.told = told if order.told is None else max(order.told, told)
        ends = reported in (S.FILLED, S.CANCELED, S.EXPIRED)
        odd = ends and told is not None and told < order.filled
        reason = v["reason"] + (f"|{told} of {order.filled}" if odd else "")
        target = self.target(order, reported)
        whole = reported == S.FILLED and (order.told or Fraction(0)) <= (
            v["size"] or order.size or 0
        )
        ends_amends = bool(order.wanted) and whole
        if not self.is_news(order, v, reason, target, odd) and not ends_amends:
            return []
        if target != order.state and target not in TRANSITIONS[order.state]:
            return [self.update(order, anomaly=True, reason=True)]
        if order.state in TERMINAL:
            order.last_reason = reason
            return [self.update(order, anomaly=odd, reason=True)]
        answered = v["reason"] or v["size"] in order.wanted[-1:]
        if answered or ends_amends or target in TERMINAL:
            order.wanted.clear()
        order.price = v["price"] or order.price
        order.size = v["size"] or order.size
        order.venue_id = v["venue_order_id"] or order.venue_id
        order.last_reason = reason or order.last_reason
        decided = target in ACKNOWLEDGED and order.size is not None
        order.state = order.state_by_fills if decided else target
        return [self.update(order, anomaly=odd, reason=bool(reason))]

    def target(self, order: Order, reported: OrderState) -> OrderState:
        if reported not in ACKNOWLEDGED or (order.state in TERMINAL and order.state != S.FILLED):
            return reported
        if order.size is None and reported == S.FILLED:
            return reported
        return order.state_by_fills

    def is_news(
        self, order: Order, v: dict[str, Any], reason: str, target: OrderState, odd: bool
    ) -> bool:
        pending = order.state in (S.PENDING_CANCEL, S.PENDING_AMEND)
        if target != order.state and not (pending and v["state"] == S.PARTIALLY_FILLED):
            return True
        if order.state in TERMINAL:
            return odd and reason != order.last_reason
        return bool(
            (v["price"] and v["price"] != order.price)
            or (v["size"] and v["size"] != order.size)
            or (v["venue_order_id"] and v["venue_order_id"] != order.venue_id)
            or (reason and reason != order.last_reason)
        )

    def fill(self, v: dict[str, Any], _: int) -> list[Event]:
        bookable = v["trade_id"] and v["size"] > 0
        order_of = v | {"size": None, "price": None}
        order = self.followed(order_of) if bookable else self.orders.get(v["order_id"])
        if order is None:
            return [self.nowhere(v, 0, bare=True)]
        if not bookable or order.instrument != v["instrument"]:
            return [self.update(order, anomaly=True, reason=True)]
        key = (order.id, order.instrument, v["trade_id"])
        if key in self.booked:
            return []
        return self.book(order, v, key)

    def book(self, order: Order, v: dict[str, Any], key: tuple[int, int, str]) -> list[Event]:
        filled = order.filled + v["size"]
        announced = order.told is not None and order.told >= filled
        odd = (
            v["side"] != order.side
            or (order.size is not None and filled > order.largest_size)
            or (order.state in TERMINAL and not announced)
            or order.state == S.CREATED
        )
        self.booked[key] = v | {"strategy": order.strategy}
        order.fills.append(v["size"])
        order.venue_id = order.venue_id or v["venue_order_id"]
        if order.state_by_fills in TRANSITIONS[order.state]:
            order.state = order.state_by_fills
        fill = ("fill", order.strategy, v | {"order_id": order.id, "strategy": order.strategy})
        said = [fill, self.update(order, anomaly=odd, reason=odd)]
        moves = self.moves(v)
        said += [
            (
                "cash_movement",
                order.strategy,
                {
                    "order_id": order.id,
                    "trade_id": v["trade_id"],
                    "kind": kind,
                    "currency": currency,
                    "amount": amount,
                },
            )
            for kind, currency, amount in moves
        ]
        self.movements += [(currency, amount) for _, currency, amount in moves]
        for currency in dict.fromkeys(currency for _, currency, _ in moves):
            said.append(("balance", 0, {"currency": currency, "total": self.balance(currency)}))
        said.append(self.position(order.instrument, 0))
        if order.strategy:
            said.append(self.position(order.instrument, order.strategy))
        return said

    def moves(self, v: dict[str, Any]) -> list[tuple[CashKind, str, Fraction]]:
        market = self.markets[v["instrument"]]
        sign = 1 if v["side"] == Side.BUY else -1
        if market.spot:
            moves = [
                (CashKind.PRINCIPAL, "BTC", sign * v["size"]),
                (CashKind.PRINCIPAL, "USDT", -sign * v["size"] * v["price"]),
            ]
        else:
            moves = [(CashKind.REALIZED_PNL, "USDT", self.holding(market.id)[2][-1])]
        moves.append((CashKind.FEE, v["fee_currency"] or "USDT", -v["fee"]))
        return [move for move in moves if move[2]]

    def cash_movement(self, v: dict[str, Any], _: int) -> list[Event]:
        self.movements.append((v["currency"], v["amount"]))
        total = {"currency": v["currency"], "total": self.balance(v["currency"])}
        return [("cash_movement", 0, v), ("balance", 0, total)]

    def trade(self, v: dict[str, Any], _: int) -> list[Event]:
        self.markets[v["instrument"]].last = v["price"]
        return self.print_price(v["instrument"], PriceKind.LAST, v["price"])

    def mark_price(self, v: dict[str, Any], _: int) -> list[Event]:
        self.markets[v["instrument"]].mark = v["price"]
        return self.print_price(v["instrument"], PriceKind.MARK, v["price"])
