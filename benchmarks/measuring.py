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
    """Call both in turn, and give the medians of what they return and their ratio."""
    pairs = [(reference(), measure()) for _ in range(rounds)]
    floor = median(pair[0] for pair in pairs)
    value = median(pair[1] for pair in pairs)
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "reference": round(floor, 3),
        "ratio": round(value / floor, 3),
    }
