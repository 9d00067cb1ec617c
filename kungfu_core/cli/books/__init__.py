"""What commands over a broker's books share: whose books, how they are printed, and watching them.

Each command is a module with `configure(parser)` and `run(arguments)`; it gives a table's heads and
rows, and JSON says the same: null where a table has "-".
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import is_terminal, stop_if_unread, table

if TYPE_CHECKING:
    from kungfu_core.broker_books import BrokerBooks

Rows = list[dict[str, Any]]

_CLEAR = "\x1b[H\x1b[2J"


def add_books(parser: argparse.ArgumentParser) -> None:
    """Add whose books are meant, and how they are shown."""
    parser.add_argument(
        "run_name",
        metavar="RUN",
        nargs="?",
        help="a run's id, as in `runs` of the home, or its folder (default: the live node, or else "
        "the latest run)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="show it again whenever it changes, until Ctrl-C"
    )
    add_home(parser)
    add_json(parser)


def show(
    arguments: argparse.Namespace,
    rows_of: "Callable[[BrokerBooks], Rows]",
    heads: Sequence[str],
    nothing: "Callable[[BrokerBooks], str]",
    seldom: Sequence[str] = (),
) -> int:
    """Print rows as a table or as JSON, once or until an interrupt; gives the exit status.

    Args:
        arguments: as `add_books` has them.
        rows_of: makes the rows; each has the keys of the table and maybe more.
        heads: the keys that the table shows, in order.
        nothing: makes what to say instead of an empty table.
        seldom: those of the heads that are left out where no row has anything there.
    """
    from kungfu_core.broker_books import BrokerBooks  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.home import Home  # noqa: PLC0415

    home = Home.locate(arguments.home)
    books = BrokerBooks.find(home, arguments.run_name)
    books.update()
    while True:
        rows = rows_of(books)
        shown = [head for head in heads if head not in seldom or any(row[head] for row in rows)]
        _print(books, rows, shown, nothing(books), arguments)
        if not arguments.watch:
            return 0
        changed = False
        while not changed:
            stop_if_unread(sys.stdout)
            books.wait(1.0)
            if arguments.run_name is None:
                books = books.latest(home)
            changed = books.update()


def _print(
    books: "BrokerBooks",
    rows: Rows,
    heads: Sequence[str],
    nothing: str,
    arguments: argparse.Namespace,
) -> None:
    if arguments.as_json:
        # Watched, a line is a state of its own.
        indent = None if arguments.watch else 2
        sys.stdout.write(json.dumps(rows, indent=indent) + "\n")
    else:
        from kungfu_core.journal_export import utc_text  # noqa: PLC0415 - --help needs none of it

        if arguments.watch and is_terminal(sys.stdout):
            sys.stdout.write(_CLEAR)
        shown = [["-" if row[h] is None else str(row[h]) for h in heads] for row in rows]
        titles = [head.replace("_", " ") for head in heads]
        sys.stdout.write(f"{books.whose}, as of {utc_text(books.as_of)}\n\n")
        sys.stdout.write((table(shown, titles) if rows else nothing) + "\n")
    sys.stdout.flush()
