"""A node for the broker's kill trial: broker and strategy rebuilt from their journals, a gateway.

    python trading_node.py FOLDER PORT FAULT COUNT [RESEND]

FAULT says where it kills itself, the COUNTth time: before-send (an order is journaled, not sent),
after-send, before-ack (an answer came and is not journaled), or none (somebody else kills it); or
`settle`: it cancels everything, and ends when no order is open or unknown. It prints a line for
each order that it sends. RESEND is `resend_max_age` in seconds; 0 if it is left out.
"""

import itertools
import json
import os
import signal
import socket
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from kungfu_core import Context, Strategy, events
from kungfu_core._native import MIN_PAGE_SIZE, Clock, Runner, Wiring, id_of, make_broker
from kungfu_core.client_order_ids import client_order_id, order_id_of
from kungfu_core.context import StrategySetup
from kungfu_core.enums import (
    AccountState,
    ComponentKind,
    InstrumentStatus,
    OrderState,
    OrderType,
    Product,
    QueryKind,
    QueryOutcome,
    Side,
    SizeUnit,
    TimeInForce,
)
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.history import JournalHistory
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.order_states import TERMINAL
from kungfu_core.strategy_runtime import StrategyRuntime
from kungfu_core.views import type_rows

NAME = "venue:spot:BTCUSDT"
INSTRUMENT, ACCOUNT, VENUE = id_of(NAME), id_of("main"), id_of("venue")
SALT = 0x5EED
MILLISECOND = 1_000_000
TIMING = {
    "answer_timeout": 200 * MILLISECOND,
    "order_deadline": 100 * MILLISECOND,
    "clock_bound": 5 * MILLISECOND,
    "fill_timeout": 50 * MILLISECOND,
    "first_retry": 10 * MILLISECOND,
    "longest_retry": 40 * MILLISECOND,
    "reconcile_interval": 250 * MILLISECOND,
}


@attrs.define(eq=False)
class Restless(Strategy):
    """Places and cancels orders at random; a quote tells it to end.

    A patient one waits for an answer first, so that the broker may send orders again.
    """

    patient: bool = False
    winding_up: bool = attrs.field(default=False, init=False)

    def on_start(self, context: Context) -> None:
        context.subscribe(NAME, events.Quote)
        context.interval("1ms")

    def on_quote(self, context: Context, quote: events.Quote) -> None:
        self.winding_up = True

    def on_timer(self, context: Context, timer: int) -> None:
        open_orders = context.open_orders()
        left_alone = (OrderState.SUBMITTED, OrderState.UNKNOWN) if self.patient else ()
        cancelable = [order for order in open_orders if order.state not in left_alone]
        if self.winding_up:
            for order in cancelable:
                if order.state != OrderState.PENDING_CANCEL:
                    context.cancel(order)
            return
        if cancelable and context.random.random() < 0.4:
            context.cancel(context.random.choice(cancelable))
        if len(open_orders) < 20:
            side = context.random.choice([Side.BUY, Side.SELL])
            price = Decimal(context.random.randrange(98, 103))
            size = Decimal(context.random.randrange(1, 50)).scaleb(-2)
            context.submit(side, NAME, size, price=price)


