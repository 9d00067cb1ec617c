"""Random histories, with every race and repetition, give the same events from broker and model."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from broker_desk import Desk
from broker_model import Event, Market, Model
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kungfu_core import _native
from kungfu_core.enums import (
    CashKind,
    ContractKind,
    InstrumentStatus,
    OrderState,
    OrderType,
    PriceKind,
    Product,
    Side,
    SizeUnit,
    TimeInForce,
)

STRATEGY, OTHER, VENUE = (_native.id_of(name) for name in ("strategy", "other", "venue"))
ACCOUNT = _native.id_of("venue/main")
SPOT, LINEAR, CONTRACTS = (_native.id_of(f"venue:{p}:BTC") for p in ("spot", "linear", "contracts"))
LIMIT = Fraction(15)

instruments = st.sampled_from([SPOT, LINEAR, LINEAR, CONTRACTS])
sides = st.sampled_from(list(Side))
picks = st.integers(0, 4) | st.integers(0, 41)
rarely_false = st.integers(0, 9).map(bool)
senders = st.sampled_from([STRATEGY, STRATEGY, OTHER])
venue_ids = st.sampled_from(["", "", "X", "Y"])
sizes = st.one_of(
    st.integers(1, 8).map(lambda n: Decimal(n).scaleb(0)),
    st.integers(1, 40).map(lambda n: Decimal(n) / 4),
    st.sampled_from([Decimal(0), Decimal(-1), Decimal("1.0005"), Decimal(101), Decimal("0.010")]),
)
good_sizes = st.integers(1, 40).map(lambda n: (Decimal(n) / 4).quantize(Decimal("0.001")))
prices = st.one_of(
    st.integers(900, 1100).map(lambda n: Decimal(n).scaleb(-1)),
    st.sampled_from([Decimal(100), Decimal("100.05"), Decimal(0), Decimal(-5), None]),
)
fill_prices = st.integers(90000, 110000).map(lambda n: Decimal(n).scaleb(-3))
fees = st.sampled_from(
    [Decimal(0), Decimal("0.0125"), Decimal("-0.00001"), Decimal("1E-18"), Decimal(3)]
)


class Limit:
    """Bounds the position that all open orders of a side could make; keeps what it saw."""

    def __init__(self) -> None:
        self.judged: list[tuple[int, Decimal, Decimal, Decimal, bool]] = []

    def check(self, order: Any, view: Any) -> str | None:
        held = view.position(order.account, order.instrument)
        open_size = view.open_size(order.account, order.instrument, order.side)
        self.judged.append(
            (order.order_id, order.size_exact, held, open_size, view.reduces_position)
        )
        sign = 1 if order.side == Side.BUY else -1
        worst = held + sign * (open_size + order.size_exact)
        return None if view.reduces_position or abs(worst) <= LIMIT else f"{worst} is above {LIMIT}"


def definition(instrument: int) -> dict[str, Any]:
    """The instrument as the venue announces it; the model's Market says the same."""
    counts = instrument == CONTRACTS
    return {
        "instrument": instrument,
        "tick": "0.1",
        "lot": "1" if counts else "0.001",
        "max_size": "100",
        "min_notional": "5",
        "product": Product.SPOT if instrument == SPOT else Product.PERPETUAL,
        "contract_kind": ContractKind.NONE if instrument == SPOT else ContractKind.LINEAR,
        "size_unit": SizeUnit.CONTRACTS if counts else SizeUnit.BASE,
        "contract_value": "0.05" if counts else None,
        "contract_currency": "BTC" if counts else "",
        "status": InstrumentStatus.TRADING,
        "settle_decimals": 2,
        "venue": "venue",
        "symbol": "BTC",
        "base": "BTC",
        "quote": "USDT",
        "settle": "" if instrument == SPOT else "USDT",
    }


def market(instrument: int) -> Market:
    counts = instrument == CONTRACTS
    return Market(
        instrument,
        instrument == SPOT,
        Fraction(1, 10),
        Fraction(1) if counts else Fraction(1, 1000),
        Fraction(1, 20) if counts else Fraction(1),
        2,
    )


