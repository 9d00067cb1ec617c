"""`kungfu import`: turn recorded raw exchange streams into a dataset of journals."""

import argparse
from pathlib import Path

from kungfu_core.cli.options import add_home, add_json, add_no_plugin

_EPILOG = """\
Each line of a file is the local receive time in nanoseconds, a space, and the raw message. Files
may be plain, gzip or zstandard; several files of one recording are merged in the given order.

examples:
  kungfu import btcusdt_20240809.gz
  kungfu import day1.gz day2.gz --name august
  kungfu import capture.txt --format NAME       where the format cannot be told from the data
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a recorded raw stream")
    parser.add_argument(
        "--name", metavar="DATASET", help="name of the dataset (default: the file's)"
    )
    parser.add_argument(
        "--format", metavar="NAME", help="format of the recording (default: told from the data)"
    )
    add_home(parser)
    add_no_plugin(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kungfu_core.home import Home  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.importing import run_import  # noqa: PLC0415
    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    return run_import(
        home=Home.locate(arguments.home),
        plugins=Plugins(arguments.blocked),
        files=arguments.files,
        name=arguments.name,
        format_name=arguments.format,
        as_json=arguments.as_json,
    )
