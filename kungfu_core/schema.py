"""How an event type is declared and laid out; everything else about it is derived from here.

A type is a list of fields. Its fixed part holds them as naturally aligned little-endian members,
widest first and otherwise in declared order, padded to eight bytes; an optional tail of text or of
equal items follows. Fields that a later version appended come behind all earlier ones, laid out in
the same way. Standard library only: the build reads this file before anything is installed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

NONE_EXPONENT = -128
"""The exponent that says that a number or an amount of money is absent."""

_INTEGERS = {
    "u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "u64": 8, "i64": 8,
    "bool": 1, "enum": 1, "id": 8, "time": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One named value of an event.

    `kind` is an integer (`u8` to `i64`), `bool`, `enum`, `id` (a hashed 64-bit name), `time`
    (nanoseconds since 1970 UTC), `number` (64-bit mantissa and decimal exponent), `money`
    (128-bit mantissa and decimal exponent) or `text` (UTF-8, zero-padded to `width` bytes). `since`
    is the version of the event type that appended the field.
    """

    name: str
    kind: str
    doc: str
    vocabulary: type[IntEnum] | None = None
    width: int = 0
    since: int = 1


@dataclass(frozen=True)
class Member:
    """One aligned machine word (or text) of a layout, as C++ and NumPy see it."""

    name: str
    kind: str
    offset: int
    size: int


@dataclass(frozen=True)
class Tail:
    """What follows the fixed part up to the frame's length: UTF-8 text, bytes, or `items`."""

    name: str
    kind: str
    doc: str
    items: "EventType | None" = None


@dataclass(frozen=True)
class EventType:
    """A declared event type: stable name and version, fields, and an optional tail.

    Attributes:
        number: what stands for the type in this process. The core's are fixed and below 1000; a
            plugin leaves 0 and is given one. Files carry their own table.
    """

    name: str
    version: int
    doc: str
    fields: tuple[Field, ...]
    tail: Tail | None = None
    number: int = 0
    members: tuple[Member, ...] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Lay the members out.

        Raises:
            ValueError: a field's kind is unknown, or `since` names no version or an earlier one
                than that of the field before.
        """
        versions = [f.since for f in self.fields]
        if versions != sorted(versions) or any(not 1 <= v <= self.version for v in versions):
            raise ValueError(
                f"event type {self.name!r}: `since` of its fields is {versions}, "
                f"expected ascending versions from 1 to {self.version}"
            )
        offset, members = 0, []
        for version in dict.fromkeys(versions):
            wanted = [m for f in self.fields if f.since == version for m in _members(f)]
            for name, kind, size, align in sorted(wanted, key=lambda m: -m[3]):
                offset = -(-offset // align) * align
                members.append(Member(name, kind, offset, size))
                offset += size
            offset = -(-offset // 8) * 8
        object.__setattr__(self, "members", tuple(members))
        object.__setattr__(self, "size", offset)

    @cached_property
    def schema(self) -> str:
        """The type's description as it stands in a journal: canonical JSON."""
        return json.dumps(self._describe(), sort_keys=True, separators=(",", ":"))

    def _describe(self) -> dict[str, object]:
        offsets = {m.name: m.offset for m in self.members}
        described: dict[str, object] = {
            "name": self.name,
            "version": self.version,
            "size": self.size,
            "fields": [_describe_field(f, offsets) for f in self.fields],
        }
        if self.tail is not None:
            items = self.tail.items
            described["tail"] = {"name": self.tail.name, "kind": self.tail.kind} | (
                {"items": items._describe()} if items else {}
            )
        return described


def _members(f: Field) -> Iterator[tuple[str, str, int, int]]:
    """Yield (name, kind, size, alignment) of each member of a field."""
    if f.kind == "number":
        yield f.name, "i64", 8, 8
        yield f"{f.name}_exponent", "i8", 1, 1
    elif f.kind == "money":
        yield f"{f.name}_low", "u64", 8, 8
        yield f"{f.name}_high", "i64", 8, 8
        yield f"{f.name}_exponent", "i8", 1, 1
    elif f.kind == "text":
        yield f.name, "text", f.width, 1
    elif f.kind in _INTEGERS:
        yield f.name, f.kind, _INTEGERS[f.kind], _INTEGERS[f.kind]
    else:
        raise ValueError(f"field {f.name!r}: unknown kind {f.kind!r}")


def _describe_field(f: Field, offsets: dict[str, int]) -> dict[str, object]:
    first = next(_members(f))[0]
    described: dict[str, object] = {"name": f.name, "kind": f.kind, "offset": offsets[first]}
    if f.kind == "money":
        described["high_offset"] = offsets[f"{f.name}_high"]
    if f.kind in ("number", "money"):
        described["exponent_offset"] = offsets[f"{f.name}_exponent"]
    if f.vocabulary is not None:
        described["values"] = {v.name: int(v) for v in f.vocabulary}
    if f.kind == "text":
        described["width"] = f.width
    if f.since > 1:
        described["since"] = f.since
    return described


def fnv1a64(data: bytes) -> int:
    """FNV-1a, 64 bits: the hash of names into ids and of schemas into layout hashes.

    Source: Fowler, Noll, Vo; offset basis and prime as in draft-eastlake-fnv.
    """
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
