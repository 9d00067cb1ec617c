"""Which events a strategy hears of, in which order, and when."""

import pytest
from strategy_stage import NAME, OTHER, SECOND, START, definition, trade, update

from kungfu_core import events
from kungfu_core._native import OrderBook, id_of
from kungfu_core.enums import FeedState, OrderState, Side
from kungfu_core.strategy import Strategy


class Heard(Strategy):
    """Notes every callback; subscribes as it is told."""

    def __init__(self, *wishes):
        self.wishes = wishes
        self.calls = []
        self.context = None

    def on_start(self, context):
        self.context = context
        self.calls.append(("start", context.now))
        for instrument, *kinds in self.wishes:
            context.subscribe(instrument, *kinds)


def _noting(name):
    def callback(self, context, *what):
        self.calls.append((name, *what))

    return callback


for _name in (
    "stop", "trade", "quote", "mark", "funding", "order", "fill", "position", "balance", "timer",
    "instrument", "status",
):  # fmt: skip
    setattr(Heard, f"on_{_name}", _noting(_name))


def test_only_what_was_subscribed_to_is_heard(stage):
    """Kind and instrument both count."""
    quote = events.Quote(id_of(NAME), bid_price="1", ask_price="2")
    stage.at(1, trade("1"), trade("2", name=OTHER), quote)
    stage.at(
        2, events.MarkPrice(id_of(OTHER), price="5"), events.IndexPrice(id_of(OTHER), price="6")
    )
    strategy = Heard((NAME, events.Trade), (OTHER, events.MarkPrice))
    stage.run(strategy)
    assert [(c[0], getattr(c[1], "price", None)) for c in strategy.calls[1:-1]] == [
        ("trade", 1.0),
        ("mark", 5.0),
    ]


def test_unsubscribing_ends_it(stage):
    class Once(Heard):
        def on_trade(self, context, trade):
            self.calls.append(("trade", trade.price))
            context.unsubscribe(NAME, events.Trade)

    stage.at(1, trade("1"))
    stage.at(2, trade("2"))
    strategy = Once((NAME, events.Trade))
    written = stage.run(strategy)
    assert [c for c in strategy.calls if c[0] == "trade"] == [("trade", 1.0)]
    subscriptions = [e for e in written if isinstance(e, events.Subscription)]
    assert [s.action.name for s in subscriptions] == ["SUBSCRIBE", "UNSUBSCRIBE"]


def test_start_comes_first_with_all_that_stood_there(stage):
    """Nothing is heard before on_start; what was read by then is known in the context."""
    balance = events.Balance(id_of("main"), "1000.5", "USDT")
    position = events.Position(id_of("main"), id_of(NAME), 0, "-2", "0", "0")
    status = events.FeedStatus(id_of(NAME), state=FeedState.LIVE)
    stage.at("-0.000000001", status)
    for event in (balance, position, update(7, OrderState.ACCEPTED)):
        stage.broker_at("-0.000000001", event, 0)

    class Looks(Heard):
        def on_start(self, context):
            super().on_start(context)
            self.seen = (
                [i.name for i in context.instruments],
                str(context.balance("USDT")),
                str(context.position(NAME).size_exact),
            )

    strategy = Looks()
    stage.run(strategy)
    assert strategy.seen == ([NAME, OTHER], "1000.5", "-2")
    assert [c[0] for c in strategy.calls] == ["start", "stop"]
    assert strategy.calls[0] == ("start", START - 1)


def test_news_after_the_start_is_heard(stage):
    stage.at(1, definition(tick="0.2"), events.FeedStatus(id_of(NAME), state=FeedState.GAP))
    stage.broker_at(2, events.Balance(id_of("main"), "1", "USDT"), 0)
    stage.broker_at(2, events.Position(id_of("main"), id_of(NAME), 0, "1", "1", "0"), 0)
    strategy = Heard()
    stage.run(strategy)
    assert [c[0] for c in strategy.calls] == [
        "start", "instrument", "status", "balance", "position", "stop",
    ]  # fmt: skip
    assert str(strategy.context.instrument(NAME).tick_exact) == "0.2"


def test_a_part_of_a_position_is_not_the_position(stage):
    """What the strategy itself holds is known in the context, and no callback of its own."""
    held = {"account": id_of("main"), "instrument": id_of(NAME), "cost": 0, "realized_pnl": 0}
    stage.broker_at(1, events.Position(**held, size="3"), 0)
    stage.broker_at(1, events.Position(**held, size="1", strategy=id_of("mine")), id_of("mine"))
    stage.at(2, definition())
    strategy = Heard()
    stage.run(strategy)
    assert [c[0] for c in strategy.calls] == ["start", "position", "instrument", "stop"]
    context = strategy.context
    assert (context.position(NAME).size, context.own_position(NAME).size) == (3, 1)
    assert context.own_position(OTHER).size == 0


