"""`kungfu journal import`: take in a journal that was exported as an archive."""

import argparse
import json
import sys
from pathlib import Path

from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import size_text

_EPILOG = """\
The journal goes into a folder of its own under the home's data, and keeps its identity. What is
there already is never touched, and a damaged archive leaves nothing behind.

examples:
  kungfu journal import market.tar
  kungfu journal import market.tar --as colleague
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("file", metavar="FILE", type=Path, help="what export --format archive made")
    parser.add_argument(
        "--as",
        metavar="NAME",
        dest="name",
        help="name of the folder (default: that of the journal's scope, else the file's)",
    )
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.archive_import import import_archive  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.home import Home  # noqa: PLC0415

    journal, archive = import_archive(arguments.file, Home.locate(arguments.home), arguments.name)
    folder = Path(journal.root)
    reference = f"data/{folder.name}/{journal.source}/{journal.name}"
    if arguments.as_json:
        said = {
            "journal": reference,
            "folder": str(folder),
            "identity": journal.label,
            "pages": archive.pages,
            "bytes": archive.bytes,
        }
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        size = size_text(archive.bytes)
        sys.stdout.write(
            f"imported {arguments.file} as {reference}: pages: {archive.pages}, {size}\n"
        )
    return 0
