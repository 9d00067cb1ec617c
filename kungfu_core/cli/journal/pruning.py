"""`kungfu journal prune`: delete the oldest pages."""

import argparse
import json
import re
import sys
import time
from typing import TYPE_CHECKING

from kungfu_core.cli.journal.choosing import add_journals, journals_of
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import counted, size_text

if TYPE_CHECKING:
    from kungfu_core.journal_care import Pruned

_EPILOG = """\
Whole pages go, the oldest first. The last page of a journal always stays, and so does each page
that is not full, that a running program reads, or that comes after such a one. Choose what kinds of
journals to prune by a pattern over the names that ls prints; --all means datasets and runs too.

An AGE is 36h, 30d or 8w before now, or a time like 2024-08-09. A SIZE is 500MiB, 20GiB or 1TiB, for
each journal.

examples:
  kungfu journal prune 'journal/*/MD' --older-than 30d --dry-run
  kungfu journal prune 'journal/venue/*' --larger-than 20GiB
  kungfu journal prune BROKER --older-than 2024-01-01 --json
"""

_HOUR = 3_600_000_000_000
_AGES = {"h": _HOUR, "d": 24 * _HOUR, "w": 7 * 24 * _HOUR}
_SIZES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_NO_SIZE = 1 << 64


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journals(parser)
    add_home(parser)
    add_json(parser)
    parser.add_argument(
        "--older-than", metavar="AGE", help="delete pages whose last event is older"
    )
    parser.add_argument(
        "--larger-than", metavar="SIZE", help="delete pages until a journal takes no more disk"
    )
    parser.add_argument("--dry-run", action="store_true", help="delete nothing, only say what")


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.journal_care import prune  # noqa: PLC0415 - --help needs none of it

    if arguments.older_than is None and arguments.larger_than is None:
        arguments.usage_error("expected --older-than AGE, --larger-than SIZE, or both")
    before = None if arguments.older_than is None else _time(arguments.older_than)
    most_bytes = None if arguments.larger_than is None else _size(arguments.larger_than)
    done = {}
    for reference, journal in journals_of(arguments).items():
        done[reference] = prune(
            journal, before=before, most_bytes=most_bytes, dry_run=arguments.dry_run
        )
        if not arguments.as_json:
            sys.stdout.write(_text(reference, done[reference], arguments.dry_run))
    if arguments.as_json:
        import attrs  # noqa: PLC0415

        rows = [{"journal": name} | attrs.asdict(result) for name, result in done.items()]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0


def _text(reference: str, done: "Pruned", dry_run: bool) -> str:
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    verb = "would go" if dry_run else "deleted"
    size = sum(page.bytes for page in done.pages)
    count = counted(len(done.pages), "page")
    lines = [f"{reference}: {count} {verb}, {size_text(size)}; {size_text(done.bytes_left)} left"]
    lines += [
        f"  {p.path}: up to {utc_text(p.last_time)}, {size_text(p.bytes)}" for p in done.pages
    ]
    if done.kept:
        lines.append(f"  kept, with all behind it: {done.kept}")
    return "\n".join(lines) + "\n"


def _time(text: str) -> int:
    """Give the time that an age means, ns."""
    from kungfu_core.errors import JournalError  # noqa: PLC0415
    from kungfu_core.values import parse_time  # noqa: PLC0415

    age = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if age:
        return max(0, time.time_ns() - int(age[1]) * _AGES[age[2]])
    try:
        return parse_time(int(text) if text.isdecimal() else text)
    except ValueError:
        raise JournalError(
            f"--older-than: expected an age like 36h, 30d or 8w, or a time like 2024-08-09, "
            f"got {text!r}"
        ) from None


def _size(text: str) -> int:
    """Give the bytes that a size means."""
    from kungfu_core.errors import JournalError  # noqa: PLC0415

    size = re.fullmatch(r"(\d{1,15})([KMGT]iB|)", text)
    most = int(size[1]) * _SIZES[size[2]] if size else _NO_SIZE
    if most >= _NO_SIZE:
        raise JournalError(
            f"--larger-than: expected a size like 500MiB or 20GiB, less than 16777216TiB, "
            f"got {text!r}"
        )
    return most
