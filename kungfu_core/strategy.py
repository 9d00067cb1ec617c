"""What a strategy is: a class with typed parameters and callbacks."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kungfu_core._native import OrderBook
    from kungfu_core.context import Context
    from kungfu_core.events import (
        Balance,
        Bar,
        Connection,
        FeedStatus,
        Fill,
        FundingRate,
        IndexPrice,
        Instrument,
        MarkPrice,
        OrderUpdate,
        Position,
        Quote,
        Trade,
    )


class Strategy:
    """Base of every strategy; override the callbacks you need and declare parameters with attrs.

    A callback runs to its end before the next event comes. Everything it may know is in its
    arguments and in the context; an event that it keeps stays as it was. An exception in a callback
    stops this strategy, cancels its orders and is journaled; the others go on.
    """

    def on_start(self, context: "Context") -> None:
        """Run once, when everything known at the start (instruments, balances) has been read."""

    def on_stop(self, context: "Context") -> None:
        """Run once, when the session ends in order."""

    def on_trade(self, context: "Context", trade: "Trade") -> None:
        """Run for a trade of an instrument that was subscribed to."""

    def on_quote(self, context: "Context", quote: "Quote") -> None:
        """Run for a new best bid and offer."""

    def on_book(self, context: "Context", book: "OrderBook") -> None:
        """Run after a change of the order book; the book is the live one, not a copy."""

    def on_bar(self, context: "Context", bar: "Bar") -> None:
        """Run when a bar is complete."""

    def on_mark(self, context: "Context", mark: "MarkPrice | IndexPrice") -> None:
        """Run for a new mark or index price."""

    def on_funding(self, context: "Context", rate: "FundingRate") -> None:
        """Run for a new funding rate."""

    def on_order(self, context: "Context", update: "OrderUpdate") -> None:
        """Run when one of the strategy's orders changed its state."""

    def on_fill(self, context: "Context", fill: "Fill") -> None:
        """Run for a fill of one of the strategy's orders."""

    def on_position(self, context: "Context", position: "Position") -> None:
        """Run when a position of one of the session's accounts changed."""

    def on_balance(self, context: "Context", balance: "Balance") -> None:
        """Run when a balance of one of the session's accounts changed."""

    def on_timer(self, context: "Context", timer: int) -> None:
        """Run when a timer fires; `timer` is what `context.timer()` gave."""

    def on_instrument(self, context: "Context", instrument: "Instrument") -> None:
        """Run when an instrument's definition came or changed after the start."""

    def on_status(self, context: "Context", status: "FeedStatus | Connection") -> None:
        """Run when a feed or a connection changed its state."""


def misdeclared_callbacks(strategy: type) -> Iterator[str]:
    """Say which callbacks of a class cannot be called with the arguments that they get."""
    for name, original in vars(Strategy).items():
        callback = getattr(strategy, name, None)
        if not name.startswith("on_") or not inspect.isfunction(callback):
            continue
        arguments = list(inspect.signature(original).parameters)
        signature = inspect.signature(callback)
        try:
            signature.bind(*arguments)
        except TypeError:
            code = inspect.unwrap(callback).__code__
            got = signature.replace(
                parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()],
                return_annotation=signature.empty,
            )
            yield (
                f"{strategy.__name__}.{name} ({Path(code.co_filename).name}, line "
                f"{code.co_firstlineno}): expected ({', '.join(arguments)}), got {got}"
            )