def test_orders_of_others_are_not_heard(stage):
    """The broker names the strategy that an update is for."""
    stage.broker_at(1, update(1, OrderState.ACCEPTED), id_of("another"))
    stage.broker_at(2, update(2, OrderState.ACCEPTED))
    strategy = Heard()
    stage.run(strategy)
    assert [c[1].order_id for c in strategy.calls if c[0] == "order"] == [2]


def test_now_is_the_time_of_the_event_in_hand(stage):
    class Clocked(Heard):
        def on_trade(self, context, trade):
            self.calls.append((context.now, trade.gen_time))

    stage.at(1, trade())
    stage.at("1.5", trade())
    strategy = Clocked((NAME, events.Trade))
    stage.run(strategy)
    times = [START + SECOND, START + SECOND * 3 // 2]
    assert strategy.calls[1:-1] == [(t, t) for t in times]


@pytest.mark.parametrize("late", [False, True])
def test_the_book_is_whole_from_the_subscription_on(stage, late):
    """Also where its snapshot was read before the strategy could ask for it."""
    book = id_of(NAME)
    buy, sell = Side.BUY, Side.SELL
    stage.at(
        "-0.000000001",
        events.BookSnapshot(book, 0, 5, [("99", "1", buy), ("101", "2", sell)]),
    )
    stage.at(1, events.BookDelta(book, 0, 6, 5, [("100", "3", buy)]))
    stage.at(2, events.BookDelta(book, 0, 7, 6, [("101", "0", sell), ("102", "4", sell)]))
    seen = []

    class Books(Strategy):
        def on_start(self, context):
            if late:
                context.timer(after="1500ms")
            else:
                context.subscribe(NAME, OrderBook)

        def on_timer(self, context, timer):
            context.subscribe(NAME, OrderBook)
            seen.append((context.book(NAME).bid_price, context.book(NAME).ask_price))

        def on_book(self, context, book):
            seen.append((book.bid_price, book.ask_price))

    stage.run(Books())
    assert stage.runtime.fault is None
    assert seen == [(100.0, 101.0), (100.0, 102.0)]


def test_a_kind_that_cannot_be_subscribed_to_is_refused(stage):
    class Wrong(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, events.Fill)

    stage.run(Wrong())
    assert "expected some of: Trade, Quote, Bar" in str(stage.runtime.fault)


def test_a_book_that_was_given_up_is_not_known(stage):
    """It must not look like the market; a new subscription brings it up to date."""
    book, buy = id_of(NAME), Side.BUY
    stage.at(1, events.BookSnapshot(book, 0, 5, [("99", "1", buy)]))
    stage.at(3, events.BookSnapshot(book, 0, 9, [("77", "1", buy)]))
    stage.at(9, trade())
    seen = []

    class Leaves(Strategy):
        def on_start(self, context):
            context.subscribe(NAME, OrderBook)
            self.book = context.book(NAME)
            for second in (2, 4, 5):
                context.timer(after=f"{second}s")

        def on_timer(self, context, timer):
            step = len(seen)
            if step == 0:
                context.unsubscribe(NAME, OrderBook)
            elif step == 2:
                context.subscribe(NAME, OrderBook)
            seen.append((self.book.instrument == book, self.book.known, self.book.bid_price))

    stage.run(Leaves())
    assert [known for _, known, _ in seen] == [False, False, True]
    assert seen[-1] == (True, True, 77.0)
    assert all(named for named, _, _ in seen)


@pytest.mark.parametrize(
    "deed",
    [
        lambda c, name: c.instrument(name),
        lambda c, name: c.subscribe(name, events.Trade),
        lambda c, name: c.unsubscribe(name, events.Trade),
        lambda c, name: c.history(name, events.Trade, count=1),
        lambda c, name: c.book(name),
        lambda c, name: c.buy(name, 1),
        lambda c, name: c.open_orders(name),
        lambda c, name: c.cancel_all(name),
        lambda c, name: c.position(name),
        lambda c, name: c.exchange_time(name),
    ],
)
def test_a_misspelt_instrument_is_told_with_those_that_are_known(stage, deed):
    """Nothing waits in silence for an instrument that never comes."""

    class Wrong(Strategy):
        def on_start(self, context):
            deed(context, "venue:spot:NONE")

    stage.run(Wrong())
    assert str(stage.runtime.fault) == (
        f"unknown instrument 'venue:spot:NONE'; known: {NAME}, {OTHER}"
    )
