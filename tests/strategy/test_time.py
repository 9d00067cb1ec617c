"""Timers, intervals and chance: all of a strategy's time is simulated."""

import pytest
from strategy_stage import NAME, SECOND, START, trade

from kungfu_core import events
from kungfu_core.strategy import Strategy


class Timed(Strategy):
    def __init__(self, plan):
        self.plan = plan
        self.fired = []
        self.ids = None

    def on_start(self, context):
        self.ids = self.plan(context)

    def on_timer(self, context, timer):
        self.fired.append((timer, round((context.now - START) / SECOND, 3)))


def run(stage, plan, until=10):
    strategy = Timed(plan)
    stage.run(strategy, until=until)
    assert stage.runtime.fault is None
    return strategy


def test_timers_fire_when_they_are_due_in_order(stage):
    strategy = run(stage, lambda c: [c.timer(after="3s"), c.timer(at=START + SECOND)])
    late, early = strategy.ids
    assert strategy.fired == [(early, 1.0), (late, 3.0)]


def test_equal_times_fire_in_the_order_in_which_they_were_asked_for(stage):
    strategy = run(stage, lambda c: [c.timer(at=START + SECOND) for _ in range(20)])
    assert [timer for timer, _ in strategy.fired] == strategy.ids


def test_a_time_in_the_past_fires_at_once(stage):
    strategy = run(stage, lambda c: [c.timer(at=5)])
    assert [t for t, _ in strategy.fired] == strategy.ids


def test_a_cancelled_timer_does_not_fire(stage):
    def plan(context):
        first, second = context.timer(after="1s"), context.timer(after="2s")
        context.cancel_timer(first)
        context.cancel_timer(first)
        return [first, second]

    strategy = run(stage, plan)
    assert [t for t, _ in strategy.fired] == strategy.ids[1:]


def test_an_interval_fires_again_and_again_under_one_id(stage):
    strategy = run(stage, lambda c: [c.interval("2s")], until=7)
    assert [t for t, _ in strategy.fired] == strategy.ids * 3
    assert [when for _, when in strategy.fired] == [2.0, 4.0, 6.0]


def test_an_interval_can_be_cancelled_from_within(stage):
    class Twice(Timed):
        def on_timer(self, context, timer):
            super().on_timer(context, timer)
            if len(self.fired) == 2:
                context.cancel_timer(timer)

    strategy = Twice(lambda c: c.interval("1s"))
    stage.run(strategy)
    assert [when for _, when in strategy.fired] == [1.0, 2.0]


def test_every_firing_is_journaled(stage):
    strategy = run(stage, lambda c: [c.timer(after="1s")])
    (fired,) = stage.written(events.Timer)
    assert (fired.timer_id, fired.due, fired.gen_time) == (
        strategy.ids[0],
        START - 1 + SECOND,
        START - 1 + SECOND,
    )


def test_a_timer_comes_before_events_of_its_time(stage):
    stage.at(1, trade())
    order = []

    class Both(Timed):
        def on_start(self, context):
            context.subscribe(NAME, events.Trade)
            context.timer(at=START + SECOND)

        def on_timer(self, context, timer):
            order.append("timer")

        def on_trade(self, context, trade):
            order.append("trade")

    stage.run(Both(None))
    assert order == ["timer", "trade"]


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (lambda c: c.timer(), "timer: expected either at= or after="),
        (lambda c: c.timer(at=1, after=1), "timer: expected either at= or after="),
        (lambda c: c.timer(after="soon"), "expected a duration like"),
        (lambda c: c.interval(0), "interval: expected a positive duration, got 0"),
        (lambda c: c.timer(at=2**70), "timer: expected a whole number from 0 to"),
        (lambda c: c.timer(after=2**63), "timer: expected a whole number from 0 to"),
        (lambda c: c.interval(2**63), "timer: expected a whole number from 0 to"),
    ],
)
def test_times_that_make_no_sense_are_refused(stage, deed, message):
    stage.run(Timed(deed))
    assert message in str(stage.runtime.fault)


def test_chance_is_the_same_in_an_equal_run_only(tmp_path):
    """It depends on the session's seed and the strategy's name."""
    from strategy_stage import Stage

    def draw(seed, name, folder):
        strategy = Timed(lambda c: [c.random.random() for _ in range(5)])
        Stage(tmp_path / folder).run(strategy, seed=seed, name=name)
        return strategy.ids

    first = draw(1, "mine", "a")
    assert draw(1, "mine", "b") == first
    assert draw(2, "mine", "c") != first
    assert draw(1, "yours", "d") != first
