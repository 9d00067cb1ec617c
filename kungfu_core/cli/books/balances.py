"""`kungfu balances`: what accounts have of currencies."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.books import Rows, add_books, show

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

_EPILOG = """\
examples:
  kungfu balances
  kungfu balances 20261126-101500-backtest-1f3a --json
"""
_HEADS = ("account", "currency", "total", "changed")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    add_books(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return show(arguments, _rows, _HEADS, lambda _: "There are no balances.")


def _rows(books: "BrokerBooks") -> Rows:
    from kungfu_core.broker_books import plain  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    return [
        {
            "account": books.name(account),
            "currency": currency,
            "total": plain(balance.total_exact),
            "changed": utc_text(balance.gen_time),
        }
        for (account, currency), balance in sorted(
            books.balances.items(), key=lambda item: (books.name(item[0][0]), item[0][1])
        )
    ]
