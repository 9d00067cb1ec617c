"""Writes what the reference derives: event types, commands from `--help`, the states of orders."""

import subprocess
import sys
from pathlib import Path

from order_states_picture import picture

from kungfu_core.cli import COMMANDS
from kungfu_core.cli.journal import ACTIONS
from kungfu_core.event_types import EVENT_TYPES
from kungfu_core.schema import EventType
from kungfu_core.views import class_name

_EVENTS = """\
# Event types

Classes of `kungfu_core.events`. A number or an amount of money, `price` for example, reads as the
nearest float; `price_exact` is a Decimal, or None where it is absent, and `price_raw` is the
mantissa for `price_exponent`. Times are nanoseconds since 1970 UTC. Besides its fields an event has
`sequence`, `gen_time`, `trigger_time`, `cause_journal`, `cause_sequence`, `source`, `destination`
and `journal`.
"""


def write_reference(reference: Path) -> None:
    """Write generated/events.md, generated/commands.md and order-states.svg."""
    (reference / "order-states.svg").write_text(picture(), encoding="utf-8")
    folder = reference / "generated"
    folder.mkdir(exist_ok=True)
    items = [t.tail.items for t in EVENT_TYPES if t.tail and t.tail.items]
    types = dict.fromkeys([*EVENT_TYPES, *items])
    events = [_EVENTS, *(_event(event_type) for event_type in types)]
    (folder / "events.md").write_text("\n".join(events), encoding="utf-8")
    asked = [(), *((name,) for name in COMMANDS), *(("journal", name) for name in ACTIONS)]
    commands = ["# Commands\n", *(_command(*arguments) for arguments in asked)]
    (folder / "commands.md").write_text("\n".join(commands), encoding="utf-8")


def _event(event_type: EventType) -> str:
    rows = []
    for field in event_type.fields:
        kind = field.vocabulary.__name__ if field.vocabulary else field.kind
        rows.append(f"| `{field.name}` | {kind} | {field.doc} |")
    tail = event_type.tail
    if tail is not None:
        kind = f"{class_name(tail.items)}, any number" if tail.items else tail.kind
        rows.append(f"| `{tail.name}` | {kind} | {tail.doc} |")
    return (
        f"```{{eval-rst}}\n.. py:class:: kungfu_core.events.{class_name(event_type)}\n\n"
        f"   {event_type.doc}\n```\n\n| field | kind | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _command(*arguments: str) -> str:
    asked = [sys.executable, "-m", "kungfu_core", *arguments, "--help"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return f"## {' '.join(('kungfu', *arguments))}\n\n```text\n{told}```\n"


if __name__ == "__main__":
    write_reference(Path(__file__).parent / "reference")
