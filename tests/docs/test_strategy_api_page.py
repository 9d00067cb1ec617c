"""The reference of the strategy API has every callback and every member of the context."""

import inspect
import re
from pathlib import Path

import pytest

from kungfu_core.context import Context, StrategyLog
from kungfu_core.strategy import Strategy

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "strategy-api.md").read_text()
ROW = re.compile(r"^\| `(\w+)(?:\(([^)]*)\))?` \|", re.MULTILINE)
CALLBACKS, CONTEXT = PAGE.partition("## Context")[::2]
MADE_IN_INIT = {"log", "random"}


def documented(text):
    """Names with their arguments; None for what is not called."""
    return {n: None if a is None else [x for x in a.split(", ") if x] for n, a in _rows(text)}


def _rows(text):
    for match in ROW.finditer(text):
        called = match[2] is not None
        yield match[1], match[2] if called else None


def arguments(member):
    return [name for name in inspect.signature(member).parameters if name != "self"]


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
