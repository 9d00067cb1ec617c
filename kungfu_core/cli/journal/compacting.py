"""`kungfu journal compact`: compress full pages."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from kungfu_core.cli.journal.choosing import add_journals, journals_of
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import progress_bar, size_text, styled

if TYPE_CHECKING:
    from kungfu_core.journal_care import Compacted

_EPILOG = """\
Each full page becomes one file of a fraction of its size, NAME.PAGE.journal.zst, which is compared
with the page and put on the disk before the page goes. Readers take either and do not notice, also
while they read. The page that is being written, and any other that is not full, stays.

With --plain the files are larger, and `zstd -d` gives the pages back without kungfu.

examples:
  kungfu journal compact journal/venue/MD
  kungfu journal compact --all
  kungfu journal compact 'data/*/MD' --plain --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journals(parser)
    add_home(parser)
    add_json(parser)
    parser.add_argument(
        "--plain", action="store_true", help="no columns, so that zstd alone can open the files"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.journal_care import compact  # noqa: PLC0415 - --help needs none of it

    done = {}
    for reference, journal in journals_of(arguments).items():
        with progress_bar(reference, "B") as report:
            done[reference] = compact(journal, plain=arguments.plain, report=report)
        if not arguments.as_json:
            sys.stdout.write(_text(reference, done[reference]))
    if arguments.as_json:
        import attrs  # noqa: PLC0415

        rows = [{"journal": name} | attrs.asdict(result) for name, result in done.items()]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0


def _text(reference: str, done: "Compacted") -> str:
    if not done.pages:
        return f"{styled(reference, 'bold')}: no full page that is not compressed\n"
    pages = "1 page" if done.pages == 1 else f"{done.pages} pages"
    times = done.bytes_before / done.bytes_after
    return (
        f"{styled(reference, 'bold')}: {pages} compressed, {size_text(done.bytes_before)} to "
        f"{size_text(done.bytes_after)}, {times:.1f} times smaller\n"
    )
