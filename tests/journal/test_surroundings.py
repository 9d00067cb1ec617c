"""Other programs, processes and threads around a journal take nothing from it unnoticed."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kungfu_core import _native, events
from kungfu_core.errors import JournalCorrupt, JournalError, JournalLocked
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.journal_care import compact, prune, repair, verify
from kungfu_core.schema import EventType, Field
from kungfu_core.views import view_class

HOUR = 3_600_000_000_000


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def fill(root, count, **options):
    with Writer(root, "venue", "MD", page_size=_native.MIN_PAGE_SIZE, **options) as writer:
        for n in range(count):
            writer.append(events.Log(message=f"{n} " + "x" * 80))
    return writer.journal


OPEN_WITHOUT_DESCRIPTORS = """
import os, resource, sys
from kungfu_core.errors import JournalError
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.journal_care import prune, repair, verify
journal = Journal(sys.argv[1], "venue", "MD")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    os.close(held.pop())
def said(use):
    try:
        return repr(use())
    except JournalError as error:
        return str(error)
told = [said(lambda: Writer(sys.argv[1], "venue", "MD"))]
held.append(os.open(os.devnull, os.O_RDONLY))
told += [said(journal.pages), said(lambda: list(Reader(journal))), said(journal.names)]
told += [said(lambda: prune(journal, most_bytes=1)), said(lambda: repair(journal))]
for descriptor in held:
    os.close(descriptor)
