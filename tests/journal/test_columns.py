"""Columns are what iterating gives, without a copy where that is possible."""

import gc
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import events
from kungfu_core.columns import nearest_floats
from kungfu_core.enums import Side
from kungfu_core.errors import JournalCorrupt
from kungfu_core.journal import Reader
from kungfu_core.schema import NONE_EXPONENT


def fill(writer, count):
    for n in range(count):
        price = None if n % 7 == 0 else f"{n}.{n % 100:02}"
        writer.append(events.Trade(price=price, size=n, trade_id=n, side=Side(1 + n % 2), time=n))


def address(rows):
    return rows.__array_interface__["data"][0]


def mapped_files():
    """(begin, end) in memory of every journal page that is mapped read-only."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, access, *_ = line.split()
        if access == "r--s" and ".journal" in line:
            yield tuple(int(bound, 16) for bound in place.split("-"))


def is_mapped(rows):
    return any(begin <= address(rows) < end for begin, end in mapped_files())


def test_events_of_one_type_side_by_side_are_not_copied(open_writer):
    writer = open_writer()
    fill(writer, 100)
    rows = writer.journal.to_numpy(events.Trade)
    assert is_mapped(rows)
    assert rows["trade_id"].tolist() == list(range(100))
    assert not rows.flags.writeable


def test_rows_of_several_pages_are_gathered(open_writer):
    writer = open_writer()
    fill(writer, 2000)
    assert len(writer.journal.pages()) > 2
    rows = writer.journal.to_numpy(events.Trade)
    assert not is_mapped(rows)
    assert rows["trade_id"].tolist() == list(range(2000))
    assert not rows.flags.writeable


def test_rows_of_one_page_are_a_view_whatever_pages_follow(open_writer):
    writer = open_writer()
    fill(writer, 200)
    for n in range(3000):
        writer.append(events.Quote(update_id=n))
    assert len(writer.journal.pages()) > 2
    rows = writer.journal.to_numpy(events.Trade)
    assert is_mapped(rows)
    assert rows["trade_id"].tolist() == list(range(200))


def test_a_view_keeps_its_page_mapped_and_lets_it_go(open_writer):
    writer = open_writer()
    fill(writer, 100)
    gc.collect()
    before = list(mapped_files())
    part = writer.journal.to_numpy(events.Trade)["trade_id"][::7]
    gc.collect()
    assert is_mapped(part)
    for path in Path(writer.journal.root).rglob("*.journal"):
        path.unlink()
    assert part.tolist() == list(range(0, 100, 7))
    del part
    gc.collect()
    assert list(mapped_files()) == before


def test_a_type_that_is_met_late_in_a_page_is_found(open_writer):
    writer = open_writer()
    for n in range(100):
        writer.append(events.Quote(update_id=n))
        if n > 50:
            writer.append(events.Log(message="x" * n))
        if n > 90:
            fill(writer, 1)
    assert len(writer.journal.to_numpy(events.Trade)) == 9
    assert len(writer.journal.to_numpy(events.Log)) == 49
    assert len(writer.journal.to_numpy(events.Quote)) == 100


def test_damage_in_the_middle_of_a_page_is_told_as_a_reader_tells_it(open_writer):
    writer = open_writer()
    fill(writer, 100)
    writer.close()
    (page,) = writer.journal.pages()
    rows = writer.journal.to_numpy(events.Trade)
    begin = next(begin for begin, end in mapped_files() if begin <= address(rows) < end)
    at = address(rows) - begin + 50 * rows.dtype.itemsize
    del rows
    with Path(page.path).open("r+b") as file:
        file.seek(at)
        file.write(b"\x07")
    with pytest.raises(JournalCorrupt, match=f"offset {at}: impossible frame length"):
        writer.journal.to_numpy(events.Trade)
    with pytest.raises(JournalCorrupt, match=f"offset {at}: impossible frame length"):
        list(Reader(writer.journal))


@pytest.mark.parametrize("mixed", [False, True])
def test_columns_hold_what_iterating_gives(open_writer, clock, mixed):
    writer = open_writer()
    for n in range(1500):
        clock.set(1_000_000 + n)
        if mixed:
            writer.append(events.Quote(update_id=n))
        fill(writer, 2)
    rows = writer.journal.to_numpy(events.Trade, since=1_000_100, until=1_001_000)
    there = [
        e for e in Reader(writer.journal)
        if isinstance(e, events.Trade) and 1_000_100 <= e.gen_time < 1_001_000
    ]  # fmt: skip
    assert len(rows) == len(there) == 1800
    for name in ("sequence", "gen_time", "source", "trade_id", "side", "price_exponent"):
        assert rows[name].tolist() == [getattr(e, name) for e in there]
    assert rows["price"].tolist() == [e.price_raw for e in there]


def test_nothing_there_is_an_empty_array_of_the_right_type(open_writer):
    writer = open_writer()
    assert writer.journal.to_numpy(events.Trade).shape == (0,)
    assert writer.journal.to_numpy(events.Trade).dtype["price"] == np.int64
    assert writer.journal.to_arrow(events.BookDelta).num_rows == 0


def test_a_table_has_floats_to_look_at_and_digits_to_book(open_writer):
    writer = open_writer()
    fill(writer, 8)
    writer.append(events.Fill(fee="-1.50", price="3", size="1", fee_currency="USDT"))
    table = writer.journal.to_arrow(events.Trade)
    assert table["price"].to_pylist()[:2] == [None, 1.01]
    assert table["price_raw"].to_pylist()[:2] == [None, 101]
    assert table["side"].to_pylist()[:2] == ["BUY", "SELL"]
    assert str(table["gen_time"].type) == "timestamp[ns, tz=UTC]"
    fills = writer.journal.to_arrow(events.Fill)
    assert fills["fee"].to_pylist() == [-1.5]
    assert fills["fee_exact"].to_pylist() == ["-1.50"]
    assert fills["fee_currency"].to_pylist() == ["USDT"]


def test_ids_that_would_be_negative_have_their_names(open_writer):
    writer = open_writer(source="broker")
    instrument = 2**64 - 1
    writer.append(events.Trade(instrument=instrument), destination=2**63)
    (row,) = writer.journal.to_arrow(events.Trade).to_pylist()
    assert row["source"] == "broker"
    assert (row["instrument"], row["destination"]) == ("0xffffffffffffffff", "0x8000000000000000")


def test_tails_become_columns(open_writer):
    writer = open_writer()
    levels = [("1.5", "2", Side.BUY), ("1.6", "0", Side.SELL)]
    for count in (2, 0, 1):
        writer.append(events.BookDelta(update_id=count, levels=levels[:count]))
        writer.append(events.Log(message="é" * count))
    rows = writer.journal.to_arrow(events.BookDelta)["levels"].to_pylist()
    assert [[(level["price"], level["side"]) for level in row] for row in rows] == [
        [(1.5, "BUY"), (1.6, "SELL")], [], [(1.5, "BUY")],
    ]  # fmt: skip
    assert writer.journal.to_arrow(events.Log)["message"].to_pylist() == ["éé", "", "é"]


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-128, 127)), max_size=20))
def test_floats_are_the_nearest(numbers):
    mantissas = np.array([m for m, _ in numbers], "i8")
    exponents = np.array([e for _, e in numbers], "i1")
    for got, (mantissa, exponent) in zip(
        nearest_floats(mantissas, exponents), numbers, strict=True
    ):
        if exponent == NONE_EXPONENT:
            assert math.isnan(got)
        else:
            assert got == float(Decimal(mantissa).scaleb(exponent))
