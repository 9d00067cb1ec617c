"""`kungfu journal export`: write events, or the whole journal as one archive, to a file."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from kungfu_core.cli.journal.choosing import (
    add_filter,
    add_journal,
    add_range,
    journal_of,
    selected,
)
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import size_text

if TYPE_CHECKING:
    from kungfu_core.journal import Journal

_EPILOG = """\
jsonl has an object a line, of any types; csv and parquet are a table of one type. An archive is
the whole journal as it stands, one tar file that `kungfu journal import` takes in elsewhere. A file
that could not be written whole does not appear.

examples:
  kungfu journal export BROKER --output broker.jsonl
  kungfu journal export BROKER --type fill --format csv --output fills.csv
  kungfu journal export MD --type trade --since 2024-08-09 --format parquet --output trades.parquet
  kungfu journal export MD --format archive --output market.tar
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journal(parser)
    add_filter(parser)
    add_range(parser)
    parser.add_argument(
        "--format",
        choices=["jsonl", "csv", "parquet", "archive"],
        default="jsonl",
        help="default: jsonl",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    form, output = arguments.format, arguments.output
    if form in ("csv", "parquet") and len(arguments.types) != 1:
        arguments.usage_error(f"--format {form} needs a --type: a table has one")
    if form in ("parquet", "archive") and output is None:
        arguments.usage_error(f"--format {form} needs an --output FILE")
    if form == "archive" and any(
        (arguments.types, arguments.source, arguments.instrument, arguments.since, arguments.until)
    ):
        arguments.usage_error("--format archive takes the whole journal: no filter, no times")
    journal = journal_of(arguments)
    if form == "archive":
        from kungfu_core.journal_archive import write_archive  # noqa: PLC0415

        archive = write_archive(journal, output)
        said = {"pages": archive.pages, "bytes": archive.bytes}
        told = f"pages: {archive.pages}, {size_text(archive.bytes)}"
    else:
        count = _export(journal, arguments)
        said, told = {"events": count}, f"{count} events"
    if output is not None:
        text = (
            json.dumps({"file": str(output)} | said) if arguments.as_json else f"{output}: {told}"
        )
        sys.stdout.write(text + "\n")
    return 0


def _export(journal: "Journal", arguments: argparse.Namespace) -> int:
    from kungfu_core import journal_export as export  # noqa: PLC0415 - --help needs none of it

    if arguments.output is None:
        return _write_text(journal, arguments, sys.stdout)
    with export.whole_file(arguments.output) as partial:
        if arguments.format == "parquet":
            return export.write_parquet(selected(journal, arguments), partial)
        with partial.open("w", encoding="utf-8", newline="") as stream:
            return _write_text(journal, arguments, stream)


def _write_text(journal: "Journal", arguments: argparse.Namespace, stream: TextIO) -> int:
    from kungfu_core import journal_export as export  # noqa: PLC0415

    events, names = selected(journal, arguments), journal.names()
    if arguments.format == "csv":
        event_class = journal.event_class(arguments.types[0])
        return export.write_csv(events, event_class, names, stream)
    return export.write_json_lines(events, names, stream)
