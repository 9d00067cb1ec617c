"""Fills against a recording, fill for fill, by an independent reading of the documented rule.

The rule is in docs/explanation/simulated-venue.md. The model here recomputes the recorded view from
all events each time it needs it, and keeps queues and what we took in plain lists and dictionaries.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

RunVenue = Callable[[str], list[dict[str, str]]]
NAME = "v:perpetual:BTC-USDT"
OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}


def better(side: str, a: float, b: float) -> bool:
    """Whether price a is better than b for somebody who rests on that side."""
    return a > b if side == "BUY" else a < b


@dataclass
class View:
    """What the recording shows at a moment: the book, and the quote's levels where it rules."""

    book: dict[str, dict[int, int]]
    prices: dict[str, list[int]]  # of the book, ascending
    over: dict[str, tuple[int, int] | None] | None

    def ladder(self, side: str) -> Iterator[tuple[int, int]]:
        """The levels of a side, best first."""
        top = None
        if self.over is not None:
            top = self.over[side]
            if top is None:
                return
            yield top
        for price in reversed(self.prices[side]) if side == "BUY" else self.prices[side]:
            if top is None or better(side, top[0], price):
                yield price, self.book[side][price]

    def best(self, side: str) -> int | None:
        return next((price for price, _ in self.ladder(side)), None)

    def shown(self, side: str, price: int) -> int | None:
        """Size at a price, None where the recording does not reach."""
        if self.over is not None:
            top = self.over[side]
            if top is None or better(side, price, top[0]):
                return 0
            if price == top[0]:
                return top[1]
        if not self.prices[side]:
            return None
        worst = self.prices[side][0 if side == "BUY" else -1]
        return None if better(side, worst, price) else self.book[side].get(price, 0)


def quoted(quote: tuple[Any, ...]) -> dict[str, tuple[int, int] | None]:
    _, bid, bid_size, ask, ask_size = quote
    return {
        "BUY": (bid, bid_size) if bid_size else None,
        "SELL": (ask, ask_size) if ask_size else None,
    }


