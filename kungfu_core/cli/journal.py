"""`kungfu journal`: list, show, measure and export journals."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kungfu_core.cli import journal_care
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import styled, table

if TYPE_CHECKING:
    from kungfu_core.home import Home
    from kungfu_core.journal import Journal
    from kungfu_core.views import Event

_EPILOG = """\
A JOURNAL is named as `ls` lists it; its end is enough where only one has it (broker/BROKER).

examples:
  kungfu journal ls
  kungfu journal show data/august/venue/MD --type trade --limit 5
  kungfu journal show BROKER --since 2024-08-09T08:30:00Z --json
  kungfu journal stat data/august/venue/MD
  kungfu journal export BROKER --type fill --format csv --output fills.csv
  kungfu journal export data/august/venue/MD --type trade --format parquet --output trades.parquet
"""

_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    ls = actions.add_parser("ls", help="list the journals of the home")
    show = actions.add_parser("show", help="print events")
    stat = actions.add_parser("stat", help="verify every checksum, and count events and bytes")
    export = actions.add_parser("export", help="write events of one type to a file")
    for action in (show, stat, export):
        action.add_argument("journal", metavar="JOURNAL", help="the journal, as ls names it")
    for action in (show, export):
        _add_range(action)
    show.add_argument(
        "--limit",
        metavar="N",
        type=int,
        default=_SHOWN,
        help=f"at most N events (default: {_SHOWN})",
    )
    export.add_argument(
        "--format", choices=["jsonl", "csv", "parquet"], default="jsonl", help="default: jsonl"
    )
    export.add_argument(
        "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    for action in (ls, show, stat, export):
        add_home(action)
    for action in (ls, show, stat):
        add_json(action)
    parser.set_defaults(usage_error=parser.error)
    journal_care.add_actions(actions)


def _add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", metavar="TYPE", dest="type_name", help="events of this type only")
    parser.add_argument("--since", metavar="TIME", help="from this time on (2024-08-09T08:30:00Z)")
    parser.add_argument("--until", metavar="TIME", help="before this time")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it

    if "act" in arguments:
        status: int = arguments.act(arguments)
        return status
    home = Home.locate(arguments.home)
    if arguments.action == "ls":
        _list(home, as_json=arguments.as_json)
        return 0
    from kungfu_core.journal_catalog import find  # noqa: PLC0415

    journal = find(home, arguments.journal)
    actions = {"show": _show, "stat": _stat, "export": _export}
    actions[arguments.action](journal, arguments)
    return 0


def _list(home: "Home", *, as_json: bool) -> None:
    from kungfu_core.journal_catalog import catalog  # noqa: PLC0415

    rows = []
    for reference, journal in catalog(home).items():
        pages = journal.pages()
        size = sum(page.size for page in pages)
        rows.append((reference, len(pages), size, pages[0].first_time))
    if as_json:
        keys = ("journal", "pages", "bytes", "first_time")
        _print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
    elif rows:
        from kungfu_core.journal_export import utc_text  # noqa: PLC0415

        shown = [(ref, pages, _size(size), utc_text(time)) for ref, pages, size, time in rows]
        _print(table(shown, ["journal", "pages", "size", "first event"]))
    else:
        _print(f"There are no journals in {home.root}.")


def _range(arguments: argparse.Namespace) -> dict[str, int | None]:
    from kungfu_core.errors import JournalError  # noqa: PLC0415
    from kungfu_core.values import parse_time  # noqa: PLC0415

    chosen: dict[str, int | None] = {}
    for key in ("since", "until"):
        text = getattr(arguments, key)
        try:
            chosen[key] = (
                None if text is None else parse_time(int(text) if text.isdigit() else text)
            )
        except ValueError as error:
            raise JournalError(f"--{key}: {error}") from None
    return chosen


def _class(journal: "Journal", arguments: argparse.Namespace) -> "type[Event] | None":
    from kungfu_core.journal_export import class_named  # noqa: PLC0415

    return None if arguments.type_name is None else class_named(journal, arguments.type_name)


def _show(journal: "Journal", arguments: argparse.Namespace) -> None:
    from kungfu_core import journal_export as export  # noqa: PLC0415

    if arguments.limit < 1:
        arguments.usage_error("--limit: expected 1 or more")
    names = journal.names()
    events = export.select(
        journal, _class(journal, arguments), **_range(arguments), limit=arguments.limit
    )
    if arguments.as_json:
        export.write_json_lines(events, names, sys.stdout)
        return
    rows = [
        (
            event.sequence,
            export.utc_text(event.gen_time),
            export.event_type_name(event),
            _fields(export.payload(event, names)),
        )
        for event in events
    ]
    _print(table(rows, ["sequence", "time", "type", "event"]) if rows else "No such events.")


def _fields(payload: dict[str, Any]) -> str:
    said = (
        f"{key}={len(value)} items" if isinstance(value, list) else f"{key}={value}"
        for key, value in payload.items()
        if value not in (None, "")
    )
    return " ".join(" ".join(said).split())


def _stat(journal: "Journal", arguments: argparse.Namespace) -> None:
    import attrs  # noqa: PLC0415

    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    found = journal.statistics()
    if arguments.as_json:
        _print(json.dumps({"journal": journal.label} | attrs.asdict(found), indent=2))
        return
    _print(styled(journal.label, "bold"))
    sealed = f"{found.sealed_pages} sealed" if found.pages else "none"
    _print(f"  pages    {found.pages} ({sealed}), {_size(found.file_bytes)}")
    _print(f"  events   {found.events}, every checksum right")
    if found.events:
        _print(f"  sequence {found.first_sequence} to {found.last_sequence}")
        _print(f"  time     {utc_text(found.first_time)} to {utc_text(found.last_time)}\n")
        rows = [(t.name, t.version, t.events, _size(t.bytes)) for t in found.types]
        _print(table(rows, ["type", "version", "events", "size"]))


def _export(journal: "Journal", arguments: argparse.Namespace) -> None:
    from kungfu_core import journal_export as export  # noqa: PLC0415

    event_class, chosen = _class(journal, arguments), _range(arguments)
    if event_class is None and arguments.format != "jsonl":
        arguments.usage_error(f"--format {arguments.format} needs a --type: a table has one")
    if arguments.format == "parquet":
        if arguments.output is None:
            arguments.usage_error("--format parquet needs an --output FILE")
        assert event_class is not None  # noqa: S101 - refused above
        count = export.write_parquet(journal, event_class, arguments.output, **chosen)
    elif arguments.output is None:
        _write_text(journal, event_class, arguments.format, chosen, sys.stdout)
        return
    else:
        with (
            export.whole_file(arguments.output) as partial,
            partial.open("w", encoding="utf-8", newline="") as stream,
        ):
            count = _write_text(journal, event_class, arguments.format, chosen, stream)
    _print(f"{arguments.output}: {count} events")


def _write_text(
    journal: "Journal",
    event_class: "type[Event] | None",
    form: str,
    chosen: dict[str, int | None],
    stream: Any,  # noqa: ANN401 - any text stream
) -> int:
    from kungfu_core import journal_export as export  # noqa: PLC0415

    events, names = export.select(journal, event_class, **chosen), journal.names()
    if form == "csv" and event_class is not None:
        return export.write_csv(events, event_class, names, stream)
    return export.write_json_lines(events, names, stream)


def _size(count: int) -> str:
    """`3.2 MiB`; bytes below one KiB."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is what the command is for
