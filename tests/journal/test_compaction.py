"""Compressing pages of a journal changes nothing that readers see, and takes less of the disk."""

import json
from pathlib import Path

import pytest

from kungfu_core import _native, events
from kungfu_core.errors import JournalCorrupt
from kungfu_core.home import Home
from kungfu_core.journal import Reader, Writer
from kungfu_core.journal_care import compact, verify

PAGES = 5


@pytest.fixture
def writer(open_writer, clock):
    writer = open_writer()
    n = 0
    while len(writer.journal.pages()) < PAGES:
        n += 1
        clock.set(1_000_000 + n)
        writer.append(events.Trade(instrument=n % 3, price="1.5", trade_id=n))
    return writer


def trade_ids(journal, since=None):
    return [event.trade_id for event in Reader(journal, since=since)]


@pytest.mark.parametrize("plain", [False, True])
def test_a_compacted_journal_reads_as_before(writer, plain):
    writer.close()
    before = trade_ids(writer.journal)
    done = compact(writer.journal, plain=plain)
    assert done.pages == PAGES - 1
    assert done.bytes_after * 4 < done.bytes_before
    assert [page.compressed for page in writer.journal.pages()] == [True] * (PAGES - 1) + [False]
    assert trade_ids(writer.journal) == before
    for n in range(1, len(before), 97):
        assert trade_ids(writer.journal, since=1_000_000 + n) == before[n - 1 :]
    assert list(writer.journal.to_numpy(events.Trade)["trade_id"]) == before
    assert not verify(writer.journal).damaged
    assert compact(writer.journal, plain=plain).pages == 0


def test_a_reader_goes_on_while_its_pages_are_compacted(writer):
    writer.close()
    expected = trade_ids(writer.journal)
    reader = iter(Reader(writer.journal))
    seen = [next(reader).trade_id for _ in range(10)]
    compact(writer.journal)
    assert seen + [event.trade_id for event in reader] == expected


def test_a_compacted_journal_is_written_on(open_writer, writer):
    writer.close()
    count = len(trade_ids(writer.journal))
    compact(writer.journal)
    again = open_writer()
    again.append(events.Trade(trade_id=count + 1))
    assert trade_ids(again.journal) == list(range(1, count + 2))
    assert again.last_sequence == count + 1


def test_pages_are_compressed_behind_the_writer(open_writer, clock):
    writer = open_writer(compress=True)
    n = 0
    while not any(page.compressed for page in writer.journal.pages()):
        n += 1
        writer.append(events.Trade(trade_id=n))
    assert trade_ids(writer.journal) == list(range(1, n + 1))
    writer.close()
    assert trade_ids(writer.journal) == list(range(1, n + 1))


def test_a_damaged_page_is_named_and_stays(writer):
    writer.close()
    page = Path(writer.journal.pages()[1].path)
    data = bytearray(page.read_bytes())
    data[40_000] ^= 1
    page.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=f"{page}: offset "):
        compact(writer.journal)
    assert page.read_bytes() == data
    assert [p.compressed for p in writer.journal.pages()] == [True] + [False] * (PAGES - 1)


def test_a_damaged_compressed_page_is_found_where_it_is(writer):
    writer.close()
    compact(writer.journal)
    page = Path(writer.journal.pages()[1].path)
    data = bytearray(page.read_bytes())
    data[len(data) // 2] ^= 1
    page.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=f"{page}: offset "):
        trade_ids(writer.journal)
    found = verify(writer.journal)
    assert found.damaged
    assert {f.file for f in found.findings if f.kind == "damage"} == {str(page)}


@pytest.fixture
def home(clock, tmp_path):
    root = Home(tmp_path).journal
    with Writer(root, "venue", "MD", clock=clock, page_size=_native.MIN_PAGE_SIZE) as writer:
        while len(writer.journal.pages()) < PAGES:
            writer.append(events.Trade(price="1.5"))
    return tmp_path


def test_the_command_says_how_much_smaller(kungfu):
    done = kungfu("compact", "MD")
    assert done.returncode == 0, done.stderr
    assert f"{PAGES - 1} pages compressed" in done.stdout
    assert "times smaller" in done.stdout
    nothing = {"journal": "journal/venue/MD", "pages": 0, "bytes_before": 0, "bytes_after": 0}
    again = kungfu("compact", "MD", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == [nothing]
