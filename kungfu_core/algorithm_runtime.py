"""Runs one execution algorithm: an instance for each order that names it, and what these share."""

import json
from decimal import Decimal
from typing import Any

from kungfu_core import events
from kungfu_core._native import OrderBook
from kungfu_core.algorithm import Algorithm, AlgorithmContext
from kungfu_core.context import Context, StrategySetup, parse_timeframe
from kungfu_core.enums import OrderState
from kungfu_core.order_states import TERMINAL
from kungfu_core.orders import Order
from kungfu_core.strategy import Strategy
from kungfu_core.strategy_runtime import StrategyRuntime
from kungfu_core.structuring import structure
from kungfu_core.views import Event

_Wanted = tuple[type, int, int]
"""Market data: its type, the instrument, and the length of bars in ns, 0 for other types."""


class AlgorithmRuntime(StrategyRuntime):
    """An algorithm as a component for a runner: towards the broker, it is a strategy of its own."""

    def __init__(
        self, algorithm: type[Algorithm], setup: StrategySetup, view_classes: list[type[Event]]
    ) -> None:
        desk = _Desk(algorithm, setup)
        super().__init__(desk, setup, view_classes)
        desk.report_to = self.host.append
        for kind, method in (
            (events.OrderRequest, desk.on_request),
            (events.OrderCancel, desk.on_cancel),
        ):
            self.host.handle(kind.__event_type__.number, method, subscribed_only=False)


class _Work:
    """An order that is worked: its algorithm, and what was placed and asked for on its account."""

    def __init__(self, desk: "_Desk", context: Context, parent: Order, account: str) -> None:
        self.children: dict[int, Order] = {}
        self.timers: list[int] = []
        self.ending: tuple[OrderState, str] | None = None
        self.algorithm = Algorithm()
        self.parent = parent
        self.context = AlgorithmContext(context, parent, account, self)
        self._desk = desk

    def add_child(self, order: Order) -> None:
        self.children[order.id] = order
        self._desk.children[order.id] = self

    def add_timer(self, timer: int) -> int:
        self.timers.append(timer)
        self._desk.timers[timer] = self
        return timer

    def subscribe(self, kinds: tuple[type, ...], timeframe: str | int | None) -> None:
        self._desk.subscribe(self, kinds, timeframe)

    def finish(self, reason: str) -> None:
        self._desk.end(self, OrderState.EXPIRED, reason)


