"""`kungfu journal follow`: print events as they are written."""

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from kungfu_core.cli.journal.choosing import add_filter, time_of
from kungfu_core.cli.journal.lines import fields_text
from kungfu_core.cli.options import add_home
from kungfu_core.cli.terminal import stop_if_unread, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kungfu_core.event_filter import Filter
    from kungfu_core.journal import Journal, Reader
    from kungfu_core.views import Event

_EPILOG = """\
Several journals are merged by time. A filter chooses among the last N events, too. Ctrl-C ends it.

examples:
  kungfu journal follow MD
  kungfu journal follow journal/venue/MD BROKER --type trade --type fill
  kungfu journal follow BROKER --last 0 --json | jq .type
  kungfu journal follow MD --since "2024-08-09 08:30"
"""

_LAST = 10
_LOOK_AROUND = 1.0
"""Seconds after which it is noticed that nobody reads the output any more."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "journals", metavar="JOURNAL", nargs="+", help="the journals, as ls names them"
    )
    add_filter(parser)
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "--last",
        metavar="N",
        type=int,
        default=_LAST,
        help=f"begin with the last N events of each journal (default: {_LAST})",
    )
    begin.add_argument("--since", metavar="TIME", help="begin at this time (2024-08-09T08:30:00Z)")
    add_home(parser)
    parser.add_argument(
        "--json", dest="as_json", action="store_true", help="print a JSON object a line"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the action; only an interrupt, an error or a closed output ends it."""
    from kungfu_core.event_filter import filter_of  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.home import Home  # noqa: PLC0415
    from kungfu_core.journal import Reader, merged_event_classes  # noqa: PLC0415
    from kungfu_core.journal_catalog import find  # noqa: PLC0415

    if arguments.last < 0:
        arguments.usage_error("--last: expected 0 or more")
    since = time_of(arguments.since, "--since")
    home = Home.locate(arguments.home)
    journals = [find(home, reference) for reference in arguments.journals]
    names = {number: name for journal in journals for number, name in journal.names().items()}
    classes = merged_event_classes(journals)
    chosen = filter_of(
        arguments.types,
        arguments.source,
        arguments.instrument,
        known_types=[c.__event_type__.name for c in classes],
        names=names,
        where=" and ".join(journal.label for journal in journals),
    )
    with Reader(verify=True, event_classes=classes) as reader:
        for journal in journals:
            if since is None:
                reader.add(journal, after=max(journal.last_sequence() - arguments.last, 0))
            else:
                reader.add(journal, since=since)
        printer = _Printer(journals, names, as_json=arguments.as_json)
        _follow(reader, chosen, printer)


def _follow(reader: "Reader", chosen: "Filter", printer: "_Printer") -> NoReturn:
    while True:
        for event in reader:
            printer.learn(event)
            if chosen.passes(event):
                printer.write(event)
        sys.stdout.flush()
        while not reader.wait(_LOOK_AROUND):
            stop_if_unread(sys.stdout)


class _Printer:
    """Prints events of several journals, with the names that have become known so far."""

    def __init__(
        self, journals: "Sequence[Journal]", names: dict[int, str], *, as_json: bool
    ) -> None:
        self._labels = {journal.id: journal.label for journal in journals}
        self._names = names
        self._as_json = as_json

    def learn(self, event: "Event") -> None:
        """Take in a name that is defined while we look on."""
        from kungfu_core.events import Instrument, NameDefinition  # noqa: PLC0415

        if isinstance(event, NameDefinition):
            self._names[event.named] = event.text
        elif isinstance(event, Instrument):
            self._names[event.instrument] = event.name

    def write(self, event: "Event") -> None:
        """Print an event on a line of its own."""
        import json  # noqa: PLC0415

        from kungfu_core import journal_export as export  # noqa: PLC0415

        label = self._labels.get(event.journal, "?")
        if self._as_json:
            line = json.dumps({"journal": label} | export.described(event, self._names))
        else:
            time = styled(export.utc_text(event.gen_time), "dim")
            kind = styled(f"{export.event_type_name(event):<14}", "bold")
            line = f"{time}  {label}  {kind}  {fields_text(event, self._names)}"
        sys.stdout.write(line + "\n")
