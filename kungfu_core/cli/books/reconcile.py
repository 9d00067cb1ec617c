"""`kungfu reconcile`: differences between a broker and its venues, and what was done."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.books import Rows, add_books, show

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

_EPILOG = """\
Each difference has the rule by which it was resolved; `adjusted` says whether the venue's amount
was taken over.

examples:
  kungfu reconcile
  kungfu reconcile --json | jq '.[] | select(.adjusted)'
"""
_HEADS = ("time", "account", "difference", "concerns", "ours", "theirs", "adjusted", "rule")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    add_books(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return show(arguments, _rows, _HEADS, _nothing)


def _nothing(books: "BrokerBooks") -> str:
    if not books.accounts:
        return "No account was compared with its venue: a backtest has nothing to compare with."
    return "No difference was found."


def _rows(books: "BrokerBooks") -> Rows:
    from kungfu_core.broker_books import plain  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    rows: Rows = []
    for found in books.reconciliations:
        order = f"{found.order_id:016x}" if found.order_id else ""
        instrument = books.name(found.instrument) if found.instrument else ""
        rows.append(
            {
                "time": utc_text(found.gen_time),
                "account": books.name(found.account),
                "difference": str(found.difference),
                "concerns": found.currency or order or instrument,
                "ours": plain(found.ours_exact),
                "theirs": plain(found.theirs_exact),
                "adjusted": bool(found.adjusted),
                "rule": found.detail,
            }
        )
    return rows
