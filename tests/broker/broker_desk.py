"""The native broker on an in-memory port: events go in and come out as dictionaries."""

import ctypes as c
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kungfu_core import _native
from kungfu_core.event_types import EVENT_TYPES, HEADER
from kungfu_core.schema import NONE_EXPONENT, EventType

TYPES = {t.name: t for t in EVENT_TYPES}
_BY_NUMBER = {t.number: t for t in EVENT_TYPES}
_C = {
    "u8": c.c_uint8,
    "i8": c.c_int8,
    "u16": c.c_uint16,
    "i16": c.c_int16,
    "u32": c.c_uint32,
    "i32": c.c_int32,
    "u64": c.c_uint64,
    "i64": c.c_int64,
    "bool": c.c_uint8,
    "enum": c.c_uint8,
    "id": c.c_uint64,
    "time": c.c_int64,
}


def _struct(event_type: EventType) -> type[c.Structure]:
    def c_type(kind: str, size: int) -> Any:
        return c.c_char * size if kind == "text" else _C[kind]

    fields = [(m.name, c_type(m.kind, m.size)) for m in event_type.members]
    return type(event_type.name, (c.Structure,), {"_fields_": fields})


_STRUCTS = {t.name: _struct(t) for t in EVENT_TYPES}
_Frame = _struct(HEADER)


class _Cause(c.Structure):
    _fields_ = (("journal", c.c_uint64), ("sequence", c.c_uint64), ("time", c.c_int64))


class _Event(c.Structure):
    _fields_ = (
        ("frame", c.c_void_p),
        ("journal", c.c_uint64),
        ("type", c.c_uint32),
        ("length", c.c_uint32),
    )


_NEXT = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(_Event))
_NOW = c.CFUNCTYPE(c.c_int64, c.c_void_p)
_APPEND = c.CFUNCTYPE(
    c.c_int32,
    c.c_void_p,
    c.c_uint32,
    c.c_uint32,
    c.c_uint64,
    c.POINTER(_Cause),
    c.c_void_p,
    c.c_uint32,
)
_SOURCE = c.CFUNCTYPE(c.c_uint64, c.c_void_p)
_RECORDED = c.CFUNCTYPE(
    c.c_int32, c.c_void_p, c.c_uint32, c.POINTER(c.c_void_p), c.POINTER(c.c_uint32)
)


class _Port(c.Structure):
    _fields_ = (
        ("abi_version", c.c_uint32),
        ("struct_size", c.c_uint32),
        ("layout_hash", c.c_uint64),
        ("self", c.c_void_p),
        ("next", _NEXT),
        ("now", _NOW),
        ("append", _APPEND),
        ("source", _SOURCE),
        ("said", _SOURCE),
        ("recorded", _RECORDED),
    )


class _Component(c.Structure):
    _fields_ = (
        ("abi_version", c.c_uint32),
        ("struct_size", c.c_uint32),
        ("layout_hash", c.c_uint64),
        ("self", c.c_void_p),
        ("start", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(_Port))),
        ("poll", c.CFUNCTYPE(c.c_int64, c.c_void_p)),
        ("next_time", c.CFUNCTYPE(c.c_int64, c.c_void_p)),
        ("stop", c.CFUNCTYPE(c.c_int32, c.c_void_p)),
        ("save", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.POINTER(c.c_uint64))),
        ("load", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_char_p, c.c_uint64)),
        ("settings", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.POINTER(c.c_uint64))),
        ("error", c.CFUNCTYPE(c.c_char_p, c.c_void_p)),
        ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
    )


def _component_of(capsule: object) -> _Component:
    get = c.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = c.c_void_p, (c.py_object, c.c_char_p)
    return _Component.from_address(get(capsule, b"kungfu.component.v1"))


def _encode(name: str, values: dict[str, Any]) -> bytes:
    event_type, payload = TYPES[name], _STRUCTS[name]()
    tail = b""
    rest = dict(values)
    for field in event_type.fields:
        value = rest.pop(field.name, None)
        if field.kind in ("number", "money"):
            digits, exponent = (0, NONE_EXPONENT) if value is None else _scaled(Decimal(value))
            setattr(payload, f"{field.name}_exponent", exponent)
            if field.kind == "number":
                setattr(payload, field.name, digits)
            else:
                setattr(payload, f"{field.name}_low", digits & (2**64 - 1))
                setattr(payload, f"{field.name}_high", digits >> 64)
        elif value is not None:
            setattr(payload, field.name, value.encode() if isinstance(value, str) else value)
    if event_type.tail is not None:
        tail = rest.pop(event_type.tail.name, "").encode()
    assert not rest, f"{name} has no {sorted(rest)}"
    return bytes(payload) + tail


