"""An import makes a whole dataset or nothing, and the same dataset every time."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kungfu_core.datasets import Dataset
from kungfu_core.errors import ConfigError, DataError, PluginError
from kungfu_core.events import Instrument, Trade
from kungfu_core.importing import import_recordings
from kungfu_core.journal import Journal, Reader

NAME = "tape:spot:ABCXYZ"
T = 1_723_161_254_000_000_000


def recording(folder, name="tape.gz", rows=((T, "1.5", "2"), (T + 5, "1.6", "3"))):
    path = folder / name
    text = "".join(f"{time} {json.dumps([price, size])}\n" for time, price, size in rows)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def events(dataset):
    with Reader(Journal(dataset.folder, dataset.source, "MD")) as reader:
        return list(reader)


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_dataset_holds_definitions_first_then_every_event_at_its_receive_time(
    home, formats, tmp_path
):
    dataset = import_recordings(home, formats, [recording(tmp_path)])
    instrument, *trades = events(dataset)
    assert isinstance(instrument, Instrument)
    assert (instrument.name, instrument.gen_time) == (NAME, T)
    assert all(isinstance(trade, Trade) for trade in trades)
    assert [(str(t.price_exact), t.gen_time, t.trigger_time) for t in trades] == [
        ("1.5", T, T),
        ("1.6", T + 5, T + 5),
    ]


def test_generation_time_is_held_back_where_the_recorders_clock_runs_backwards(
    home, formats, tmp_path
):
    path = recording(tmp_path, rows=((T + 9, "1", "1"), (T, "1", "1"), (T + 10, "1", "1")))
    _, *trades = events(import_recordings(home, formats, [path]))
    assert [(t.gen_time - T, t.trigger_time - T) for t in trades] == [(9, 9), (9, 0), (10, 10)]


def test_description_says_what_was_imported(home, formats, tmp_path):
    dataset = import_recordings(home, formats, [recording(tmp_path)], name="mine")
    assert dataset == Dataset.find(home, "mine") == Dataset.load(home.data / "mine")
    assert (dataset.messages, dataset.events) == ({"tape": 2}, {"instrument": 1, "trade": 2})
    assert (dataset.instruments, dataset.format) == ((NAME,), "tape")
    assert (dataset.first_time, dataset.last_time) == (T, T + 5)
    assert [file.name for file in dataset.files] == ["tape.gz"]


def test_equal_imports_give_equal_files(home, formats, tmp_path):
    path = recording(tmp_path, rows=[(T + i, "1.5", "2") for i in range(3000)])
    first = import_recordings(home, formats, [path])
    before = files(first.folder)
    other = type(home)(tmp_path / "other")
    second = import_recordings(other, formats, [path])
    assert before == files(second.folder)
    assert any(name.suffix == ".journal" for name in before)


def test_files_of_one_time_interleave_and_files_in_a_row_follow(home, formats, tmp_path):
    one = recording(tmp_path, "one.gz", [(T, "1", "1"), (T + 4, "5", "1")])
    two = recording(tmp_path, "two.gz", [(T + 1, "2", "1"), (T + 2, "3", "1")])
    dataset = import_recordings(home, formats, [one, two])
    assert dataset.name == "one"
    assert [t.price for t in events(dataset)[1:]] == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%d not json\n" % T, "line 3: not a tape message"),
        (b'%d ["1","-2"]\n' % T, "line 3: size must not be negative, not '-2'"),
        (b'17 ["1","2"]\n', "line 3: expected the receive time"),
        (b'%d ["1","x"]\n' % T, "line 3: .*size"),
        (b'%d ["1e-200","1"]\n' % T, "line 3: .*price"),
    ],
)
def test_bad_line_is_one_error_and_leaves_nothing(content, said, home, formats, tmp_path):
    good = import_recordings(home, formats, [recording(tmp_path)])
    before = files(home.root)
    bad = tmp_path / "bad.txt"
    bad.write_bytes(gzip.decompress(recording(tmp_path).read_bytes()) + content)
    with pytest.raises(DataError, match=rf"bad\.txt: {said}"):
        import_recordings(home, formats, [bad])
    assert files(home.root) == before
    assert sorted(p.name for p in home.data.iterdir()) == [good.name]


def test_truncated_file_is_one_error_and_leaves_nothing(home, formats, tmp_path):
    path = recording(tmp_path, rows=[(T + i, "1.5", "2") for i in range(3000)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"tape\.gz: after line \d+: .* cut off or damaged"):
        import_recordings(home, formats, [path])
    assert list(home.data.iterdir()) == []


def test_taken_name_is_refused_and_says_what_stands_there(home, formats, tmp_path):
    path = recording(tmp_path)
    dataset = import_recordings(home, formats, [path])
    before = files(dataset.folder)
    with pytest.raises(ConfigError, match=rf"'tape' exists: {NAME} from 2024-08-08.*same file"):
        import_recordings(home, formats, [path])
    later = recording(tmp_path, "later.gz", [(T + 10, "1", "1")])
    with pytest.raises(ConfigError, match="choose another --name"):
        import_recordings(home, formats, [later], name="tape")
    assert files(dataset.folder) == before


def test_file_given_twice_is_refused(home, formats, tmp_path):
    path = recording(tmp_path)
    with pytest.raises(DataError, match="has the same content as"):
        import_recordings(home, formats, [path, recording(tmp_path, "copy.gz")])


def test_format_that_cannot_be_told_is_an_error_that_says_which_there_are(
    home, formats, ambiguous, tmp_path
):
    foreign = tmp_path / "foreign.txt"
    foreign.write_bytes(b'%d {"x":1}\n' % T)
    with pytest.raises(DataError, match=r"fit no known format \(known: other, tape\)"):
        import_recordings(home, formats, [foreign])
    with pytest.raises(DataError, match="'tape' and 'twin'; say which with --format"):
        import_recordings(home, ambiguous, [recording(tmp_path)])
    with pytest.raises(PluginError, match="did you mean 'tape'"):
        import_recordings(home, formats, [recording(tmp_path)], format_name="tapes")
    assert import_recordings(home, ambiguous, [recording(tmp_path)], format_name="twin")


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "x" * 101])
def test_name_that_is_no_folder_name_is_refused(name, home, formats, tmp_path):
    with pytest.raises(ConfigError, match="dataset name"):
        import_recordings(home, formats, [recording(tmp_path)], name=name)


def test_unknown_dataset_says_which_there_are(home, formats, tmp_path):
    with pytest.raises(ConfigError, match="there is none yet"):
        Dataset.find(home, "tape")
    import_recordings(home, formats, [recording(tmp_path)])
    with pytest.raises(ConfigError, match="datasets there: tape"):
        Dataset.find(home, "tap")


IMPORT_FOREVER = """
import signal
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import conftest
from kungfu_core.home import Home
from kungfu_core.importing import import_recordings
from kungfu_core.registry import Registry

