"""Runs benchmarks: `python benchmarks [NAME...] [--json]`, names as far as they are given.

A benchmark measures a thing and its reference in the same rounds, in turn, so that a noisy machine
disturbs both; its figure is the ratio of their medians. `quiet` is what it gave in its best tenth
of rounds, when others least disturbed the machine.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import broker_hook
import native_programs
import python_boundary
import start

Figure = dict[str, Any]
SUITES: dict[str, tuple[Callable[[list[str]], Iterator[Figure]], ...]] = {
    "journal.": (native_programs.figures,),
    "clock.": (native_programs.figures,),
    "broker.": (native_programs.figures, broker_hook.figures),
    "python.": (python_boundary.figures,),
    "import.": (start.figures,),
    "cli.": (start.figures,),
}
"""What measures the names that begin so; each is given the beginnings that are wanted."""


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    measured = False
    for suite in dict.fromkeys(suite for suites in SUITES.values() for suite in suites):
        for figure in suite(arguments.names):
            measured = True
            sys.stdout.write((json.dumps(figure) if arguments.json else _line(figure)) + "\n")
            sys.stdout.flush()
    if not measured:
        sys.stderr.write(f"no benchmark's name begins with any of {arguments.names}\n")
    return 0 if measured else 1


def _line(figure: Figure) -> str:
    usual = ("name", "value", "unit", "reference", "ratio")
    more = "".join(f"  {key} {value}" for key, value in figure.items() if key not in usual)
    return (
        f"{figure['name']:<18} {figure['value']:>9.2f} {figure['unit']:<9}"
        f" reference {figure['reference']:>9.2f}  ratio {figure['ratio']:.2f}{more}"
    )


if __name__ == "__main__":
    sys.exit(main())
