"""Random trading on every kind of instrument gives the same books from broker and model."""

import itertools
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
from accounts_model import ZERO, Books, Terms, Thing, exactly
from broker_desk import Desk
from hypothesis import given, settings

from kungfu_core import _native
from kungfu_core.enums import (
    CashKind,
    ContractKind,
    InstrumentStatus,
    OrderType,
    PositionSide,
    Product,
    Scope,
    Side,
    SizeUnit,
    TimeInForce,
)

VENUE = _native.id_of("venue")
# A strategy may have the name of an account.
STRATEGIES = (0, _native.id_of("alpha"), _native.id_of("net"))
NET, HEDGE = _native.id_of("net"), _native.id_of("hedge")
CURRENCIES = ("USDT", "BTC", "ETH", "FEE")
LENGTH, EXAMPLES = 50, 240
"""12,000 happenings."""


def thing(product: Product, symbol: str, settle: str, decimals: int, unit: str = "1") -> Thing:
    """Make an instrument; it is inverse if it settles in its base currency."""
    identity, base = _native.id_of(f"venue:{product.name}:{symbol}"), symbol[:3]
    return Thing(identity, product, base, settle, decimals, Decimal(unit), base == settle)


SPOT = thing(Product.SPOT, "BTCUSDT", "USDT", 2)
MARGIN_SPOT = thing(Product.SPOT, "ETHBTC", "BTC", 8)
PERPETUAL = thing(Product.PERPETUAL, "BTCUSDT", "USDT", 4)
CONTRACTS = thing(Product.PERPETUAL, "ETHUSDT", "USDT", 2, "0.05")
FUTURE = thing(Product.FUTURE, "ETHUSDT", "USDT", 0, "0.1")
INVERSE = thing(Product.PERPETUAL, "BTCUSD", "BTC", 8, "100")
INVERSE_FUTURE = thing(Product.FUTURE, "ETHUSD", "ETH", 6, "10")
THINGS = (SPOT, MARGIN_SPOT, PERPETUAL, CONTRACTS, FUTURE, INVERSE, INVERSE_FUTURE)

TERMS = {
    NET: Terms(hedging=False, leverage=Decimal(3), leverages={INVERSE.id: Decimal("12.5")}),
    HEDGE: Terms(hedging=True, leverage=Decimal(1), leverages={FUTURE.id: Decimal(7)}),
}
NAMES = {
    NET: "net",
    HEDGE: "hedge",
    INVERSE.id: "venue:PERPETUAL:BTCUSD",
    FUTURE.id: "venue:FUTURE:ETHUSDT",
}


def digits(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: Decimal(n).scaleb(-places))


accounts = st.sampled_from([NET, HEDGE])
strategies = st.sampled_from(STRATEGIES)
prices = digits(900, 1100, 1) | digits(1, 99_999_999, 4)
ANY = digits(1, 5, 0) | digits(1, 999, 0), prices
# Of round numbers there are quotients halfway between two amounts, and positions that cancel out.
ROUND = digits(1, 3, 0), st.sampled_from([Decimal(5), Decimal(15), Decimal(64)])
Numbers = tuple[st.SearchStrategy[Decimal], st.SearchStrategy[Decimal]]
"""What is drawn for sizes and prices."""
fees = st.sampled_from([ZERO, ZERO, Decimal("0.001"), Decimal("-0.002"), Decimal(3)]) | digits(
    -(10**7), 10**8, 10
)
amounts = digits(-1000, 1000, 0) | digits(-(10**12), 10**12, 9)


def fills(traded: list[Thing], numbers: Numbers = ANY) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "what": st.just("fill"),
            "account": accounts,
            "thing": st.sampled_from(traded),
            "strategy": strategies,
            "buys": st.booleans(),
            "long": st.booleans(),
            "says_side": st.booleans(),
            "size": numbers[0],
            "price": numbers[1],
            "fee": fees,
            "fee_currency": st.sampled_from(["", *CURRENCIES]),
            "realized_pnl": st.none() | st.none() | st.none() | amounts,
        }
    )


def cash(traded: list[Thing]) -> st.SearchStrategy[dict[str, Any]]:
    often = [CashKind.FUNDING, CashKind.FUNDING, CashKind.SETTLEMENT]
    return st.fixed_dictionaries(
        {
            "what": st.just("cash"),
            "account": accounts,
            "thing": st.none() | st.sampled_from(traded) | st.sampled_from(traded),
            "strategy": st.sampled_from([0, 0, 0, *STRATEGIES]),
            "kind": st.sampled_from([*often, *CashKind]),
            "currency": st.sampled_from(CURRENCIES),
            "amount": amounts,
        }
    )


