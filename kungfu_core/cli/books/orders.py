"""`kungfu orders`: the orders of a running or a finished session."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.books import Rows, add_books, show

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

_EPILOG = """\
Type and trigger are those that were asked for, whatever went to the venue. The reason says why an
order was refused or cancelled, or what it waits for. Where the broker cancelled it, its own cause
stands before what the venue said.

examples:
  kungfu orders                  what may still fill
  kungfu orders --all --json     everything there was
  kungfu orders --watch
"""
_HEADS = ("order", "strategy", "account", "instrument", "side", "type", "size", "filled", "price",
          "trigger_price", "trailing_offset", "state", "placed", "tag", "reason")  # fmt: skip
_SELDOM = ("trigger_price", "trailing_offset", "tag")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("--all", action="store_true", help="those that are over, too")
    add_books(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    nothing = "There are no orders." if arguments.all else "No order is open."
    return show(
        arguments,
        lambda books: _rows(books, everything=arguments.all),
        _HEADS,
        lambda _: nothing,
        seldom=_SELDOM,
    )


def _rows(books: "BrokerBooks", *, everything: bool) -> Rows:
    from kungfu_core.broker_books import plain  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    books.read_requests()
    rows: Rows = []
    for number, row in books.orders.items():
        if not everything and not row.is_open:
            continue
        update, request = row.update, books.request(row)
        rows.append(
            {
                "order": f"{number:016x}",
                "order_id": number,
                "strategy": books.name(update.strategy) if update.strategy else "(external)",
                "account": books.name(update.account),
                "instrument": books.name(update.instrument),
                "side": str(update.side),
                "type": str(request.type) if request is not None else None,
                "size": plain(update.size_exact),
                "filled": plain(update.filled_exact),
                "price": plain(update.price_exact),
                "trigger_price": plain(books.trigger_price(row)),
                "trailing_offset": plain(request.trailing_offset_exact) if request else None,
                "state": str(update.state),
                "placed": utc_text(row.placed),
                "venue_order_id": update.venue_order_id,
                "tag": request.tag if request is not None else "",
                "reason": row.reason,
            }
        )
    return rows
