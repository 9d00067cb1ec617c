"""Reads files of recorded raw messages, line by line: receive time in ns, a space, the message."""

import gzip
import heapq
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from kungfu_core.errors import DataError

Line: TypeAlias = tuple[int, int, int, bytes]
"""Receive time in ns, place of the file in the import, number of the line, the raw message."""

_LONGEST_LINE = 64 << 20
_FIRST_PLAUSIBLE_NS = 10**18
_LAST_NS = 2**63 - 1
_LINES_PER_REPORT = 4096
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

Advance: TypeAlias = Callable[[int], None]
"""Told how many bytes of the files were read since it was last called."""


def merged_lines(files: Sequence[Path], advance: Advance) -> Iterator[Line]:
    """Go through all files at once, by receive time and otherwise in the order of the files.

    Raises:
        DataError: a file cannot be read or a line is not as expected; names file and line.
    """
    return heapq.merge(*(lines(path, place, advance) for place, path in enumerate(files)))


def lines(path: Path, place: int = 0, advance: Advance | None = None) -> Iterator[Line]:
    """Go through one file; plain, gzip or zstandard is told from its first bytes.

    Raises:
        DataError: the file cannot be read or a line is not as expected; names file and line.
    """
    number = 0
    try:
        with path.open("rb") as file:
            content, told = _decompressed(file, path), 0
            while line := content.readline(_LONGEST_LINE):
                number += 1
                yield _split(line, place, number, path)
                if advance and number % _LINES_PER_REPORT == 0:
                    advance(file.tell() - told)
                    told = file.tell()
            if advance:
                advance(file.tell() - told)
    except (EOFError, zlib.error, gzip.BadGzipFile, _DamagedError) as error:
        raise DataError(
            f"{path}: after line {number}: the compressed file is cut off or damaged ({error})"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if number == 0:
        raise DataError(f"{path}: the file is empty; expected recorded messages")


def _split(line: bytes, place: int, number: int, path: Path) -> Line:
    time, space, message = line.partition(b" ")
    if not space or not time.isdigit() or not _FIRST_PLAUSIBLE_NS <= int(time[:20]) <= _LAST_NS:
        shown = time[:40].decode(errors="backslashreplace").strip()
        raise DataError(
            f"{path}: line {number}: expected the receive time in nanoseconds since 1970, a space "
            f"and the message; the line begins with {shown!r}"
        )
    return int(time), place, number, message.rstrip()


class _DamagedError(Exception):
    """A zstandard stream that cannot be decompressed."""


def _decompressed(file: io.BufferedReader, path: Path) -> BinaryIO:
    head = file.peek(4)[:4]
    if head.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if head == _ZSTD:
        return io.BufferedReader(_ZstdFile(file, path), 1 << 18)
    return file


class _ZstdFile(io.RawIOBase):
    """The content of a zstandard file; unlike the library's own reader it notices a cut-off end."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        try:
            import zstandard  # noqa: PLC0415 - only these files need it
        except ImportError:
            raise DataError(
                f"{path}: a zstandard file needs the zstandard package: "
                "pip install 'kungfu-core[zstd]'"
            ) from None
        self._error = zstandard.ZstdError
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new_frame()
        self._file = file
        self._begun = False
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._waiting:
            data = self._file.read(1 << 16)
            if not data:
                if self._begun:
                    raise _DamagedError("the last frame has no end")
                return 0
            self._waiting = b"".join(self._decompress(data))
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _decompress(self, data: bytes) -> Iterator[bytes]:
        """Decompress a piece of the file, in which frames may end and others begin."""
        try:
            while data:
                self._begun = True
                yield self._frame.decompress(data)
                data = b""
                if self._frame.eof:
                    data = self._frame.unused_data
                    self._frame = self._new_frame()
                    self._begun = False
        except self._error as error:
            raise _DamagedError(str(error)) from error
