"""`kungfu journal repair`: make a damaged journal readable again."""

import argparse
from typing import TYPE_CHECKING

from kungfu_core.cli.journal.acting import act_on_each
from kungfu_core.cli.journal.choosing import add_journals
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import counted, styled

if TYPE_CHECKING:
    from kungfu_core.journal_care import Repair

_EPILOG = """\
What is intact stays where it is, and a sound journal is not touched. What is damaged is kept beside
its page in PAGE.damaged and gives way to a mark that says which events are lost; readers go past
it. Headers, seals, indexes and missing pages are built anew from what is left. The journal must not
be written meanwhile. A repair that is interrupted is finished by the next one. The exit status is 1
if something could not be repaired.

examples:
  kungfu journal repair MD
  kungfu journal repair data/august/venue/MD --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journals(parser)
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.journal_care import repair  # noqa: PLC0415 - --help needs none of it

    done = act_on_each(arguments, repair, unit="page", text=_text, described=_described)
    return int(any(result.after.damaged for result in done))


def _described(done: "Repair") -> dict[str, object]:
    import attrs  # noqa: PLC0415 - --help needs none of it

    from kungfu_core.cli.journal.verifying import described  # noqa: PLC0415

    steps = [attrs.asdict(step) for step in done.steps]
    return {"lost_events": done.lost_events, "steps": steps, "after": described(done.after)}


def _text(reference: str, done: "Repair") -> str:
    from kungfu_core.cli.journal.verifying import verification_text  # noqa: PLC0415

    if not done.steps:
        return f"{styled(reference, 'bold')}: nothing to repair\n"
    lost = counted(done.lost_events, "event") + " lost"
    words = {"damage": "failed", "loss": "lost", "note": "done"}
    lines = [f"{styled(reference, 'bold')}: repaired, {lost}"]
    lines += [f"  {words[step.kind]:<6}  {step}" for step in done.steps]
    text = "\n".join(lines) + "\n"
    return text + (verification_text(reference, done.after) if done.after.damaged else "")
