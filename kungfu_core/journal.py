"""Journals for Python: what there is, one to write, several to read as one."""

import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import attrs

from kungfu_core import _native
from kungfu_core.errors import JournalError
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.interfaces import Emit
from kungfu_core.schema import EventType
from kungfu_core.schema_reading import event_type_of
from kungfu_core.views import Event, type_rows, view_class

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from kungfu_core.selection import Selection


# When what was appended is on the disk: when the system writes it, at most an interval later, or
# before any reader sees it.
Durability = Literal["none", "interval", "commit"]
DURABILITIES: tuple[Durability, ...] = get_args(Durability)
ClockSource = Literal["simulated", "kernel", "counter"]
CLOCK_SOURCES: tuple[ClockSource, ...] = get_args(ClockSource)


def _durability(code: int) -> Durability:
    return DURABILITIES[code]


def _clock_source(code: int) -> ClockSource:
    return CLOCK_SOURCES[code]


@attrs.frozen
class PageInfo:
    """One page of a journal.

    Attributes:
        number: of the page, from 1.
        path: its file.
        size: of the file in bytes.
        sealed: it is full, and never changes again.
        first_sequence: of its first event.
        first_time: generation time of its first event, ns.
        compressed: its file is a compressed one.
        durability: when what stands in it was to be on the disk.
        clock: where its generation times come from.
        clock_error: bound of their distance from system time when the page was begun, ns.
    """

    number: int
    path: str
    size: int
    sealed: bool
    first_sequence: int
    first_time: int
    compressed: bool
    durability: Durability = attrs.field(converter=_durability)
    clock: ClockSource = attrs.field(converter=_clock_source)
    clock_error: int


@attrs.frozen
class TypeCount:
    """How much of one event type stands in a journal; bytes count headers and padding."""

    name: str
    version: int
    events: int
    bytes: int


@attrs.frozen
class Statistics:
    """What a journal has, counted by reading it through with every checksum verified.

    Attributes:
        first_time: generation time of the first event, ns; 0 if there is none.
        last_time: generation time of the last event, ns; 0 if there is none.
    """

    pages: int
    sealed_pages: int
    file_bytes: int
    events: int
    first_sequence: int
    last_sequence: int
    first_time: int
    last_time: int
    types: tuple[TypeCount, ...]


def _path(folder: str | os.PathLike[str]) -> str:
    return os.fspath(folder)