class Recording:
    """All recorded events so far; `view()` starts from nothing each time."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def view(self) -> View | None:  # noqa: C901
        book: dict[str, dict[int, int]] = {"BUY": {}, "SELL": {}}
        known, book_id, quote, quote_is_last = False, 0, None, False
        pending: list[tuple[Any, ...]] = []

        def take(delta: tuple[Any, ...]) -> None:
            nonlocal known, book_id, quote_is_last
            _, update_id, previous_id, levels = delta
            if known and update_id <= book_id:
                return
            if known and previous_id > book_id:
                known = False
            if not known:
                pending.append(delta)
                return
            for side, price, size in levels:
                book[side][price] = size
            book_id, quote_is_last = update_id, False

        for event in self.events:
            if event[0] == "quote":
                quote, quote_is_last = event[1:], True
            elif event[0] == "delta":
                take(event)
            elif event[0] == "snapshot":
                known, book_id = True, event[1]
                book = {"BUY": {}, "SELL": {}}
                for side, price, size in event[2]:
                    book[side][price] = size
                retried, pending[:] = list(pending), []
                for delta in retried:
                    take(delta)
                quote_is_last = quote_is_last and not known
        if not known and quote is None:
            return None
        shown = {s: {p: n for p, n in book[s].items() if n and known} for s in book}
        prices = {s: sorted(shown[s]) for s in shown}
        numbered = quote is not None and quote[0] != 0 and book_id != 0
        rules = quote is not None and (
            not known or (quote[0] > book_id if numbered else quote_is_last)
        )
        return View(shown, prices, quoted(quote) if quote and rules else None)


def tradable(view: View | None) -> bool:
    if view is None:
        return False
    bid, ask = view.best("BUY"), view.best("SELL")
    return bid is None or ask is None or bid < ask


@dataclass
class Order:
    id: int
    side: str
    type: str
    lasts: str
    price: int | None
    size: int
    open: int
    ahead: int | None = None


@dataclass
class SlowVenue:
    recording: Recording = field(default_factory=Recording)
    orders: list[Order] = field(default_factory=list)  # those that rest, in order of arrival
    finished: set[int] = field(default_factory=set)
    taken: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    single_trades: bool = False

    # --- the market ---------------------------------------------------------------------------

    def market(self, event: tuple[Any, ...]) -> None:
        if event[0] == "trade":
            self.trade(*event[1:])
            return
        self.recording.events.append(event)
        view = self.recording.view()
        for (side, price), (shown_then, _) in list(self.taken.items()):
            if view is None or view.shown(side, price) != shown_then:
                del self.taken[side, price]
        if view is None:
            return
        for order in self.orders:
            shown = view.shown(order.side, order.price)
            if shown is not None:
                order.ahead = shown if order.ahead is None else min(order.ahead, shown)
        if tradable(view):
            for order in self.by_priority():
                self.take(order, view, "MAKER")
        self.sweep()

    def trade(self, taker: str, price: int, size: int, aggregate: int) -> None:
        self.single_trades = self.single_trades or not aggregate
        if (aggregate and self.single_trades) or not tradable(self.recording.view()):
            return
        left, side = size, OPPOSITE[taker]
        for order in self.by_priority():
            if order.side != side or better(side, price, order.price):
                continue
            if order.price == price:
                if order.ahead is None:
                    continue
                beyond = size - order.ahead
                order.ahead = max(0, order.ahead - size)
            else:
                beyond = size
            got = max(0, min(order.open, beyond, left))
            left -= got
            self.fill(order, order.price, got, "MAKER")
        self.sweep()

    def by_priority(self) -> list[Order]:
        """Bids, then offers; each best price first, then in order of arrival."""
        return sorted(
            self.orders, key=lambda o: (o.side == "SELL", -o.price if o.side == "BUY" else o.price)
        )

    def sweep(self) -> None:
        self.finished |= {o.id for o in self.orders if o.open == 0}
        self.orders = [o for o in self.orders if o.open > 0]

    def fill(self, order: Order, price: int, size: int, liquidity: str) -> None:
        if size:
            order.open -= size
            self.said.append(("fill", order.id, price, size, liquidity))

    def free(self, side: str, price: int, shown: int) -> int:
        return shown - self.taken.get((side, price), (0, 0))[1]

    def reachable(self, order: Order, view: View) -> list[tuple[int, int]]:
        """The other side's levels within the order's price."""
        side = OPPOSITE[order.side]
        return list(
            itertools.takewhile(
                lambda level: order.price is None or not better(side, order.price, level[0]),
                view.ladder(side),
            )
        )

    def take(self, order: Order, view: View, liquidity: str) -> None:
        side = OPPOSITE[order.side]
        for price, shown in self.reachable(order, view):
            size = min(order.open, self.free(side, price, shown))
            # "every fill is within the recorded spread and depth of its moment"
            assert 0 <= size <= shown
            if size:
                self.taken[side, price] = (shown, self.taken.get((side, price), (0, 0))[1] + size)
                self.fill(order, order.price if liquidity == "MAKER" else price, size, liquidity)

    # --- our requests -------------------------------------------------------------------------

    def update(self, order: Order, state: str, reason: str = "") -> None:
        self.said.append(("update", order.id, state, reason))

    def state(self, order: Order) -> str:
        return "PARTIALLY_FILLED" if order.open < order.size else "ACCEPTED"

    def would_take(self, order: Order) -> bool:
        view = self.recording.view()
        return tradable(view) and bool(self.reachable(order, view))

    def order(self, order: Order) -> None:
        if order.type == "POST_ONLY" and self.would_take(order):
            self.finished.add(order.id)
            self.update(order, "REJECTED", "post-only order would take liquidity")
            return
        self.update(order, "ACCEPTED")
        self.enter(order)

    def enter(self, order: Order) -> None:
        view = self.recording.view()
        can_trade = tradable(view)
        if order.lasts == "FOK":
            side = OPPOSITE[order.side]
            levels = self.reachable(order, view) if can_trade else []
            total = sum(self.free(side, price, shown) for price, shown in levels)
            if total < order.open:
                self.end(order, "EXPIRED", "fill-or-kill: cannot be filled whole")
                return
        if can_trade:
            self.take(order, view, "TAKER")
        if order.open == 0:
            self.finished.add(order.id)
        elif order.type == "MARKET":
            self.end(order, "CANCELED", "no liquidity for the rest of the market order")
        elif order.lasts == "IOC":
            self.end(order, "EXPIRED", "immediate-or-cancel: nothing more to take")
        else:
            order.ahead = view.shown(order.side, order.price) if view else None
            self.orders.append(order)

    def end(self, order: Order, state: str, reason: str) -> None:
        self.finished.add(order.id)
        self.orders = [o for o in self.orders if o is not order]
        self.update(order, state, reason)

    def find(self, id_: int) -> Order | None:
        order = next((o for o in self.orders if o.id == id_), None)
        if order is None and id_ not in self.finished:
            self.said.append(("update", id_, "CANCELED", "unknown order"))
        return order

    def cancel(self, id_: int) -> None:
        order = self.find(id_)
        if order:
            self.end(order, "CANCELED", "canceled on request")

    def amend(self, id_: int, price: int | None, size: int | None) -> None:
        order = self.find(id_)
        if order is None:
            return
        new_price = order.price if price is None else price
        new_size = order.size if size is None else size
        new_open = new_size - (order.size - order.open)
        if new_open <= 0:
            self.end(order, "CANCELED", "amended to no more than is filled")
            return
        wanted = Order(order.id, order.side, order.type, order.lasts, new_price, new_size, new_open)
        if order.type == "POST_ONLY" and self.would_take(wanted):
            reason = "amend refused: post-only order would take liquidity"
            self.update(order, self.state(order), reason)
            return
        if new_price == order.price and new_open <= order.open:
            order.size, order.open = new_size, new_open
            self.update(order, self.state(order))
            return
        self.orders.remove(order)
        self.update(wanted, self.state(wanted))
        self.enter(wanted)

    def request(self, event: tuple[Any, ...]) -> None:
        if event[0] == "order":
            _, id_, side, type_, lasts, price, size = event
            self.order(
                Order(id_, side, type_, lasts, None if type_ == "MARKET" else price, size, size)
            )
        else:
            getattr(self, event[0])(*event[1:])


def play(
    script: list[tuple[int, tuple[Any, ...]]], latency: int, recording: Recording | None = None
) -> list[tuple[Any, ...]]:
    """Requests reach the book `latency` after they were sent, before that time's market events."""
    venue = SlowVenue(recording or Recording())
    travelling: list[tuple[int, tuple[Any, ...]]] = []
    for time, event in [*script, (math.inf, None)]:
        while travelling and travelling[0][0] <= time:
            venue.request(travelling.pop(0)[1])
        if event is None:
            break
        if event[0] in ("order", "cancel", "amend"):
            travelling.append((time + latency, event))
        else:
            venue.market(event)
    return venue.said


