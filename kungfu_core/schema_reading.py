"""Event types as a journal describes them: files stay readable without the code that wrote them."""

import json
from enum import IntEnum
from functools import cache
from typing import Any

from kungfu_core.errors import JournalError
from kungfu_core.schema import EventType, Field, Tail


@cache
def event_type_of(schema: str, number: int) -> EventType:
    """Make the event type that a schema in a journal describes.

    Args:
        schema: canonical JSON, as `EventType.schema` writes it.
        number: what shall stand for the type in this process.

    Raises:
        JournalError: the schema cannot be read, or lays its fields out by another rule than ours.
    """
    try:
        described = json.loads(schema)
        event_type = _event_type(described, number)
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"an event type's layout cannot be read: {error!r}") from error
    if event_type.schema != schema:
        name, version = event_type.name, event_type.version
        raise JournalError(f"event type {name} version {version}: a layout of an unknown kind")
    return event_type


def _event_type(described: dict[str, Any], number: int) -> EventType:
    fields = tuple(_field(f) for f in described["fields"])
    tail = described.get("tail")
    return EventType(
        described["name"], described["version"], "Described by the journal only.", fields,
        None if tail is None else _tail(tail), number,
    )  # fmt: skip


def _field(described: dict[str, Any]) -> Field:
    values = described.get("values")
    name = described["name"].title()
    vocabulary: type[IntEnum] | None = None if values is None else IntEnum(name, values)  # type: ignore[assignment]
    return Field(
        described["name"], described["kind"], "", vocabulary,
        width=described.get("width", 0), since=described.get("since", 1),
    )  # fmt: skip


def _tail(described: dict[str, Any]) -> Tail:
    items = described.get("items")
    return Tail(
        described["name"], described["kind"], "", None if items is None else _event_type(items, 0)
    )
