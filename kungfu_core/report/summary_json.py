"""The summary as one JSON object: decimals as text, times as UTC text, every key always there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs

from kungfu_core.report.summary import RunSummary

SCHEMA = 1
"""Raised when a key changes its meaning or goes; new keys leave it as it is."""


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """Give the summary as JSON wants it; `docs/reference/report.md` says what each key means."""
    return {"schema": SCHEMA} | _object(summary)


def utc_text(time: int) -> str:
    """Write a time (ns since 1970) as UTC, to the nanosecond."""
    seconds, nanoseconds = divmod(time, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the summary's classes
    shown = {}
    for field in attrs.fields(type(value)):
        if field.name == "curve":
            continue
        item = getattr(value, field.name)
        is_time = field.name.endswith("_time") or field.name == "time"
        shown[field.name] = (utc_text(item) if item else None) if is_time else _value(item)
    return shown


def _value(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return _object(value) if attrs.has(type(value)) else value