class Slow(conftest.TapeReader):
    def receive(self, message):
        super().receive(message)
        print("writing", flush=True)
        sys.stdin.read()

conftest.TapeReader = Slow
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
import_recordings(Home(Path({home!r})), Registry("recording format", [conftest.tape("tape")]),
                  [Path({file!r})])
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_import_leaves_no_dataset_and_the_next_one_clears_up(how, home, formats, tmp_path):
    path = recording(tmp_path)
    code = IMPORT_FOREVER.format(
        here=str(Path(__file__).parent), home=str(home.root), file=str(path)
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    assert child.stdout.readline() == b"writing\n"
    with pytest.raises(ConfigError, match="another import is writing"):
        import_recordings(home, formats, [path])
    child.send_signal(how)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert not (home.data / "tape").exists()
    dataset = import_recordings(home, formats, [path])
    assert len(events(dataset)) == 3
    assert [p.name for p in home.data.iterdir()] == ["tape"]


def test_home_that_cannot_be_written_is_one_error(home, formats, tmp_path):
    home.root.write_text("a file in the way")
    with pytest.raises(ConfigError, match="cannot write in the home"):
        import_recordings(home, formats, [recording(tmp_path)])


def test_the_only_format_says_what_is_wrong_with_the_first_message(home, alone, tmp_path):
    """Where there is no choice, "no known format" would hide the reason."""
    path = tmp_path / "tape.txt"
    path.write_bytes(b"%d nonsense\n" % T)
    with pytest.raises(DataError, match=r"tape\.txt: line 1: not a tape message"):
        import_recordings(home, alone, [path])


def test_what_can_be_read_only_once_is_refused_at_once(home, formats, tmp_path):
    """An import would wait for ever for a second writer of the pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="no regular file: a recording is read more than once"):
        import_recordings(home, formats, [pipe])
