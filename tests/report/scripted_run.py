"""Makes runs to report on: scripted gateway and strategy journals, booked by the real broker."""

import itertools
import json
from pathlib import Path

from kungfu_core import events
from kungfu_core._native import Clock, Runner, Wiring, id_of, make_broker
from kungfu_core.enums import (
    CashKind,
    ComponentKind,
    ComponentPhase,
    ContractKind,
    InstrumentStatus,
    Liquidity,
    NameKind,
    OrderState,
    OrderType,
    Product,
    Side,
    SizeUnit,
    TimeInForce,
)  # fmt: skip
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.journal import Writer
from kungfu_core.views import type_rows

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
PERP, SPOT = "sim:perpetual:BTC-USDT", "sim:spot:ETH-USDT"
ACCOUNT, GATEWAY, STRATEGY = "main", "sim", "alpha"


def instrument(name, **changes):
    venue, product, symbol = name.split(":")
    base, quote = symbol.split("-")
    perpetual = product == "perpetual"
    fields = {
        "instrument": id_of(name),
        "product": Product.PERPETUAL if perpetual else Product.SPOT,
        "contract_kind": ContractKind.LINEAR if perpetual else ContractKind.NONE,
        "size_unit": SizeUnit.BASE,
        "status": InstrumentStatus.TRADING,
        "tick": "0.01",
        "lot": "0.001",
        "settle_decimals": 8,
        "venue": venue,
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "settle": quote,
        "name": name,
    }
    return events.Instrument(**fields | changes)


class ScriptedRun:
    """Journals of a session that goes as the script says; times are seconds after the start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "journal"
        self.td = Writer(self.root, GATEWAY, "TD", clock=Clock(START))
        self.md = Writer(self.root, GATEWAY, "MD", clock=Clock(START))
        self.strategy = Writer(self.root, STRATEGY, "STRATEGY", clock=Clock(START))
        self.session = Writer(self.root, "session", "SESSION", clock=Clock(START))
        self.last = 0
        self._orders = itertools.count(1)
        self._trades = itertools.count(1)
        self.say(0, self.session, events.ComponentStatus(
            ComponentKind.SESSION, ComponentPhase.START, "[session]\nseed = 1\n"))  # fmt: skip

    def say(self, at, writer, event, destination=0, cause=None):
        time = START + int(at * SECOND)
        writer.at(time, time)
        self.last = max(self.last, at)
        return writer.append(event, destination, cause)

    def define(self, name, at=0, **changes):
        self.say(at, self.md, instrument(name, **changes))

    def quote(self, at, name, bid, ask):
        sizes = {"bid_size": 1, "ask_size": 1}
        quote = events.Quote(instrument=id_of(name), bid_price=bid, ask_price=ask, **sizes)
        self.say(at, self.md, quote)

    def trade(self, at, name, price):
        self.say(at, self.md, events.Trade(
            instrument=id_of(name), price=price, size=1, side=Side.BUY))  # fmt: skip

    def mark(self, at, name, price):
        self.say(at, self.md, events.MarkPrice(instrument=id_of(name), price=price))

    def deposit(self, at, currency, amount, kind=CashKind.TRANSFER, name=None):
        self.say(at, self.td, events.CashMovement(
            account=id_of(ACCOUNT), amount=amount, kind=kind, currency=currency,
            instrument=id_of(name) if name else 0))  # fmt: skip

    def request(self, at, name, side, size):
        order = next(self._orders)
        self.say(at, self.strategy, events.OrderRequest(
            order_id=order, instrument=id_of(name), account=id_of(ACCOUNT),
            strategy=id_of(STRATEGY), price=None, size=size, side=side,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.GTC), id_of("broker"))  # fmt: skip
        return order

    def report(self, at, order, name, side, state, *, reason=""):
        self.say(at, self.td, events.OrderUpdate(
            order_id=order, instrument=id_of(name), account=id_of(ACCOUNT),
            strategy=id_of(STRATEGY), side=side, state=state, venue_order_id=f"v{order}",
            price=None, size=None, filled=None, reason=reason))  # fmt: skip

    def fill(self, at, order, name, side, *, size, price, fee="0", fee_currency="", **more):
        self.say(at, self.td, events.Fill(
            order_id=order, instrument=id_of(name), account=id_of(ACCOUNT),
            strategy=id_of(STRATEGY), price=price, size=size, fee=fee, side=side,
            liquidity=Liquidity.TAKER, fee_currency=fee_currency,
            trade_id=f"t{next(self._trades)}", venue_order_id=f"v{order}", **more))  # fmt: skip

    def trade_now(self, at, name, side, size, price, *, fee=("0", "")):
        """An order that the venue takes a second later and fills whole in the next."""
        order = self.request(at, name, side, size)
        self.report(at + 1, order, name, side, OrderState.ACCEPTED)
        self.fill(
            at + 2, order, name, side, size=size, price=price, fee=fee[0], fee_currency=fee[1]
        )
        return order

    def ending(self):
        return events.ComponentStatus(ComponentKind.SESSION, ComponentPhase.STOP, "")

    def finish(self, **facts) -> Path:
        """Let the broker book it all, and describe the run."""
        self.say(self.last, self.session, self.ending())
        for writer in (self.td, self.md, self.strategy, self.session):
            writer.close()
        _book(self.root)
        described = {"id": "scripted", "command": "backtest", "datasets": []} | facts
        (self.folder / "run.json").write_text(json.dumps(described))
        return self.folder


def _book(root: Path) -> None:
    clock = Clock(START)
    rows = type_rows(EVENT_CLASSES)
    wiring = Wiring("broker", clock, rows)
    for source, name in ((GATEWAY, "MD"), (GATEWAY, "TD"), (STRATEGY, "STRATEGY")):
        wiring.join(str(root), source, name)
    wiring.open_output(clock, str(root), "BROKER", rows, 1 << 20)
    wiring.define_name(NameKind.ACCOUNT, id_of(ACCOUNT), ACCOUNT)
    gateway = (GATEWAY, [OrderType.MARKET, OrderType.LIMIT], [TimeInForce.GTC], [], [])
    runner = Runner(clock)
    runner.add(make_broker([gateway], [(ACCOUNT, GATEWAY, False, "1", [])], []), wiring)
    runner.start()
    runner.simulate(2**63 - 2, 1 << 40)
    runner.stop()
