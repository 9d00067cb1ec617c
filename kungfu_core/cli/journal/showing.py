"""`kungfu journal show`: print events."""

import argparse
import sys
from itertools import islice

from kungfu_core.cli.journal.choosing import (
    add_filter,
    add_journal,
    add_range,
    journal_of,
    selected,
)
from kungfu_core.cli.journal.lines import fields_text
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import table

_EPILOG = """\
With --json each event is an object on a line of its own, with every digit and every field.

examples:
  kungfu journal show MD --type trade --limit 5
  kungfu journal show BROKER --type fill --type order_update --since "2024-08-09 08:30"
  kungfu journal show MD --instrument venue:spot:BTCUSDT --until 2024-08-09 --json
"""

_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journal(parser)
    add_filter(parser)
    add_range(parser)
    parser.add_argument(
        "--limit",
        metavar="N",
        type=int,
        default=_SHOWN,
        help=f"at most N events (default: {_SHOWN})",
    )
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core import journal_export as export  # noqa: PLC0415 - --help needs none of it

    if arguments.limit < 1:
        arguments.usage_error("--limit: expected 1 or more")
    journal = journal_of(arguments)
    names = journal.names()
    events = islice(selected(journal, arguments), arguments.limit)
    if arguments.as_json:
        export.write_json_lines(events, names, sys.stdout)
        return 0
    rows = [
        (
            event.sequence,
            export.utc_text(event.gen_time),
            export.event_type_name(event),
            fields_text(event, names),
        )
        for event in events
    ]
    shown = table(rows, ["sequence", "time", "type", "event"]) if rows else "No such events."
    sys.stdout.write(shown + "\n")
    return 0
