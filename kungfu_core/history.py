"""Reads back from journals what a strategy has read already, and not a frame more."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from kungfu_core._native import id_of, read_events
from kungfu_core.views import Event

E = TypeVar("E", bound=Event)


@attrs.frozen
class JournalPlace:
    """Where a journal lies: `<root>/<date>/<source>/<name>.<page>.journal`.

    Attributes:
        scope: of the dataset or run, where that is part of the journal's identity.
    """

    root: str
    source: str
    name: str
    scope: str = ""

    @property
    def id(self) -> int:
        """The journal's 64-bit id."""
        parts = (self.scope, self.source, self.name)
        return id_of("/".join(p for p in parts if p))


class JournalHistory:
    """The history behind a strategy's context.

    Args:
        types: (number, version, name, schema) of every event type of the session.
        places: the journals with market data that the strategy reads.
        before: what is older than this (ns) stood there before the session began.
        consumed: gives the last sequence that the strategy has read of a journal.
    """

    def __init__(
        self,
        types: Sequence[tuple[int, int, str, str]],
        places: Sequence[JournalPlace],
        before: int,
        consumed: Callable[[int], int],
    ) -> None:
        self._types = list(types)
        self._places = tuple(places)
        self._before = before
        self._consumed = consumed

    def events(
        self, kind: type[E], instrument: int, *, count: int | None, since: int | None
    ) -> list[E]:
        """Give the events of one class and instrument, oldest first.

        Raises:
            JournalError: a journal cannot be read.
        """
        journals = [(p.root, p.source, p.name, p.scope, self._consumed(p.id)) for p in self._places]
        most = sys.maxsize if count is None else count
        return read_events(
            self._types, journals, kind, instrument, since or 0, self._before, most
        )
