"""Bars against a slow reference: live, from history, and where the two meet."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategy_stage import NAME, SECOND, START, Stage, trade

from kungfu_core import events
from kungfu_core.strategy import Strategy

TRADES = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda tenths: Decimal(tenths) / 4),
        st.decimals(1, 100, places=1),
        st.decimals(Decimal("0.001"), 10, places=3),
    ),
    max_size=25,
)


def reference(trades, timeframe, now):
    """Every stretch with a trade in it that is over by now."""
    bars = {}
    for when, price, size in sorted(trades, key=lambda t: t[0]):
        time = START + int(when * SECOND)
        bars.setdefault(time - time % timeframe, []).append((price, size))
    return [
        (
            start,
            held[0][0],
            max(p for p, _ in held),
            min(p for p, _ in held),
            held[-1][0],
            sum(s for _, s in held),
            len(held),
        )
        for start, held in sorted(bars.items())
        if start + timeframe <= now
    ]


def row(bar):
    return (
        bar.time,
        bar.open_exact,
        bar.high_exact,
        bar.low_exact,
        bar.close_exact,
        bar.volume_exact,
        bar.trade_count,
    )


class Bars(Strategy):
    """Warms up with history and goes on live, from a moment on."""

    def __init__(self, begin, timeframe="1s", count=None):
        self.begin, self.timeframe, self.count = begin, timeframe, count
        self.bars, self.past, self.late = [], [], []

    def on_start(self, context):
        context.timer(at=START + int(self.begin * SECOND))

    def on_timer(self, context, timer):
        bounds = {"since": 0} if self.count is None else {"count": self.count}
        self.past = context.history(NAME, events.Bar, timeframe=self.timeframe, **bounds)
        context.subscribe(NAME, events.Bar, timeframe=self.timeframe)

    def on_bar(self, context, bar):
        if context.now < bar.time + bar.timeframe:
            self.late.append(bar)
        self.bars.append(bar)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(trades=TRADES, begin=st.integers(0, 11), timeframe=st.sampled_from(["1s", "1500ms", "3s"]))
def test_history_and_live_bars_agree_with_the_reference_at_the_seam(
    tmp_path_factory, trades, begin, timeframe
):
    """No bar twice, none missing, none before it is complete; whenever one begins."""
    stage = Stage(tmp_path_factory.mktemp("bars"))
    for when, price, size in trades:
        stage.at(when, trade(price, size))
    strategy = Bars(begin, timeframe)
    stage.run(strategy, until=15)
    assert stage.runtime.fault is None
    length = {"1s": SECOND, "1500ms": SECOND * 3 // 2, "3s": 3 * SECOND}[timeframe]
    expected = reference(trades, length, START + 15 * SECOND)
    assert [row(b) for b in strategy.past + strategy.bars] == expected
    assert strategy.late == []


def test_count_gives_the_last_bars(stage):
    for second in range(5):
        stage.at(second, trade(str(second + 1)))
    strategy = Bars(4, count=2)
    stage.run(strategy)
    assert [b.close for b in strategy.past] == [3.0, 4.0]


def test_a_bar_comes_when_it_is_over_even_if_no_trade_follows(stage):
    """At its end, not with the next trade."""
    heard = []

    class Clocked(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Bar, timeframe="1s")

        def on_bar(self, context, bar):
            heard.append((context.now - START, bar.close))

    stage.at("0.5", trade("7"))
    stage.at(5, trade("8"))
    stage.run(Clocked())
    assert heard == [(SECOND, 7.0), (6 * SECOND, 8.0)]


def test_several_timeframes_and_trades_do_not_disturb_each_other(stage):
    heard = []

    class Many(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Bar, events.Trade, timeframe="1s")
            context.subscribe(NAME, events.Bar, timeframe="2s")
            context.subscribe(NAME, events.Bar, timeframe="1s")

        def on_trade(self, context, trade):
            heard.append(("trade", trade.price))

        def on_bar(self, context, bar):
            heard.append((bar.timeframe // SECOND, bar.close))

    stage.at("0.5", trade("1"))
    stage.at("1.5", trade("2"))
    stage.run(Many())
    assert heard[:3] == [("trade", 1.0), (1, 1.0), ("trade", 2.0)]
    assert sorted(heard[3:]) == [(1, 2.0), (2, 2.0)]


def test_unsubscribed_bars_do_not_come_any_more(stage):
    """Not even the one that was begun, and trades were never asked for."""
    heard = []

    class Quits(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Bar, timeframe="1s")
            context.timer(at=START + SECOND * 3 // 2)

        def on_timer(self, context, timer):
            context.unsubscribe(NAME, events.Bar, timeframe="1s")

        def on_trade(self, context, trade):
            heard.append("trade")

        def on_bar(self, context, bar):
            heard.append(bar.close)

    for when in ("0.5", "1.2", "2.5"):
        stage.at(when, trade(when))
    stage.run(Quits())
    assert stage.runtime.fault is None
    assert heard == [0.5]


def test_bars_need_their_timeframe(stage):
    class Wrong(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Bar)

    stage.run(Wrong())
    assert str(stage.runtime.fault) == 'bars: expected timeframe=, such as "1m"'
