"""What a strategy can read back, and what it saves for later."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategy_stage import NAME, OTHER, SECOND, START, Stage, trade

from kungfu_core import events
from kungfu_core._native import OrderBook
from kungfu_core.strategy import Strategy


class Asks(Strategy):
    """Calls `question(context)` at every trade and at the start, and keeps the answers."""

    def __init__(self, question):
        self.question = question
        self.answers = []

    def on_start(self, context):
        context.subscribe(NAME, events.Trade)
        self.answers.append(self.question(context))

    def on_trade(self, context, trade):
        self.answers.append(self.question(context))


def prices(trades):
    return [t.price for t in trades]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    times=st.lists(st.integers(-8, 8), max_size=12).map(sorted),
    count=st.integers(0, 5),
)
def test_history_reaches_the_event_in_hand_and_no_further(tmp_path_factory, times, count):
    """What stood there before the session, and what was read since; not a frame more."""
    stage = Stage(tmp_path_factory.mktemp("history"))
    for number, when in enumerate(times):
        stage.at(Decimal(when) / 2, trade(str(number + 1)), trade("9999", name=OTHER))
    strategy = Asks(
        lambda c: (
            prices(c.history(NAME, events.Trade, since=0)),
            prices(c.history(NAME, events.Trade, count=count)),
        )
    )
    stage.run(strategy)
    assert stage.runtime.fault is None
    everything = [float(n + 1) for n in range(len(times))]
    before = sum(when < 0 for when in times)
    for seen, (whole, last) in enumerate(strategy.answers):
        known = everything[: before + seen]
        assert whole == known
        assert last == (known[-count:] if count else [])


def test_history_since_a_time(stage):
    for second in range(5):
        stage.at(second, trade(str(second + 1)))
    strategy = Asks(lambda c: prices(c.history(NAME, events.Trade, since=START + 2 * SECOND)))
    stage.run(strategy)
    assert strategy.answers == [[], [], [], [3.0], [3.0, 4.0], [3.0, 4.0, 5.0]]


def test_history_stays_as_it_was(stage):
    """Its events are copies; reading on does not change them."""
    for i in range(2000):
        stage.at(i / 1000, trade(str(i + 1)))
    strategy = Asks(lambda c: c.history(NAME, events.Trade, count=1))
    stage.run(strategy)
    assert prices(a[0] for a in strategy.answers[1:]) == [float(i + 1) for i in range(2000)]


@pytest.mark.parametrize("bounds", [{}, {"count": 1, "since": 1}])
def test_history_wants_one_bound(stage, bounds):
    stage.run(Asks(lambda c: c.history(NAME, events.Trade, **bounds)))
    assert str(stage.runtime.fault) == "history: expected either count= or since="


def test_state_is_saved_and_loaded(tmp_path):
    """What was saved last comes back, in this session and in a later one."""

    class Counts(Strategy):
        def on_start(self, context):
            self.found = context.load()
            context.save({"n": 1})
            context.save({"n": 2, "text": "ü"})
            self.now = context.load()

    first, second = Counts(), Counts()
    stage = Stage(tmp_path / "first")
    stage.run(first)
    saved = stage.written(events.State)[-1].data
    Stage(tmp_path / "second").run(second, saved=saved)
    assert first.found is None
    assert first.now == second.found == {"n": 2, "text": "ü"}


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (lambda c: c.history(NAME, events.Trade, count=-1), "history: count: expected a whole"),
        (lambda c: c.history(NAME, events.Trade, since=1.5), "history: since: expected a whole"),
        (lambda c: c.history(NAME, events.Trade, since=2**63), "history: since: expected a whole"),
        (lambda c: c.history(NAME, OrderBook, count=1), "expected a class of events such as Trade"),
        (lambda c: c.history(NAME, "trade", count=1), "expected a class of events such as Trade"),
        (lambda c: c.history(None, events.Trade, count=1), "expected an instrument's name, id"),
        (lambda c: c.book(-1), "expected an instrument's name, id or definition, got -1"),
        (lambda c: c.save(float("nan")), "not JSON compliant"),
        (
            lambda c: c.save({"pnl": {"main": [1, Decimal("1.5")]}}),
            (
                "save: state['pnl']['main'][1]: expected what JSON can say, got Decimal('1.5'); "
                "write a Decimal as text"
            ),
        ),
        (
            lambda c: c.save({"seen": {(1, 2): 3}}),
            "save: state['seen']: expected keys that are text or numbers, got (1, 2)",
        ),
        (lambda c: c.log.info(5), "log.info: expected text, got 5"),
    ],
)
def test_questions_that_make_no_sense_are_refused(stage, question, message):
    stage.run(Asks(question))
    assert message in str(stage.runtime.fault)


def test_what_could_not_be_saved_is_not_loaded(stage):
    """A restart would know nothing of it."""

    def save_too_much(context):
        context.save("kept")
        with pytest.raises(ValueError, match="does not fit into a page"):
            context.save("x" * 10_000_000)
        return context.load()

    strategy = Asks(save_too_much)
    stage.run(strategy)
    assert strategy.answers == ["kept"]