# --- scripts ----------------------------------------------------------------------------------


def text_of(time: int, event: tuple[Any, ...]) -> str:
    kind, *values = event
    if kind in ("order", "cancel", "amend"):
        values = [values[0], "main", NAME, *values[1:]]
    else:
        values = [NAME, *values]
    words = []
    for value in values:
        if isinstance(value, list):
            words += [f"{side[0]}:{price}:{size}" for side, price, size in value]
        else:
            words.append("-" if value is None else str(value))
    return " ".join([str(time), kind, *words])


def ask_venue(run_venue: RunVenue, script: list[Any], latency: int) -> list[tuple[Any, ...]]:
    head = f"recorded 1\nfees 0 0\nlatency {latency} 0\naccount main\ngo 0\n"
    lines = [f"0 instrument {NAME} perpetual 1 1", *(text_of(t, e) for t, e in script)]
    said: list[tuple[Any, ...]] = []
    for event in run_venue(head + "\n".join(lines) + "\n"):
        if event["kind"] == "fill":
            price, size = int(event["price"]), int(event["size"])
            said.append(("fill", int(event["order"]), price, size, event["liquidity"]))
        elif event["kind"] == "update":
            reason = event["reason"].replace("_", " ")
            said.append(("update", int(event["order"]), event["state"], reason))
    return said


