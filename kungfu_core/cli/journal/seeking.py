"""`kungfu journal seek`: find the event at a time, and where it stands."""

import argparse
import json
import sys

from kungfu_core.cli.journal.choosing import add_journal, journal_of, time_of
from kungfu_core.cli.journal.lines import fields_text
from kungfu_core.cli.options import add_home, add_json

_EPILOG = """\
Finds the first event at the time or after it. Its offset is that in the page; of a compressed page,
which has no such place in its file, none is told.

examples:
  kungfu journal seek MD 2024-08-09
  kungfu journal seek MD "2024-08-09 08:30:00.25" --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journal(parser)
    parser.add_argument("time", metavar="TIME", help="a time (2024-08-09T08:30:00Z), or ns")
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core import journal_export as export  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.page_frames import place_of  # noqa: PLC0415

    time = time_of(arguments.time, "TIME")
    journal = journal_of(arguments)
    event = next(iter(journal[time:]), None)
    if event is None:
        from kungfu_core.errors import JournalError  # noqa: PLC0415

        raise JournalError(f"{journal.label} has no event at {arguments.time} or later")
    page, offset = place_of(journal, event.sequence)
    names = journal.names()
    if arguments.as_json:
        place = {"journal": journal.label, "page": page.number, "file": page.path, "offset": offset}
        sys.stdout.write(json.dumps(place | {"event": export.described(event, names)}) + "\n")
        return 0
    kind = export.event_type_name(event)
    rows = {
        "page": f"{page.number}, {'sealed' if page.sealed else 'being written'}",
        "file": page.path,
        "offset": "in a compressed page" if offset is None else f"{offset}",
        "sequence": f"{event.sequence}",
        "time": export.utc_text(event.gen_time),
        "event": f"{kind} {fields_text(event, names)}",
    }
    sys.stdout.writelines(f"{name:<9} {text}\n" for name, text in rows.items())
    return 0
