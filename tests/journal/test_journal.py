"""Writing and reading through Python."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core import _native, events
from kungfu_core.enums import NameKind, Side
from kungfu_core.errors import JournalCorrupt, JournalError, JournalLocked
from kungfu_core.event_types import TRADE
from kungfu_core.journal import Journal, Reader, Writer, list_journals
from kungfu_core.schema import EventType, Field
from kungfu_core.views import view_class


def trade(number, price="1.50"):
    return events.Trade(price=price, size="2", trade_id=number, side=Side.BUY)


def test_what_is_appended_is_read_back_with_its_place_and_times(open_writer, clock):
    with open_writer() as writer:
        first = writer.append(trade(1))
        clock.set(2_000_000)
        second = writer.append(trade(2), destination=7, cause=next(iter(Reader(writer.journal))))
    assert (first, second) == (1, 2)
    (one, two) = list(Reader(writer.journal, verify=True))
    assert (one.sequence, one.gen_time, one.trade_id) == (1, 1_000_000, 1)
    assert (two.sequence, two.gen_time, two.destination) == (2, 2_000_000, 7)
    assert (two.cause_journal, two.cause_sequence) == (writer.id, 1)
    assert two.trigger_time == 1_000_000
    assert two.source == _native.id_of("venue")
    assert two.price_exact == Decimal("1.50")
    assert two.journal == writer.journal.id == _native.id_of("venue/MD")


def test_a_loop_goes_on_where_the_last_one_ended(open_writer):
    writer = open_writer()
    reader = Reader(writer.journal)
    assert list(reader) == []
    assert reader.peek_time() is None
    writer.append(trade(1))
    assert [e.trade_id for e in reader] == [1]
    writer.append(trade(2))
    assert reader.peek_time() == 1_000_000
    assert reader.next(limit=999_999) is None
    assert [e.trade_id for e in reader] == [2]


def test_a_view_that_is_kept_survives_its_page_and_its_reader(open_writer):
    writer = open_writer()
    writer.append(trade(42))
    for n in range(3000):
        writer.append(events.Quote(update_id=n))
    reader = Reader(writer.journal)
    kept = next(reader)
    last = list(reader)[-1]
    reader.close()
    for page in writer.journal.pages():
        os.truncate(page.path, 0)  # a view that still pointed into a page would end the process
    assert kept.trade_id == 42
    assert last.update_id == 2999


def test_an_emitter_writes_at_the_times_it_is_told(open_writer):
    writer = open_writer()
    emit = writer.emitter(TRADE)
    writer.at(500, 400)
    emit(1, 2, b"10.50", "3", 99, Side.SELL, True)
    writer.at(300, 300)
    emit(1, 2, None, "3", 100, Side.SELL, False)
    with pytest.raises(ValueError, match="price"):
        emit(1, 2, "ten")
    one, two = list(Reader(writer.journal))
    assert (one.gen_time, one.trigger_time, one.price_exact) == (500, 400, Decimal("10.50"))
    assert (two.gen_time, two.trigger_time, two.price_exact) == (500, 300, None)


def test_journals_are_merged_by_time_and_equal_times_by_the_order_given(open_writer, clock):
    a, b = open_writer(source="a"), open_writer(source="b")
    for n in range(3):
        clock.set(1_000_000 + n)
        b.append(trade(2 * n + 1))
        a.append(trade(2 * n))
    assert [e.trade_id for e in Reader(a.journal, b.journal)] == list(range(6))
    assert [e.trade_id for e in Reader(b.journal, a.journal)] == [1, 0, 3, 2, 5, 4]
    assert [e.trade_id for e in Reader(a.journal, b.journal, since=1_000_001)] == [2, 3, 4, 5]
    reader = Reader(a.journal)
    with pytest.raises(JournalError, match="joined already"):
        reader.add(a.journal)
    reader.add(b.journal, after=2)
    reader.seek_time(1_000_002)
    assert [e.trade_id for e in reader] == [4, 5]


def test_a_second_writer_is_told_who_has_the_journal(open_writer, tmp_path):
    writer = open_writer()
    with pytest.raises(JournalLocked, match="another writer of this process"):
        open_writer()
    code = "import sys; from kungfu_core.journal import Writer; Writer(sys.argv[1], 'venue', 'MD')"
    refused = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert "JournalLocked" in refused.stderr
    assert f"process {os.getpid()} has the journal open" in refused.stderr
    writer.close()
    open_writer().append(trade(1))


def test_a_closed_writer_says_so(open_writer):
    writer = open_writer()
    assert not writer.closed
    with writer:
        writer.append(trade(1))
    assert writer.closed
    with pytest.raises(JournalError, match="closed"):
        writer.append(trade(2))


def test_events_that_cannot_be_written_are_refused_by_name(open_writer):
    writer = open_writer(event_classes=[events.Trade, events.TypeDefinition, events.Log])
    with pytest.raises(JournalError, match="event type quote was not given"):
        writer.append(events.Quote())
    with pytest.raises(JournalError, match="bytes does not fit into a page"):
        writer.append(events.Log(message="x" * 70_000))
    with pytest.raises(JournalError, match="type definitions"):
        writer.append(events.TypeDefinition(schema="{}"))
    with pytest.raises(TypeError, match="expected an event"):
        writer.append("trade")
    assert writer.last_sequence == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a/b"}, "journal name"),
        ({"source": "../x"}, "source"),
        ({"page_size": 1000}, "page size 1000"),
    ],
)
def test_a_writer_names_the_option_that_is_wrong(open_writer, options, message):
    with pytest.raises(JournalError, match=message):
        open_writer(**options)


def test_an_id_has_one_name(open_writer):
    writer = open_writer()
    writer.define_name(int(NameKind.SOURCE), 5, "venue")
    writer.define_name(int(NameKind.SOURCE), 5, "venue")
    with pytest.raises(JournalError, match='stands for "venue"'):
        writer.define_name(int(NameKind.SOURCE), 5, "other")
    writer.append(events.Instrument(instrument=9, name="v:spot:X"))
    names = {_native.id_of("venue"): "venue", 5: "venue", 9: "v:spot:X"}
    assert writer.journal.names() == names


def test_a_plugins_type_is_read_under_whatever_number_the_reader_gives_it(open_writer):
    fields = (Field("strength", "number", "How strong."),)
    mine = view_class(EventType("signal", 1, "A signal.", fields, number=1000))
    theirs = view_class(EventType("signal", 1, "The same signal.", fields, number=1007))
    writer = open_writer(event_classes=[*events.EVENT_CLASSES, mine])
    writer.append(mine(strength="0.25"))
    reader = Reader(writer.journal, event_classes=[*events.EVENT_CLASSES, theirs])
    assert [e.strength for e in reader] == [0.25]
    stranger = list(Reader(writer.journal))
    assert [(e.sequence, type(e).__name__) for e in stranger] == [(1, "Event")]


def test_a_changed_layout_needs_a_new_version(open_writer):
    one = view_class(EventType("signal", 1, "", (Field("a", "u8", ""),), number=1000))
    other = view_class(EventType("signal", 1, "", (Field("a", "u16", ""),), number=1000))
    writer = open_writer(event_classes=[events.TypeDefinition, one])
    writer.append(one(a=1))
    writer.close()
    with pytest.raises(JournalError, match="signal version 1 has another layout"):
        open_writer(event_classes=[events.TypeDefinition, other])


def test_damage_is_named_by_file_and_offset(open_writer):
    writer = open_writer()
    for n in range(3):
        writer.append(trade(n))
    path = writer.journal.pages()[0].path
    writer.close()
    with Path(path).open("r+b") as file:
        data = file.read()
        second = data.rindex((2).to_bytes(8, "little") + (1_000_000).to_bytes(8, "little"))
        file.seek(second + 80)
        file.write(b"\x55")
    with pytest.raises(JournalCorrupt, match=rf"{path}: offset {second - 8}: .*checksum"):
        list(Reader(writer.journal, verify=True))
    with pytest.raises(JournalCorrupt, match=f"offset {second - 8}"):
        writer.journal.statistics()
    with pytest.raises(JournalCorrupt, match=f"offset {second - 8}"):
        open_writer()


def test_journals_and_pages_are_listed(open_writer, tmp_path):
    writer = open_writer(scope="run-1")
    for n in range(1000):
        writer.append(trade(n))
    (found,) = list_journals(tmp_path)
    assert found == Journal(tmp_path, "venue", "MD", "run-1")
    assert found.label == "run-1/venue/MD"
    writer.close()  # pages are sealed behind its back
    pages = found.pages()
    assert [p.number for p in pages] == list(range(1, len(pages) + 1))
    assert [p.sealed for p in pages] == [True] * (len(pages) - 1) + [False]
    counted = found.statistics()
    assert counted.events == 1000
    assert [(t.name, t.events) for t in counted.types] == [("trade", 1000)]
    assert (counted.first_sequence, counted.last_sequence) == (1, 1000)


def test_equal_writes_give_equal_files(tmp_path):
    contents = []
    for run in ("a", "b"):
        with Writer(
            tmp_path / run, "venue", "MD", clock=_native.Clock(5), page_size=_native.MIN_PAGE_SIZE
        ) as writer:
            for n in range(500):
                writer.append(trade(n))
        files = sorted(p for p in (tmp_path / run).rglob("*") if p.is_file())
        contents.append([(p.relative_to(tmp_path / run), p.read_bytes()) for p in files])
    assert contents[0] == contents[1]
    assert any(path.suffix == ".index" for path, _ in contents[0])
