"""Gets an account out of the market: cancels what is open, again until nothing is, and flattens.

Works past everything that may hang: it asks the venue itself, through no journal and no node.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from kungfu_core.interfaces import VenueAccess

_T = TypeVar("_T")

_MOST_ROUNDS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds from one round to the next, doubled each time: a venue may show a cancel late."""

Note = Callable[[str], None]
"""Told each step, as it is done."""


@attrs.define
class Outcome:
    """What a panic came to.

    Attributes:
        done: how many cancels and closing orders were sent.
        failures: what failed, and why, in the order in which it did.
        left: what is still there.
    """

    done: int = 0
    failures: list[str] = attrs.field(factory=list)
    left: list[str] = attrs.field(factory=list)


def panic(access: VenueAccess, *, flatten: bool, note: Note) -> Outcome:
    """Cancel every open order of an account, algo orders too; with `flatten` close its positions.

    What fails does not keep the rest from being done: it is tried again, and reported. Positions
    are closed when no order is left, or none can be cancelled.
    """
    outcome = Outcome()
    _repeat("cancel", access.open_orders, access.cancel, outcome, note)
    if flatten:
        _repeat("close", access.open_positions, access.close_position, outcome, note)
    return outcome


def _repeat(
    deed: str,
    there: Callable[[], Sequence[_T]],
    end: Callable[[_T], None],
    outcome: Outcome,
    note: Note,
) -> None:
    """End each thing that is there, and look again, until nothing is; only so many rounds."""
    pause = _FIRST_PAUSE
    left: Sequence[_T] = ()
    for _ in range(_MOST_ROUNDS):
        try:
            left = there()
        except Exception as error:  # noqa: BLE001 - whatever a venue's library raises
            _fail(f"cannot ask what is there to {deed}: {_said(error)}", outcome, note)
        else:
            if not left:
                return
            for thing in left:
                _end(deed, thing, end, outcome, note)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    outcome.left += [str(thing) for thing in left] or [f"unknown: nothing tells what to {deed}"]


def _end(deed: str, thing: _T, end: Callable[[_T], None], outcome: Outcome, note: Note) -> None:
    try:
        end(thing)
    except Exception as error:  # noqa: BLE001 - whatever a venue's library raises
        _fail(f"cannot {deed} {thing}: {_said(error)}", outcome, note)
    else:
        outcome.done += 1
        note(f"{deed} {thing}")


def _fail(message: str, outcome: Outcome, note: Note) -> None:
    outcome.failures.append(message)
    note(message)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
