"""The page on orders says what the table of moves says."""

from pathlib import Path

import pytest

from kungfu_core.order_states import TRANSITIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "orders.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs the docs of the source tree")
def test_the_documented_moves_are_the_declared_ones() -> None:
    text = PAGE.read_text().split("| from | to |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    documented = {row[0].strip(" |"): row[1].split(", ") if len(row) > 1 else [] for row in rows}
    declared = {state.name: [move.name for move in moves] for state, moves in TRANSITIONS.items()}
    assert documented == declared
