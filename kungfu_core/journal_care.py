"""Looks after journals: finds damage, repairs it, compresses, and deletes what is too much."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import attrs

from kungfu_core import _native
from kungfu_core.journal import Journal

Report = Callable[[int, int], object]
"""Told how much is done and how much there is to do."""


@attrs.frozen
class Finding:
    """One place in a journal's files, and what is the matter there.

    Attributes:
        kind: "damage" is not as it was written; "loss" are events that a repair gave up; "note" is
            worth knowing, and nothing is wrong.
        file: the page or index file.
        offset: in that file.
        length: bytes concerned; 0 if that is not known.
        first_sequence: of the events that readers cannot have; 0 if there are none.
        last_sequence: of these events; 0 if there are none, or if it is not known.
        what: in words.
    """

    kind: Literal["damage", "loss", "note"]
    file: str
    offset: int
    length: int
    first_sequence: int
    last_sequence: int
    what: str

    @property
    def events(self) -> int:
        """How many events readers cannot have; 0 if none, or if it is not known."""
        if self.first_sequence == 0 or self.last_sequence < self.first_sequence:
            return 0
        return self.last_sequence - self.first_sequence + 1

    def __str__(self) -> str:
        """Name file, offset and events."""
        lost = ""
        if self.events == 1:
            lost = f" (sequence {self.first_sequence})"
        elif self.events:
            lost = f" (sequence {self.first_sequence} to {self.last_sequence})"
        elif self.first_sequence:
            lost = f" (from sequence {self.first_sequence} on)"
        return f"{self.file}: offset {self.offset}: {self.what}{lost}"


@attrs.frozen
class Verification:
    """What a journal's files hold.

    Attributes:
        bytes: of the page files.
        events: intact ones.
        findings: in the order of the pages.
    """

    pages: int
    bytes: int
    events: int
    findings: tuple[Finding, ...]

    @property
    def damaged(self) -> bool:
        """Whether something is not as it was written."""
        return any(finding.kind == "damage" for finding in self.findings)

    @property
    def lost_events(self) -> int:
        """How many events earlier repairs gave up."""
        return sum(finding.events for finding in self.findings if finding.kind == "loss")


@attrs.frozen
class Repair:
    """What a repair did.

    Attributes:
        steps: one for each thing done: "loss" where events are lost by it, "note" where none is,
            and "damage" for what could not be repaired and was not touched.
        after: what the journal's files hold now.
    """

    steps: tuple[Finding, ...]
    after: Verification

    @property
    def lost_events(self) -> int:
        """How many events this repair gave up, at most."""
        return sum(step.events for step in self.steps if step.kind == "loss")


@attrs.frozen
class PrunedPage:
    """A page that is gone, or would go.

    Attributes:
        bytes: that it took on the disk, its index included.
        last_time: generation time of its last event, ns.
    """

    number: int
    path: str
    bytes: int
    first_sequence: int
    last_sequence: int
    last_time: int


@attrs.frozen
class Pruned:
    """What pruning did.

    Attributes:
        pages: that went, the oldest first.
        bytes_left: that the journal takes on the disk now.
        kept: why a page stays that should go; empty if none does.
    """

    pages: tuple[PrunedPage, ...]
    bytes_left: int
    kept: str


@attrs.frozen
class Compacted:
    """What compressing did.

    Attributes:
        pages: that were compressed.
        bytes_before: that these took on the disk.
        bytes_after: that they take now.
    """

    pages: int
    bytes_before: int
    bytes_after: int


def verify(journal: Journal, report: Report | None = None) -> Verification:
    """Read a journal's files through and tell what is wrong, also while it is written.

    Reads on behind damage, wherever a frame verifies again. Changes nothing.

    Args:
        journal: need not exist.
        report: told bytes done and to do.
    """
    return _verification(_native.verify_journal(*_place(journal), report))


def repair(journal: Journal, report: Report | None = None) -> Repair:
    """Make a damaged journal readable again, and say what that costs.

    What is intact stays where it is. What is damaged is kept in `<page file>.damaged` and gives way
    to a frame that says which events are lost. A repair that is cut off is finished by the next
    one. A sound journal is not touched.

    Args:
        journal: need not exist.
        report: told pages done and to do.

    Raises:
        JournalLocked: somebody writes the journal.
        JournalError: a file cannot be written; what was done so far stands.
    """
    steps, after = _native.repair_journal(*_place(journal), report)
    return Repair(_findings(steps), _verification(after))


def prune(
    journal: Journal,
    *,
    before: int | None = None,
    most_bytes: int | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Delete the oldest pages of a journal.

    The last page stays, and so does each page that is not sealed, that a reader of any process
    has open, or that comes after such a one.

    Args:
        journal: need not exist.
        before: pages go whose last event is older than this time, ns.
        most_bytes: pages go until the journal takes no more than this on the disk.
        dry_run: only say what would go.

    Raises:
        JournalError: a file cannot be deleted.
    """
    place = (journal.root, journal.source, journal.name)
    rows, left, kept = _native.prune_journal(*place, before, most_bytes, dry_run)
    return Pruned(tuple(PrunedPage(*row) for row in rows), left, kept)


def compact(journal: Journal, *, plain: bool = False, report: Report | None = None) -> Compacted:
    """Compress the full pages of a journal, also while it is written and read.

    Args:
        journal: need not exist.
        plain: leave rows as rows, so that `zstd -d` gives the pages back.
        report: told bytes done and to do.

    Raises:
        JournalCorrupt: a page is damaged; it stays as it is, and those before it are compressed.
        JournalError: a page is not sealed; or no room.
    """
    full = [page for page in journal.pages()[:-1] if page.sealed and not page.compressed]
    sizes = [_size(page.path, blocks=True) for page in full]
    after = 0
    for done, page in enumerate(full):
        _native.compact_page(page.path, not plain)
        after += _size(f"{page.path}.zst")
        if report is not None:
            report(sum(sizes[: done + 1]), sum(sizes))
    return Compacted(len(full), sum(sizes), after)


def _size(path: str, *, blocks: bool = False) -> int:
    """Give the bytes of a file, or of its blocks; 0 if others compressed or pruned it meanwhile."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return 0
    return status.st_blocks * 512 if blocks else status.st_size


def _place(journal: Journal) -> tuple[str, str, str, str]:
    return (journal.root, journal.source, journal.name, journal.scope)


def _findings(rows: list[Any]) -> tuple[Finding, ...]:
    return tuple(Finding(*row) for row in rows)


def _verification(row: tuple[Any, ...]) -> Verification:
    pages, size, events, findings = row
    return Verification(pages, size, events, _findings(findings))
