"""The reference of the strategy API has every callback, context member and event field."""

import inspect
import re
from pathlib import Path

import pytest

import kungfu_core
from kungfu_core.context import Context, StrategyLog
from kungfu_core.event_types import EVENT_TYPES
from kungfu_core.instruments import InstrumentEvent
from kungfu_core.orders import Order
from kungfu_core.strategy import Strategy
from kungfu_core.views import class_name

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "strategy-api.md").read_text()
ROW = re.compile(r"^\| `(\w+)(?:\(([^)]*)\))?` \|", re.MULTILINE)
CALLBACKS, _REST = PAGE.split("\n## Context\n")
CONTEXT, EVENTS = _REST.split("\n## What events say\n")
NUMBERS = {"number", "money"}
MADE_IN_INIT = {"log", "random"}


def documented(text):
    """Names with their arguments; None for what is not called."""
    return {n: None if a is None else [x for x in a.split(", ") if x] for n, a in _rows(text)}


def _rows(text):
    for match in ROW.finditer(text):
        called = match[2] is not None
        yield match[1], match[2] if called else None


def arguments(member):
    """Give the names as a signature shows them: with `*` and `**`, without types and defaults."""
    signature = inspect.signature(member)
    bare = [p.replace(annotation=p.empty, default=p.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare[1:], return_annotation=signature.empty))
    return [name for name in text.strip("()").split(", ") if name]


def public(cls):
    return {n: m for n, m in vars(cls).items() if not n.startswith("_")}


def test_every_callback_is_documented_with_its_arguments():
    assert documented(CALLBACKS) == {n: arguments(m) for n, m in public(Strategy).items()}


def test_every_member_of_the_context_is_documented_with_its_arguments():
    members = {
        n: None if isinstance(m, property) else arguments(m) for n, m in public(Context).items()
    }
    assert documented(CONTEXT) == members | dict.fromkeys(MADE_IN_INIT)


@pytest.mark.parametrize("level", sorted(public(StrategyLog)))
def test_every_level_of_the_log_is_documented(level):
    assert f"`{level}`" in CONTEXT


def test_every_field_of_a_public_event_is_documented():
    """Numbers in one column, the rest in the other; what all have is said above the table."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|$", EVENTS, re.MULTILINE)
    documented = {n: tuple(set(re.findall(r"`(\w+)`", c)) for c in cells) for n, *cells in rows}
    declared = {class_name(event_type): event_type for event_type in EVENT_TYPES}
    public_events = {n for n in declared if n in kungfu_core.__all__}
    assert documented == {n: fields(declared[n]) for n in public_events}


def test_every_table_is_whole():
    """A blank line ends a table; what stands behind it is no row any more."""
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        assert re.match(r"\|.*\n\|(?:---\|)+\n", table), table


def fields(event_type):
    numbers = {f.name for f in event_type.fields if f.kind in NUMBERS}
    others = {f.name for f in event_type.fields} - numbers - {"instrument"}
    return numbers, others | ({event_type.tail.name} if event_type.tail else set())


@pytest.mark.parametrize(
    "name",
    [
        *(n for n in public(Order) if n != "apply"),
        *Order.__annotations__,
        *(n for n in public(kungfu_core.OrderBook) if n not in {"apply", "instrument"}),
        *(n for n, m in public(InstrumentEvent).items() if inspect.isfunction(m)),
    ],
)
def test_every_member_of_what_the_context_gives_is_documented(name):
    assert re.search(rf"`{name}[`(]", CONTEXT)
