"""Arguments that say which journal and which of its events, worded once."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kungfu_core.journal import Journal
    from kungfu_core.selection import Selection


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Add the journal, into `arguments.journal`."""
    parser.add_argument("journal", metavar="JOURNAL", help="the journal, as ls names it")


def add_journals(parser: argparse.ArgumentParser) -> None:
    """Add several journals, or all of them."""
    parser.add_argument(
        "journals",
        metavar="JOURNAL",
        nargs="*",
        help="a journal as ls names it, the end of its name, or a pattern ('data/*/MD')",
    )
    parser.add_argument("--all", action="store_true", help="every journal of the home")


def add_filter(parser: argparse.ArgumentParser) -> None:
    """Add what events must be: type, source and instrument."""
    parser.add_argument(
        "--type",
        metavar="TYPE",
        dest="types",
        action="append",
        default=[],
        help="events of this type only; may be repeated",
    )
    parser.add_argument("--source", metavar="NAME", help="events that this source wrote")
    parser.add_argument("--instrument", metavar="NAME", help="events about this instrument")


def add_range(parser: argparse.ArgumentParser) -> None:
    """Add a stretch of time."""
    parser.add_argument("--since", metavar="TIME", help="from this time on (2024-08-09T08:30:00Z)")
    parser.add_argument("--until", metavar="TIME", help="before this time")


def journal_of(arguments: argparse.Namespace) -> "Journal":
    """Give the journal that is meant.

    Raises:
        JournalError: none is, or several are.
    """
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_catalog import find  # noqa: PLC0415

    return find(Home.locate(arguments.home), arguments.journal)


def journals_of(arguments: argparse.Namespace) -> "dict[str, Journal]":
    """Give the journals that are meant, by their references.

    Raises:
        JournalError: a reference means none or several, a pattern means none, or there are none.
    """
    from kungfu_core.errors import JournalError  # noqa: PLC0415
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_catalog import catalog, matching  # noqa: PLC0415

    if arguments.all == bool(arguments.journals):
        arguments.usage_error("expected one or more of JOURNAL, or --all")
    home = Home.locate(arguments.home)
    if not arguments.all:
        return matching(home, arguments.journals)
    journals = catalog(home)
    if not journals:  # who means all of them believes that there are some
        raise JournalError(f"there are no journals in {home.root}")
    return journals


def selected(journal: "Journal", arguments: argparse.Namespace) -> "Selection":
    """Give the events that are meant.

    Raises:
        JournalError: the journal knows no such type, source or instrument, or a time is none.
    """
    since = time_of(arguments.since, "--since")
    until = time_of(arguments.until, "--until")
    return journal[since:until].where(
        *arguments.types, source=arguments.source, instrument=arguments.instrument
    )


def time_of(text: str | None, argument: str) -> int | None:
    """Give the time that an argument says, in ns; None if it was not given.

    Raises:
        JournalError: it says no time.
    """
    from kungfu_core.errors import JournalError  # noqa: PLC0415
    from kungfu_core.values import parse_time  # noqa: PLC0415

    if text is None:
        return None
    try:
        return parse_time(int(text) if text.isdecimal() else text)
    except ValueError as error:
        raise JournalError(f"{argument}: {error}") from None
