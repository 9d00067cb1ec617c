"""What happens to files, clocks and processes ends in an event or in an error, also from Python."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.errors import JournalCorrupt, JournalError, JournalLocked
from kungfu_core.journal import Reader, Writer

EVENTS = 1500


def fill(root, count=EVENTS, **options):
    with Writer(root, "venue", "MD", page_size=_native.MIN_PAGE_SIZE, **options) as writer:
        for n in range(count):
            writer.append(events.Log(message=f"event {n} " + "x" * (n % 50)))
    return writer.journal


def message(n):
    return f"event {n} " + "x" * (n % 50)


def spoil(path, kind, place, seed):
    data = path.read_bytes()
    if kind == "cut":
        os.truncate(path, place)
    elif kind == "swapped":
        other = path.with_suffix(".other")
        other.write_bytes(data[:32] + bytes([data[32] ^ 0x55]) + data[33:])
        other.replace(path)
    else:
        with path.open("r+b") as file:
            file.seek(place)
            zeros = bytes(min(4096, len(data) - place))
            file.write(zeros if kind == "zeroed" else bytes([data[place] ^ (1 << seed % 8)]))


@given(
    kind=st.sampled_from(["cut", "zeroed", "flipped", "swapped"]),
    read=st.integers(0, 200),
    part=st.floats(0.1, 0.9),
    seed=st.integers(0, 7),
)
def test_a_file_spoilt_under_a_reader_is_told_with_file_and_offset(
    tmp_path_factory, kind, read, part, seed
):
    journal = fill(tmp_path_factory.mktemp("spoilt"))
    path = Path(journal.pages()[1].path)
    with Reader(journal) as reader:
        taken = [reader.next().message for _ in range(read)]
        assert taken == [message(n) for n in range(read)]
        spoil(path, kind, int(part * 40_000), seed)
        told = ""
        try:
            taken.extend(event.message for event in reader)
        except JournalCorrupt as error:
            told = str(error)
        if not told and kind == "flipped":  # between two frames, where no event stands
            assert taken == [message(n) for n in range(EVENTS)]
            return
        assert re.match(rf"{path}: offset \d+: ", told)
        assert len(taken) < EVENTS
        assert taken == [message(n) for n in range(len(taken))]


def test_an_event_in_hand_survives_what_becomes_of_its_file(tmp_path):
    journal = fill(tmp_path, 20)
    path = Path(journal.pages()[0].path)
    with Reader(journal) as reader:
        kept = [reader.next(), reader.next()]
        os.truncate(path, 0)
        assert [len(event.message) >= 0 for event in kept] == [True, True]
        with pytest.raises(JournalCorrupt):
            list(reader)


def test_a_clock_that_is_set_back_loses_and_hides_nothing(tmp_path):
    clock = _native.Clock(10**15)
    journal = fill(tmp_path, 400, clock=clock)
    clock.set(10**9)
    with Writer(tmp_path, "venue", "MD", page_size=_native.MIN_PAGE_SIZE, clock=clock) as writer:
        assert writer.last_sequence == 400
        writer.append(events.Log(message="later, says the journal"))
        assert writer.last_time == 10**15
    assert [event.sequence for event in Reader(journal)] == list(range(1, 402))


def test_a_file_of_another_format_is_refused_by_name(tmp_path):
    journal = fill(tmp_path, 1)
    path = journal.pages()[0].path
    with Path(path).open("r+b") as file:
        file.seek(8)
        file.write(b"\x09\0\0\0")
    expected = f"{path}: offset 8: format version 9, this program reads version"
    for use in (lambda: list(Reader(journal)), lambda: Writer(tmp_path, "venue", "MD")):
        with pytest.raises(JournalCorrupt) as told:
            use()
        assert str(told.value).startswith(expected)


WRITE_UNTIL_KILLED = """
import sys
from kungfu_core import _native, events
from kungfu_core.journal import Writer
writer = Writer(sys.argv[1], "venue", "MD", page_size=_native.MIN_PAGE_SIZE)
for n in range(10**9):
    writer.append(events.Log(message=f"event {n} " + "x" * (n % 50)))
    if n % 1000 == 999:
        print(writer.last_sequence, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing_and_gives_its_journal_up(tmp_path):
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        committed = int(process.stdout.readline())
        with pytest.raises(JournalLocked, match=f"process {process.pid} has the journal open"):
            Writer(tmp_path, "venue", "MD")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    with Writer(tmp_path, "venue", "MD", page_size=_native.MIN_PAGE_SIZE) as writer:
        assert writer.last_sequence >= committed
        written = writer.last_sequence
    assert [event.message for event in Reader(writer.journal)] == [
        message(n) for n in range(written)
    ]


FORK = """
import os, sys
from kungfu_core import _native, events
from kungfu_core.errors import JournalError
from kungfu_core.journal import Reader, Writer

def fill(writer, count=600):
    for n in range(count):
        writer.append(events.Log(message="x" * 90))

writer = Writer(sys.argv[1], "parent", "MD", page_size=_native.MIN_PAGE_SIZE)
fill(writer)
child = os.fork()
if child == 0:
    try:
        writer.append(events.Log(message="not mine"))
    except JournalError as error:
        print(error, flush=True)
    with Writer(sys.argv[1], "child", "MD", page_size=_native.MIN_PAGE_SIZE) as own:
        fill(own)
    writer.close()
    sys.exit(0)
fill(writer)
assert os.waitpid(child, 0)[1] == 0
fill(writer)
writer.close()
print(sum(1 for _ in Reader(writer.journal)), flush=True)
"""


@pytest.mark.slow
def test_a_fork_leaves_its_parents_journal_alone_and_writes_its_own(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["parent/MD: the writer is closed", "1800"]


def test_a_folder_that_may_not_be_written_is_refused_by_name(tmp_path):
    home = tmp_path / "file"
    home.write_text("no folder")
    with pytest.raises(JournalError, match="cannot make the folder"):
        Writer(home / "journal", "venue", "MD")
