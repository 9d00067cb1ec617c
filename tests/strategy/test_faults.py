"""What a raising callback does: its strategy stops, everything else goes on."""

import struct

import pytest
from strategy_stage import NAME, OTHER, trade

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.enums import ComponentKind, ComponentPhase
from kungfu_core.strategy import Strategy


class Breaks(Strategy):
    """Places two orders and raises in a callback of choice."""

    def __init__(self, where, error):
        self.where, self.error = where, error
        self.calls = []

    def _call(self, where):
        self.calls.append(where)
        if where == self.where:
            raise self.error

    def on_start(self, context):
        context.subscribe(NAME, events.Trade)
        context.buy(NAME, 1, price=1)
        context.sell(OTHER, 1, price=9)
        context.timer(after="1500ms")
        self._call("start")

    def on_trade(self, context, trade):
        self._call("trade")

    def on_timer(self, context, timer):
        self._call("timer")

    def on_stop(self, context):
        self._call("stop")


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("start", ["start"]),
        ("trade", ["start", "trade"]),
        ("timer", ["start", "trade", "timer"]),
        ("stop", ["start", "trade", "timer", "trade", "stop"]),
    ],
)
def test_an_exception_stops_the_strategy_and_cancels_its_orders(stage, where, calls):
    """The journal has its traceback; nothing is called any more, not even on_stop."""
    stage.at(1, trade())
    stage.at(2, trade())
    strategy = Breaks(where, LookupError("broken on purpose"))
    stage.run(strategy)
    assert strategy.calls == calls
    assert stage.runtime.fault is strategy.error
    (fault,) = stage.written(events.ComponentStatus)
    assert (fault.kind, fault.phase) == (ComponentKind.STRATEGY, ComponentPhase.FAULT)
    assert "broken on purpose" in fault.detail
    assert "test_faults.py" in fault.detail
    cancels = stage.written(events.OrderCancel)
    assert [(c.order_id, c.instrument) for c in cancels] == [
        (101, id_of(NAME)),
        (102, id_of(OTHER)),
    ]


def test_what_was_read_goes_on_being_noted(stage):
    """The consumption record of a stopped strategy is complete."""
    stage.at(1, trade())
    stage.at(2, trade())
    written = stage.run(Breaks("start", LookupError()))
    runs = [run for e in written if isinstance(e, events.Consumption) for run in e.runs]
    assert runs[-1].up_to == 4


def test_a_traceback_that_utf8_cannot_say_is_escaped(stage):
    stage.run(Breaks("start", OSError("no file \udcff")))
    (fault,) = stage.written(events.ComponentStatus)
    assert r"no file \udcff" in fault.detail


def test_events_in_the_frames_of_a_traceback_stay_whole(stage):
    """The page under the event is long gone when somebody looks."""

    class Raises(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Trade)

        def on_trade(self, context, trade):
            raise LookupError

    stage.at(0, trade("123.4"))
    for i in range(3000):
        stage.at(1 + i / 1000, trade(str(i)))
    stage.run(Raises())
    frame = stage.runtime.fault.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    held = frame.tb_frame.f_locals["trade"]
    assert held.price == 123.4


def test_an_interrupt_ends_the_session(stage):
    """It is no fault of the strategy, and nothing of it is journaled."""
    stage.at(1, trade())
    with pytest.raises(RuntimeError, match="interrupted"):
        stage.run(Breaks("trade", KeyboardInterrupt()))
    assert isinstance(stage.runtime.host.interruption, KeyboardInterrupt)
    assert stage.runtime.fault is None
    assert stage.written(events.ComponentStatus) == []


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, type("Odd", (BaseException,), {})])
def test_no_strategy_can_end_the_session(stage, kind):
    """Whatever a callback raises stops that strategy alone; sys.exit() would look like success."""
    stage.at(1, trade())
    stage.run(Breaks("trade", kind(0)))
    assert isinstance(stage.runtime.fault, kind)
    assert stage.runtime.host.interruption is None
    (fault,) = stage.written(events.ComponentStatus)
    assert kind.__name__ in fault.detail
    assert len(stage.written(events.OrderCancel)) == 2


def test_a_traceback_longer_than_a_page_is_journaled_in_part(stage):
    stage.run(Breaks("start", LookupError("no " * 1_000_000 + "end")))
    (fault,) = stage.written(events.ComponentStatus)
    assert "test_faults.py" in fault.detail
    assert fault.detail.endswith("no end\n")


def test_an_event_larger_than_a_page_says_so(stage):
    class Talks(Strategy):
        def on_start(self, context):
            context.log.info("x" * (1 << 20))

    stage.run(Talks())
    assert "1048584 bytes does not fit into a page" in str(stage.runtime.fault)


def test_a_callback_may_change_its_own_subscription(stage):
    """The callback in hand is replaced while it runs."""

    class Turns(Strategy):
        heard = 0

        def on_start(self, context):
            context.subscribe(NAME, events.Trade)

        def on_trade(self, context, trade):
            self.heard += 1
            context.subscribe(NAME, events.Bar, timeframe=f"{self.heard}s")
            context.unsubscribe(NAME, events.Bar, timeframe=f"{self.heard}s")

    for i in range(50):
        stage.at(i, trade())
    strategy = Turns()
    stage.run(strategy)
    assert (stage.runtime.fault, strategy.heard) == (None, 50)


class Counts(Strategy):
    trades = 0

    def on_start(self, context):
        context.subscribe(NAME, events.Trade)

    def on_trade(self, context, trade):
        self.trades += 1


def damage_last_frame(page, frame, length):
    """Give a page's last frame another length, and nothing behind it."""
    content = bytearray(page.read_bytes())
    struct.pack_into("<Q", content, frame, length)
    content[frame + max(length, 72) :] = bytes(len(content) - frame - max(length, 72))
    page.write_bytes(content)


def last_frame(page):
    """Where a page's last frame begins."""
    content, at, last = page.read_bytes(), 512, 0
    while length := struct.unpack_from("<I", content, at)[0]:
        last, at = at, at + (length + 7) // 8 * 8
    return last


def test_a_journal_that_cannot_be_read_on_ends_the_session(stage, monkeypatch):
    """What is behind the damage must not look as if it had never been recorded."""
    for second in range(10):
        stage.at(second, trade())
    write = stage._write

    def write_and_damage(source, name, rows):
        write(source, name, rows)
        if name == "MD":
            (page,) = stage.root.rglob("MD.*.journal")
            damage_last_frame(page, last_frame(page), 7)

    monkeypatch.setattr(stage, "_write", write_and_damage)
    strategy = Counts()
    with pytest.raises(RuntimeError, match=r"mine: cannot read on: .*MD.*impossible frame length"):
        stage.run(strategy)
    assert strategy.trades == 9


def test_an_event_shorter_than_its_type_is_not_handed_over(stage, monkeypatch):
    """Its fields would be read from what lies behind it."""
    for second in range(10):
        stage.at(second, trade())
    write = stage._write

    def write_and_damage(source, name, rows):
        write(source, name, rows)
        if name == "MD":
            (page,) = stage.root.rglob("MD.*.journal")
            damage_last_frame(page, last_frame(page), 72 + 16)

    monkeypatch.setattr(stage, "_write", write_and_damage)
    strategy = Counts()
    stage.run(strategy)
    assert strategy.trades == 9
