"""The format page is right: a reader written from it alone, slow and obvious, agrees with ours."""

import json
import struct
from pathlib import Path

from kungfu_core import events
from kungfu_core.enums import NameKind
from kungfu_core.journal import Reader

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