def prints(traded: list[Thing]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "what": st.sampled_from(["mark_price", "mark_price", "trade"]),
            "thing": st.sampled_from(traded),
            "price": st.just(ZERO) | prices,
        }
    )


def scripts(drawn: tuple[list[Thing], Numbers]) -> st.SearchStrategy[list[dict[str, Any]]]:
    traded, numbers = drawn
    happening = st.one_of(*[fills(traded, numbers)] * 4, cash(traded), prints(traded))
    return st.lists(happening, min_size=LENGTH, max_size=LENGTH)


few_things = st.lists(st.sampled_from(THINGS), min_size=1, max_size=3, unique=True)
kinds_of_scripts = st.tuples(few_things, st.sampled_from([ANY, ROUND]))


class Auditor:
    """Lets the orders of the set-up pass; of any other it keeps all that the view says."""

    def __init__(self) -> None:
        self.seen: dict[tuple[Any, ...], Decimal | None] = {}

    def check(self, order: Any, view: Any) -> str | None:
        if order.tag == "set-up":
            return None
        self.seen = audit(view)
        for account, traded in itertools.product(TERMS, THINGS):
            self.seen["net_size", account, traded.id] = view.position(account, traded.id)
        return "seen"


def audit(view: Any) -> dict[tuple[Any, ...], Decimal | None]:
    asked = ("unrealized", "equity", "margin_used", "margin_free")
    found = {
        (what, account, currency): getattr(view, what)(account, currency)
        for what, account, currency in itertools.product(asked, TERMS, CURRENCIES)
    }
    subjects = [(Scope.GLOBAL, 0)]
    subjects += [(Scope.ACCOUNT, account) for account in TERMS]
    subjects += [(Scope.STRATEGY, strategy) for strategy in STRATEGIES if strategy]
    for (scope, subject), currency in itertools.product(subjects, CURRENCIES):
        found[scope, subject, currency] = view.result(scope, subject, currency)
    return found


class Trading:
    """A broker and a model that are told the same; what the broker says must be what is booked."""

    def __init__(self) -> None:
        gateway = ("venue", [OrderType.LIMIT], [TimeInForce.GTC], [], [])
        routes = [
            (
                NAMES[account],
                "venue",
                terms.hedging,
                str(terms.leverage),
                [(NAMES[i], str(leverage)) for i, leverage in terms.leverages.items()],
            )
            for account, terms in TERMS.items()
        ]
        self.auditor = Auditor()
        capsule = _native.make_broker([gateway], routes, [("audit", self.auditor)])
        self.desk = Desk(capsule, "broker")
        self.books = Books({t.id: t for t in THINGS}, TERMS)
        self.orders: dict[tuple[int, int, int, PositionSide], int] = {}
        self.trades = itertools.count(1)
        for traded in THINGS:
            self.desk.put("instrument", VENUE, **definition(traded))

    def side(self, account: int, traded: Thing, long: bool) -> PositionSide:
        if traded.spot or not TERMS[account].hedging:
            return PositionSide.NET
        return PositionSide.LONG if long else PositionSide.SHORT

    def order(self, account: int, traded: Thing, strategy: int, side: PositionSide) -> int:
        """The strategy's order for that position, placed when it is first asked for."""
        key = (account, traded.id, strategy, side)
        if key not in self.orders:
            self.orders[key] = 1000 + len(self.orders)
            self.request(self.orders[key], account, traded, strategy, side, "set-up")
        return self.orders[key]

    def request(  # noqa: PLR0917 - as an order has them
        self,
        number: int,
        account: int,
        traded: Thing,
        strategy: int,
        side: PositionSide,
        tag: str,
    ) -> None:
        self.desk.put(
            "order_request",
            strategy,
            self.desk.source,
            order_id=number,
            strategy=strategy,
            account=account,
            instrument=traded.id,
            side=Side.BUY,
            position_side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            size="1",
            price="1",
            tag=tag,
        )
        self.desk.run()

    def fill(self, v: dict[str, Any]) -> None:
        account, traded, strategy = v["account"], v["thing"], v["strategy"]
        side = self.side(account, traded, v["long"])
        order = self.order(account, traded, strategy, side) if strategy else 0
        values = {
            "account": account,
            "instrument": traded.id,
            "price": v["price"],
            "fee": v["fee"],
            "fee_currency": v["fee_currency"],
            "realized_pnl": v["realized_pnl"],
            "position_side": side,
        }
        size = v["size"] / 1000 if not traded.inverse and traded.unit == 1 else v["size"]
        told = values | {
            "order_id": order,
            "size": size,
            "side": Side.BUY if v["buys"] else Side.SELL,
            "trade_id": str(next(self.trades)),
            "venue_order_id": f"{account}:{traded.id}",
            # What a fill leaves out, its order says; an order of somebody else says nothing.
            "position_side": side if v["says_side"] or not strategy else PositionSide.NET,
        }
        self.desk.put("fill", VENUE, **told)
        self.expect(self.books.fill(values, strategy, size if v["buys"] else -size))

    def cash(self, v: dict[str, Any]) -> None:
        traded, strategy = v["thing"], v["strategy"] if v["thing"] else 0
        settles = v["kind"] == CashKind.SETTLEMENT and traded
        values = {
            "account": v["account"],
            "instrument": traded.id if traded else 0,
            "kind": v["kind"],
            "currency": traded.settle if settles else v["currency"],
            "amount": v["amount"],
        }
        side = self.side(v["account"], traded, long=True) if traded else PositionSide.NET
        order = self.order(v["account"], traded, strategy, side) if strategy else 0
        self.desk.put("cash_movement", VENUE, **values, order_id=order)
        self.expect(self.books.cash(values, strategy))

    def print(self, name: str, v: dict[str, Any]) -> None:
        self.desk.put(name, VENUE, instrument=v["thing"].id, price=v["price"])
        known = self.books.marks if name == "mark_price" else self.books.last
        known[v["thing"].id] = v["price"]
        self.expect([])

    def expect(self, wanted: list[tuple[str, int, dict[str, Any]]]) -> None:
        said = [event for event in self.desk.run() if event.name != "order_update"]
        heard = [
            (event.name, event.destination, {name: event.values[name] for name in values})
            for event, (_, _, values) in zip(said, wanted, strict=False)
        ]
        assert heard == wanted[: len(heard)]
        assert [event.name for event in said] == [name for name, _, _ in wanted]

    def look(self) -> None:
        """Have a check see everything, and compare it."""
        self.request(next(self.trades), NET, SPOT, STRATEGIES[1], PositionSide.NET, "audit")
        wanted = audit(self.books)
        for account, traded in itertools.product(TERMS, THINGS):
            wanted["net_size", account, traded.id] = self.books.net_size(account, traded.id)
        assert self.auditor.seen == wanted

    def happen(self, v: dict[str, Any]) -> None:
        if v["what"] == "fill":
            self.fill(v)
        elif v["what"] == "cash":
            self.cash(v)
        else:
            self.print(v["what"], v)


