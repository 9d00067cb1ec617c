"""Events of one type as columns: NumPy structured arrays and Arrow tables.

Needs the extra `numpy`, and `arrow` for tables. Both load only when they are used.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from kungfu_core import _native, event_types
from kungfu_core.errors import JournalError
from kungfu_core.schema import NONE_EXPONENT, EventType, Field, Member
from kungfu_core.views import Event, type_rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from kungfu_core.journal import Journal

    Structured = np.ndarray[Any, np.dtype[np.void]]

HEADER_COLUMNS = ("sequence", "gen_time", "trigger_time", "cause_journal", "cause_sequence",
                  "source", "destination")  # fmt: skip
"""The columns that every type has, before those of its own."""

_EXACT_FLOAT = 2**53
_EXACT_POWER = 22
_CODES = {"id": "<u8", "time": "<i8", "enum": "u1", "bool": "?"} | {
    f"{sign}{8 * size}": f"<{sign}{size}" for sign in "ui" for size in (1, 2, 4, 8)
}


@cache
def dtype_of(event_type: EventType) -> "np.dtype[np.void]":
    """Give the dtype of a frame of this type: header columns, then the members of the fixed part.

    A number `price` is `price` (int64 mantissa) and `price_exponent`; money `fee` is `fee_low` and
    `fee_high` (128 bits) and `fee_exponent`. The tail is not in it.
    """
    header = {m.name: m for m in event_types.HEADER.members}
    size = event_types.HEADER.size
    columns = [(name, _code(header[name]), header[name].offset) for name in HEADER_COLUMNS]
    columns += [(m.name, _code(m), size + m.offset) for m in event_type.members]
    return _dtype(columns, size + event_type.size)


@cache
def payload_dtype_of(event_type: EventType) -> "np.dtype[np.void]":
    """Give the dtype of the fixed part alone: the columns of `dtype_of` without the header's."""
    columns = [(m.name, _code(m), m.offset) for m in event_type.members]
    return _dtype(columns, event_type.size)


def _dtype(columns: list[tuple[str, str, int]], size: int) -> "np.dtype[np.void]":
    names, formats, offsets = zip(*columns, strict=True)
    layout = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
    return _numpy().dtype(layout)  # type: ignore[no-any-return]


def _code(member: Member) -> str:
    return f"S{member.size}" if member.kind == "text" else _CODES[member.kind]


def to_numpy(
    journal: "Journal",
    event_class: type[Event],
    *,
    since: int | None = None,
    until: int | None = None,
    verify: bool = True,
) -> "Structured":
    """Give the events of one class as a read-only structured array, a row each.

    The array is a view of the mapped page where the events follow each other in one page without
    others between them, and keeps it mapped; otherwise it is gathered from the pages in one pass.

    Args:
        journal: where to read.
        event_class: what to read.
        since: leave out what was generated before this time, ns.
        until: leave out what was generated at this time or later, ns.
        verify: check each event's checksum, which takes several times as long as the rest.

    Returns:
        Shape (events,), dtype as `dtype_of` says.

    Raises:
        JournalError: NumPy is not installed.
        JournalCorrupt: a file is damaged.
    """
    return _rows(
        _gather(journal, event_class, since, until, tails=False, verify=verify),
        event_class.__event_type__,
    )


def _gather(
    journal: "Journal",
    event_class: type[Event],
    since: int | None,
    until: int | None,
    *,
    tails: bool,
    verify: bool = True,
) -> tuple[Any, ...]:
    kind = event_class.__event_type__
    gathered: tuple[Any, ...] = _native.journal_columns(
        journal.root, journal.source, journal.name, journal.scope, type_rows([event_class]),
        kind.number, kind.size, since, until, tails, verify,
    )  # fmt: skip
    return gathered


def _rows(gathered: tuple[Any, ...], event_type: EventType) -> "Structured":
    rows, count = gathered[:2]
    return _numpy().ndarray(count, dtype_of(event_type), rows)  # type: ignore[no-any-return]


