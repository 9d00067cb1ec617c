"""`kungfu positions`: what accounts, or strategies, hold of instruments."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.books import Rows, add_books, show

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

_EPILOG = """\
Unrealised profit is that of the last event of the position, at the mark that is shown with it.

examples:
  kungfu positions
  kungfu positions --strategies      each strategy's own part
  kungfu positions --all --json
"""
_HEADS = ("account", "strategy", "instrument", "side", "size", "cost", "mark", "realized",
          "unrealized", "currency")  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("--strategies", action="store_true", help="the parts of the strategies")
    parser.add_argument("--all", action="store_true", help="those that are closed, too")
    add_books(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return show(
        arguments,
        lambda books: _rows(books, parts=arguments.strategies, everything=arguments.all),
        _HEADS,
        lambda _: "No position is open.",
    )


def _rows(books: "BrokerBooks", *, parts: bool, everything: bool) -> Rows:
    from kungfu_core.broker_books import plain  # noqa: PLC0415 - --help needs none of it

    rows: Rows = []
    for (account, instrument, strategy, side), position in books.positions.items():
        size = position.size_exact
        if bool(strategy) != parts or not (size or everything):
            continue
        rows.append(
            {
                "account": books.name(account),
                "strategy": books.name(strategy) if strategy else None,
                "instrument": books.name(instrument),
                "side": str(side),
                "size": plain(size),
                "cost": plain(position.cost_exact),
                "mark": plain(position.mark_exact),
                "realized": plain(position.realized_pnl_exact),
                "unrealized": plain(position.unrealized_pnl_exact),
                "currency": position.currency,
            }
        )
    return sorted(rows, key=lambda row: (row["account"], row["strategy"] or "", row["instrument"]))
