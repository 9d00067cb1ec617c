"""How a thing and its reference are measured in turn."""

from collections.abc import Callable
from statistics import median
from typing import Any


def is_wanted(name: str, beginnings: list[str]) -> bool:
    """Whether a benchmark is asked for; without beginnings all are."""
    return not beginnings or name.startswith(tuple(beginnings))


def compare(
    name: str, unit: str, measure: Callable[[], float], reference: Callable[[], float], rounds: int
) -> dict[str, Any]:
    """Call both in turn, and give the medians of what they return and their ratio.

    `quiet` is the best tenth's worst: what the machine gives while nothing else disturbs it.
    """
    pairs = [(reference(), measure()) for _ in range(rounds)]
    floor = median(pair[0] for pair in pairs)
    values = sorted(pair[1] for pair in pairs)
    value = median(values)
    tenth = len(values) // 10
    quiet = values[-1 - tenth] if unit.endswith("/s") else values[tenth]
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "reference": round(floor, 3),
        "ratio": round(value / floor, 3),
        "quiet": round(quiet, 3),
    }
