"""A part of a journal: a stretch of time and a filter, to iterate over or to turn into tables."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from kungfu_core.errors import JournalError
from kungfu_core.event_filter import Filter, filter_of
from kungfu_core.journal import Journal, Reader
from kungfu_core.values import parse_time
from kungfu_core.views import Event

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

_EVERYTHING = Filter()


@attrs.frozen
class Selection:
    """Events of a journal, in order; nothing is read before they are asked for.

    Iterating ends where nothing more is written yet. The event in hand is a view that is used
    again; whoever keeps it has a copy. Every checksum is verified on the way.

    Attributes:
        journal: where they stand.
        since: none was generated before this time, ns; None from the first.
        until: none was generated at this time or later, ns; None to the last.
        filter: which of them pass.
    """

    journal: Journal
    since: int | None = None
    until: int | None = None
    filter: Filter = _EVERYTHING

    def where(
        self,
        *types: str | type[Event],
        source: str | int | None = None,
        instrument: str | int | None = None,
    ) -> "Selection":
        """Narrow it to events of any of these types, and of this source and instrument.

        Args:
            types: names or classes, e.g. "trade" or `events.Trade`; all types if there are none.
            source: name or id of who wrote the event.
            instrument: name or id of what the event is about.

        Raises:
            JournalError: the journal knows no type, source or instrument of that name.
        """
        further = filter_of(
            [t for t in types if isinstance(t, str)],
            source,
            instrument,
            known_types=[c.__event_type__.name for c in self.journal.event_classes()],
            names=self.journal.names(),
            where=self.journal.label,
        )
        classes = frozenset(t.__event_type__.name for t in types if not isinstance(t, str))
        if classes:
            further = attrs.evolve(further, types=classes | (further.types or frozenset()))
        return attrs.evolve(self, filter=self.filter.narrowed(further))

    def __getitem__(self, times: slice) -> "Selection":
        """Narrow it to a stretch of time: `[since:until]`, each UTC text, a date-time or ns.

        Raises:
            TypeError: it is no slice, or has a step.
            ValueError: a bound is no time.
        """
        if not isinstance(times, slice) or times.step is not None:
            raise TypeError("events are selected by time, as [since:until]")
        since = None if times.start is None else int(parse_time(times.start))
        until = None if times.stop is None else int(parse_time(times.stop))
        return attrs.evolve(
            self,
            since=max((t for t in (self.since, since) if t is not None), default=None),
            until=min((t for t in (self.until, until) if t is not None), default=None),
        )

    def __iter__(self) -> Iterator[Event]:
        classes = self.journal.event_classes()
        with Reader(self.journal, since=self.since, verify=True, event_classes=classes) as reader:
            events = iter(reader) if self.until is None else _before(reader, self.until)
            yield from (
                events if self.filter == _EVERYTHING else filter(self.filter.passes, events)
            )

    def to_numpy(
        self, event_type: str | type[Event] | None = None
    ) -> "np.ndarray[Any, np.dtype[np.void]]":
        """Give the events of one type as a structured array; see `columns.to_numpy`.

        Args:
            event_type: name or class; not needed where the selection is narrowed to one.

        Raises:
            JournalError: the type is not in the selection, or NumPy is not installed.
            JournalCorrupt: a file is damaged.
        """
        from kungfu_core import columns  # noqa: PLC0415 - NumPy is optional

        chosen = self._class(event_type)
        rows = columns.to_numpy(self.journal, chosen, since=self.since, until=self.until)
        if self.filter.sources is None and self.filter.instruments is None:
            return rows  # as it stands in the file
        passing: np.ndarray[Any, np.dtype[np.void]] = rows[self._passing(rows)]
        return passing

    def to_arrow(self, event_type: str | type[Event] | None = None) -> "pa.Table":
        """Give the events of one type as an Arrow table with names for ids; else as `to_numpy`.

        The columns are those of `columns.to_arrow`. An id or a time of 0, which means that there is
        none, is null.

        Raises:
            JournalError: the type is not in the selection, or Arrow is not installed.
            JournalCorrupt: a file is damaged.
        """
        from kungfu_core import columns, tables  # noqa: PLC0415 - Arrow is optional

        chosen = self._class(event_type)
        table = columns.to_arrow(self.journal, chosen, since=self.since, until=self.until)
        if self.filter.sources is not None or self.filter.instruments is not None:
            table = table.filter(self._passing(table))
        return tables.readable(table, chosen.__event_type__, self.journal.names())

    def to_polars(self, event_type: str | type[Event] | None = None) -> "pl.DataFrame":
        """Give the table of `to_arrow` as a Polars frame.

        Raises:
            JournalError: as `to_arrow`, or Polars is not installed.
            JournalCorrupt: a file is damaged.
        """
        from kungfu_core import tables  # noqa: PLC0415 - Polars is optional

        return tables.to_polars(self.to_arrow(event_type))

    def sql(self, query: str) -> "pa.Table":
        """Run a query, in DuckDB's SQL; every event type of the selection is a table by its name.

        Columns are those of `to_arrow`, times TIMESTAMP_NS in UTC. Tables that the query does not
        name are not read.

        Raises:
            JournalError: DuckDB is not installed, or refuses the query; says what there is.
            JournalCorrupt: a file is damaged.
        """
        from kungfu_core import tables  # noqa: PLC0415 - DuckDB is optional

        names = dict.fromkeys(c.__event_type__.name for c in self.journal.event_classes())
        chosen = [n for n in names if self.filter.types is None or n in self.filter.types]
        made = {name: partial(self.to_arrow, name) for name in chosen}
        return tables.query(query, made, self.journal.label)

    def _class(self, event_type: str | type[Event] | None) -> type[Event]:
        types = self.filter.types
        if event_type is None:
            if types is None or len(types) != 1:
                raise JournalError("a table has events of one type: say which")
            (event_type,) = types
        name = event_type if isinstance(event_type, str) else event_type.__event_type__.name
        if types is not None and name not in types:
            raise JournalError(f"events of type {name!r} were not selected, only: {_list(types)}")
        return self.journal.event_class(name) if isinstance(event_type, str) else event_type

    def _passing(self, rows: Any) -> Any:  # noqa: ANN401 - an array's or a table's columns
        """Give which rows pass the filter's ids, as an array of bools."""
        import numpy as np  # noqa: PLC0415 - there are columns, so it is there

        passing = np.ones(len(rows), bool)
        there = getattr(rows, "column_names", None) or rows.dtype.names
        for name, ids in (
            ("source", self.filter.sources),
            ("instrument", self.filter.instruments),
        ):
            if ids is not None:
                wanted = np.array(sorted(ids), "u8")
                passing &= np.isin(np.asarray(rows[name]), wanted) if name in there else False
        return passing


def _before(reader: Reader, time: int) -> Iterator[Event]:
    while (event := reader.next(time - 1)) is not None:
        yield event


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
