"""A second reader of journals, slow and obvious, written from journal-format.md alone."""

import json
import struct
from pathlib import Path

HEADER = struct.Struct("<8sIIQQQQq64s64s128sIIqq20sI24sQQ48sIIQqqQQ16s")
FRAME = struct.Struct("<QQqqQQQQII")
INDEX = struct.Struct("<8sIIQQQ")
ENTRY = struct.Struct("<qQQ")

_NAMES = """
magic format_version header_length page_size journal page_number first_sequence create_time
source name scope durability clock_source clock_error monotonic_time zeros checksum zeros2
durable_position written_position zeros3 sealed page_checksum frame_count first_time
last_time last_sequence end_offset zeros4
"""
NAMES = _NAMES.split()

TYPE_DEFINITION, PAGE_END = 1, 3
SERVES_THE_PAGE, GAP = 1, 2


def _table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _table()


def crc32c(data, crc=0):
    """CRC32C of the bytes, as RFC 3720 has it."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def read_header(data):
    """Give the header's fields by name, checked."""
    header = dict(zip(NAMES, HEADER.unpack_from(data), strict=True))
    assert header["magic"] == b"KFPAGE\r\n"
    assert (header["format_version"], header["header_length"]) == (2, 512)
    assert header["page_size"] == len(data)
    assert header["checksum"] == crc32c(data[:356])
    assert not any(set(header[z]) - {0} for z in ("zeros", "zeros2", "zeros3", "zeros4"))
    return header


def is_unborn(data):
    """Whether a page was made ahead and has nothing in it."""
    return data[:8] == bytes(8)


def read_page(path):
    """Give (events, types): events as (sequence, gen_time, type name, payload)."""
    data = Path(path).read_bytes()
    header = read_header(data)
    types, events = {}, []
    offset, expected = header["header_length"], header["first_sequence"]
    readable = header["durable_position"] if header["durability"] == 2 else len(data)
    while offset + FRAME.size <= readable:
        commit, sequence, gen_time, *_, kind, flags = FRAME.unpack_from(data, offset)
        if commit == 0:
            assert header["written_position"] <= offset
            break
        length = commit & 0xFFFFFFFF
        place = struct.pack("<QQII", header["journal"], header["page_number"], offset, length)
        assert commit >> 32 == crc32c(place + data[offset + 8 : offset + length]), offset
        payload = data[offset + FRAME.size : offset + length]
        if flags & GAP:
            expected = sequence + 1
        elif not flags & SERVES_THE_PAGE:
            assert sequence == expected
            expected += 1
        if kind == TYPE_DEFINITION:
            types[struct.unpack_from("<I", payload)[0]] = json.loads(payload[8:])["name"]
        if kind == PAGE_END and flags & SERVES_THE_PAGE:
            _check_end(header, data, events, payload, offset)
            break
        if not flags & SERVES_THE_PAGE:
            events.append((sequence, gen_time, types[kind], payload))
        offset += (length + 7) // 8 * 8
    return events, types


def _check_end(header, data, events, payload, offset):
    said = struct.unpack_from("<QQqqQ", payload)
    assert said[4] == header["page_number"] + 1
    assert not any(data[offset + 112 :])
    if not header["sealed"]:
        return
    assert said[0] == header["frame_count"]
    assert said[1:4] == (header["last_sequence"], header["first_time"], header["last_time"])
    assert events[-1][:2] == (header["last_sequence"], header["last_time"])
    assert header["end_offset"] == offset
    assert header["page_checksum"] == crc32c(data[512 : offset + 112])


def read_index(path, header):
    """Give the index's entries (gen_time, sequence, offset), checked."""
    data = Path(path).read_bytes()
    magic, version, checksum, journal, number, count = INDEX.unpack_from(data)
    assert (magic, version) == (b"KFINDEX\n", 2)
    assert (journal, number) == (header["journal"], header["page_number"])
    assert checksum == crc32c(data[16:])
    assert len(data) == INDEX.size + ENTRY.size * count
    return list(ENTRY.iter_unpack(data[INDEX.size :]))
