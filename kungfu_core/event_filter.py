"""Which events pass: those of some types, of a source, of an instrument."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

import attrs

from kungfu_core.errors import JournalError
from kungfu_core.views import Event

_T = TypeVar("_T")


@attrs.frozen
class Filter:
    """What an event must be to pass; None lets everything through.

    Attributes:
        types: names of event types.
        sources: ids of who wrote it.
        instruments: ids of what it is about; events about no instrument do not pass.
    """

    types: frozenset[str] | None = None
    sources: frozenset[int] | None = None
    instruments: frozenset[int] | None = None

    def narrowed(self, further: "Filter") -> "Filter":
        """Give the filter of what passes both."""
        return Filter(
            _common(self.types, further.types),
            _common(self.sources, further.sources),
            _common(self.instruments, further.instruments),
        )

    def passes(self, event: Event) -> bool:
        """Whether an event passes."""
        if self.types is not None:
            event_type = getattr(event, "__event_type__", None)
            if event_type is None or event_type.name not in self.types:
                return False
        if self.sources is not None and event.source not in self.sources:
            return False
        return self.instruments is None or getattr(event, "instrument", 0) in self.instruments


def filter_of(
    types: Iterable[str],
    source: str | int | None,
    instrument: str | int | None,
    *,
    known_types: Iterable[str],
    names: Mapping[int, str],
    where: str,
) -> Filter:
    """Make a filter from what a user names; no types means all.

    Args:
        types: names of event types.
        source: name or id of who wrote it.
        instrument: name or id of what it is about.
        known_types: names of the types that there are.
        names: the names behind ids.
        where: what holds the events, for messages.

    Raises:
        JournalError: there is no type, source or instrument of that name.
    """
    wanted = frozenset(types)
    known = list(dict.fromkeys(known_types))
    for name in wanted.difference(known):
        there = ", ".join(known) or "none yet"
        raise JournalError(f"{where} knows no event type {name!r}, only: {there}")
    return Filter(
        wanted or None,
        _ids("source", source, names, where),
        _ids("instrument", instrument, names, where),
    )


def _ids(
    what: str, wanted: str | int | None, names: Mapping[int, str], where: str
) -> frozenset[int] | None:
    if wanted is None:
        return None
    if isinstance(wanted, int):
        return frozenset({wanted})
    ids = frozenset(number for number, name in names.items() if name == wanted)
    if not ids:
        near = [name for name in names.values() if wanted.lower() in name.lower()]
        near = near or get_close_matches(wanted, names.values(), n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise JournalError(f"{where} knows no {what} {wanted!r}{hint}")
    return ids


def _common(one: frozenset[_T] | None, other: frozenset[_T] | None) -> frozenset[_T] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
