"""A broker that is started again, on its own journals, with another configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kungfu_core import events
from kungfu_core._native import MIN_PAGE_SIZE, Clock, Runner, Wiring, id_of, make_broker
from kungfu_core.enums import (
    CommandKind,
    ComponentKind,
    ComponentPhase,
    InstrumentStatus,
    OrderState,
    OrderType,
    Product,
    Scope,
    Side,
    SizeUnit,
    TimeInForce,
)
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.journal import Journal, Reader
from kungfu_core.views import type_rows

NAME = "venue:spot:BTCUSDT"
INSTRUMENT, ACCOUNT, BROKER, STRATEGY = map(id_of, (NAME, "main", "broker", "strategy"))
ROWS = type_rows(EVENT_CLASSES)


class Node:
    """A broker on real journals; the test speaks for its strategy and its venue."""

    def __init__(
        self,
        root: Path,
        limits: dict[str, str],
        *,
        accounts: tuple[str, ...] = ("main",),
        snapshot_every: int = 500_000,
    ):
        is_first = not any(root.iterdir())
        self.root = str(root)
        self.clock = Clock()
        self.runner = Runner(self.clock, snapshot_every)
        self.strategy = self.speaker("strategy", "STRATEGY")
        self.venue = self.speaker("venue", "TD")
        if is_first:
            self.venue.append(definition())
        self.broker = Wiring("broker", self.clock, ROWS)
        for source, name in (("venue", "TD"), ("strategy", "STRATEGY")):
            self.broker.join(self.root, source, name)
        self.broker.open_output(self.clock, self.root, "BROKER", ROWS, MIN_PAGE_SIZE)
        gateway = ("venue", [OrderType.LIMIT], [TimeInForce.GTC], [], [])
        routes = [(name, "venue", False, "1", ()) for name in accounts]
        own = (self.root, "broker", "BROKER", "")
        rows = [(Scope.GLOBAL, "", list(limits.items()), [])]
        self.runner.add(make_broker([gateway], routes, [], {}, own, limits=rows), self.broker)
        self.runner.start()
        self.runner.rebuild(0)
        self.replayed = self.broker.since_snapshot
        self.broker.announce_start(ComponentKind.BROKER)
        self.work()

    def speaker(self, source: str, name: str) -> Wiring:
        wiring = Wiring(source, self.clock, ROWS)
        wiring.open_output(self.clock, self.root, name, ROWS, MIN_PAGE_SIZE)
        return wiring

    def work(self) -> None:
        while self.runner.turn():
            pass

    def order(self, order_id: int, size: str) -> str:
        """Send an order; give its state and why."""
        request = events.OrderRequest(
            order_id=order_id,
            instrument=INSTRUMENT,
            account=ACCOUNT,
            strategy=STRATEGY,
            price="100",
            size=size,
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
        )
        self.strategy.append(request, 0, BROKER)
        self.work()
        update = said(self.root, events.OrderUpdate)[-1]
        assert update.order_id == order_id
        return f"{OrderState(update.state).name} {update.reason}".strip()

    def set_limit(self, limit: str, setting: str) -> None:
        command = events.OperatorCommand(
            kind=CommandKind.SET_LIMIT,
            scope=Scope.GLOBAL,
            limit=limit,
            setting=setting,
            who="a person",
        )
        self.strategy.append(command, 0, BROKER)
        self.work()

    def close(self) -> None:
        for wiring in (self.broker, self.strategy, self.venue):
            wiring.close()


def definition() -> events.Instrument:
    return events.Instrument(
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


def said(root: Path | str, kind: type[Any]) -> list[Any]:
    return [e for e in Reader(Journal(root, "broker", "BROKER")) if isinstance(e, kind)]


def changes(root: Path) -> list[str]:
    return [
        f"{c.limit}: {c.before!r} -> {c.after!r} by {c.who}" for c in said(root, events.LimitChange)
    ]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Start a node as often as wanted, one after the other."""
    running: list[Node] = []

    def again(limits: dict[str, str], **more: Any) -> Node:
        while running:
            running.pop().close()
        running.append(Node(tmp_path, limits, **more))
        return running[0]

    yield again
    for node in running:
        node.close()


def test_a_changed_configuration_counts_from_its_start_on(start, tmp_path):
    """Orders that other limits let through, or refused, are rebuilt as they were judged."""
    node = start({"max_order_size": "2"})
    assert node.order(1, "1") == "SUBMITTED"
    assert node.order(2, "3") == "RISK_REJECTED limit max_order_size: size 3 is above 2"
    node = start({"max_order_size": "5", "max_open_orders": "2"})
    assert node.order(3, "3") == "SUBMITTED"
    node = start({})
    assert node.order(4, "7") == "SUBMITTED"
    node = start({"max_order_size": "1"})
    assert node.order(5, "2") == "RISK_REJECTED limit max_order_size: size 2 is above 1"
    assert changes(tmp_path) == [
        "max_order_size: '' -> '2' by configuration",
        "max_open_orders: '' -> '2' by configuration",
        "max_order_size: '2' -> '5' by configuration",
        "max_open_orders: '2' -> '' by configuration",
        "max_order_size: '5' -> '' by configuration",
        "max_order_size: '' -> '1' by configuration",
    ]


def test_what_a_person_tightened_stands_over_a_restart(start, tmp_path):
    """A supervisor that starts a crashed broker again must not loosen it."""
    limits = {"max_order_size": "5"}
    start(limits).set_limit("max_order_size", "1")
    node = start(limits)
    assert node.order(1, "2") == "RISK_REJECTED limit max_order_size: size 2 is above 1"
    node.runner.take_snapshot(0)
    node = start(limits)
    assert node.order(2, "2") == "RISK_REJECTED limit max_order_size: size 2 is above 1"
    assert start({"max_order_size": "4"}).order(3, "2") == "SUBMITTED"
    assert changes(tmp_path)[1:] == [
        "max_order_size: '5' -> '1' by a person",
        "max_order_size: '1' -> '4' by configuration",
    ]


def test_an_account_can_leave_the_configuration_and_come_back(start):
    assert start({}).order(1, "1") == "SUBMITTED"
    node = start({}, accounts=("other",))
    assert node.order(2, "1").startswith("RISK_REJECTED account ")
    assert start({}).order(3, "1") == "SUBMITTED"


def test_each_start_says_what_the_broker_was_set_to(start, tmp_path):
    start({"max_order_size": "2"})
    start({"max_order_size": "3"}, accounts=("main", "other"))
    first, second = [
        s.detail for s in said(tmp_path, events.ComponentStatus) if s.phase == ComponentPhase.START
    ]
    assert "max_order_size = 2\n" in first
    assert f"[account {ACCOUNT} main]\n" in first
    assert "max_order_size = 3\n" in second
    assert f"[account {id_of('other')} other]\n" in second


def test_a_start_reads_no_more_than_what_came_since_the_last_snapshot(start):
    most = 0
    for session in range(6):
        node = start({}, snapshot_every=50)
        most = max(most, node.replayed)
        for order in range(1, 40):
            assert node.order(session * 100 + order, "1") == "SUBMITTED"
    assert 0 < most < 60
