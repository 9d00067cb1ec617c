"""`kungfu journal ls`: list the journals of a home."""

import argparse
import json
import sys

from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import size_text, table

_EPILOG = """\
examples:
  kungfu journal ls
  kungfu journal ls --home elsewhere --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.cli.terminal import complain  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.errors import JournalError  # noqa: PLC0415
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_catalog import catalog  # noqa: PLC0415
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    home = Home.locate(arguments.home)
    rows, damaged = [], False
    for reference, journal in catalog(home).items():
        try:
            pages = journal.pages()
        except JournalError as error:
            damaged = True
            complain(f"{reference}: {error}; see `kungfu journal verify {reference}`")
            continue
        size = sum(page.size for page in pages)
        rows.append((reference, len(pages), size, pages[0].first_time))
    if arguments.as_json:
        keys = ("journal", "pages", "bytes", "first_time")
        listed = [dict(zip(keys, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
    elif rows or damaged:
        shown = [(ref, pages, size_text(size), utc_text(time)) for ref, pages, size, time in rows]
        sys.stdout.write(table(shown, ["journal", "pages", "size", "first event"]) + "\n")
    else:
        sys.stdout.write(f"There are no journals in {home.root}.\n")
    return 1 if damaged else 0
