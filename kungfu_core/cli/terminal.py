"""What differs when a person looks on: colour, tables and progress bars."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

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


def complain(message: str) -> None:
    """Write an error for the user to standard error."""
    for line in message.splitlines():
        sys.stderr.write(f"{styled('error:', 'red', sys.stderr)} {line}\n")