def definition(traded: Thing) -> dict[str, Any]:
    counts = traded.unit != 1
    kinds = {False: ContractKind.LINEAR, True: ContractKind.INVERSE}
    return {
        "instrument": traded.id,
        "product": traded.product,
        "contract_kind": ContractKind.NONE if traded.spot else kinds[traded.inverse],
        "size_unit": SizeUnit.CONTRACTS if counts else SizeUnit.BASE,
        "contract_value": traded.unit if counts else None,
        "status": InstrumentStatus.TRADING,
        "settle_decimals": traded.decimals,
        "venue": "venue",
        "base": traded.base,
        "quote": "USD" if traded.inverse else traded.settle,
        "settle": "" if traded.spot else traded.settle,
    }


@settings(max_examples=EXAMPLES, deadline=None)
@given(kinds_of_scripts.flatmap(scripts), st.sets(st.sampled_from(THINGS)))
def test_the_books_equal_the_model_to_the_last_digit(
    script: list[dict[str, Any]], unmarked: set[Thing]
) -> None:
    """What has no price is valued at none until one is printed."""
    with exactly():
        trading = Trading()
        for traded in THINGS:
            if traded not in unmarked:
                trading.print("trade", {"thing": traded, "price": Decimal(70)})
        for number, happening in enumerate(script, 1):
            trading.happen(happening)
            if number % 10 == 0:
                trading.look()


LINEAR = [t for t in THINGS if not t.inverse]
own_fills = fills(LINEAR).filter(lambda v: v["strategy"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(own_fills, own_fills, prints(LINEAR)), min_size=10, max_size=30))
def test_what_strategies_won_is_what_their_accounts_won(script: list[dict[str, Any]]) -> None:
    """Exactly, as no quotient of a linear contract is lost between them."""
    with exactly():
        trading = Trading()
        for traded in THINGS:
            trading.print("mark_price", {"thing": traded, "price": Decimal(70)})
        for happening in script:
            trading.happen(happening)
        trading.look()
        seen = trading.auditor.seen
        for currency in CURRENCIES:
            whole = seen[Scope.GLOBAL, 0, currency]
            parts = [seen[Scope.STRATEGY, s, currency] for s in STRATEGIES if s]
            assert sum(p for p in parts if p is not None) == whole