class _Desk(Strategy):
    """Takes orders, and hands what happens to the instances that work them."""

    def __init__(self, algorithm: type[Algorithm], setup: StrategySetup) -> None:
        self.timers: dict[int, _Work] = {}
        self.children: dict[int, _Work] = {}
        self.report_to: Any = None
        self._algorithm = algorithm
        self._accounts = {number: name for name, number in setup.accounts.items()}
        self._works: dict[int, _Work] = {}
        self._wanting: dict[_Wanted, list[_Work]] = {}
        self._started = False
        self._context: Context

    def on_start(self, context: Context) -> None:
        self._context = context
        self._started = True

    # --- orders that come ----------------------------------------------------------------------

    def on_request(self, context: Context, request: events.OrderRequest) -> None:
        """Begin to work an order; those of an earlier session are not worked again."""
        if not self._started:
            return
        parent = Order(
            id=request.order_id,
            instrument=request.instrument,
            account=request.account,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            size=request.size_exact or Decimal(0),
            price=request.price_exact,
            tag=request.tag,
            group=request.order_id,
            position_side=request.position_side,
        )
        work = _Work(self, context, parent, self._accounts[parent.account])
        given = json.loads(request.parameters or "{}", parse_float=Decimal)
        algorithm, problems = structure(given, self._algorithm, ())
        if algorithm is None:
            said = "; ".join(
                ".".join(map(str, problem.path)) + ": " * bool(problem.path) + problem.message
                for problem in problems
            )
            self._report(parent, OrderState.REJECTED, f"parameters: {said}")
            return
        work.algorithm = algorithm
        self._works[parent.id] = work
        self._report(parent, OrderState.ACCEPTED, "")
        self._call(work, "on_parent")

    def on_cancel(self, _: Context, cancel: events.OrderCancel) -> None:
        """End an order; one that has just filled is over anyway."""
        if work := self._works.get(cancel.order_id):
            self.end(work, OrderState.CANCELED, "")

    def end(self, work: _Work, state: OrderState, reason: str) -> None:
        """Cancel what is open for an order; once nothing is, it ends in that state."""
        if work.ending is None:
            work.ending = (state, reason)
            for child in work.children.values():
                self._context.cancel(child)
        self._settle(work)

    def _settle(self, work: _Work) -> None:
        if work.parent.id not in self._works:
            return
        filled = work.parent.remaining <= 0
        if filled or (work.ending is not None and not work.children):
            self._drop(work)
            if not filled and work.ending is not None:
                self._report(work.parent, *work.ending)

    def _drop(self, work: _Work) -> None:
        del self._works[work.parent.id]
        for timer in work.timers:
            self._context.cancel_timer(timer)
            self.timers.pop(timer, None)
        for child in work.children:
            del self.children[child]
        for wanted in [wanted for wanted, works in self._wanting.items() if work in works]:
            self._wanting[wanted].remove(work)
            if not self._wanting[wanted]:
                del self._wanting[wanted]
                kind, instrument, length = wanted
                self._context.unsubscribe(instrument, kind, timeframe=length or None)

    def _report(self, parent: Order, state: OrderState, reason: str) -> None:
        """Journal where an order stands, as a gateway does."""
        self.report_to(
            events.OrderUpdate(
                order_id=parent.id,
                instrument=parent.instrument,
                account=parent.account,
                side=parent.side,
                state=state,
                reason=reason,
            )
        )

    def _call(self, work: _Work, callback: str, *arguments: object) -> None:
        """Call an algorithm; an exception is the end of its order, and of no other."""
        if work.ending is not None:
            return
        try:
            getattr(work.algorithm, callback)(work.context, *arguments)
        except Exception as error:  # noqa: BLE001 - whatever a plugin's algorithm raises
            said = f"{type(error).__name__}: {error}"
            complain = work.context.log.error
            complain(f"order {work.parent.id}: {callback} raised {said}")
            self.end(work, OrderState.CANCELED, f"its algorithm failed: {said}")

    # --- what happens --------------------------------------------------------------------------

    def on_fill(self, _: Context, fill: events.Fill) -> None:
        """Count a fill for the order, and hand it on."""
        if work := self.children.get(fill.order_id):
            work.parent.filled += fill.size_exact or 0
            self._call(work, "on_child_fill", fill)

    def on_order(self, _: Context, update: events.OrderUpdate) -> None:
        """Hand an update on; the last one may be what the order's end waits for."""
        if work := self.children.get(update.order_id):
            if update.state in TERMINAL:
                del work.children[update.order_id], self.children[update.order_id]
            self._settle(work)
            if work.parent.id in self._works:
                self._call(work, "on_child", update)

    def on_timer(self, _: Context, timer: int) -> None:
        """Hand it on."""
        if work := self.timers.get(timer):
            self._call(work, "on_timer", timer)

    def subscribe(self, work: _Work, kinds: tuple[type, ...], timeframe: str | int | None) -> None:
        """Let market data of an order's instrument come to its algorithm."""
        instrument = work.parent.instrument
        self._context.subscribe(instrument, *kinds, timeframe=timeframe)
        for kind in kinds:
            length = parse_timeframe(timeframe) if kind is events.Bar else 0
            works = self._wanting.setdefault((kind, instrument, length), [])
            if work not in works:
                works.append(work)

    def _hand_out(self, callback: str, event: Any, length: int = 0) -> None:  # noqa: ANN401
        for work in tuple(self._wanting.get((type(event), event.instrument, length), ())):
            self._call(work, callback, event)

    def on_trade(self, _: Context, trade: events.Trade) -> None:
        """Hand it on."""
        self._hand_out("on_trade", trade)

    def on_quote(self, _: Context, quote: events.Quote) -> None:
        """Hand it on."""
        self._hand_out("on_quote", quote)

    def on_book(self, _: Context, book: OrderBook) -> None:
        """Hand it on."""
        self._hand_out("on_book", book)

    def on_bar(self, _: Context, bar: events.Bar) -> None:
        """Hand it on."""
        self._hand_out("on_bar", bar, bar.timeframe)

    def on_mark(self, _: Context, mark: events.MarkPrice | events.IndexPrice) -> None:
        """Hand it on."""
        self._hand_out("on_mark", mark)