@attrs.frozen
class Journal:
    """A journal: `<root>/<date>/<source>/<name>.<page>.journal`, which need not exist yet.

    Iterating over it gives all events, `journal["2024-08-08 23:55":"2024-08-09"]` selects a stretch
    of time (UTC text, date-times or ns), `journal.where("trade")` a type; see `Selection`.

    Attributes:
        root: the folder that holds the dates.
        source: who writes it.
        name: which of the source's journals it is, e.g. "MD".
        scope: the dataset that is part of its identity; taken from its files if empty.
    """

    root: str = attrs.field(converter=_path)
    source: str
    name: str
    scope: str = ""

    @property
    def label(self) -> str:
        """`scope/source/NAME`, or `source/NAME` without a scope."""
        return "/".join(part for part in (self.scope, self.source, self.name) if part)

    @property
    def id(self) -> int:
        """The journal's 64-bit id, hashed from its label."""
        return _native.id_of(self.label)

    def pages(self) -> list[PageInfo]:
        """List the pages that exist, in order.

        Raises:
            JournalCorrupt: a page's header is damaged.
        """
        return [PageInfo(*row) for row in _native.list_pages(self.root, self.source, self.name)]

    def last_sequence(self) -> int:
        """Give the sequence of the last event that is there now; 0 if there is none.

        Reads through the last page.

        Raises:
            JournalCorrupt: it is damaged.
        """
        pages = self.pages()
        last = pages[-1].first_sequence - 1 if pages else 0
        with Reader(event_classes=self.event_classes()) as reader:
            reader.add(self, after=last)
            for event in reader:
                last = event.sequence
        return last

    def names(self) -> dict[int, str]:
        """Give the names behind ids, as far as the journal tells them."""
        told: dict[int, str] = _native.journal_names(self.root, self.source, self.name)
        return {_native.id_of(self.source): self.source} | told

    def __iter__(self) -> Iterator[Event]:
        return iter(self._all())

    def __getitem__(self, times: slice) -> "Selection":
        return self._all()[times]

    def where(
        self,
        *types: str | type[Event],
        source: str | int | None = None,
        instrument: str | int | None = None,
    ) -> "Selection":
        """Select events by type, source and instrument; see `Selection.where`."""
        return self._all().where(*types, source=source, instrument=instrument)

    def _all(self) -> "Selection":
        from kungfu_core.selection import Selection  # noqa: PLC0415 - it stands on this module

        return Selection(self)

    def event_class(self, name: str) -> type[Event]:
        """Give the class of a type name; see `event_classes` for which of its versions.

        Raises:
            JournalError: the journal knows no such type; lists the names.
        """
        classes = {c.__event_type__.name: c for c in self.event_classes()}
        if name not in classes:
            known = ", ".join(classes) or "none yet"
            raise JournalError(f"{self.label} knows no event type {name!r}, only: {known}")
        return classes[name]

    def event_classes(self) -> list[type[Event]]:
        """Give a class for every type in the journal, also for those that only it describes.

        Versions of a type that differ by appended fields have one class: that of this process
        where it knows the type, or else that of the latest version in the journal. A type that this
        process knows with an altogether different layout is told apart by the journal's.

        Raises:
            JournalError: a layout in the journal cannot be read.
        """
        own = {c.__event_type__.name: c for c in EVENT_CLASSES}
        found: list[type[Event]] = []
        for number, _, name, schema in _native.journal_types(self.root, self.source, self.name):
            known = own.get(name)
            if known is None or not _is_version(schema, known):
                known = view_class(event_type_of(schema, number))
            found.append(known)
        return _latest(found)

    def statistics(self) -> Statistics:
        """Read the journal through, verify every checksum, and count.

        Raises:
            JournalCorrupt: a file is damaged; names file and offset.
        """
        found = _native.survey_journal(self.root, self.source, self.name)
        types = tuple(TypeCount(*row) for row in found.pop("types"))
        return Statistics(**found, types=types)

    def to_numpy(
        self,
        event_type: str | type[Event],
        *,
        since: int | None = None,
        until: int | None = None,
        verify: bool = True,
    ) -> "np.ndarray[Any, np.dtype[np.void]]":
        """Give all events of one type as a structured array; see `columns.to_numpy`."""
        from kungfu_core import columns  # noqa: PLC0415 - NumPy is optional

        chosen = self.event_class(event_type) if isinstance(event_type, str) else event_type
        return columns.to_numpy(self, chosen, since=since, until=until, verify=verify)

    def to_arrow(
        self, event_type: str | type[Event], *, since: int | None = None, until: int | None = None
    ) -> "pa.Table":
        """Give all events of one type as an Arrow table; see `Selection.to_arrow`."""
        return self[since:until].to_arrow(event_type)

    def to_polars(self, event_type: str | type[Event]) -> "pl.DataFrame":
        """Give all events of one type as a Polars frame; see `Selection.to_polars`."""
        return self._all().to_polars(event_type)

    def sql(self, query: str) -> "pa.Table":
        """Query with SQL, every event type a table by its name; see `Selection.sql`."""
        return self._all().sql(query)


def list_journals(root: str | os.PathLike[str]) -> list[Journal]:
    """List the journals under a root by source and name; none if there is no such folder."""
    folder = os.fspath(root)
    return [Journal(folder, *row) for row in _native.list_journals(folder)]


def merged_event_classes(journals: Sequence[Journal]) -> list[type[Event]]:
    """Give a class for every type in any of the journals, for reading them as one.

    Types that only a journal describes have numbers of that journal; here each gets one of its own.

    Raises:
        JournalError: a layout in a journal cannot be read.
    """
    merged: list[type[Event]] = []
    taken: set[int] = set()
    for event_class in _latest([c for journal in journals for c in journal.event_classes()]):
        event_type = event_class.__event_type__
        number = event_type.number
        if number in taken:
            number = max(999, *taken) + 1  # below are the core's
            merged.append(view_class(event_type_of(event_type.schema, number)))
        else:
            merged.append(event_class)
        taken.add(number)
    return merged


def _is_version(schema: str, event_class: type[Event]) -> bool:
    own = event_class.__event_type__.schema
    return schema == own or _native.is_other_version(schema, own)


def _latest(event_classes: Sequence[type[Event]]) -> list[type[Event]]:
    """Keep one class, the latest, of the versions of a type that differ by appended fields."""
    kept: dict[type[Event], None] = {}
    latest_first = sorted(event_classes, key=lambda c: c.__event_type__.version, reverse=True)
    for event_class in latest_first:
        event_type = event_class.__event_type__
        same_name = (k for k in kept if k.__event_type__.name == event_type.name)
        if not any(_is_version(event_type.schema, k) for k in same_name):
            kept[event_class] = None
    return [c for c in dict.fromkeys(event_classes) if c in kept]


