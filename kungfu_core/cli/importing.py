"""`kungfu import`: turn recorded raw exchange streams into a dataset of journals."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kungfu_core.cli.options import add_home, add_json, add_no_plugin
from kungfu_core.cli.terminal import progress_bar, table

if TYPE_CHECKING:
    from kungfu_core.datasets import Dataset

_EPILOG = """\
Each line of a file is the local receive time in nanoseconds, a space, and the raw message. Files
may be plain, gzip or zstandard; several files become one dataset, merged by receive time.

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
    from kungfu_core.importing import import_recordings  # noqa: PLC0415
    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    with progress_bar("import", "B") as progress:
        dataset = import_recordings(
            Home.locate(arguments.home),
            Plugins(arguments.blocked).recordings,
            arguments.files,
            name=arguments.name,
            format_name=arguments.format,
            progress=progress,
        )
    sys.stdout.write(dataset.as_json() if arguments.as_json else _told(dataset))
    return 0


def _told(dataset: "Dataset") -> str:
    """Say what was imported, for people."""
    seconds = (dataset.last_time - dataset.first_time) / 1e9
    rows = [("message", name, f"{count:,}") for name, count in dataset.messages.items()]
    rows += [("event", name, f"{count:,}") for name, count in dataset.events.items()]
    return (
        f"imported {', '.join(file.name for file in dataset.files)} as dataset {dataset.name!r}\n"
        f"{', '.join(dataset.instruments) or 'no instruments'}; {seconds:,.1f} s from "
        f"{dataset.begins}\n\n"
        f"{table(rows, ('', 'type', 'count'))}\n\nin {dataset.folder}\n"
    )
