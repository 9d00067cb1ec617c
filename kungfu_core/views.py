"""How event classes are made from declared types; `events.py` has the core's own.

Attributes of `number` and `money` fields come in three forms: `price` (nearest float, NaN where
absent), `price_exact` (Decimal, None where absent) and `price_raw` with `price_exponent`. The types
of all attributes stand in `events.pyi`, which is generated from the same declarations.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from kungfu_core import _native, event_types
from kungfu_core.schema import EventType

_HEADER_FIELDS = ("sequence", "gen_time", "trigger_time", "cause_journal", "cause_sequence",
                  "source", "destination")  # fmt: skip


TypeRow = tuple[int, int, str, str]
"""(number, version, name, schema) of an event type of this process."""


class Event(_native.View):
    """Any event; immutable, and equal to another of the same type with the same payload."""

    __slots__ = ()
    __event_type__: EventType
    sequence: int
    gen_time: int
    trigger_time: int
    cause_journal: int
    cause_sequence: int
    source: int
    destination: int
    journal: int

    def as_dict(self) -> dict[str, Any]:
        """The payload's fields, decimals exact, in declared order."""
        return {name: getattr(self, attribute) for name, attribute in _columns(self.__event_type__)}

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({fields})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bytes(other) == bytes(self)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __copy__(self) -> "Event":
        return self  # it never changes

    def __deepcopy__(self, _: object) -> "Event":
        return self

    def __reduce__(self) -> str:
        raise TypeError(f"a {type(self).__name__} cannot be pickled; its as_dict() can")


def _columns(event_type: EventType) -> Iterator[tuple[str, str]]:
    """Yield (field name, attribute that reads it exactly)."""
    for field in event_type.fields:
        exact = field.kind in ("number", "money")
        yield field.name, f"{field.name}_exact" if exact else field.name
    if event_type.tail is not None:
        yield event_type.tail.name, event_type.tail.name


def type_rows(event_classes: Iterable[type[Event]]) -> list[TypeRow]:
    """Say which number stands for which event type in this process."""
    types = [event_class.__event_type__ for event_class in event_classes]
    return [(t.number, t.version, t.name, t.schema) for t in types]


def class_name(event_type: EventType) -> str:
    """`book_delta` -> `BookDelta`."""
    return "".join(part.capitalize() for part in event_type.name.split("_"))


@cache
def view_class(event_type: EventType, base: type[Event] = Event) -> type[Event]:
    """Make the view class of a declared type; a plugin's types get theirs in the same way."""
    header = _native.FRAME_HEADER_SIZE
    offsets = {member.name: header + member.offset for member in event_type.members}
    item_class = None
    if event_type.tail is not None and event_type.tail.items is not None:
        item_class = view_class(event_type.tail.items)
    namespace: dict[str, Any] = {
        "__slots__": (),
        "__doc__": event_type.doc,
        "__module__": "kungfu_core.events",
        "__layout__": _layout(event_type, item_class),
        "__event_type__": event_type,
    }
    for field in event_type.fields:
        name = field.name
        if field.kind in ("number", "money"):
            exponent = offsets[f"{name}_exponent"]
            low = offsets[name] if field.kind == "number" else offsets[f"{name}_low"]
            high = offsets.get(f"{name}_high", 0)
            place = (low, exponent, high, 0, None, field.doc)
            raw = "i64" if field.kind == "number" else "money_raw"
            namespace[name] = _native.Field(field.kind, *place)
            namespace[f"{name}_exact"] = _native.Field(f"{field.kind}_exact", *place)
            namespace[f"{name}_raw"] = _native.Field(raw, *place)
            namespace[f"{name}_exponent"] = _native.Field("i8", exponent)
        else:
            members = None
            if field.vocabulary is not None:
                by_value = {int(v): v for v in field.vocabulary}
                members = tuple(by_value.get(i) for i in range(max(by_value) + 1))
            namespace[name] = _native.Field(
                field.kind, offsets[name], 0, 0, field.width, members, field.doc
            )
    if event_type.tail is not None:
        tail = event_type.tail
        namespace[tail.name] = _native.Field(f"tail_{tail.kind}", 0, 0, 0, 0, item_class, tail.doc)
    made: type[Event] = type(class_name(event_type), (base,), namespace)
    return made


def _layout(event_type: EventType, item_class: type[Event] | None) -> _native.Layout:
    offsets = {member.name: member.offset for member in event_type.members}
    fields = []
    for field in event_type.fields:
        first = f"{field.name}_low" if field.kind == "money" else field.name
        fields.append(
            (
                field.name,
                field.kind,
                offsets[first],
                offsets.get(f"{field.name}_exponent", 0),
                offsets.get(f"{field.name}_high", 0),
                field.width,
            )
        )
    tail = event_type.tail
    return _native.Layout(
        event_type.number,
        event_type.name,
        event_type.size,
        fields,
        tail.kind if tail else "",
        tail.name if tail else "",
        item_class,
        event_type.schema,
    )


def _add_header_fields() -> None:
    offsets = {m.name: (m.kind, m.offset) for m in event_types.HEADER.members}
    docs = {f.name: f.doc for f in event_types.HEADER.fields}
    for name in _HEADER_FIELDS:
        kind, offset = offsets[name]
        setattr(Event, name, _native.Field(kind, offset, 0, 0, 0, None, docs[name]))
    doc = "The journal it was read from."
    setattr(Event, "journal", _native.Field("journal", 0, 0, 0, 0, None, doc))  # noqa: B010


_add_header_fields()
