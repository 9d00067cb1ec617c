"""Where frames stand in a page file, which may be written meanwhile."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kungfu_core._native import FRAME_HEADER_SIZE
from kungfu_core.errors import JournalCorrupt

if TYPE_CHECKING:
    from kungfu_core.journal import Journal, PageInfo

_LENGTHS = struct.Struct("<IQ")  # header_length, page_size
_LENGTHS_OFFSET = 12
_FRAME = struct.Struct("<IIQ")  # length, checksum, sequence
_READ_AT_ONCE = 1 << 20


class Frame(NamedTuple):
    """A committed frame: where it begins, where the next one does, its sequence (0 if none)."""

    offset: int
    end: int
    sequence: int


def frames(page: Path) -> Iterator[Frame]:
    """Walk the frames of an uncompressed page, up to the first that is not written yet.

    Plain reads, not a mapping: a file that somebody cuts short ends here, and not the process.

    Raises:
        JournalCorrupt: the header is cut off or a frame's length impossible; names the place.
        OSError: the file cannot be read.
    """
    with page.open("rb", buffering=_READ_AT_ONCE) as file:
        file.seek(_LENGTHS_OFFSET)
        lengths = file.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            raise JournalCorrupt(f"{page}: offset {_LENGTHS_OFFSET}: the file ends in its header")
        offset, size = _LENGTHS.unpack(lengths)
        while True:
            file.seek(offset)
            header = file.read(FRAME_HEADER_SIZE)
            if len(header) < FRAME_HEADER_SIZE:
                return
            length, _, sequence = _FRAME.unpack_from(header)
            if length == 0:
                return
            end = offset + (length + 7) // 8 * 8
            if length < FRAME_HEADER_SIZE or end > size:
                raise JournalCorrupt(f"{page}: offset {offset}: no frame is {length} bytes long")
            yield Frame(offset, end, sequence)
            offset = end


def place_of(journal: "Journal", sequence: int) -> tuple["PageInfo", int | None]:
    """Give the page in which an event stands, and its offset there; None if it is compressed.

    Raises:
        JournalCorrupt: the page is damaged before the event.
        OSError: the page's file cannot be read.
    """
    page = [p for p in journal.pages() if p.first_sequence <= sequence][-1]
    if not page.path.endswith(".journal"):
        return page, None
    return page, next((f.offset for f in frames(Path(page.path)) if f.sequence == sequence), None)
