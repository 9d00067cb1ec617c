"""The page on orders, and the picture in it, say what the table of moves says."""

import importlib.util
import re
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import pytest

from kungfu_core.enums import OrderState
from kungfu_core.order_states import TERMINAL, TRANSITIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "orders.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="needs the docs of the source tree")
DECLARED = {(state.name, move.name) for state, moves in TRANSITIONS.items() for move in moves}


@pytest.fixture
def picture():
    spec = importlib.util.spec_from_file_location("drawing", DOCS / "order_states_picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.picture


def drawn(svg):
    """Every move that the arrows tell, one as often as it is told."""
    ends = [(path.get("data-from"), path.get("data-to")) for path in ET.fromstring(svg).iter()]
    return [move for a, b in ends if a for move in product(a.split(), b.split())]


def test_the_documented_moves_are_the_declared_ones() -> None:
    text = PAGE.read_text().split("| from | to |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    documented = {row[0].strip(" |"): row[1].split(", ") if len(row) > 1 else [] for row in rows}
    declared = {state.name: [move.name for move in moves] for state, moves in TRANSITIONS.items()}
    assert documented == declared


def test_the_picture_on_the_page_is_that_of_the_table(picture):
    assert "](order-states.svg)" in PAGE.read_text()
    assert (PAGE.parent / "order-states.svg").read_text() == picture(), "python docs/generate.py"


def test_the_arrows_tell_each_declared_move_once(picture):
    assert sorted(drawn(picture())) == sorted(DECLARED)


def test_an_arrow_to_or_from_a_frame_ends_at_a_frame_around_its_states(picture):
    """And one of a single state at that state, so that the eye reads what the table says."""
    svg = ET.fromstring(picture())
    boxes = [
        (element.get("class"), *(int(element.get(k)) for k in ("x", "y", "width", "height")))
        for element in svg.findall(".//{*}rect")
        if element.get("class") != "paper"
    ]
    names = [element for element in svg.findall(".//{*}text") if element.get("class") == "name"]
    centres = {text.text: (int(text.get("x")), int(text.get("y")) - 5) for text in names}
    assert set(centres) == {state.name for state in OrderState}

    def told_at(x, y):
        """The states within each box whose edge is at a point, or just beyond the arrow's tip."""
        for _, left, top, width, height in boxes:
            right, bottom = left + width, top + height
            within_x, within_y = left <= x <= right, top <= y <= bottom
            near = min(abs(x - left), abs(x - right)) <= 2 and within_y
            if near or (min(abs(y - top), abs(y - bottom)) <= 2 and within_x):
                yield {n for n, (a, b) in centres.items() if left < a < right and top < b < bottom}

    for path in svg.findall(".//{*}path"):
        if path.get("data-from"):
            begin, end = _ends(path.get("d"))
            assert set(path.get("data-from").split()) in [*told_at(*begin)], path.attrib
            assert set(path.get("data-to").split()) in [*told_at(*end)], path.attrib


def _ends(way):
    """Where a path begins and ends."""
    points = [(0, 0)]
    for step, told in re.findall(r"([MHVQ])([\d ]+)", way):
        numbers = [int(number) for number in told.split()]
        x, y = points[-1]
        points.append({"H": (numbers[-1], y), "V": (x, numbers[-1])}.get(step, tuple(numbers[-2:])))
    return points[1], points[-1]


def test_states_that_nothing_follows_look_so(picture):
    svg = ET.fromstring(picture())
    kinds = [element.get("class") for element in svg.findall(".//{*}rect")]
    assert kinds.count("state over") == len(TERMINAL)


def test_the_picture_follows_the_table(picture):
    """A move that is new becomes an arrow, and one that is gone leaves none."""
    S = OrderState  # noqa: N806 - as in the table
    changed = dict(TRANSITIONS)
    changed[S.FILLED] = (S.CANCELED,)
    changed[S.UNKNOWN] = tuple(move for move in changed[S.UNKNOWN] if move != S.FILLED)
    expected = DECLARED - {("UNKNOWN", "FILLED")} | {("FILLED", "CANCELED")}
    assert sorted(drawn(picture(changed))) == sorted(expected)