def to_append(event_type: EventType, rows: "Structured") -> tuple["np.ndarray[Any, Any]", bool]:
    """Lay rows out as frames or payloads; gives them as bytes, and whether headers are in them.

    Raises:
        ValueError: the type has a tail; or a column is missing, unknown or of another kind: names
            it.
        TypeError: `rows` is no structured array of one dimension.
    """
    np = _numpy()
    if event_type.tail is not None:
        raise ValueError(
            f"{event_type.name}: rows cannot hold its {event_type.tail.name}; append events instead"
        )
    if not isinstance(rows, np.ndarray) or rows.dtype.names is None or rows.ndim != 1:
        raise TypeError(f"{event_type.name}: expected a structured array of one dimension")
    headed = not set(HEADER_COLUMNS).isdisjoint(rows.dtype.names)
    dtype = dtype_of(event_type) if headed else payload_dtype_of(event_type)
    if rows.dtype != dtype:
        rows = _laid_out(event_type, rows, dtype)
    return np.ascontiguousarray(rows).view(np.uint8), headed


def _laid_out(
    event_type: EventType, rows: "Structured", dtype: "np.dtype[np.void]"
) -> "Structured":
    """Copy rows whose columns are the right ones at other places."""
    given, wanted = dict(rows.dtype.fields or {}), dict(dtype.fields or {})
    for name in sorted(given.keys() - wanted.keys()):
        raise ValueError(f"{event_type.name}: it has no column {name!r}")
    for name, (kind, *_) in wanted.items():
        if name not in given:
            raise ValueError(f"{event_type.name}: column {name!r} ({kind}) is missing")
        if given[name][0] != kind:
            raise ValueError(
                f"{event_type.name}: column {name!r}: expected {kind}, got {given[name][0]}"
            )
    out = _numpy().zeros(len(rows), dtype)
    for name in wanted:
        out[name] = rows[name]
    return out  # type: ignore[no-any-return]


def to_arrow(
    journal: "Journal",
    event_class: type[Event],
    *,
    since: int | None = None,
    until: int | None = None,
) -> "pa.Table":
    """Give the events of one class as an Arrow table, a row each.

    Times become UTC timestamps in ns, enumerations their names, text strings. A number `price` is
    `price` (nearest float64, null where absent) with `price_raw` and `price_exponent`, which are
    exact; money `fee` is `fee` and `fee_exact` (decimal text). A tail of text is a string column,
    one of items a list of structs. Arguments and errors are those of `to_numpy`.

    Raises:
        JournalError: Arrow is not installed.
    """
    pa = _arrow()
    np = _numpy()
    event_type = event_class.__event_type__
    with_tail = event_type.tail is not None
    gathered = _gather(journal, event_class, since, until, tails=with_tail)
    rows = _rows(gathered, event_type)
    columns: dict[str, Any] = {}
    kinds = {f.name: f for f in event_types.HEADER.fields}
    for name in HEADER_COLUMNS:
        columns |= _arrow_columns(rows, kinds[name])
    for field in event_type.fields:
        columns |= _arrow_columns(rows, field)
    if event_type.tail is not None:
        tails, ends = gathered[2], np.frombuffer(gathered[3], dtype="<i8")
        columns[event_type.tail.name] = _arrow_tail(event_type, tails, ends)
    return pa.table(columns)


