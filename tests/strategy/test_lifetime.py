"""Who holds what, and what is left when a session is gone."""

import gc
import sys
import weakref

import pytest
from strategy_stage import NAME, trade

from kungfu_core import events
from kungfu_core._native import MIN_PAGE_SIZE, Clock, Runner, StrategyHost, Wiring
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.strategy import Strategy
from kungfu_core.views import type_rows


class Keeps(Strategy):
    """Keeps its context, as an author does who looks at it after a run."""

    def on_start(self, context):
        self.context = context


@pytest.mark.parametrize(
    "use",
    [
        lambda context: context.now,
        lambda context: context.exchange_time(NAME),
        lambda context: context.log.info("too late"),
        lambda context: context.buy(NAME, 1),
    ],
    ids=["now", "exchange_time", "log", "buy"],
)
def test_a_context_without_its_session_says_so(stage, use):
    stage.at(1, trade())
    strategy = Keeps()
    stage.run(strategy)
    gc.collect()
    with pytest.raises(RuntimeError, match="only while its session is there"):
        use(strategy.context)


def test_a_host_that_was_never_started_says_so():
    host = StrategyHost([])
    with pytest.raises(RuntimeError, match="only while its session is there"):
        _ = host.now
    with pytest.raises(RuntimeError, match="only while its session is there"):
        host.append(events.Timer())


def test_a_component_that_no_runner_took_goes_with_its_capsule():
    class Context:
        pass

    host, context = StrategyHost([]), Context()
    alive = weakref.ref(context)
    host.set_context(context)
    capsule = host.component()
    del host, context, capsule
    assert alive() is None


def test_a_wiring_holds_its_clock():
    """The clock may have no other owner."""
    clock = Clock(5)
    before = sys.getrefcount(clock)
    wiring = Wiring("mine", clock, type_rows(EVENT_CLASSES))
    assert sys.getrefcount(clock) == before + 1
    del wiring
    assert sys.getrefcount(clock) == before


def test_a_runner_that_failed_still_journals_what_was_read(tmp_path):
    """An exact replay of the session reaches the failure only by that."""
    clock, rows = Clock(5), type_rows(EVENT_CLASSES)
    with Writer(tmp_path, "venue", "MD", clock=clock, page_size=MIN_PAGE_SIZE) as market:
        market.append(trade())
        market.append(trade())

    def interrupt():
        raise KeyboardInterrupt

    host = StrategyHost(list(EVENT_CLASSES))
    host.set_life_callbacks(interrupt, interrupt, interrupt, interrupt)
    wiring = Wiring("mine", clock, rows)
    wiring.join(str(tmp_path), "venue", "MD")
    wiring.open_output(clock, str(tmp_path), "STRATEGY", rows, MIN_PAGE_SIZE)
    runner = Runner(clock)
    runner.add(host.component(), wiring)
    runner.start()
    with pytest.raises(RuntimeError, match="interrupted"):
        runner.simulate(9, 100)
    runner.close()
    host.release()
    with Reader(Journal(tmp_path, "mine", "STRATEGY")) as reader:
        (said,) = (e for e in reader if isinstance(e, events.Consumption))
    assert [(run.journal, run.up_to) for run in said.runs] == [(market.id, market.last_sequence)]
    Writer(tmp_path, "mine", "STRATEGY", clock=clock).close()