class Gateway:
    """Speaks to the venue over its socket; its facts go to the TD journal."""

    def __init__(self, root: str, port: int, fault: str, count: int) -> None:
        # What was asked for before this start is not sent: the broker finds out what became of it.
        broker = Journal(root, "broker", "BROKER")
        self.requests = Reader()
        self.requests.add(broker, after=broker.last_sequence())
        self.writer = Writer(root, "venue", "TD", page_size=MIN_PAGE_SIZE)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.buffer = b""
        self.numbers = itertools.count(1)
        self.asked: dict[int, events.VenueQuery | events.OrderRequest | events.OrderCancel] = {}
        self.fault, self.count = fault, count

    def say(self, event: Any) -> None:
        self.writer.append(event)

    def poll(self) -> int:
        return self.send() + self.receive()

    def kill_at(self, place: str) -> None:
        if self.fault == place:
            self.count -= 1
            if self.count <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def send(self) -> int:
        done = 0
        for event in self.requests:
            if event.destination != VENUE:
                continue
            done += 1
            if isinstance(event, events.OrderRequest):
                self.kill_at("before-send")
                self.ask(
                    event,
                    op="place",
                    client_id=client_order_id(event.order_id, SALT),
                    side=event.side.name,
                    size=str(event.size_exact),
                    price=str(event.price_exact),
                    deadline=event.deadline,
                )
                sys.stdout.write("sent\n")
                sys.stdout.flush()
                self.kill_at("after-send")
            elif isinstance(event, events.OrderCancel):
                self.ask(event, op="cancel", client_id=client_order_id(event.order_id, SALT))
            elif isinstance(event, events.VenueQuery) and event.kind == QueryKind.ORDER:
                self.ask(event, op="order", client_id=client_order_id(event.order_id, SALT))
            elif isinstance(event, events.VenueQuery):
                self.ask(event, op="account", since=event.since)
        return done

    def ask(self, event: Any, **request: Any) -> None:
        number = next(self.numbers)
        self.asked[number] = event
        self.socket.sendall(json.dumps(request | {"id": number}).encode() + b"\n")

    def receive(self) -> int:
        try:
            self.buffer += self.socket.recv(1 << 20)
        except BlockingIOError:
            return 0
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            self.kill_at("before-ack")
            told = json.loads(line)
            if "id" not in told:
                self.tell_fill(told["fill"])
                self.tell_order(told["order"])
                continue
            event = self.asked.pop(told["id"])
            if isinstance(event, events.VenueQuery):
                self.tell_answer(event, told)
            elif "error" not in told:
                self.tell_order(told["order"])
            elif isinstance(event, events.OrderRequest):
                self.tell_refusal(event, told["error"])
            elif told["order"] is not None:
                self.tell_order(told["order"])
        return len(lines)

    def tell_answer(self, query: events.VenueQuery, told: dict[str, Any]) -> None:
        found = query.kind == QueryKind.ACCOUNT or told["order"] is not None
        for fill in told.get("fills", ()):
            self.tell_fill(fill)
        for order in told.get("orders", [told.get("order")] if found else []):
            self.tell_order(order)
        for currency, total in told.get("balances", {}).items():
            self.say(events.Balance(ACCOUNT, total, currency))
        self.say(
            events.VenueAnswer(
                query_id=query.query_id,
                account=query.account,
                order_id=query.order_id,
                as_of=told["time"],
                outcome=QueryOutcome.COMPLETE if found else QueryOutcome.NOT_FOUND,
            )
        )

    def tell_refusal(self, request: events.OrderRequest, reason: str) -> None:
        self.say(
            events.OrderUpdate(
                order_id=request.order_id,
                instrument=INSTRUMENT,
                account=ACCOUNT,
                side=request.side,
                state=OrderState.REJECTED,
                reason=reason,
            )
        )

    def tell_order(self, order: dict[str, str]) -> None:
        states = {
            "live": OrderState.ACCEPTED,
            "filled": OrderState.FILLED,
            "canceled": OrderState.CANCELED,
        }
        self.say(
            events.OrderUpdate(
                order_id=order_id_of(order["client_id"], SALT) or 0,
                instrument=INSTRUMENT,
                account=ACCOUNT,
                price=order["price"],
                size=order["size"],
                filled=order["filled"],
                side=Side[order["side"]],
                state=states[order["state"]],
                venue_order_id=order["venue_id"],
            )
        )

    def tell_fill(self, fill: dict[str, str]) -> None:
        self.say(
            events.Fill(
                order_id=order_id_of(fill["client_id"], SALT) or 0,
                instrument=INSTRUMENT,
                account=ACCOUNT,
                time=int(fill["time"]),
                price=fill["price"],
                size=fill["size"],
                fee=fill["fee"],
                side=Side[fill["side"]],
                fee_currency="USDT",
                trade_id=fill["trade_id"],
                venue_order_id=fill["venue_id"],
            )
        )


