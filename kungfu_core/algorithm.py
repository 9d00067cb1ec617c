"""What an execution algorithm is: it works one order of a strategy by orders of its own."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kungfu_core.enums import SizeUnit, TimeInForce
from kungfu_core.views import Event

if TYPE_CHECKING:
    import random

    from kungfu_core._native import OrderBook
    from kungfu_core.context import Context, StrategyLog
    from kungfu_core.events import Bar, Fill, Instrument, MarkPrice, OrderUpdate, Quote, Trade
    from kungfu_core.instruments import Exact
    from kungfu_core.orders import Order

E = TypeVar("E", bound=Event)


class Algorithm:
    """Base of every execution algorithm; override the callbacks, declare parameters with attrs.

    Each order that names the algorithm gets an instance of its own. All that it may know and do is
    in the context and in the callbacks' arguments. When the order is filled, cancelled or finished,
    nothing is called any more, and what is still open is cancelled. An exception ends the order.
    """

    def on_parent(self, context: "AlgorithmContext") -> None:
        """Run once, when the order has come; `context.parent` is it."""

    def on_child(self, context: "AlgorithmContext", update: "OrderUpdate") -> None:
        """Run when one of the orders that were placed for it changed its state."""

    def on_child_fill(self, context: "AlgorithmContext", fill: "Fill") -> None:
        """Run for a fill of one of them; before the update that it causes."""

    def on_timer(self, context: "AlgorithmContext", timer: int) -> None:
        """Run when a timer fires; `timer` is what `context.timer()` gave."""

    def on_trade(self, context: "AlgorithmContext", trade: "Trade") -> None:
        """Run for a trade of the order's instrument, if it was subscribed to."""

    def on_quote(self, context: "AlgorithmContext", quote: "Quote") -> None:
        """Run for a new best bid and offer."""

    def on_book(self, context: "AlgorithmContext", book: "OrderBook") -> None:
        """Run after a change of the order book."""

    def on_bar(self, context: "AlgorithmContext", bar: "Bar") -> None:
        """Run when a bar is complete."""

    def on_mark(self, context: "AlgorithmContext", mark: "MarkPrice") -> None:
        """Run for a new mark price."""


class Works(Protocol):
    """Who keeps the algorithm's timers, subscriptions and open orders; `algorithm_runtime.py`."""

    children: dict[int, "Order"]

    def add_child(self, order: "Order") -> None:
        """Let an order's updates and fills come to this one."""

    def add_timer(self, timer: int) -> int:
        """Let a timer's firings come to this order."""

    def subscribe(self, kinds: tuple[type, ...], timeframe: str | int | None) -> None:
        """Let market data of the order's instrument come to it."""

    def finish(self, reason: str) -> None:
        """End the order."""


class AlgorithmContext:
    """The one way from an algorithm to the world, for the order that it works.

    Attributes:
        parent: the order; it follows its fills.
        account: the configured name of the account that it is for.
        log: writes log events into the algorithm's journal.
    """

    def __init__(self, context: "Context", parent: "Order", account: str, works: Works) -> None:
        self.parent = parent
        self.account = account
        self.log: StrategyLog = context.log
        self._context = context
        self._works = works

    @property
    def now(self) -> int:
        """Time of the event or timer in hand, in ns since 1970 UTC."""
        return self._context.now

    @property
    def random(self) -> "random.Random":
        """Seeded random numbers; the same in an equal run."""
        return self._context.random

    @property
    def instrument(self) -> "Instrument":
        """The definition of the order's instrument."""
        return self._context.instrument(self.parent.instrument)

    @property
    def left(self) -> Decimal:
        """What is neither filled nor in open orders; no more than this can be placed."""
        return self.parent.remaining - sum(o.remaining for o in self._works.children.values())

    @property
    def open_orders(self) -> list["Order"]:
        """The orders placed for it that may still fill, oldest first."""
        return list(self._works.children.values())

    def place(
        self,
        size: "Exact",
        *,
        price: "Exact | None" = None,
        post_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
        reduce_only: bool = False,
    ) -> "Order":
        """Place an order of the parent's side, instrument and account.

        Args:
            size: in the instrument's unit, as the parent's size is.
            price: the limit, not worse than the parent's; left out, it is a market order.
            post_only: refuse rather than take liquidity.
            time_in_force: how long it may rest.
            reduce_only: may only make a position smaller.

        Raises:
            OrderError: the order cannot be said exactly.
        """
        unit = "contracts" if self.instrument.size_unit == SizeUnit.CONTRACTS else "size"
        sizes: dict[str, Any] = {unit: size}
        order = self._context.submit(
            self.parent.side,
            self.parent.instrument,
            price=price,
            account=self.account,
            post_only=post_only,
            time_in_force=time_in_force,
            reduce_only=reduce_only,
            position_side=self.parent.position_side,
            parent=self.parent,
            **sizes,
        )
        self._works.add_child(order)
        return order

    def cancel(self, order: "Order") -> None:
        """Ask for an order to be cancelled; one that is over already is no error.

        Raises:
            OrderError: it is no order that this algorithm has placed.
        """
        self._context.cancel(order)

    def finish(self, reason: str) -> None:
        """End the order with what it has filled: cancel what is open, then it is EXPIRED."""
        self._works.finish(reason)

    def timer(self, *, at: int | None = None, after: str | int | None = None) -> int:
        """Ask for `on_timer` once, at a time or after a duration; gives the timer's id."""
        return self._works.add_timer(self._context.timer(at=at, after=after))

    def interval(self, every: str | int) -> int:
        """Ask for `on_timer` again and again; gives the id that all its firings have."""
        return self._works.add_timer(self._context.interval(every))

    def cancel_timer(self, timer: int) -> None:
        """Give up a timer or interval; one that is over is no error."""
        self._context.cancel_timer(timer)

    def subscribe(self, *kinds: type, timeframe: str | int | None = None) -> None:
        """Ask for market data of the order's instrument, as a strategy does."""
        self._works.subscribe(kinds, timeframe)

    def book(self) -> "OrderBook":
        """Give the live order book of the order's instrument."""
        return self._context.book(self.parent.instrument)

    def history(
        self,
        kind: type[E],
        *,
        count: int | None = None,
        since: int | None = None,
        timeframe: str | int | None = None,
    ) -> list[E]:
        """Give past events of the order's instrument, oldest first."""
        return self._context.history(
            self.parent.instrument, kind, count=count, since=since, timeframe=timeframe
        )
