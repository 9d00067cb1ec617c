"""Runs one strategy: takes events from the native host, keeps what is known, calls the strategy."""

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from kungfu_core import events
from kungfu_core._native import OrderBook, StrategyHost
from kungfu_core.bars import BarBuilder
from kungfu_core.context import Context, Interval, PositionKey, StrategySetup, printable
from kungfu_core.enums import ComponentKind, ComponentPhase
from kungfu_core.strategy import Strategy
from kungfu_core.views import Event

if TYPE_CHECKING:
    from kungfu_core.orders import Order

_FAULT_BEGIN, _FAULT_END = 12_000, 500
"""Characters of a longer traceback that are journaled; an endless message would not fit a page."""


class StrategyRuntime:
    """A strategy with its context, as a component for a runner.

    Market data goes from the native host straight to the strategy's method where nothing has to be
    kept; events of orders and accounts come by here first.

    Attributes:
        fault: the exception that stopped the strategy; None while it runs.
    """

    def __init__(
        self, strategy: Strategy, setup: StrategySetup, view_classes: list[type[Event]]
    ) -> None:
        self.fault: BaseException | None = None
        self.orders: dict[int, Order] = {}
        self.instruments: dict[int, events.Instrument] = {}
        self.positions: dict[PositionKey, events.Position] = {}
        self.own_positions: dict[PositionKey, events.Position] = {}
        self.balances: dict[tuple[int, str], events.Balance] = {}
        self.bars: dict[int, list[BarBuilder]] = {}
        self.intervals: dict[int, Interval] = {}
        self._bar_timers: dict[int, BarBuilder] = {}
        self._trades_wanted: set[int] = set()
        self._started = False
        self._strategy = strategy
        self._host = StrategyHost(view_classes)
        self.context = Context(self._host, setup, self)
        self._connect()

    @property
    def host(self) -> StrategyHost:
        """The native side."""
        return self._host

    def _connect(self) -> None:
        host, strategy = self._host, self._strategy
        host.set_context(self.context)
        host.set_life_callbacks(self._on_start, self._on_stop, self._on_timer, self._on_fault)
        for kind, name in (
            (events.Trade, "on_trade"),
            (events.Quote, "on_quote"),
            (events.MarkPrice, "on_mark"),
            (events.IndexPrice, "on_mark"),
            (events.FundingRate, "on_funding"),
        ):
            if _overrides(strategy, name):
                host.handle(_number(kind), getattr(strategy, name), subscribed_only=True)
        if _overrides(strategy, "on_book"):
            host.set_book_callback(strategy.on_book)
        keepers: tuple[tuple[type[Event], Callable[..., None]], ...] = (
            (events.Instrument, self._on_instrument),
            (events.OrderUpdate, self._on_order),
            (events.Fill, self._after_start(strategy.on_fill)),
            (events.Position, self._on_position),
            (events.Balance, self._on_balance),
            (events.FeedStatus, self._after_start(strategy.on_status)),
            (events.Connection, self._after_start(strategy.on_status)),
        )
        for event_class, method in keepers:
            host.handle(_number(event_class), method, subscribed_only=False)

    def _after_start(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Keep a callback from running before `on_start` has."""

        def started(context: Context, event: Event) -> None:
            if self._started:
                callback(context, event)

        return started

    # --- life ----------------------------------------------------------------------------------

    def _on_start(self) -> None:
        self._started = True
        self._strategy.on_start(self.context)

    def _on_stop(self) -> None:
        self._strategy.on_stop(self.context)

    def _on_fault(self, exception: BaseException) -> None:
        self.fault = exception
        detail = printable("".join(traceback.format_exception(exception)))
        if len(detail) > _FAULT_BEGIN + _FAULT_END:
            detail = f"{detail[:_FAULT_BEGIN]}\n[...]\n{detail[-_FAULT_END:]}"
        self._host.append(
            events.ComponentStatus(ComponentKind.STRATEGY, ComponentPhase.FAULT, detail)
        )
        self.context.cancel_all()

    def _on_timer(self, timer: int, due: int) -> None:
        builder = self._bar_timers.pop(timer, None)
        if builder is not None:
            self._give_bar(builder.close(self.context.now))
            self._watch(builder)
            return
        for interval in self.intervals.values():
            if interval.pending == timer:
                interval.pending = self._host.add_timer(due + interval.length)
                timer = interval.id
                break
        self._strategy.on_timer(self.context, timer)

    # --- what is kept --------------------------------------------------------------------------

    def _on_instrument(self, context: Context, instrument: events.Instrument) -> None:
        self.instruments[instrument.instrument] = instrument
        if self._started:
            self._strategy.on_instrument(context, instrument)

    def _on_order(self, context: Context, update: events.OrderUpdate) -> None:
        order = self.orders.get(update.order_id)
        if order is not None and not update.anomaly:
            order.apply(update)
            if not order.is_open:
                del self.orders[update.order_id]
        if self._started:
            self._strategy.on_order(context, update)

    def _on_position(self, context: Context, position: events.Position) -> None:
        whose = self.own_positions if position.strategy else self.positions
        whose[position.account, position.instrument, position.position_side] = position
        if self._started and not position.strategy:
            self._strategy.on_position(context, position)

    def _on_balance(self, context: Context, balance: events.Balance) -> None:
        self.balances[balance.account, balance.currency] = balance
        if self._started:
            self._strategy.on_balance(context, balance)

    # --- trades and bars -----------------------------------------------------------------------

    def change_trades(self, instrument: int, *, wanted: bool) -> None:
        """Begin or end handing an instrument's trades to the strategy."""
        (self._trades_wanted.add if wanted else self._trades_wanted.discard)(instrument)
        self._route_trades(instrument)

    def on_bars_changed(self, instrument: int) -> None:
        """Follow a change of the bars that are built for an instrument."""
        building = self.bars[instrument]
        for timer, builder in list(self._bar_timers.items()):
            if builder.instrument == instrument and builder not in building:
                self._host.cancel_timer(timer)
                del self._bar_timers[timer]
        for builder in building:
            self._watch(builder)
        self._route_trades(instrument)

    def _route_trades(self, instrument: int) -> None:
        number = _number(events.Trade)
        building = any(self.bars.values())
        self._host.handle(
            number,
            self._on_trade_with_bars if building else self._strategy.on_trade,
            subscribed_only=True,
        )
        if instrument in self._trades_wanted or self.bars.get(instrument):
            self._host.subscribe(instrument, number)
        else:
            self._host.unsubscribe(instrument, number)

    def _on_trade_with_bars(self, context: Context, trade: events.Trade) -> None:
        for builder in tuple(self.bars.get(trade.instrument, ())):
            self._give_bar(builder.add(trade))
            self._watch(builder)
        if trade.instrument in self._trades_wanted:
            self._strategy.on_trade(context, trade)

    def _give_bar(self, bar: events.Bar | None) -> None:
        if bar is not None:
            self._strategy.on_bar(self.context, bar)

    def _watch(self, builder: BarBuilder) -> None:
        if builder.end is None or builder in self._bar_timers.values():
            return
        self._bar_timers[self._host.add_timer(builder.end)] = builder


def _number(kind: type) -> int:
    cls = events.BookDelta if kind is OrderBook else kind
    number: int = cls.__event_type__.number  # type: ignore[attr-defined]
    return number


def _overrides(strategy: Strategy, name: str) -> bool:
    return getattr(type(strategy), name) is not getattr(Strategy, name)
