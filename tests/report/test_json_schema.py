"""The JSON form: its keys are those that the reference documents, whatever the run was like."""

import json
import re
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from scripted_run import PERP, START

from kungfu_core.enums import ComponentKind, ComponentPhase, OrderState, Side
from kungfu_core.events import ComponentStatus, PluginStatus
from kungfu_core.report import summarize, summary_json
from kungfu_core.report.summary import RunSummary

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report.md"
BY_KEY = {"by_state", "turnover", "fees", "movements"}
"""Objects whose keys are names from the run."""


def key_paths(value, path=""):
    if isinstance(value, dict) and path.rpartition(".")[2] not in BY_KEY:
        for key, item in value.items():
            yield from key_paths(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for item in value or [""]:
            yield from key_paths(item, f"{path}[]")
    else:
        yield path


def documented():
    return set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE))


def fault(script, at):
    script.say(at, script.strategy, ComponentStatus(
        ComponentKind.STRATEGY, ComponentPhase.FAULT,
        "Traceback (most recent call last):\n  ...\nZeroDivisionError: division by zero\n",
    ))  # fmt: skip


@pytest.fixture
def full(script):
    """A run in which everything happens that a summary can tell of."""
    detail = {"name": "sim", "distribution": "kungfu-gateway-sim", "version": "0.1.0"}
    script.say(0, script.session, PluginStatus(1, json.dumps(detail)))
    script.define(PERP)
    script.deposit(0, "USDT", "10000")
    script.trade_now(1, PERP, Side.BUY, "1", "100", fee=("0.1", "USDT"))
    script.request(5, PERP, Side.BUY, "0.0001")
    refused = script.request(6, PERP, Side.SELL, "1")
    script.report(7, refused, PERP, Side.SELL, OrderState.REJECTED)
    fault(script, 8)
    return summary_json(summarize(script.finish(datasets=["/nowhere"], wall_seconds=1, events=9)))


def test_every_key_is_documented_and_every_documented_key_is_there(full):
    told = {re.sub(r"(\[\])?$", "", path) for path in key_paths(full)}
    assert told == {re.sub(r"(\[\])?$", "", path) for path in documented()}


def test_an_empty_run_has_every_key_too(script, full):
    script = type(script)(script.folder.parent / "empty")
    empty = summary_json(summarize(script.finish()))
    assert empty.keys() == full.keys()
    assert empty["run"].keys() == full["run"].keys()
    assert empty["run"]["events"] is None


def test_the_object_is_plain_json_without_a_float(full):
    def no_float(text):
        raise AssertionError(f"a float in the summary: {text}")

    json.loads(json.dumps(full, allow_nan=False), parse_float=no_float)


def test_the_fault_and_the_plugin_are_told(full):
    (told,) = full["faults"]
    assert told["component"] == "alpha"
    assert told["error"] == "ZeroDivisionError: division by zero"
    assert full["plugins"] == [
        {"name": "sim", "distribution": "kungfu-gateway-sim", "version": "0.1.0", "loaded": True}
    ]


def test_no_figure_of_a_summary_is_a_float(script):
    script.define(PERP)
    script.deposit(0, "USDT", "10000")
    script.trade_now(1, PERP, Side.BUY, "3", "33.33", fee=("0.1", "USDT"))
    script.quote(9, PERP, "33.1", "33.2")
    summary = summarize(script.finish(wall_seconds=0.123))

    def values(value):
        if attrs.has(type(value)):
            for field in attrs.fields(type(value)):
                yield from values(getattr(value, field.name))
        elif isinstance(value, tuple):
            for item in value:
                yield from values(item)
        elif isinstance(value, dict):
            yield from values(tuple(value.values()))
        else:
            yield value

    assert isinstance(summary, RunSummary)
    found = list(values(summary))
    assert not [value for value in found if isinstance(value, float)]
    assert Decimal("0.123") in found
    assert summary.run.first_time == START