def _arrow_tail(event_type: EventType, data: bytes, ends: Any) -> Any:  # noqa: ANN401
    pa, np = _arrow(), _numpy()
    tail = event_type.tail
    assert tail is not None  # noqa: S101 - to_arrow asked
    offsets = np.concatenate([np.zeros(1, "<i8"), ends])
    if tail.items is None:
        kind = pa.large_string() if tail.kind == "text" else pa.large_binary()
        return pa.Array.from_buffers(
            kind, len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        )
    members = tail.items.members
    dtype = np.dtype(
        {
            "names": [m.name for m in members],
            "formats": [_code(m) for m in members],
            "offsets": [m.offset for m in members],
            "itemsize": tail.items.size,
        }
    )
    items = np.frombuffer(data, dtype=dtype)
    columns: dict[str, Any] = {}
    for field in tail.items.fields:
        columns |= _arrow_columns(items, field)
    struct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    return pa.LargeListArray.from_arrays(pa.array(offsets // tail.items.size), struct)


def _arrow_columns(rows: "Structured", field: Field) -> dict[str, Any]:
    """Give the Arrow columns of one field, by name."""
    pa, np = _arrow(), _numpy()
    name = field.name
    if field.kind == "number":
        raw, exponent = rows[name], rows[f"{name}_exponent"]
        absent = exponent == NONE_EXPONENT
        return {
            name: pa.array(nearest_floats(raw, exponent), mask=absent),
            f"{name}_raw": pa.array(np.ascontiguousarray(raw), mask=absent),
            f"{name}_exponent": pa.array(np.ascontiguousarray(exponent), mask=absent),
        }
    if field.kind == "money":
        exact = [
            _money_text(*row)
            for row in rows[[f"{name}_low", f"{name}_high", f"{name}_exponent"]].tolist()
        ]
        floats = [None if text is None else float(text) for text in exact]
        return {
            name: pa.array(floats, pa.float64()),
            f"{name}_exact": pa.array(exact, pa.string()),
        }
    values = np.ascontiguousarray(rows[name])
    if field.kind == "time":
        return {name: pa.array(values.view("datetime64[ns]"), pa.timestamp("ns", "UTC"))}
    if field.kind == "text":
        return {
            name: pa.array([text.decode(errors="replace") for text in values.tolist()], pa.string())
        }
    if field.vocabulary is not None:
        return {name: _arrow_names(values, field)}
    return {name: pa.array(values)}


def _arrow_names(values: Any, field: Field) -> Any:  # noqa: ANN401
    pa = _arrow()
    assert field.vocabulary is not None  # noqa: S101 - the caller asked
    known = {int(v): v.name for v in field.vocabulary}
    top = max([*known, int(values.max(initial=0))])
    names = [known.get(i, str(i)) for i in range(top + 1)]
    return pa.DictionaryArray.from_arrays(pa.array(values), pa.array(names))


def _money_text(low: int, high: int, exponent: int) -> str | None:
    if exponent == NONE_EXPONENT:
        return None
    from decimal import Context, Decimal  # noqa: PLC0415 - only money needs it

    value = Decimal((high << 64) | low).scaleb(exponent, Context(prec=60))
    return format(value, "f")


def nearest_floats(mantissas: Any, exponents: Any) -> Any:  # noqa: ANN401
    """Give the float64 nearest to each mantissa * 10 ** exponent; NaN where absent.

    One correctly rounded multiplication or division of exact operands is itself correctly rounded
    (Clinger 1990); what has no exact operands goes through decimal text.
    """
    np = _numpy()
    out = np.full(len(mantissas), np.nan)
    small = np.abs(mantissas.astype("f8")) <= _EXACT_FLOAT
    for exponent in np.unique(exponents).tolist():
        if exponent == NONE_EXPONENT:
            continue
        chosen = exponents == exponent
        easy = chosen & small if abs(exponent) <= _EXACT_POWER else np.zeros_like(chosen)
        floats = mantissas[easy].astype("f8")
        power = 10.0 ** abs(exponent)
        out[easy] = floats * power if exponent >= 0 else floats / power
        hard = np.flatnonzero(chosen & ~easy)
        out[hard] = [float(f"{m}e{exponent}") for m in mantissas[hard].tolist()]
    return out


def _numpy() -> Any:  # noqa: ANN401
    try:
        import numpy as np  # noqa: PLC0415
    except ImportError as error:
        raise JournalError("columns need NumPy: pip install 'kungfu-core[numpy]'") from error
    return np


def _arrow() -> Any:  # noqa: ANN401
    try:
        import pyarrow as pa  # noqa: PLC0415
    except ImportError as error:
        raise JournalError("tables need Arrow: pip install 'kungfu-core[arrow]'") from error
    return pa
