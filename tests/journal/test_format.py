"""The format page is right: a reader written from it alone, slow and obvious, agrees with ours."""

import re
from pathlib import Path

from format_reader import FRAME, is_unborn, read_header, read_index, read_page

from kungfu_core import _native, events
from kungfu_core.enums import LogLevel, NameKind
from kungfu_core.journal import Reader, Writer


def test_a_reader_written_from_the_documented_format_agrees(open_writer):
    writer = open_writer()
    writer.define_name(int(NameKind.SOURCE), 5, "venue")
    for n in range(700):
        writer.append(
            events.Trade(price="1.5", trade_id=n) if n % 3 else events.Log(message="x" * (n % 50))
        )
    by_hand = [event for page in writer.journal.pages() for event in read_page(page.path)[0]]
    ours = [
        (e.sequence, e.gen_time, type(e).__event_type__.name, bytes(e))
        for e in Reader(writer.journal)
    ]
    assert len(ours) == 701
    assert by_hand == ours


def test_the_documented_dump_is_what_is_written(tmp_path):
    document = Path(__file__).parents[2] / "docs" / "reference" / "journal-format.md"
    dumped = re.findall(
        r"^ *(\d+)  ((?:[0-9a-f]{2} ){15}[0-9a-f]{2}) ", document.read_text(), re.MULTILINE
    )
    with Writer(
        tmp_path, "venue", "MD", clock=_native.Clock(1_723_161_600_000_000_000),
        page_size=65536, event_classes=[events.TypeDefinition, events.Log],
    ) as writer:  # fmt: skip
        writer.append(events.Log(level=LogLevel.INFO, message="hi"))
    data = (tmp_path / "2024-08-09/venue/MD.1.journal").read_bytes()
    assert len(dumped) > 12
    for offset, line in dumped:
        assert data[int(offset) : int(offset) + 16] == bytes.fromhex(line), offset


def test_the_documented_index_is_what_is_written(open_writer):
    writer = open_writer(page_size=256 * 1024)
    for n in range(4000):
        writer.append(events.Trade(price="1.5", trade_id=n))
    writer.close()
    page = Path(writer.journal.pages()[0].path)
    page_data = page.read_bytes()
    entries = read_index(page.with_suffix(".index"), read_header(page_data))
    for gen_time, sequence, offset in entries:
        assert FRAME.unpack_from(page_data, offset)[1:3] == (sequence, gen_time)
    assert len(entries) == 4


def test_the_page_made_ahead_is_unborn_until_its_first_event_stands_in_it(open_writer):
    writer = open_writer()
    folder = Path(writer.journal.root)
    made_ahead = 0
    while len(writer.journal.pages()) < 4:
        writer.append(events.Trade(price="1.5", trade_id=1))
        born = {page.path for page in writer.journal.pages()}
        for path in set(map(str, folder.rglob("*.journal"))) - born:
            made_ahead += 1
            assert is_unborn(Path(path).read_bytes())
    assert made_ahead > 0
    writer.close()
    assert len(list(folder.rglob("*.journal"))) == 4
