"""Reads back from journals what a strategy has read already, and not a frame more."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from kungfu_core._native import OrderBook, read_book, read_events
from kungfu_core.journal import Journal
from kungfu_core.views import Event, TypeRow

E = TypeVar("E", bound=Event)


class JournalHistory:
    """The history behind a strategy's context.

    Args:
        types: (number, version, name, schema) of every event type of the session.
        journals: those with market data that the strategy reads.
        before: what is older than this (ns) stood there before the session began.
        consumed: gives the last sequence that the strategy has read of a journal.
    """

    def __init__(
        self,
        types: Sequence[TypeRow],
        journals: Sequence[Journal],
        before: int,
        consumed: Callable[[int], int],
    ) -> None:
        self._types = list(types)
        self._journals = tuple(journals)
        self._before = before
        self._consumed = consumed

    def events(
        self, kind: type[E], instrument: int, *, count: int | None, since: int | None
    ) -> list[E]:
        """Give the events of one class and instrument, oldest first.

        Raises:
            JournalError: a journal cannot be read.
        """
        most = sys.maxsize if count is None else count
        return read_events(
            self._types, self._known(), kind, instrument, since or 0, self._before, most
        )

    def read_book(self, book: OrderBook, instrument: int) -> None:
        """Bring an instrument's order book to where the events read so far leave it.

        Raises:
            JournalError: a journal cannot be read.
        """
        read_book(self._types, self._known(), book, instrument, self._before)

    def _known(self) -> list[tuple[str, str, str, str, int]]:
        return [(j.root, j.source, j.name, j.scope, self._consumed(j.id)) for j in self._journals]
