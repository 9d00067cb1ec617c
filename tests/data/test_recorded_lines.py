"""Files of recorded messages give their lines, or one error that names file and line."""

import gzip

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kungfu_core.errors import DataError
from kungfu_core.recorded_lines import lines, merged_lines

T = 1_723_161_254_000_000_000
LINES = [f'{T + i} {{"n":{i}}}\n'.encode() for i in range(5000)]


def two_frames(data):
    middle = len(data) // 2
    compress = zstandard.ZstdCompressor().compress
    return compress(data[:middle]) + compress(data[middle:])


PACKED = {
    "plain": bytes,
    "gzip": gzip.compress,
    "two gzip members": lambda d: gzip.compress(d[:1000]) + gzip.compress(d[1000:]),
    "zstandard": zstandard.ZstdCompressor(write_checksum=True).compress,
    "two zstandard frames": two_frames,
}


@pytest.mark.parametrize("packing", PACKED)
def test_compression_is_told_from_the_content(packing, tmp_path):
    path = tmp_path / "recording"
    path.write_bytes(PACKED[packing](b"".join(LINES)))
    found = list(lines(path))
    assert len(found) == 5000
    assert found[7] == (T + 7, 0, 8, b'{"n":7}')


@pytest.mark.parametrize("packing", ["gzip", "zstandard"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.01, 0.99))
def test_compressed_file_that_is_cut_off_is_an_error(packing, share, tmp_path):
    data = PACKED[packing](b"".join(LINES))
    path = tmp_path / "cut.gz"
    path.write_bytes(data[: max(5, int(len(data) * share))])
    with pytest.raises(DataError, match=r"cut\.gz: after line \d+: .* cut off or damaged"):
        list(lines(path))


@pytest.mark.parametrize("packing", ["gzip", "zstandard"])
def test_damaged_compressed_file_is_an_error(packing, tmp_path):
    data = bytearray(PACKED[packing](b"".join(LINES)))
    data[len(data) // 2] ^= 0xFF
    data[len(data) // 2 + 1] ^= 0xFF
    path = tmp_path / "bad"
    path.write_bytes(data)
    with pytest.raises(DataError, match="bad"):
        list(lines(path))


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"x {}", b"-5 {}", b"1723161254 {}", b"1723161254000 {}", b" {}",
     b"99999999999999999999999 {}", ("\u0661" * 19 + " {}").encode(), b"\xff\xfe {}"],
)  # fmt: skip
def test_line_without_a_receive_time_in_ns_is_an_error_that_names_it(line, tmp_path):
    path = tmp_path / "recording.txt"
    path.write_bytes(LINES[0] + line + b"\n")
    with pytest.raises(DataError, match=r"recording\.txt: line 2: expected the receive time"):
        list(lines(path))


def test_empty_and_missing_files_are_errors(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(DataError, match="empty: the file is empty"):
        list(lines(empty))
    with pytest.raises(DataError, match="missing: cannot be read: No such file"):
        list(lines(tmp_path / "missing"))
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        list(lines(tmp_path))


def test_files_are_merged_by_receive_time_and_else_by_their_order(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"".join(f"{T + i} a{i}\n".encode() for i in (0, 2, 4)))
    second.write_bytes(b"".join(f"{T + i} b{i}\n".encode() for i in (1, 2, 3)))
    merged = [line[3] for line in merged_lines([first, second], lambda _: None)]
    assert merged == [b"a0", b"b1", b"a2", b"b2", b"b3", b"a4"]


def test_progress_counts_every_byte_of_the_files(tmp_path):
    path = tmp_path / "recording.gz"
    path.write_bytes(gzip.compress(b"".join(LINES)))
    told = []
    for _ in lines(path, 0, told.append):
        pass
    assert sum(told) == path.stat().st_size


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"]))
def test_random_bytes_give_lines_or_a_data_error(tmp_path, content, magic):
    path = tmp_path / "anything"
    path.write_bytes(magic + content)
    try:
        list(lines(path))
    except DataError as error:
        assert "anything" in str(error)  # noqa: PT017
