"""`kungfu demo`: see a strategy trade before writing one."""

import argparse
from pathlib import Path

from kungfu_core.cli.options import add_home, add_json, add_no_plugin

_EPILOG = """\
examples:
  kungfu demo                    a simulated venue with a market of its own
  kungfu demo --seed 7           another market
  kungfu demo --data FILE.gz     a recording of a real venue's raw stream
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--data", metavar="FILE", type=Path, help="play this recorded raw stream (plain, gz, zst)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of everything random")
    parser.add_argument("--open", dest="open_report", action="store_true", help="open the report")
    add_home(parser)
    add_no_plugin(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kungfu_core.cli.demonstrating import demonstrate  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.home import Home  # noqa: PLC0415
    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    return demonstrate(
        home=Home.locate(arguments.home),
        plugins=Plugins(arguments.blocked),
        data=arguments.data,
        seed=arguments.seed,
        as_json=arguments.as_json,
        open_report=arguments.open_report,
    )
