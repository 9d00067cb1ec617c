"""`kungfu journal verify`: look for damage."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.journal.acting import act_on_each
from kungfu_core.cli.journal.choosing import add_journals
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import counted, styled

if TYPE_CHECKING:
    from kungfu_core.journal_care import Verification

_EPILOG = """\
Reads every byte, checks every checksum, sequence, seal and index, and goes on behind damage
wherever an event verifies again. May run while the journal is written. The exit status is 1 if
anything is damaged. A "loss" is what an earlier repair gave up; a "note" is nothing wrong.

examples:
  kungfu journal verify MD
  kungfu journal verify 'journal/*/MD' data/august/venue/MD
  kungfu journal verify --all --json
"""

_STYLES = {"damage": "red", "loss": "yellow", "note": "dim"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journals(parser)
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.journal_care import verify  # noqa: PLC0415 - --help needs none of it

    found = act_on_each(arguments, verify, unit="B", text=verification_text, described=described)
    return int(any(result.damaged for result in found))


def described(found: "Verification") -> dict[str, object]:
    """Give what was found as JSON has it."""
    import attrs  # noqa: PLC0415 - --help needs none of it

    return {"damaged": found.damaged, "lost_events": found.lost_events} | attrs.asdict(found)


def verification_text(reference: str, found: "Verification") -> str:
    """Say what was found, for people."""
    state = styled("damaged", "red") if found.damaged else "sound"
    if found.lost_events:
        state += f", {counted(found.lost_events, 'event')} lost"
    held = f"{counted(found.pages, 'page')}, {counted(found.events, 'event')}"
    lines = [f"{styled(reference, 'bold')}: {state}; {held}"]
    lines += [f"  {styled(f'{f.kind:<6}', _STYLES[f.kind])}  {f}" for f in found.findings]
    return "\n".join(lines) + "\n"
