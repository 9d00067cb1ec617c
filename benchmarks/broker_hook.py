"""`broker.order_hook`: an order under all limits and one check in Python, beside one without it."""

import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from measuring import compare, is_wanted

from kungfu_core import events
from kungfu_core._native import Clock, Runner, Wiring, id_of, make_broker
from kungfu_core.enums import (
    CashKind,
    ContractKind,
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
from kungfu_core.journal import Writer
from kungfu_core.views import type_rows

NAME = "broker.order_hook"
ROUNDS = 51
ORDERS = 200
"""In one poll of the broker, which takes up to 256 events."""

INSTRUMENT, ACCOUNT = "venue:perpetual:BTCUSDT", "venue/main"
IDS = {
    "instrument": id_of(INSTRUMENT),
    "account": id_of(ACCOUNT),
    "strategy": id_of("strategy"),
}
LIMITS = {
    "max_order_size": "10",
    "max_order_notional": "USDT=1000000",
    "max_position": "1000000",
    "max_net_notional": "USDT=100000000000",
    "max_gross_notional": "USDT=100000000000",
    "max_leverage": "100000",
    "max_open_orders": "1000000",
    "max_order_rate": "1000000/1s",
    "max_cancel_rate": "1000000/1s",
    "price_collar_last": "0.1",
    "price_collar_mid": "0.1",
    "price_collar_mark": "0.1",
    "max_slippage": "0.1",
    "max_volume_share": "0.5",
    "volume_window": "1h",
    "duplicate_window": "1ms",
    "self_trade": "reject",
    "check_funds": "true",
    "max_data_age": "1h",
    "max_clock_offset": "1s",
    "instruments": "other:*,venue:perpetual:*",
    "trading_hours": "00:00-24:00",
    "max_daily_loss": "USDT=1000000",
    "max_drawdown": "USDT=1000000",
}
"""All that there are, as in native/bench/broker.cpp; so wide that the orders here pass."""


class PositionCheck:
    """Looks at the order and at what is held, as most checks do."""

    def check(self, order: Any, view: Any) -> str | None:  # noqa: ANN401
        """Let all pass."""
        held = view.position(order.account, order.instrument)
        return None if abs(held) + Decimal(1000) > order.size_exact else "too large"


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Send orders that rest through a broker with the check, and through one without."""
    if not is_wanted(NAME, beginnings):
        return
    with tempfile.TemporaryDirectory(dir=_in_memory()) as folder:
        hooked = _Node(Path(folder) / "hooked", [("position", PositionCheck())])
        plain = _Node(Path(folder) / "plain", [])
        yield compare(NAME, "ns", hooked.order, plain.order, ROUNDS)


def _in_memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - not a name to be guessed


class _Node:
    """A broker and the writers of what it reads."""

    def __init__(self, root: Path, checks: list[tuple[str, object]]) -> None:
        root.mkdir()
        rows = type_rows(EVENT_CLASSES)
        clock = Clock()
        self._next_id = (7 << 40) + 1
        self._round = 0
        self._venue = Writer(root, "venue", "TD")
        self._strategy = Writer(root, "strategy", "STRATEGY")
        wiring = Wiring("broker", clock, rows)
        wiring.join(str(root), "venue", "TD")
        wiring.join(str(root), "strategy", "STRATEGY")
        wiring.open_output(clock, str(root), "BROKER", rows, 64 << 20)
        self._said = wiring.output_sequence
        gateway = ("venue", [OrderType.LIMIT], [TimeInForce.GTC], [], [])
        limits = [(Scope.GLOBAL, "", [*LIMITS.items()], [])]
        broker = make_broker(
            [gateway], [(ACCOUNT, "venue", False, "1", [])], checks, limits=limits, budget=10**9
        )
        self._runner = Runner(clock)
        self._runner.add(broker, wiring)
        self._runner.start()
        self._open_market()

    def _open_market(self) -> None:
        instrument = IDS["instrument"]
        say = self._say
        say(
            events.Instrument(
                instrument=instrument, product=Product.PERPETUAL, tick="0.1", lot="0.001",
                contract_kind=ContractKind.LINEAR, size_unit=SizeUnit.BASE, settle_decimals=8,
                status=InstrumentStatus.TRADING, base="BTC", quote="USDT", settle="USDT",
                name=INSTRUMENT,
            )
        )  # fmt: skip
        price, size = "60000.0", "5.000"
        say(
            events.Quote(
                instrument=instrument, bid_price=price, bid_size=size, ask_price="60000.1",
                ask_size=size,
            )
        )  # fmt: skip
        say(events.Trade(instrument=instrument, price=price, size="1000"))
        say(events.MarkPrice(instrument=instrument, price=price))
        say(
            events.CashMovement(
                account=IDS["account"],
                amount="10000000000",
                kind=CashKind.TRANSFER,
                currency="USDT",
            )
        )
        say(events.ClockOffset())
        self._work()

    def _say(self, event: Any) -> None:  # noqa: ANN401
        self._venue.append(event)

    def _work(self) -> None:
        while self._runner.turn():
            pass

    def order(self) -> float:
        """Nanoseconds for an order, from the request in one journal to the order in another."""
        self._round += 1
        orders = [(self._next_id + i, Side.BUY if i % 2 == 0 else Side.SELL) for i in range(ORDERS)]
        self._next_id += ORDERS
        for i, (order_id, side) in enumerate(orders):
            # Not the price of the round before: the same order again would be refused.
            away = 10 + i + ORDERS * (self._round % 50)
            ticks = 600_000 - away if side == Side.BUY else 600_000 + away
            request = events.OrderRequest(
                order_id=order_id, price=Decimal(ticks).scaleb(-1), size="1.000", side=side,
                type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, trigger_price=None,
                trailing_offset=None, display_size=None, **IDS,
            )  # fmt: skip
            self._strategy.append(request, destination=id_of("broker"))
        said = self._said()
        begin = time.perf_counter_ns()
        handled = self._runner.turn()
        elapsed = time.perf_counter_ns() - begin
        # Where the order stands, and the order itself; what was read, once.
        if handled != ORDERS or self._said() < said + 2 * ORDERS:
            raise RuntimeError("an order was refused")
        for order_id, side in orders:
            self._say(
                events.OrderUpdate(
                    order_id=order_id, side=side, state=OrderState.CANCELED, price=None, size=None,
                    filled=None, **IDS,
                )
            )  # fmt: skip
        self._work()
        return elapsed / ORDERS
