"""`kungfu journal verify`, `repair` and `prune`: their arguments, and what they have in common.

Each action is a module with `configure(parser)` and `run(arguments) -> int`.
"""

import argparse
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from kungfu_core.cli.options import add_home, add_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kungfu_core.journal import Journal
    from kungfu_core.journal_care import Report

_ACTIONS = {
    "verify": ("journal_verifying", "look for damage; changes nothing"),
    "repair": ("journal_repairing", "make a damaged journal readable again"),
    "prune": ("journal_pruning", "delete the oldest pages"),
}


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three actions to those of `kungfu journal`; each goes into `arguments.act`."""
    for name, (module_name, summary) in _ACTIONS.items():
        module = import_module(f"kungfu_core.cli.{module_name}")
        action = actions.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(action)
        action.set_defaults(act=module.run, usage_error=action.error)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add what chooses journals, the home, and `--json`."""
    parser.add_argument(
        "journals",
        metavar="JOURNAL",
        nargs="*",
        help="a journal as ls names it, or the end of its name, or a pattern ('data/*/MD')",
    )
    parser.add_argument("--all", action="store_true", help="every journal of the home")
    add_home(parser)
    add_json(parser)


def chosen(arguments: argparse.Namespace) -> "dict[str, Journal]":
    """Give the journals that were chosen, by their references."""
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.journal_catalog import catalog, matching  # noqa: PLC0415

    if arguments.all == bool(arguments.journals):
        arguments.usage_error("expected one or more of JOURNAL, or --all")
    home = Home.locate(arguments.home)
    return catalog(home) if arguments.all else matching(home, arguments.journals)


@contextmanager
def progress(label: str, unit: str) -> "Iterator[Report | None]":
    """Show a bar on standard error if a person looks on."""
    import sys  # noqa: PLC0415 - --help needs none of it

    from kungfu_core.cli.terminal import is_terminal  # noqa: PLC0415

    if not is_terminal(sys.stderr):
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal shows a bar

    with tqdm(desc=label, unit=unit, unit_scale=True, leave=False) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