class Writer(_native.JournalWriter):
    """The one writer of a journal; use it in a `with` statement.

    Args:
        root: the folder that holds the dates; made if it does not exist.
        source: who writes; goes into every event.
        name: which of the source's journals this is.
        scope: the run or dataset that is part of the journal's identity.
        clock: gives generation times; system time if None.
        page_size: bytes of a page, a multiple of 4096 from 64 KiB to 1 GiB.
        durability: when what was appended is on the disk.
        sync_interval: with durability "interval", ns between two syncs.
        compress: compress full pages in the background.
        event_classes: what may be appended; the core's own if not given.

    Raises:
        ValueError: there is no such durability.
        JournalLocked: somebody else writes the journal; says who.
        JournalCorrupt: what stands there is damaged; names file and offset.
        JournalError: a name, the page size or the folder cannot be used.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        source: str,
        name: str,
        *,
        scope: str = "",
        clock: _native.Clock | None = None,
        page_size: int = _native.DEFAULT_PAGE_SIZE,
        durability: Durability = "none",
        sync_interval: int = 100_000_000,
        compress: bool = False,
        event_classes: Sequence[type[Event]] = EVENT_CLASSES,
    ) -> None:
        if durability not in DURABILITIES:
            raise ValueError(f"durability {durability!r}: expected {', '.join(DURABILITIES)}")
        self.journal = Journal(root, source, name, scope)
        super().__init__(
            self.journal.root,
            source,
            name,
            scope,
            page_size,
            type_rows(event_classes),
            clock or _native.Clock(),
            DURABILITIES.index(durability),
            sync_interval,
            compress,
        )

    def emitter(self, event_type: EventType) -> Emit:  # type: ignore[override]
        """Prepare appending events of one type: a function of its fields, then its tail."""
        emit: Emit = super().emitter(view_class(event_type))
        return emit

    def extend(self, event_class: type[Event], rows: "np.ndarray[Any, np.dtype[np.void]]") -> int:
        """Append the rows of a structured array, and give how many there were.

        Rows of `columns.payload_dtype_of` are events of now: they get the time of the call, or that
        of `at`. Rows of `columns.dtype_of` say generation time (0: now), trigger time, cause and
        destination themselves; sequence and source are the writer's in any case. No other thread
        can use this writer meanwhile, but they all run.

        Args:
            event_class: what the rows are; a type without a tail.
            rows: one dimension, the columns at whatever offsets; where they are those of the two
                dtypes, nothing is copied but into the journal.

        Raises:
            TypeError: `rows` is no structured array of one dimension.
            ValueError: the type has a tail; or a column is missing, unknown or of another kind.
            JournalError: no room, or the writer is closed; says how many of the rows stand.
        """
        from kungfu_core import columns  # noqa: PLC0415 - NumPy is optional

        return self.append_rows(event_class, *columns.to_append(event_class.__event_type__, rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Reader(_native.JournalReader):
    """Reads journals as one, in the order of generation time; use it in a `for` statement.

    The loop ends where nothing more is written yet; a later loop goes on from there, and `wait`
    sleeps until there is more. The event in hand is a view that is used again; whoever keeps it has
    a copy.

    Args:
        journals: what to read; equal times come in this order.
        since: begin with the first event at this time (ns) or later; with the first if None.
        verify: check every event's checksum; costs some nanoseconds each.
        event_classes: what events are read as; others come as plain `Event`.

    Raises:
        JournalCorrupt: also while reading; names file and offset.
    """

    def __init__(
        self,
        *journals: Journal,
        since: int | None = None,
        verify: bool = True,
        event_classes: Sequence[type[Event]] = EVENT_CLASSES,
    ) -> None:
        super().__init__(type_rows(event_classes), list(event_classes), Event, verify)
        for journal in journals:
            self.add(journal, since=since)

    def add(self, journal: Journal, *, since: int | None = None, after: int = 0) -> None:
        """Read one more journal, from a time on, or from the event after a sequence.

        Raises:
            JournalError: it is read already.
            JournalCorrupt: it is damaged.
        """
        place = (journal.root, journal.source, journal.name, journal.scope)
        self.join(*place, after=after, from_time=since)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
