"""Does one thing to each of several journals, and says what came of it."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from kungfu_core.cli.journal.choosing import journals_of
from kungfu_core.cli.terminal import progress_bar

if TYPE_CHECKING:
    from kungfu_core.journal import Journal
    from kungfu_core.journal_care import Report

Result = TypeVar("Result")


def act_on_each(
    arguments: argparse.Namespace,
    act: "Callable[[Journal, Report | None], Result]",
    *,
    unit: str,
    text: Callable[[str, Result], str],
    described: Callable[[Result], dict[str, Any]],
) -> list[Result]:
    """Act on the journals that are meant, and print each result as it comes, or all as JSON.

    Args:
        arguments: as `add_journals`, `add_home` and `add_json` have them.
        act: is given the journal, and what moves the progress bar.
        unit: of the bar.
        text: says a result for people, given the journal's reference.
        described: gives a result as JSON has it.
    """
    done = {}
    for reference, journal in journals_of(arguments).items():
        with progress_bar(reference, unit) as report:
            done[reference] = act(journal, report)
        if not arguments.as_json:
            sys.stdout.write(text(reference, done[reference]))
    if arguments.as_json:
        rows = [{"journal": name} | described(result) for name, result in done.items()]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return list(done.values())