def exact(values: dict[str, Any]) -> dict[str, Any]:
    return {k: Fraction(v) if isinstance(v, Decimal) else v for k, v in values.items()}


class BrokerAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        gateway = (
            "venue",
            [OrderType.MARKET, OrderType.LIMIT],
            [TimeInForce.GTC],
            [],
            ["amend", "reduce_only"],
        )
        self.limit = Limit()
        route = ("venue/main", "venue", False, "1", [])
        capsule = _native.make_broker([gateway], [route], [("limit", self.limit)])
        self.desk = Desk(capsule, "broker")
        for instrument in (SPOT, LINEAR, CONTRACTS):
            self.desk.put("instrument", VENUE, **definition(instrument))
        self.desk.run()
        self.model = Model(ACCOUNT, VENUE, [market(i) for i in (SPOT, LINEAR, CONTRACTS)], LIMIT)
        self.paid: dict[str, Fraction] = {}
        self.balances: dict[str, Fraction] = {}

    def both(self, name: str, source: int, values: dict[str, Any]) -> None:
        """Give an event to both; what they say must be equal in everything that the model says."""
        requested = name in ("order_request", "order_cancel", "order_amend")
        if name not in ("trade", "mark_price"):
            values = values | {"account": ACCOUNT}
        self.desk.put(name, source, self.desk.source if requested else 0, **values)
        said = self.desk.run()
        expected: list[Event] = getattr(self.model, name)(exact(values), source)
        expected += self.model.settled()
        comparable = []
        for event, (_, _, wanted) in zip(said, expected, strict=False):
            heard = exact(event.values)
            if event.name == "order_update":
                heard["reason"] = bool(heard["reason"])
            comparable.append((event.name, event.destination, {k: heard[k] for k in wanted}))
        assert comparable == expected[: len(said)]
        assert [event.name for event in said] == [name for name, _, _ in expected]
        assert self.limit.judged == self.model.judged
        for event in said:
            self.note(event.name, exact(event.values))

    def note(self, name: str, values: dict[str, Any]) -> None:
        currency = values.get("currency", "")
        if name == "cash_movement":
            self.paid[currency] = self.paid.get(currency, Fraction(0)) + values["amount"]
        if name == "balance":
            self.balances[currency] = values["total"]

    def known(self, pick: int) -> int:
        """The id of an order that is there; a small number may also hit one that is not."""
        orders = list(self.model.orders)
        return orders[-1 - pick % len(orders)] if orders and pick < 40 else pick

    @rule(
        pick=picks,
        where=instruments,
        side=sides,
        size=sizes,
        price=prices,
        sender=senders,
        new=rarely_false,
    )
    def request(  # noqa: PLR0917 - a rule takes what it draws
        self,
        pick: int,
        where: int,
        side: Side,
        size: Decimal,
        price: Decimal | None,
        sender: int,
        new: bool,
        trigger: Decimal | None = None,
        trigger_by: PriceKind = PriceKind.LAST,
        parent: int = 0,
    ) -> None:
        stop = OrderType.STOP_MARKET if price is None else OrderType.STOP_LIMIT
        order_type = OrderType.MARKET if price is None else OrderType.LIMIT
        self.both(
            "order_request",
            sender,
            {
                "order_id": 1000 + len(self.model.orders) if new else self.known(pick),
                "strategy": sender,
                "instrument": where,
                "side": side,
                "size": size,
                "price": price,
                "trigger_price": trigger,
                "trigger_by": trigger_by,
                "parent_id": parent,
                "type": order_type if trigger is None else stop,
                "time_in_force": TimeInForce.GTC,
            },
        )

    @rule(where=instruments, side=sides, size=good_sizes)
    def good_request(self, where: int, side: Side, size: Decimal) -> None:
        self.request(0, where, side, size, Decimal(100), STRATEGY, new=True)

    @rule(
        where=instruments,
        side=sides,
        size=good_sizes,
        trigger=prices,
        price=st.none() | prices,
        trigger_by=st.sampled_from(list(PriceKind)),
    )
    def stop(self, where: int, side: Side, size: Decimal, **terms: Any) -> None:
        self.request(0, where, side, size, terms.pop("price"), STRATEGY, new=True, **terms)

    @rule(pick=picks, size=good_sizes, price=prices, trigger=st.none() | prices)
    def child(
        self, pick: int, size: Decimal, price: Decimal | None, trigger: Decimal | None
    ) -> None:
        """An order that waits for another one, on its other side."""
        parent = self.model.orders.get(self.known(pick))
        if parent is not None:
            side = Side.SELL if parent.side == Side.BUY else Side.BUY
            self.request(
                0,
                parent.instrument,
                side,
                size,
                price,
                STRATEGY,
                new=True,
                trigger=trigger,
                parent=parent.id,
            )

    @rule(where=instruments, sixths=st.integers(1, 7), small=st.booleans())
    def request_that_may_reduce(self, where: int, sixths: int, small: bool) -> None:
        """An order against the position, up to a bit more than it."""
        held = self.model.holding(where)[0]
        size = Decimal(round(abs(held) * sixths * 1000 / 6)).scaleb(-3)
        if held:
            side = Side.SELL if held > 0 else Side.BUY
            self.request(
                0,
                where,
                side,
                Decimal("0.01") if small else size,
                Decimal(100),
                STRATEGY,
                new=True,
            )

    @rule(pick=picks, where=instruments, sender=senders)
    def cancel(self, pick: int, where: int, sender: int) -> None:
        self.both(
            "order_cancel",
            sender,
            {
                "order_id": self.known(pick),
                "strategy": sender,
                "instrument": where,
            },
        )

    @rule(
        pick=picks,
        where=instruments,
        size=st.none() | sizes,
        price=prices,
        trigger=st.none() | prices,
    )
    def amend(
        self,
        pick: int,
        where: int,
        size: Decimal | None,
        price: Decimal | None,
        trigger: Decimal | None = None,
    ) -> None:
        self.both(
            "order_amend",
            STRATEGY,
            {
                "order_id": self.known(pick),
                "strategy": STRATEGY,
                "instrument": where,
                "size": size,
                "price": price,
                "trigger_price": trigger,
            },
        )

    @rule(pick=picks, size=good_sizes, answer=st.sampled_from(["", "yes", "late", "no"]))
    def good_amend(self, pick: int, size: Decimal, answer: str) -> None:
        """An amend of the size, perhaps after a fill, and perhaps with its answer."""
        number = self.known(pick)
        order = self.model.orders.get(number)
        if order is None:
            return
        self.amend(pick, order.instrument, size, None)
        if answer and order.state == OrderState.PENDING_AMEND:
            self.tell(
                number,
                order.instrument,
                OrderState.ACCEPTED,
                size=size if answer == "yes" else None,
                reason="no" if answer == "no" else "",
            )

    def tell(self, i: int, where: int, state: OrderState, **values: Any) -> None:
        empty = {
            "side": Side.BUY,
            "filled": None,
            "size": None,
            "price": None,
            "reason": "",
            "venue_order_id": "",
        }
        self.both(
            "order_update",
            VENUE,
            {"order_id": i, "instrument": where, "state": state} | empty | values,
        )

    @rule(pick=picks)
    def acknowledge(self, pick: int) -> None:
        order = self.model.orders.get(self.known(pick))
        if order is not None:
            self.tell(order.id, order.instrument, OrderState.ACCEPTED)

    @rule(
        pick=picks,
        where=instruments,
        side=sides,
        state=st.sampled_from(list(OrderState)),
        filled=st.none() | good_sizes | st.just(Decimal("0.000")),
        size=st.none() | good_sizes,
        price=st.none() | fill_prices,
        reason=st.sampled_from(["", "", "no", "later"]),
        venue_order_id=venue_ids,
    )
    def report(self, pick: int, where: int, state: OrderState, **values: Any) -> None:
        self.tell(self.known(pick), where, state, **values)

    @rule(
        pick=picks,
        where=instruments,
        side=sides,
        size=good_sizes | st.just(Decimal(0)),
        price=fill_prices,
        fee=fees,
        fee_currency=st.sampled_from(["USDT", "BTC", "FEE", ""]),
        trade_id=st.sampled_from(["", *"abcdefghijkl"]),
        venue_order_id=venue_ids,
    )
    def fill(self, pick: int, where: int, **values: Any) -> None:
        in_kind = where == SPOT and values["fee_currency"] == "BTC"
        if in_kind and values["fee"] == Decimal("1E-18"):
            # It changes the position, which has fewer digits; one beyond them is a fault.
            values["fee"] = Decimal("1E-16")
        self.both("fill", VENUE, {"order_id": self.known(pick), "instrument": where} | values)

    @rule(
        pick=picks,
        sixths=st.integers(1, 8),
        price=fill_prices,
        fee=fees,
        trade=st.integers(0, 999).map(str),
    )
    def proper_fill(self, pick: int, sixths: int, price: Decimal, fee: Decimal, trade: str) -> None:
        """A fill of a part, of all or of a bit more than what is left of an order that is there."""
        order = self.model.orders.get(self.known(pick))
        size = (
            Decimal(round(order.remaining * sixths * 1000 / 6)).scaleb(-3) if order else Decimal(0)
        )
        if order is not None and size:
            self.both(
                "fill",
                VENUE,
                {
                    "order_id": order.id,
                    "instrument": order.instrument,
                    "side": order.side,
                    "size": size,
                    "price": price,
                    "fee": fee,
                    "fee_currency": "USDT",
                    "trade_id": trade,
                    "venue_order_id": "",
                },
            )

    @rule(
        where=instruments,
        side=sides,
        size=good_sizes,
        eighths=st.integers(0, 8),
        trade=st.integers(0, 999).map(str),
        owed=st.booleans(),
        trigger=st.none() | prices,
    )
    def parent_that_ends(  # noqa: PLR0917 - a rule takes what it draws
        self,
        where: int,
        side: Side,
        size: Decimal,
        eighths: int,
        trade: str,
        owed: bool,
        trigger: Decimal | None,
    ) -> None:
        """A parent fills in part or as a whole and is over; perhaps its venue says so first."""
        self.good_request(where, side, size)
        parent = list(self.model.orders.values())[-1]
        self.child(0, size, None if trigger else Decimal(100), trigger)
        if parent.state != OrderState.SUBMITTED or parent.size is None:
            return
        size = Decimal(round(parent.size * eighths * 1000 / 8)).scaleb(-3)
        before = Decimal(parent.filled.numerator) / parent.filled.denominator
        told = {"filled": before + size, "side": parent.side}

        def fill() -> None:
            if size:
                self.both(
                    "fill",
                    VENUE,
                    {
                        "order_id": parent.id,
                        "instrument": parent.instrument,
                        "side": parent.side,
                        "size": size,
                        "price": Decimal(100),
                        "fee": Decimal(0),
                        "fee_currency": "USDT",
                        "trade_id": trade,
                        "venue_order_id": "",
                    },
                )

        steps = [fill, lambda: self.tell(parent.id, parent.instrument, OrderState.CANCELED, **told)]
        for step in reversed(steps) if owed else steps:
            step()

    @rule(amount=st.decimals(-1000, 1000, places=4), currency=st.sampled_from(["USDT", "BTC"]))
    def cash(self, amount: Decimal, currency: str) -> None:
        self.both(
            "cash_movement",
            VENUE,
            {"amount": amount, "currency": currency, "kind": CashKind.TRANSFER},
        )

    @rule(where=instruments, price=fill_prices, name=st.sampled_from(["trade", "mark_price"]))
    def print_price(self, where: int, price: Decimal, name: str) -> None:
        self.both(name, VENUE, {"instrument": where, "price": price})

    @invariant()
    def balances_are_the_sums_of_their_movements(self) -> None:
        assert all(self.balances[currency] == total for currency, total in self.paid.items())


TestBrokerAgainstModel = BrokerAgainstModel.TestCase
TestBrokerAgainstModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