class Scripts(random.Random):
    """Market events and requests in order of time; update ids mostly chain, not always."""

    def side(self) -> str:
        return self.choice(["BUY", "SELL"])

    def levels(self) -> list[tuple[str, int, int]]:
        """A few levels, bids mostly below offers."""
        middle, levels = self.randint(98, 102), []
        for price in self.sample(range(96, 105), self.randint(0, 6)):
            side = "BUY" if price < middle else "SELL"
            side = OPPOSITE[side] if self.randrange(30) == 0 else side
            levels.append((side, price, self.randint(0, 6)))
        return levels

    def quote(self, update_id: int) -> tuple[Any, ...]:
        bid = self.randint(97, 102)
        ask = bid + self.choice([1, 1, 2, 3, 3, 0])
        number = self.choice([update_id] * 3 + [update_id - 1, update_id + 1, 0])
        missing = self.randrange(12)
        return (
            number,
            *((None, None) if missing == 0 else (bid, self.randint(1, 6))),
            *((None, None) if missing == 1 else (ask, self.randint(1, 6))),
        )

    def order(self, id_: int) -> tuple[Any, ...]:
        type_ = self.choice(["LIMIT"] * 4 + ["MARKET", "POST_ONLY"])
        lasts = "GTC" if type_ == "POST_ONLY" else self.choice(["GTC", "GTC", "GTC", "IOC", "FOK"])
        price = None if type_ == "MARKET" else self.randint(96, 104)
        return (id_, self.side(), type_, lasts, price, self.randint(1, 9))

    def script(self) -> list[tuple[int, tuple[Any, ...]]]:
        time, update_id, script, next_order = 0, 10, [], 1
        feeds = self.choice(
            [
                ["quote"],
                ["snapshot", "delta", "delta", "delta"],
                ["quote"] * 2 + ["snapshot", "delta", "delta"],
            ]
        )
        kinds = ["trade", *feeds, *feeds, "order", "order", "order", "cancel", "amend"]
        for _ in range(self.randint(10, 60)):
            time += self.randint(0, 3)
            kind = self.choice(kinds)
            values: tuple[Any, ...]
            if kind == "quote":
                update_id += self.randint(0, 1)
                values = self.quote(update_id)
            elif kind == "snapshot":
                values = (update_id - self.randint(0, 1), self.levels())
            elif kind == "delta":
                previous = update_id + self.choice([0] * 8 + [-1, 1])
                update_id += self.randint(0, 2)
                values = (update_id, previous, self.levels()[:3])
            elif kind == "trade":
                price = self.randint(96, 104)
                values = (self.side(), price, self.randint(1, 6), self.choice([0, 0, 0, 1]))
            elif kind == "order":
                values = self.order(next_order)
                next_order += 1
            elif kind == "cancel":
                values = (self.randint(1, next_order),)
            else:
                price, size = self.randint(96, 104), self.randint(1, 9)
                values = (
                    self.randint(1, next_order),
                    self.choice([None, price]),
                    self.choice([None, size]),
                )
            script.append((time, (kind, *values)))
        return script


@pytest.mark.parametrize("block", range(8))
def test_every_fill_is_that_of_the_documented_rule(run_venue: RunVenue, block: int) -> None:
    """Reports equal those of the slow model, in order: no fill more, none less, none elsewhere."""
    for seed in range(block * 50, block * 50 + 50):
        scripts = Scripts(seed)
        script, latency = scripts.script(), scripts.randint(0, 4)
        assert ask_venue(run_venue, script, latency) == play(script, latency), (
            f"seed {seed}, latency {latency}: {script}"
        )


def test_the_scripts_reach_every_part_of_the_rule() -> None:
    """The comparison above means something: its scripts fill, cancel, refuse and amend."""
    seen: set[Any] = set()
    for seed in range(400):
        scripts = Scripts(seed)
        said = play(scripts.script(), scripts.randint(0, 4))
        seen.update(s[4] if s[0] == "fill" else (s[2], s[3]) for s in said)
    assert seen == {
        "MAKER",
        "TAKER",
        ("ACCEPTED", ""),
        ("PARTIALLY_FILLED", ""),
        ("PARTIALLY_FILLED", "amend refused: post-only order would take liquidity"),
        ("ACCEPTED", "amend refused: post-only order would take liquidity"),
        ("REJECTED", "post-only order would take liquidity"),
        ("EXPIRED", "fill-or-kill: cannot be filled whole"),
        ("EXPIRED", "immediate-or-cancel: nothing more to take"),
        ("CANCELED", "no liquidity for the rest of the market order"),
        ("CANCELED", "canceled on request"),
        ("CANCELED", "amended to no more than is filled"),
        ("CANCELED", "unknown order"),
    }
