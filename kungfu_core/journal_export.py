"""Events of a journal as text and files: rows for a table, JSON lines, CSV and Parquet.

Decimals stand as text with every digit, times as nanoseconds, enumerations as their names; ids as
the names behind them where the journal tells these, else in hexadecimal.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kungfu_core.errors import JournalError
from kungfu_core.event_types import HEADER
from kungfu_core.selection import Selection
from kungfu_core.views import Event

if TYPE_CHECKING:
    from kungfu_core.schema import EventType

HEADER_KEYS = ("sequence", "gen_time", "trigger_time", "cause_journal", "cause_sequence",
               "source", "destination")  # fmt: skip
_HEADER_IDS = {f.name for f in HEADER.fields if f.kind == "id"}


def described(event: Event, names: Mapping[int, str]) -> dict[str, Any]:
    """Give an event as JSON can say it: header, type, then the payload's fields."""
    row: dict[str, Any] = {
        key: _id(getattr(event, key), names) if key in _HEADER_IDS else getattr(event, key)
        for key in HEADER_KEYS
    }
    row["type"] = event_type_name(event)
    return row | {f"{k}_" if k in row else k: v for k, v in payload(event, names).items()}


def payload(event: Event, names: Mapping[int, str]) -> dict[str, Any]:
    """Give an event's own fields as JSON can say them; nothing for a type unknown here."""
    event_type: EventType | None = getattr(event, "__event_type__", None)
    if event_type is None:
        return {}
    ids = {f.name for f in event_type.fields if f.kind == "id"}
    return {
        key: _id(value, names) if key in ids else _plain(value, names)
        for key, value in event.as_dict().items()
    }


def event_type_name(event: Event) -> str:
    """Give the name of an event's type; "?" for one unknown here."""
    event_type: EventType | None = getattr(event, "__event_type__", None)
    return event_type.name if event_type else "?"


def _plain(value: Any, names: Mapping[int, str]) -> Any:  # noqa: ANN401
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [payload(item, names) for item in value]
    return value


def _id(value: int, names: Mapping[int, str]) -> str:
    return names.get(value) or (f"{value:#018x}" if value else "")


def utc_text(time: int) -> str:
    """Write a time with all nine digits after the second; a hyphen for 0, which means none."""
    if time == 0:
        return "-"
    seconds, rest = divmod(time, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def write_json_lines(events: Iterable[Event], names: Mapping[int, str], stream: TextIO) -> int:
    """Write an object a line; give their number."""
    count = 0
    for event in events:
        stream.write(json.dumps(described(event, names)) + "\n")
        count += 1
    return count


def write_csv(
    events: Iterable[Event], event_class: type[Event], names: Mapping[int, str], stream: TextIO
) -> int:
    """Write a line of column names, then a line an event of the class; give their number.

    A tail of items stands as JSON in its cell.
    """
    writer = csv.writer(stream)
    own = event_class.__event_type__
    tail = [own.tail.name] if own.tail else []
    writer.writerow([*HEADER_KEYS, *(f.name for f in own.fields), *tail])
    count = 0
    for event in events:
        row = described(event, names)
        cells = [*(row[key] for key in HEADER_KEYS), *payload(event, names).values()]
        writer.writerow([json.dumps(c) if isinstance(c, list) else c for c in cells])
        count += 1
    return count


def write_parquet(selection: Selection, path: Path) -> int:
    """Write a selection of one type as Parquet, with the columns of `Selection.to_arrow`.

    Raises:
        JournalError: Arrow is not installed.
    """
    table = selection.to_arrow()
    import pyarrow.parquet as pq  # noqa: PLC0415 - to_arrow has said it if it is missing

    pq.write_table(table, path)
    return int(table.num_rows)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the name when all is well, and is gone when it is not.

    A device or a pipe is given as it is, and a link stays one.

    Raises:
        JournalError: it cannot be written.
    """
    if path.is_dir():
        raise JournalError(f"cannot write {path}: it is a folder, expected the name of a file")
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):  # where it could not be made it cannot be taken away either
            partial.unlink()
        if isinstance(error, JournalError):
            raise
        raise JournalError(f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
