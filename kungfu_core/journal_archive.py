"""A journal as one file, to be given to somebody else: a tar of its pages as they stand.

First comes `archive.json`, which says what the archive holds, then the files by their paths under
the journal's root, at last `SHA256SUMS` over all of them, as sha256sum writes it. Equal journals
give equal archives.
"""

import hashlib
import json
import re
import tarfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import attrs

from kungfu_core._native import PAGE_HEADER_SIZE, PAGE_SEAL_OFFSET
from kungfu_core.datasets import DESCRIPTION
from kungfu_core.errors import JournalError
from kungfu_core.journal import Journal, list_journals
from kungfu_core.journal_export import whole_file
from kungfu_core.page_frames import frames

MANIFEST = "archive.json"
SUMS = "SHA256SUMS"
KIND = "kungfu journal"
VERSION = 1


def file_pattern(source: str, name: str) -> re.Pattern[str]:
    """Give what matches the paths of a journal's files; groups are page number and kind of file."""
    return re.compile(
        rf"\d{{4}}-\d\d-\d\d/{re.escape(source)}/{re.escape(name)}"
        r"\.(\d{1,20})\.(journal|journal\.zst|index)",
        re.ASCII,
    )


@attrs.frozen
class Entry:
    """A file of an archive: its path under the root, and how many bytes it has."""

    path: str
    bytes: int


@attrs.frozen
class Archive:
    """What an archive holds.

    Attributes:
        source: who wrote the journal.
        name: which of the source's journals it is.
        scope: the run or dataset that is part of its identity; empty if there is none.
        files: its files, in order.
    """

    source: str
    name: str
    scope: str
    files: tuple[Entry, ...]

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return sum(1 for entry in self.files if ".journal" in entry.path)

    @property
    def bytes(self) -> int:
        """Size of its files together."""
        return sum(entry.bytes for entry in self.files)


def write_archive(journal: Journal, path: Path) -> Archive:
    """Write a journal into a new file; it may be written meanwhile, what is there now goes in.

    Raises:
        JournalError: there is nothing to archive, the file exists or cannot be written, or a page
            went away meanwhile.
        JournalCorrupt: the last page is damaged.
    """
    if path.exists():
        raise JournalError(f"{path} exists already: name another --output, or delete it first")
    files = _files(journal)
    if not files:
        raise JournalError(f"{journal.label} has no page yet, nothing to archive")
    root = Path(journal.root)
    archive = Archive(
        journal.source, journal.name, _scope(journal),
        tuple(Entry(file.relative_to(root).as_posix(), file.stat().st_size) for file in files),
    )  # fmt: skip
    last = _last_raw_page(files)
    # The latest first: pages are sealed in their order, and where one is, those before it must be.
    # A header tells how far its page is written, so it is read before that is walked.
    heads = {file: _head(file) for file in reversed(files)}
    sums = []
    with whole_file(path) as partial, tarfile.open(partial, "w|", format=tarfile.PAX_FORMAT) as tar:
        _add_text(tar, MANIFEST, _manifest_text(archive))
        for file, entry in zip(files, archive.files, strict=True):
            with _opened(file) as stream:
                stream.seek(len(heads[file]))
                filled = _written(file) if file == last else entry.bytes
                source = _Source(heads[file], stream, filled, entry, file)
                tar.addfile(_member(entry.path, entry.bytes), source)
            sums.append(f"{source.digest.hexdigest()}  {entry.path}\n")
        _add_text(tar, SUMS, "".join(sums))
    return archive


def _scope(journal: Journal) -> str:
    """Give the scope that the pages state, where the journal was named without."""
    there = list_journals(journal.root)
    place = (journal.source, journal.name)
    return next((j.scope for j in there if (j.source, j.name) == place), "") or journal.scope


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        # Pages are compressed and pruned at any time.
        raise JournalError(f"{file} went away before it was archived: try again") from error


def _files(journal: Journal) -> list[Path]:
    """List the dataset's description, if it has one, then each page and its index, in order."""
    root = Path(journal.root)
    pattern = file_pattern(journal.source, journal.name)
    pages: dict[int, Path] = {}
    indexes: dict[int, Path] = {}
    for file in sorted(root.glob(f"*/{journal.source}/{journal.name}.*")):
        named = pattern.fullmatch(file.relative_to(root).as_posix())
        if named is None:
            continue
        if named[2] == "index":
            indexes[int(named[1])] = file
        elif named[2] == "journal.zst" or _born(file):
            # Where compressing has not taken the page away yet, the compressed one comes second.
            pages[int(named[1])] = file
    listed = [f for n in sorted(pages) for f in (pages[n], indexes.get(n)) if f is not None]
    description = root / DESCRIPTION
    return [description, *listed] if listed and description.is_file() else listed


def _born(page: Path) -> bool:
    with page.open("rb") as file:
        return file.read(8) != bytes(8)


def _last_raw_page(files: list[Path]) -> Path | None:
    pages = [file for file in files if file.suffix == ".journal"]
    return pages[-1] if pages else None


def _written(page: Path) -> int:
    """Where the frames end; what a writer adds meanwhile would be copied in pieces."""
    end = None
    for frame in frames(page):
        end = frame.end
    return page.stat().st_size if end is None else end


def _head(file: Path) -> bytes:
    """Give the bytes of a page's header, with a whole seal or none; nothing of other files."""
    if file.suffix != ".journal":
        return b""
    with _opened(file) as stream:
        head = stream.read(PAGE_HEADER_SIZE)
    if any(head[PAGE_SEAL_OFFSET : PAGE_SEAL_OFFSET + 4]):
        return head
    return head[:PAGE_SEAL_OFFSET] + bytes(len(head[PAGE_SEAL_OFFSET:]))


class _Source:
    """What tar reads a file from: its bytes up to a place, then zeros; hashed on the way."""

    def __init__(
        self, head: bytes, stream: BinaryIO, filled: int, entry: Entry, file: Path
    ) -> None:
        self.digest = hashlib.sha256()
        self._head = head
        self._stream = stream
        self._filled = filled
        self._left = entry.bytes
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes."""
        size = self._left if size < 0 else min(size, self._left)
        wanted = min(size, self._filled)
        data = self._head[:wanted]
        self._head = self._head[wanted:]
        data += self._stream.read(wanted - len(data))
        self._filled -= len(data)
        if len(data) < size:
            if self._filled > 0:
                raise JournalError(f"{self._file} became shorter while it was read")
            data += bytes(size - len(data))
        self._left -= size
        self.digest.update(data)
        return data


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    tar.addfile(_member(name, len(data)), BytesIO(data))


def _manifest_text(archive: Archive) -> str:
    said = {"archive": KIND, "version": VERSION} | attrs.asdict(archive)
    return json.dumps(said, indent=2) + "\n"