class Node:
    """Broker and strategy on one runner, and the gateway between them and the venue."""

    def __init__(self, folder: Path, port: int, fault: str, count: int, resend: int) -> None:
        self.root = str(folder / "journal")
        self.timing = TIMING | {"resend_max_age": resend * 1000 * MILLISECOND}
        self.clock = Clock()
        self.rows = type_rows(EVENT_CLASSES)
        self.runner = Runner(self.clock, snapshot_every=300)
        define_market(self.root)
        self.broker = self.add_broker()
        self.strategy = self.add_strategy()
        self.gateway = Gateway(self.root, port, fault, count)
        self.runner.start()
        for member in range(2):
            self.runner.rebuild(member)
        self.broker.announce_start(ComponentKind.BROKER)
        self.strategy.announce_start(ComponentKind.STRATEGY)

    def add_broker(self) -> Wiring:
        wiring = Wiring("broker", self.clock, self.rows)
        for source, name in (("venue", "MD"), ("venue", "TD"), ("strategy", "STRATEGY")):
            wiring.join(self.root, source, name)
        wiring.open_output(self.clock, self.root, "BROKER", self.rows, MIN_PAGE_SIZE)
        gateway = ("venue", [OrderType.LIMIT], [TimeInForce.GTC], [], ["queries"])
        own = (self.root, "broker", "BROKER", "")
        self.runner.add(
            make_broker([gateway], [("main", "venue", False, "1", ())], [], self.timing, own),
            wiring,
        )
        return wiring

    def add_strategy(self) -> Wiring:
        wiring = Wiring("strategy", self.clock, self.rows)
        for source, name in (("venue", "MD"), ("broker", "BROKER")):
            wiring.join(self.root, source, name)
        wiring.open_output(self.clock, self.root, "STRATEGY", self.rows, MIN_PAGE_SIZE)
        setup = StrategySetup(
            name="strategy",
            broker=id_of("broker"),
            accounts={"main": ACCOUNT},
            first_order=wiring.output_id() >> 40 << 40,
            seed=1,
            saved=None,
            history=JournalHistory(self.rows, [], 0, lambda _: 0),
        )
        patient = self.timing["resend_max_age"] > 0
        self.runtime = StrategyRuntime(Restless(patient=patient), setup, list(EVENT_CLASSES))
        self.runner.add(self.runtime.host.component(), wiring)
        return wiring

    def run(self) -> None:
        """Until somebody kills it."""
        while True:
            self.runner.turn()
            self.gateway.poll()

    def settle(self) -> None:
        """Until every order is over, and the account agreed with its venue twice since."""
        with Writer(self.root, "venue", "MD") as market:
            market.append(events.Quote(instrument=INSTRUMENT))
        states: dict[int, OrderState] = {}
        ready, asked = False, 0
        reader = Reader(Journal(self.root, "broker", "BROKER"))
        while not (ready and asked > 2 and all(state in TERMINAL for state in states.values())):
            self.runner.turn()
            self.gateway.poll()
            for event in reader:
                if isinstance(event, events.OrderUpdate | events.Fill):
                    asked = 0
                if isinstance(event, events.OrderUpdate) and event.order_id:
                    states[event.order_id] = event.state
                elif isinstance(event, events.AccountStatus):
                    ready = event.state == AccountState.READY
                elif isinstance(event, events.VenueQuery) and event.kind == QueryKind.ACCOUNT:
                    asked += 1


def define_market(root: str) -> None:
    """Define the instrument, once."""
    with Writer(root, "venue", "MD") as writer:
        if writer.journal.last_sequence():
            return
        writer.append(
            events.Instrument(
                instrument=INSTRUMENT,
                product=Product.SPOT,
                size_unit=SizeUnit.BASE,
                status=InstrumentStatus.TRADING,
                tick="1",
                lot="0.001",
                settle_decimals=8,
                venue="venue",
                symbol="BTCUSDT",
                base="BTC",
                quote="USDT",
                name=NAME,
            )
        )


def main() -> None:
    folder, port, fault, count, *resend = sys.argv[1:]
    node = Node(Path(folder), int(port), fault, int(count), int(*resend))
    if fault == "settle":
        node.settle()
    else:
        node.run()


if __name__ == "__main__":
    main()