print(*told, sep="\\n")
print(verify(journal).events, Writer(sys.argv[1], "venue", "MD").last_sequence)
"""


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path):
    fill(tmp_path, 5)
    done = subprocess.run(
        [sys.executable, "-c", OPEN_WITHOUT_DESCRIPTORS, tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    *told, sound = done.stdout.splitlines()
    assert len(told) == 6, done.stderr
    assert [line for line in told if "cannot be listed: Too many open files" not in line] == []
    assert sound == "5 5"


def test_two_files_that_are_the_same_page_are_told(tmp_path):
    journal = fill(tmp_path, 5)
    page = Path(journal.pages()[0].path)
    other = tmp_path / "2030-01-01" / "venue" / page.name
    other.parent.mkdir(parents=True)
    shutil.copy(page, other)
    (finding,) = verify(journal).findings
    assert (finding.file, finding.what) == (str(other), f"{page} is that page, too")
    for use in (
        lambda: Writer(tmp_path, "venue", "MD"),
        lambda: list(Reader(journal)),
        journal.pages,
        lambda: repair(journal),
    ):
        with pytest.raises(JournalCorrupt, match="is that page, too"):
            use()


def test_a_backup_made_by_the_writing_process_leaves_it_the_only_writer(tmp_path):
    with Writer(tmp_path / "home", "venue", "MD") as writer:
        writer.append(events.Log(message="first"))
        shutil.copytree(tmp_path / "home", tmp_path / "backup")
        program = "import sys; from kungfu_core.journal import Writer; "
        program += "Writer(sys.argv[1], 'venue', 'MD')"
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "home"],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert f"JournalLocked: {tmp_path}/home/.venue.MD.lock: process {os.getpid()} has" in (
            done.stderr
        )
        with pytest.raises(JournalLocked, match="another writer of this process"):
            Writer(tmp_path / "home", "venue", "MD")


def test_a_smaller_page_size_than_the_definitions_need_is_refused(tmp_path):
    options = {"durability": "interval", "page_size": 1 << 20}
    with Writer(tmp_path, "venue", "MD", **options) as writer:
        for n in range(3000):
            writer.define_name(1, 1000 + n, f"{n} " + "n" * 50)
        writer.append(events.Log(message="kept"))
    with pytest.raises(JournalError, match=r"venue/MD: its types, .* expected a larger page size"):
        Writer(tmp_path, "venue", "MD", **(options | {"page_size": 1 << 16}))
    with Writer(tmp_path, "venue", "MD", **options) as writer:
        assert writer.append(events.Log(message="more")) == writer.last_sequence


def numbered(name, *fields, version=1):
    fields = tuple(Field(f, "i64", "A number.") for f in fields)
    return view_class(EventType(name, version, "A test's.", fields, number=1000))


def test_a_type_is_more_than_its_number(tmp_path):
    alpha, beta = numbered("alpha", "a", "b"), numbered("beta", "p")
    newer = numbered("beta", "p", "q", version=2)
    with Writer(tmp_path, "venue", "A", event_classes=[alpha]) as writer:
        writer.append(alpha(a=7, b=8))
    (read,) = Journal(tmp_path, "venue", "A")
    with Writer(tmp_path, "venue", "B", event_classes=[beta]) as writer:
        for event in (alpha(a=1, b=2), read, newer(p=1, q=2)):
            name = event.__event_type__.name
            with pytest.raises(JournalError, match=f"event type {name} was not given"):
                writer.append(event)
        with pytest.raises(JournalError, match="event type alpha was not given"):
            writer.emitter(alpha.__event_type__)
        writer.append(beta(p=5))
    assert [event.p for event in Journal(tmp_path, "venue", "B")] == [5]


def test_a_reader_that_waits_in_one_thread_is_not_used_in_another(tmp_path):
    journal = fill(tmp_path, 1)
    with Reader(journal) as reader:
        assert reader.next() is not None
        found = []

        def read_meanwhile():
            while waiting.is_alive():
                reader.next()

        waiting = threading.Thread(target=lambda: found.append(reader.wait(30)))
        with Writer(tmp_path, "venue", "MD") as writer:
            waiting.start()
            with pytest.raises(JournalError, match="another thread is in the reader"):
                read_meanwhile()
            writer.append(events.Log(message="more"))
            waiting.join()
        assert found == [True]
        assert reader.next().message == "more"


def test_the_source_folder_says_that_it_is_not_the_installed_package(tmp_path):
    source = Path(__file__).parents[2] / "kungfu_core"
    shutil.copytree(source, tmp_path / "kungfu_core", ignore=shutil.ignore_patterns("_native*.so"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from kungfu_core import _native"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].startswith(
        f"ImportError: {tmp_path}/kungfu_core is kungfu's source, without its compiled core: start"
    )


@pytest.mark.parametrize("read", ["to_numpy", "to_arrow", "to_polars"])
def test_a_flipped_bit_stops_tables_too(tmp_path, read):
    with Writer(tmp_path, "venue", "MD") as writer:
        for n in range(100):
            writer.append(events.Trade(trade_id=n, price="1.5"))
    journal = writer.journal
    assert len(getattr(journal, read)("trade")) == 100
    path = Path(journal.pages()[0].path)
    data = bytearray(path.read_bytes())
    data[data.rindex((60).to_bytes(8, "little"))] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=f"{path}: offset"):
        getattr(journal, read)("trade")
    assert len(journal.to_numpy("trade", verify=False)) == 100


def test_ls_goes_on_past_a_damaged_journal(kungfu, home):
    journal = fill(home / "journal", 5)
    with Writer(home / "journal", "broker", "BROKER") as writer:
        writer.append(events.Log(message="sound"))
    with Path(journal.pages()[0].path).open("r+b") as file:
        file.seek(60)
        file.write(b"x")
    done = kungfu("ls")
    assert done.returncode == 1
    assert "broker/BROKER" in done.stdout
    assert "offset 356: the page header fails its checksum; see `kungfu journal verify" in (
        done.stderr
    )


def test_a_closed_reader_takes_no_more_journals(tmp_path):
    journal = fill(tmp_path, 1)
    reader = Reader()
    reader.close()
    with pytest.raises(JournalError, match="the reader is closed"):
        reader.add(journal)


def test_a_page_that_cannot_be_read_is_named(kungfu, home):
    journal = fill(home / "journal", 5)
    page = Path(journal.pages()[0].path)
    page.unlink()
    page.symlink_to(page)  # not even root reads it
    done = kungfu("export", "MD", "--format", "archive", "--output", home / "x.tar")
    assert (done.returncode, done.stderr) == (
        1, f"error: {page}: Too many levels of symbolic links\n",
    )  # fmt: skip


def test_a_doorbell_that_is_cut_costs_nobody_more_than_time(tmp_path):
    with Writer(tmp_path, "venue", "MD") as writer:
        writer.append(events.Log(message="first"))
        with Reader(writer.journal) as reader:
            assert reader.next().message == "first"
            assert not reader.wait(0.001)
            os.truncate(tmp_path / ".doorbell", 0)
            writer.append(events.Log(message="second"))
            assert reader.wait(30)
            assert reader.next().message == "second"


def test_the_last_time_there_is_hides_no_event(tmp_path):
    with Writer(tmp_path, "venue", "MD", clock=_native.Clock(HOUR)) as writer:
        writer.at(2**63 - 1)
        with pytest.raises(JournalError, match=r"venue/MD: generation time 9223372036854775807: "):
            writer.append(events.Log(message="refused"))
        for time in (2 * HOUR, -5, 2**63 - 2):
            writer.at(time)
            writer.append(events.Log(message=str(time)))
    assert [event.message for event in writer.journal] == [str(2 * HOUR), "-5", str(2**63 - 2)]


def test_a_page_that_another_compressed_first_is_done(tmp_path):
    journal = fill(tmp_path, 2000)
    raw = journal.pages()[0].path
    compact(journal)
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*.zst")}
    _native.compact_page(raw, True)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.zst")} == before
    assert len(list(Reader(journal))) == 2000


def test_a_damaged_definition_is_told_with_file_and_offset(tmp_path):
    journal = fill(tmp_path, 5)
    path = Path(journal.pages()[-1].path)
    data = bytearray(path.read_bytes())
    data[data.index(b'"kind"') + 1] = 0xBC
    path.write_bytes(data)
    for use in (journal.names, lambda: list(Reader(journal)), journal.statistics):
        try:
            use()
        except JournalCorrupt as error:
            assert str(error).startswith(f"{path}: offset ")  # noqa: PT017
    assert verify(journal).damaged


def test_a_child_that_closes_its_parents_reader_leaves_the_page_protected(tmp_path):
    journal = fill(tmp_path, 3000)
    with Reader(journal) as reader:
        assert reader.next().sequence == 1
        program = os.fork()
        if program == 0:
            reader.close()
            os._exit(0)
        os.waitpid(program, 0)
        assert "is being read" in prune(journal, most_bytes=1).kept
        assert [event.sequence for event in reader] == list(range(2, 3001))
