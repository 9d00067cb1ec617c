"""How things look in a terminal: colour, tables, bars, progress and sizes."""

import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_BARS = "·▁▂▃▄▅▆▇█"
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads the stream, and wants colour (https://no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """Give the text in a style (bold, dim, red, green, yellow) if a person reads the stream."""
    if not is_terminal(stream or sys.stdout):
        return text
    return f"\033[{_CODES[style]}m{text}\033[0m"


def table(rows: Iterable[Sequence[object]], headers: Sequence[str]) -> str:
    """Lay rows out under headers; nothing is taken for a number that is not one."""
    from tabulate import tabulate  # noqa: PLC0415 - most commands print no table

    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def bars(counts: Sequence[int]) -> str:
    """Draw each count as a bar of one character; what is not 0 is seen, however small it is."""
    most = max(counts, default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def size_text(count: int) -> str:
    """Write a number of bytes as `3.2 MiB`; below one KiB as `17 B`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def counted(count: int, noun: str) -> str:
    """Write `1 page`, `2 pages`, `no pages`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


@contextmanager
def progress_bar(label: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give what moves a bar on standard error (done, to do); None where no person looks on."""
    if not is_terminal(sys.stderr):
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal shows a bar

    with tqdm(desc=label, unit=unit, unit_scale=True, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def stop_if_unread(stream: TextIO) -> None:
    """Notice a closed pipe without writing into it.

    Raises:
        BrokenPipeError: nobody reads the stream any more.
    """
    poll = select.poll()
    poll.register(stream, 0)
    if poll.poll(0):
        raise BrokenPipeError


def complain(message: str) -> None:
    """Write an error for the user to standard error."""
    for line in message.splitlines():
        sys.stderr.write(f"{styled('error:', 'red', sys.stderr)} {line}\n")
