"""The page on compressed pages is right: a reader written from it alone gives back the page."""

import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.enums import LogLevel, Side
from kungfu_core.errors import JournalCorrupt, JournalError
from kungfu_core.journal import Writer

ENTRY = struct.Struct("<QQQQqqIIII")
TRAILER = struct.Struct("<8sIIQII")
MAGIC = bytes.fromhex("28b52ffd")
COLUMNS, ZEROS = 1, 2
WORD = 2**64


def table_of_crc32c():
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        yield value


CRC_TABLE = tuple(table_of_crc32c())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Columns:
    """Takes numbers, values and columns from the bytes of a block."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        result = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result

    def column(self):
        """Give the function that takes a column's next value, where one is expected."""
        mode = self.data[self.at]
        self.at += 1

        def value(expected):
            if mode == 2:
                return expected
            number = self.number()
            told = (number >> 1) ^ -(number & 1)
            return (told + (expected if mode == 1 else 0)) % WORD

        return value

    def take(self, size):
        self.at += size
        return self.data[self.at - size : self.at]


def rows_of(data, place, begin):
    """Give the rows that columns tell; `place` is journal and page, `begin` the block's offset."""
    block = Columns(data)
    count = block.number()
    groups = [[block.number() for _ in range(4)] for _ in range(block.number())]
    series = [block.number() for _ in range(block.number())]
    frames = [{"series": block.number(), "words": {}} for _ in range(count)]
    value = block.column()
    for frame, previous in with_previous(frames):
        frame["length"] = value(previous["length"] if previous else 0)
    take_times(block, frames)
    for number, group in enumerate(groups):
        take_group(block, group, [f for f in frames if series[f["series"]] == number])
    assert block.at == len(data)
    rows = b""
    for frame in frames:
        rows += row_of(frame, place, begin + len(rows))
    return rows


def with_previous(frames):
    """Give each frame and the one before in its series."""
    last = {}
    for frame in frames:
        yield frame, last.get(frame["series"])
        last[frame["series"]] = frame


def take_times(block, frames):
    value, expected = block.column(), 0
    for frame in frames:
        frame["sequence"] = value(expected)
        expected = frame["sequence"] + 1
    value, expected = block.column(), 0
    for frame in frames:
        frame["gen_time"] = expected = value(expected)
    value = block.column()
    for frame in frames:
        frame["trigger_time"] = value(frame["gen_time"])


def take_group(block, group, frames):
    kind, flags, fixed, item_words = group
    for word in range(4 + fixed):
        value = block.column()
        for frame, previous in with_previous(frames):
            frame["words"][word] = value(previous["words"][word] if previous else 0)
    for frame in frames:
        frame["kind"], frame["flags"] = kind, flags
        whole = (frame["length"] - 8 * fixed) // (8 * item_words) if item_words else 0
        frame["items"] = [[0] * item_words for _ in range(whole)]
    for word in range(item_words):
        value, expected = block.column(), 0
        for item in (item for frame in frames for item in frame["items"]):
            item[word] = expected = value(expected)
    for frame in frames:
        told = 8 * fixed + 8 * item_words * len(frame["items"])
        frame["rest"] = block.take(frame["length"] - told)


def row_of(frame, place, offset):
    """Give a frame as it stands at an offset of its page."""
    times = [frame[name] for name in ("sequence", "gen_time", "trigger_time")]
    words = list(frame["words"].values())
    body = struct.pack("<7QII", *times, *words[:4], frame["kind"], frame["flags"])
    payload = [*words[4:], *(word for item in frame["items"] for word in item)]
    body += struct.pack(f"<{len(payload)}Q", *payload) + frame["rest"]
    length = 8 + len(body)
    crc = crc32c(place + struct.pack("<II", offset, length) + body)
    return struct.pack("<II", length, crc) + body + bytes(-length % 8)


