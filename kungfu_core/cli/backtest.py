"""`kungfu backtest`: run strategies on a recorded market, or on a simulated venue's own."""

import argparse
from pathlib import Path

from kungfu_core.cli.options import add_home, add_json, add_no_plugin

_EPILOG = """\
The run's journals and its report are kept in a folder of their own under runs/ in the home. Equal
configurations, plugins and data give equal journals.

examples:
  kungfu backtest backtest.toml
  kungfu backtest backtest.toml --json | jq .orders
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "config", metavar="CONFIG", type=Path, help="the configuration, a TOML file"
    )
    parser.add_argument(
        "--report",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write the HTML report (default: yes)",
    )
    add_home(parser)
    add_no_plugin(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kungfu_core.backtesting import play  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.cli.presenting import present, session_progress  # noqa: PLC0415
    from kungfu_core.config import read_backtest_config  # noqa: PLC0415
    from kungfu_core.home import Home  # noqa: PLC0415
    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    plugins = Plugins(arguments.blocked)
    config = read_backtest_config(arguments.config, plugins)
    home = Home.locate(arguments.home)
    with session_progress() as progress:
        run = play(config, plugins, home, command="backtest", progress=progress)
    return present(run, as_json=arguments.as_json, report=arguments.report)
