"""The format page is right: a reader written from it alone, slow and obvious, agrees with ours."""

import json
import re
import struct
from pathlib import Path

from kungfu_core import _native, events
from kungfu_core.enums import LogLevel, NameKind
from kungfu_core.journal import Reader, Writer

HEADER = struct.Struct("<8sIIQQQQq64s64s128sI")
FRAME = struct.Struct("<QQqqQQQQII")


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read_page(path):
    """Give (events, types): events as (sequence, gen_time, type name, payload)."""
    data = Path(path).read_bytes()
    magic, version, length, size, journal, number, *_, checksum = HEADER.unpack_from(data)
    assert magic == b"KFPAGE\r\n"
    assert (version, length, size) == (1, 512, len(data))
    assert checksum == crc32c(data[:312])
    types, events, offset = {}, [], length
    while offset + FRAME.size <= size:
        commit, sequence, gen_time, *_, kind, flags = FRAME.unpack_from(data, offset)
        if commit == 0:
            break
        frame_length, frame_crc = commit & 0xFFFFFFFF, commit >> 32
        place = struct.pack("<QQII", journal, number, offset, frame_length)
        assert frame_crc == crc32c(place + data[offset + 8 : offset + frame_length])
        payload = data[offset + FRAME.size : offset + frame_length]
        if kind == 1:
            file_number = struct.unpack_from("<I", payload)[0]
            types[file_number] = json.loads(payload[8:])["name"]
        if kind == 3:
            break
        if not flags & 1:
            events.append((sequence, gen_time, types[kind], payload))
        offset += (frame_length + 7) // 8 * 8
    return events, types


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
    page = Path(writer.journal.pages()[0].path)
    data = page.with_suffix(".index").read_bytes()
    magic, version, checksum, journal, number, count = struct.unpack_from("<8sIIQQQ", data)
    assert (magic, version, journal, number) == (b"KFINDEX\n", 1, writer.id, 1)
    assert checksum == crc32c(data[16:])
    assert len(data) == 40 + 24 * count
    page_data = page.read_bytes()
    for gen_time, sequence, offset in struct.iter_unpack("<qQQ", data[40:]):
        assert FRAME.unpack_from(page_data, offset)[1:3] == (sequence, gen_time)
    assert count == 4