def read_compressed(path):
    """Give the page that a compressed page holds."""
    data = Path(path).read_bytes()
    magic, version, count, page_size, zero, checksum = TRAILER.unpack(data[-32:])
    index = data[-32 - 64 * count : -32]
    assert (magic, version, zero) == (b"KFPACK\r\n", 1, 0)
    assert checksum == crc32c(index + data[-32:-4])
    frame = len(data) - 32 - len(index) - 8
    assert data[frame : frame + 8] == struct.pack("<II", 0x184D2A5B, len(index) + 32)
    page, at = b"", 0
    for begin, end, offset, _, _, _, length, crc, _, flags in ENTRY.iter_unpack(index):
        assert (begin, offset) == (len(page), at)
        packed = data[offset : offset + length]
        unpack = zstandard.ZstdDecompressor().decompress
        if flags == COLUMNS:
            rows = rows_of(unpack(MAGIC + packed), page[24:40], begin)
        else:
            rows = unpack(packed)
            assert flags == 0 or (flags == ZEROS and not any(rows))
        assert len(rows) == end - begin
        assert flags == ZEROS or crc == crc32c(rows)
        page, at = page + rows, offset + length
    assert (len(page), at) == (page_size, frame)
    return page


LEVELS = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 10**12), st.sampled_from(Side)), max_size=9
)
EVENTS = st.one_of(
    st.builds(
        events.Trade,
        instrument=st.integers(1, 3),
        time=st.integers(-(2**63), 2**63 - 1),
        price=st.decimals(0, 10**6, places=2),
        trade_id=st.integers(0, 2**64 - 1),
    ),
    st.builds(events.Quote, instrument=st.integers(1, 3), bid_size=st.integers(0, 99)),
    st.builds(events.BookDelta, instrument=st.integers(1, 3), levels=LEVELS),
    st.builds(events.Log, level=st.sampled_from(LogLevel), message=st.text(max_size=200)),
)


def sealed_page(root, some_events):
    """Write the events again and again until a page is full, and give its path."""
    size = _native.MIN_PAGE_SIZE
    with Writer(root, "venue", "MD", clock=_native.Clock(1_000_000), page_size=size) as writer:
        while len(writer.journal.pages()) < 2:
            for event in some_events:
                writer.append(event)
    (path,) = Path(root).glob("*/venue/MD.1.journal")
    return path


@pytest.mark.parametrize("columns", [False, True])
@settings(max_examples=10)
@given(some_events=st.lists(EVENTS, min_size=1, max_size=30))
def test_a_reader_written_from_the_page_gives_back_every_page(
    tmp_path_factory, columns, some_events
):
    page = sealed_page(tmp_path_factory.mktemp("journal"), some_events)
    _native.compress_page(str(page), columns)
    assert read_compressed(f"{page}.zst") == page.read_bytes()


def test_any_zstd_gives_back_a_page_without_columns(tmp_path):
    page = sealed_page(tmp_path, [events.Trade(trade_id=7)])
    _native.compress_page(str(page), columns=False)
    with Path(f"{page}.zst").open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        assert reader.read() == page.read_bytes()


def test_any_zstd_refuses_a_page_with_columns(tmp_path):
    page = sealed_page(tmp_path, [events.Trade(trade_id=7)])
    _native.compress_page(str(page), columns=True)
    with Path(f"{page}.zst").open("rb") as file, pytest.raises(zstandard.ZstdError):
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()


def test_an_open_page_is_refused_by_name(tmp_path):
    with Writer(tmp_path, "venue", "MD", clock=_native.Clock(1_000_000)) as writer:
        writer.append(events.Trade(trade_id=7))
        (page,) = tmp_path.glob("*/venue/MD.1.journal")
        with pytest.raises(JournalError, match=f"{page}: only a sealed page can be compressed"):
            _native.compress_page(str(page), columns=True)


def test_a_damaged_page_is_refused_by_file_and_offset(tmp_path):
    page = sealed_page(tmp_path, [events.Trade(trade_id=7)])
    with page.open("r+b") as file:
        file.seek(512 + 16)
        file.write(b"\xff")
    with pytest.raises(JournalCorrupt, match=f"{page}: offset 512: a damaged frame"):
        _native.compress_page(str(page), columns=True)
