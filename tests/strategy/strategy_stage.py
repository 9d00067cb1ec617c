"""A strategy on real journals: the market and the broker are written first, then it runs."""

from decimal import Decimal

from kungfu_core import events
from kungfu_core._native import MIN_PAGE_SIZE, Clock, Runner, Wiring, id_of
from kungfu_core.context import StrategySetup
from kungfu_core.enums import ContractKind, Product, Side, SizeUnit
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.history import JournalHistory
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.strategy import Strategy
from kungfu_core.strategy_runtime import StrategyRuntime
from kungfu_core.views import type_rows

NAME = "venue:perpetual:BTCUSDT"
OTHER = "venue:perpetual:ETHUSDT"
ID = id_of("mine")
START = 1_000_000_000_000
SECOND = 1_000_000_000


def definition(name=NAME, **changes):
    return events.Instrument(
        **(
            {
                "instrument": id_of(name),
                "product": Product.PERPETUAL,
                "contract_kind": ContractKind.LINEAR,
                "size_unit": SizeUnit.BASE,
                "tick": "0.1",
                "lot": "0.001",
                "venue": "venue",
                "symbol": name.rpartition(":")[2],
                "quote": "USDT",
                "settle": "USDT",
                "name": name,
            }
            | changes
        )
    )


def trade(price="100", size="1", name=NAME, side=Side.BUY):
    return events.Trade(instrument=id_of(name), price=price, size=size, side=side)


def update(order_id, state, *, size="1", filled="0", price=None, side=Side.BUY, **more):
    return events.OrderUpdate(
        order_id=order_id,
        instrument=id_of(NAME),
        account=id_of("main"),
        strategy=id_of("mine"),
        state=state,
        size=size,
        filled=filled,
        price=price,
        side=side,
        **more,
    )


class Stage:
    """What has happened by when; `run` plays it to a strategy and gives what the strategy wrote."""

    first_order = 100

    def __init__(self, root):
        self.root = root
        self.classes = list(EVENT_CLASSES)
        self.market = [(START - 1, definition()), (START - 1, definition(OTHER))]
        self.broker = []
        self.runtime = None

    def at(self, seconds, *market_events):
        self.market += [(START + int(Decimal(str(seconds)) * SECOND), e) for e in market_events]

    def broker_at(self, seconds, event, destination=ID):
        self.broker.append((START + int(Decimal(str(seconds)) * SECOND), event, destination))

    def run(self, strategy: Strategy, until=60, session_start=START, seed=1, **setup):
        self._write("venue", "MD", [(t, e, 0) for t, e in self.market])
        self._write("broker", "BROKER", self.broker)
        clock = Clock(session_start - 1)
        rows = type_rows(self.classes)
        wiring = Wiring("mine", clock, rows)
        for source, name in (("venue", "MD"), ("broker", "BROKER")):
            wiring.join(str(self.root), source, name)
        wiring.open_output(clock, str(self.root), "STRATEGY", rows, MIN_PAGE_SIZE * 4)
        history = JournalHistory(
            rows,
            [Journal(self.root, "venue", "MD")],
            session_start,
            self._consumed,
        )
        place = StrategySetup(
            **{
                "name": "mine",
                "broker": id_of("broker"),
                "accounts": {"main": id_of("main"), "second": id_of("second")},
                "first_order": self.first_order,
                "seed": seed,
                "saved": None,
                "history": history,
            }
            | setup
        )
        self.runtime = StrategyRuntime(strategy, place, self.classes)
        runner = Runner(clock)
        runner.add(self.runtime.host.component(), wiring)
        try:
            runner.start()
            while runner.simulate(START + int(until * SECOND), 1000):
                pass
            runner.stop()
        finally:
            wiring.close()
            self.runtime.host.release()
        return self.written()

    def _consumed(self, journal):
        return self.runtime.host.consumed(journal)

    def written(self, *kinds):
        with Reader(Journal(self.root, "mine", "STRATEGY"), event_classes=self.classes) as reader:
            return [e for e in reader if not kinds or isinstance(e, kinds)]

    def _write(self, source, name, rows):
        rows = sorted(rows, key=lambda row: row[0])
        clock = Clock(0)
        with Writer(
            self.root,
            source,
            name,
            clock=clock,
            page_size=MIN_PAGE_SIZE,
            event_classes=self.classes,
        ) as writer:
            for time, event, destination in rows:
                clock.set(time)
                writer.append(event, destination)
