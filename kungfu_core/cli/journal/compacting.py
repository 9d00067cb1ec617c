"""`kungfu journal compact`: compress full pages."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.journal.acting import act_on_each
from kungfu_core.cli.journal.choosing import add_journals
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import size_text, styled

if TYPE_CHECKING:
    from kungfu_core.journal import Journal
    from kungfu_core.journal_care import Compacted, Report

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
    import attrs  # noqa: PLC0415 - --help needs none of it

    from kungfu_core.journal_care import compact  # noqa: PLC0415

    def act(journal: "Journal", report: "Report | None") -> "Compacted":
        return compact(journal, plain=arguments.plain, report=report)

    act_on_each(arguments, act, unit="B", text=_text, described=attrs.asdict)
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
