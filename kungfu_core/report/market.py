"""Reads market data beside the journals of a run, up to the moment that is asked for."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kungfu_core import events
from kungfu_core._native import read_events
from kungfu_core.journal import Journal, Reader
from kungfu_core.report.ledger import Ledger
from kungfu_core.views import type_rows

if TYPE_CHECKING:
    from kungfu_core.views import Event

_MOST_DEFINITIONS = 1 << 20


class MarketFeed:
    """Keeps a ledger's instruments and prices up to date.

    Args:
        journals: with the market data.
        ledger: gets the prices.
        since: when to begin, ns.
    """

    def __init__(self, journals: Sequence[Journal], ledger: Ledger, *, since: int) -> None:
        self._instruments = ledger.instruments
        self._prices = ledger.prices
        for journal in journals:
            for definition in _definitions(journal, since):
                self.on_instrument(definition)
        self._reader = Reader(*journals, since=since)
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            events.Quote: self._on_quote,
            events.Trade: self._on_trade,
            events.MarkPrice: self._on_mark,
            events.Instrument: self.on_instrument,
        }

    def advance(self, time: int) -> None:
        """Read everything up to and including this moment."""
        read, handlers = self._reader.next, self._handlers
        while (event := read(time)) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

    def on_instrument(self, definition: events.Instrument) -> None:
        """Take an instrument's definition."""
        self._instruments[definition.instrument] = definition

    def _on_quote(self, quote: events.Quote) -> None:
        prices = self._prices[quote.instrument]
        if quote.bid_price_exact is None or quote.ask_price_exact is None:
            return
        prices.quote = (
            quote.bid_price_raw, quote.bid_price_exponent,
            quote.ask_price_raw, quote.ask_price_exponent,
        )  # fmt: skip
        prices.quote_time = quote.gen_time

    def _on_trade(self, trade: events.Trade) -> None:
        prices = self._prices[trade.instrument]
        prices.trade, prices.trade_time = trade.price_exact, trade.gen_time

    def _on_mark(self, mark: events.MarkPrice) -> None:
        prices = self._prices[mark.instrument]
        prices.mark, prices.mark_time = mark.price_exact, mark.gen_time


def _definitions(journal: Journal, before: int) -> list[events.Instrument]:
    """Give the instruments that were defined before the moment at which reading begins."""
    place = journal.root, journal.source, journal.name, journal.scope, 0
    types = type_rows([events.Instrument])
    return read_events(types, [place], events.Instrument, 0, 0, before, _MOST_DEFINITIONS)
