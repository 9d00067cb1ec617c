"""`kungfu risk`: what keeps orders from going out, and what somebody should look at."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.books import Rows, add_books, show

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

_EPILOG = """\
Shows kill switches that are thrown, accounts whose orders do not go out, orders whose fate is not
known, limits that were changed, and how often orders and amends were refused: by each limit, by
each risk check of a plugin, and by the broker for other causes, like what a gateway cannot express.
A check that FAILED raised, one that OVERRAN took longer than its budget. Time and reason are those
of the latest.

examples:
  kungfu risk
  kungfu risk --watch
"""
_NOTHING = "Nothing holds orders up, and none was refused."
_HEADS = ("what", "whose", "state", "time", "reason")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    add_books(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return show(arguments, _rows, _HEADS, lambda _: _NOTHING)


def _rows(books: "BrokerBooks") -> Rows:
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415 - --help needs none of it

    def whose(subject: int) -> str:
        return books.name(subject) if subject else "everything"

    def row(what: str, subject: str, state: str, time: int, reason: str) -> dict[str, str]:
        values = (what, subject, state, utc_text(time), reason)
        return dict(zip(_HEADS, values, strict=True))

    rows: Rows = [
        row("kill switch", whose(switch.subject), "THROWN", switch.gen_time, switch.reason)
        for switch in books.switches.values()
    ]
    for account in books.unready_accounts:
        status = books.accounts[account]
        name = books.name(account)
        rows.append(row("account", name, str(status.state), status.gen_time, status.detail))
    for order in books.unknown_orders:
        update = order.update
        name = f"{update.order_id:016x}"
        rows.append(row("order", name, str(update.state), update.gen_time, update.reason))
    for change in books.limits.values():
        state = f"{change.limit}: {change.before or 'none'} -> {change.after or 'none'}"
        rows.append(row("limit", whose(change.subject), state, change.gen_time, change.who))
    for (who, _), refusals in books.refusals.items():
        counts = ", ".join(f"{verdict} {n}" for verdict, n in refusals.counts.items())
        if refusals.amends:
            counts += f" ({refusals.amends} amend{'s' if refusals.amends > 1 else ''})"
        rows.append(row("refusals", who, counts, refusals.time, refusals.reason))
    return rows