def _scaled(value: Decimal) -> tuple[int, int]:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number = int("".join(map(str, digits)))
    return (-number if sign else number), exponent


def _decode(name: str, payload: bytes) -> dict[str, Any]:
    event_type, struct = TYPES[name], _STRUCTS[name].from_buffer_copy(payload)
    values: dict[str, Any] = {}
    for field in event_type.fields:
        if field.kind in ("number", "money"):
            exponent = getattr(struct, f"{field.name}_exponent")
            if field.kind == "number":
                digits = getattr(struct, field.name)
            else:
                digits = (getattr(struct, f"{field.name}_high") << 64) | getattr(
                    struct, f"{field.name}_low"
                )
            exact = Decimal((digits < 0, tuple(map(int, str(abs(digits)))), exponent))
            values[field.name] = None if exponent == NONE_EXPONENT else exact
        else:
            value = getattr(struct, field.name)
            values[field.name] = value.decode() if isinstance(value, bytes) else value
    if event_type.tail is not None:
        values[event_type.tail.name] = payload[event_type.size :].decode()
    return values


@dataclass(frozen=True)
class Said:
    """An event that the broker appended."""

    name: str
    destination: int
    values: dict[str, Any]


class Desk:
    """Feeds a broker component by hand; `now` is the time of the event in hand."""

    def __init__(self, capsule: object, source: str) -> None:
        self.now = 1000
        self.source = _native.id_of(source)
        self._inputs: deque[tuple[c.Array[c.c_char], int, int]] = deque()
        self._current: c.Array[c.c_char] | None = None
        self._said: list[Said] = []
        self._sequence = 0
        self._capsule = capsule
        self._component = _component_of(capsule)
        self._port = _Port(
            1,
            c.sizeof(_Port),
            _native.LAYOUT_HASH,
            None,
            _NEXT(self._next),
            _NOW(lambda _: self.now),
            _APPEND(self._append),
            _SOURCE(lambda _: self.source),
            _SOURCE(lambda _: 0),
            _RECORDED(lambda *_: 0),
        )
        self._do("start", c.byref(self._port))

    def put(self, name: str, source: int, destination: int = 0, /, **values: Any) -> None:
        """Queue an event as if `source` had appended it."""
        self._sequence += 1
        payload = _encode(name, values)
        frame = _Frame(
            sequence=self._sequence,
            gen_time=self.now,
            source=source,
            destination=destination,
            type=TYPES[name].number,
        )
        buffer = c.create_string_buffer(bytes(frame) + payload, c.sizeof(frame) + len(payload))
        self._inputs.append((buffer, TYPES[name].number, len(payload)))

    def run(self) -> list[Said]:
        """Let the broker work off its inputs; give what it said."""
        while self._do("poll"):
            pass
        said, self._said = self._said, []
        return said

    def next_time(self) -> int:
        """When the broker has something to do again."""
        return int(self._component.next_time(self._component.self))

    def save(self) -> bytes:
        """Give the broker's state."""
        size = c.c_uint64()
        return c.string_at(self._component.save(self._component.self, c.byref(size)), size.value)

    def load(self, state: bytes) -> None:
        """Have the broker go on from another's state."""
        self._do("load", state, len(state))

    def _do(self, what: str, *arguments: Any) -> int:
        done = getattr(self._component, what)(self._component.self, *arguments)
        if done < 0:
            raise RuntimeError(self._component.error(self._component.self).decode())
        return int(done)

    def _next(self, _: int, event: Any) -> int:
        if not self._inputs:
            return 0
        self._current, number, length = self._inputs.popleft()
        event.contents.frame = c.addressof(self._current)
        event.contents.journal = 1
        event.contents.type, event.contents.length = number, length
        return 1

    def _append(  # noqa: PLR0917 - as in abi.h
        self,
        _: int,
        output: int,
        number: int,
        destination: int,
        cause: Any,
        payload: int,
        length: int,
    ) -> int:
        assert output == 0
        name = _BY_NUMBER[number].name
        self._said.append(Said(name, destination, _decode(name, c.string_at(payload, length))))
        return 0
