"""Arrow tables that people read, and what stands on them: Polars frames and SQL.

Needs the extra `arrow`, `polars` or `duckdb`. Each loads only when it is used.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kungfu_core import event_types
from kungfu_core.errors import JournalError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from kungfu_core.schema import EventType


def readable(table: "pa.Table", event_type: "EventType", names: Mapping[int, str]) -> "pa.Table":
    """Put names in the place of ids, and nulls where 0 means that there is none.

    Args:
        table: as `columns.to_arrow` gives it.
        event_type: what its rows are.
        names: the names behind ids; the id in hexadecimal stands for one that has none.
    """
    for field in (*event_types.HEADER.fields, *event_type.fields):
        place = table.schema.get_field_index(field.name)
        if place < 0:
            continue
        if field.kind == "id":
            column = _named(table.column(place), names)
        elif field.kind == "time" and field.name != "gen_time":
            column = _without_zeros(table.column(place))
        else:
            continue
        table = table.set_column(place, field.name, column)
    return table


def _without_zeros(column: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa  # noqa: PLC0415 - the table is there, so Arrow is
    import pyarrow.compute as pc  # noqa: PLC0415

    # Of the column's type: Arrow compares ids with Python's 0 as signed, and half of them are not.
    zero = pa.scalar(0, pa.int64()).cast(column.type)
    return pc.if_else(pc.equal(column, zero), None, column)


def _named(column: Any, names: Mapping[int, str]) -> Any:  # noqa: ANN401
    import pyarrow as pa  # noqa: PLC0415

    ids = _without_zeros(column).combine_chunks().dictionary_encode()
    texts = [names.get(number) or f"{number:#018x}" for number in ids.dictionary.to_pylist()]
    # Two ids may have one name, a dictionary has each value once.
    text = pa.array(texts, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(text.indices.take(ids.indices), text.dictionary)


def to_polars(table: "pa.Table") -> "pl.DataFrame":
    """Give a table as a Polars frame.

    Raises:
        JournalError: Polars is not installed.
    """
    try:
        import polars as pl  # noqa: PLC0415
    except ImportError as error:
        raise JournalError("frames need Polars: pip install 'kungfu-core[polars]'") from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table has become one
    return frame


def query(sql: str, tables: Mapping[str, Callable[[], "pa.Table"]], where: str) -> "pa.Table":
    """Run a query over tables, of which only those that it names are made.

    Times are TIMESTAMP_NS in UTC, so that SQL sees every nanosecond.

    Args:
        sql: one statement that gives rows, as DuckDB understands it.
        tables: what makes each table.
        where: what they are tables of, for messages.

    Raises:
        JournalError: DuckDB is not installed, or refuses the query.
    """
    try:
        import duckdb  # noqa: PLC0415
    except ImportError as error:
        raise JournalError("SQL needs DuckDB: pip install 'kungfu-core[duckdb]'") from error
    with duckdb.connect() as connection:
        # A query finds what stands in the journal: nothing on the net, no variable of the program.
        connection.execute("set autoinstall_known_extensions = false")
        connection.execute("set python_enable_replacements = false")
        # A word that is no table's name costs nothing; one too many costs a table that is not read.
        words = {word.lower() for word in re.findall(r"\w+", sql)}
        for name in words & tables.keys():
            connection.register(name, _naive(tables[name]()))
        try:
            found = connection.sql(sql)
            if found is not None:
                return found.to_arrow_table()
        except duckdb.Error as error:
            raise JournalError(f"{where}: {error}\ntables: {', '.join(sorted(tables))}") from error
    raise JournalError(f"{where}: expected a query that gives rows, got {sql!r}")


def _naive(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415

    fields = [
        field.with_type(pa.timestamp("ns")) if pa.types.is_timestamp(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
