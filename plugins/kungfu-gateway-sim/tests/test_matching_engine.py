"""The matching engine against a slow obvious model of price-time priority."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

RunEngine = Callable[[str], list[str]]


@dataclass
class Order:
    id: int
    side: str
    kind: str
    lasts: str
    price: int
    size: int


@dataclass
class SlowEngine:
    """All resting orders in one list, in order of arrival; finds things by looking at all."""

    resting: list[Order] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def say(self, kind: str, order: Order, reason: str = "NONE") -> None:
        self.said.append(f"{kind} {reason} {order.id} 0 {order.price} {order.size}")

    def find(self, id_: int) -> Order | None:
        return next((o for o in self.resting if o.id == id_), None)

    def makers(self, taker: Order) -> list[Order]:
        """Whom an order would meet, in the order in which it would."""
        others = [o for o in self.resting if o.side != taker.side]
        if taker.kind != "MARKET":
            others = [
                o
                for o in others
                if (o.price <= taker.price if taker.side == "BUY" else o.price >= taker.price)
            ]
        return sorted(others, key=lambda o: o.price if taker.side == "BUY" else -o.price)

    def fault(self, order: Order) -> str:
        if not 1 <= order.size <= 2**44:
            return "BAD_SIZE"
        if order.kind != "MARKET" and order.price < 1:
            return "BAD_PRICE"
        return ""

    def submit(self, order: Order) -> None:
        fault = self.fault(order)
        if not fault and self.find(order.id):
            fault = "DUPLICATE_ID"
        if not fault and order.kind == "POST_ONLY" and self.makers(order):
            fault = "WOULD_TAKE"
        if fault:
            self.say("REJECTED", order, fault)
            return
        self.say("ACCEPTED", order)
        if order.lasts == "FOK" and sum(o.size for o in self.makers(order)) < order.size:
            self.say("CANCELED", order, "TIME_IN_FORCE")
            return
        self.match(order)

    def match(self, order: Order) -> None:
        for maker in self.makers(order):
            if order.size == 0:
                break
            size = min(order.size, maker.size)
            self.said.append(f"TRADE NONE {order.id} {maker.id} {maker.price} {size}")
            order.size -= size
            maker.size -= size
            if maker.size == 0:
                self.say("DONE", maker)
                self.resting.remove(maker)
        if order.size == 0:
            self.say("DONE", order)
        elif order.kind == "MARKET":
            self.say("CANCELED", order, "NO_LIQUIDITY")
        elif order.lasts != "GTC":
            self.say("CANCELED", order, "TIME_IN_FORCE")
        else:
            self.resting.append(order)

    def cancel(self, id_: int) -> None:
        order = self.find(id_)
        if order is None:
            self.said.append(f"REJECTED UNKNOWN_ID {id_} 0 0 0")
            return
        self.say("CANCELED", order, "REQUESTED")
        self.resting.remove(order)

    def amend(self, id_: int, price: int, size: int) -> None:
        order = self.find(id_)
        if order is None:
            self.said.append(f"REJECTED UNKNOWN_ID {id_} 0 {price} {size}")
            return
        wanted = Order(order.id, order.side, order.kind, order.lasts, price, size)
        fault = self.fault(wanted)
        if not fault and order.kind == "POST_ONLY" and self.makers(wanted):
            fault = "WOULD_TAKE"
        if fault:
            self.say("REJECTED", wanted, fault)
            return
        self.say("ACCEPTED", wanted)
        if price == order.price and size <= order.size:
            order.size = size
            return
        self.resting.remove(order)
        self.match(wanted)

    def book(self) -> str:
        levels: dict[tuple[str, int], int] = {}
        for order in self.resting:
            levels[order.side, order.price] = levels.get((order.side, order.price), 0) + order.size
        bids = sorted((p for s, p in levels if s == "BUY"), reverse=True)
        asks = sorted(p for s, p in levels if s == "SELL")
        shown = [f"B:{p}:{levels['BUY', p]}" for p in bids]
        shown += [f"S:{p}:{levels['SELL', p]}" for p in asks]
        return " ".join(["BOOK", *shown])


ids = st.integers(1, 14)
prices = st.integers(0, 8)
sizes = st.integers(0, 6) | st.just(2**44 + 1)
submits = st.tuples(
    st.just("submit"),
    ids,
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from(["LIMIT", "LIMIT", "LIMIT", "MARKET", "POST_ONLY"]),
    st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]),
    prices,
    sizes,
)
calls = st.one_of(
    submits,
    submits,
    st.tuples(st.just("cancel"), ids),
    st.tuples(st.just("amend"), ids, prices, sizes),
)


@settings(deadline=None, max_examples=300)
@given(script=st.lists(calls, min_size=5, max_size=60))
def test_says_what_the_slow_model_says(run_engine: RunEngine, script: list[tuple]) -> None:
    """Every event and the book after every call are those of the model; no invariant breaks."""
    model = SlowEngine()
    for name, *arguments in script:
        if name == "submit":
            model.submit(Order(*arguments))
        else:
            getattr(model, name)(*arguments)
        model.said.append(model.book())
    text = "\n".join(" ".join(map(str, call)) for call in script)
    assert run_engine(text) == model.said


def test_equal_prices_fill_in_order_of_arrival(run_engine: RunEngine) -> None:
    said = run_engine(
        "submit 1 SELL LIMIT GTC 5 2\nsubmit 2 SELL LIMIT GTC 5 2\nsubmit 3 BUY LIMIT GTC 5 3\n"
    )
    assert [line for line in said if line.startswith("TRADE")] == [
        "TRADE NONE 3 1 5 2",
        "TRADE NONE 3 2 5 1",
    ]


def test_a_smaller_size_keeps_the_place_and_a_larger_one_loses_it(run_engine: RunEngine) -> None:
    start = "submit 1 SELL LIMIT GTC 5 4\nsubmit 2 SELL LIMIT GTC 5 4\n"
    first = [
        next(line for line in run_engine(start + amend + "submit 3 BUY MARKET IOC 0 1\n")
             if line.startswith("TRADE"))
        for amend in ("amend 1 5 3\n", "amend 1 5 5\n")
    ]  # fmt: skip
    assert first == ["TRADE NONE 3 1 5 1", "TRADE NONE 3 2 5 1"]
