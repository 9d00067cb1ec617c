"""A journal comes out of an archive as it went in, or not at all."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import threading

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.archive_import import import_archive
from kungfu_core.datasets import Dataset
from kungfu_core.errors import ConfigError, DataError, JournalCorrupt, JournalError, KungfuError
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.journal_archive import write_archive
from kungfu_core.journal_care import verify

DAY = 1_723_161_600_000_000_000


def fill(root, count, *, scope="august", first=0):
    writer = Writer(
        root, "venue", "MD", scope=scope, clock=_native.Clock(DAY + first),
        page_size=_native.MIN_PAGE_SIZE,
    )  # fmt: skip
    for n in range(first, first + count):
        writer.at(DAY + n)
        writer.append(events.Trade(trade_id=n, price="1.5"))
    return writer


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A journal of three pages, and its archive."""
    folder = tmp_path_factory.mktemp("packed")
    with fill(folder / "august", 1500) as writer:
        journal = writer.journal
    assert len(journal.pages()) == 4
    write_archive(journal, folder / "market.tar")
    return journal, folder / "market.tar"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def files_of(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_journal_comes_out_as_it_went_in_with_its_identity(packed, home):
    journal, archive = packed
    taken_in, _ = import_archive(archive, home, "colleague")
    assert taken_in.id == journal.id
    assert list(Reader(taken_in, verify=True)) == list(Reader(journal))
    pages = {n: b for n, b in files_of(home.data / "colleague").items() if "/" in n}
    assert pages == {n: b for n, b in files_of(home.data.parent / journal.root).items() if "/" in n}
    with Writer(taken_in.root, "venue", "MD", scope="august") as writer:
        writer.append(events.Trade(trade_id=1500))
        assert writer.last_sequence == 1501


def test_equal_journals_give_equal_archives(packed, tmp_path):
    with fill(tmp_path / "other", 1500) as writer:
        pass
    write_archive(writer.journal, tmp_path / "other.tar")
    assert (tmp_path / "other.tar").read_bytes() == packed[1].read_bytes()


def test_plain_tools_unpack_and_check_an_archive(packed, tmp_path):
    command = f"tar xf {packed[1]} && sha256sum --check --quiet SHA256SUMS"
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    journal = Journal(tmp_path, "venue", "MD", "august")
    assert list(Reader(journal, verify=True)) == list(Reader(packed[0]))


def test_an_archive_may_be_compressed(packed, home, tmp_path):
    small = tmp_path / "market.tar.gz"
    small.write_bytes(gzip.compress(packed[1].read_bytes()))
    taken_in, _ = import_archive(small, home)
    assert taken_in.root == str(home.data / "august")
    assert len(list(taken_in)) == 1500


def test_a_journal_that_is_being_written_is_archived_as_far_as_it_goes(home, tmp_path):
    writer = fill(tmp_path, 700, scope="")
    write_archive(writer.journal, tmp_path / "live.tar")
    writer.append(events.Trade(trade_id=700))
    taken_in, archive = import_archive(tmp_path / "live.tar", home)
    assert taken_in.root == str(home.data / "live")
    assert [event.trade_id for event in taken_in] == list(range(700))
    assert archive.pages == len(writer.journal.pages())


def test_what_is_committed_while_the_page_is_copied_is_left_out(home, tmp_path, monkeypatch):
    """A frame behind one that was not written yet would look like damage."""
    from kungfu_core import journal_archive

    writer = fill(tmp_path, 5)
    measured = journal_archive._written

    def written_then_more(page):
        end = measured(page)
        fill_more = [writer.append(events.Trade(trade_id=n)) for n in range(5, 9)]
        assert fill_more
        return end

    monkeypatch.setattr(journal_archive, "_written", written_then_more)
    write_archive(writer.journal, tmp_path / "live.tar")
    taken_in, _ = import_archive(tmp_path / "live.tar", home)
    assert [event.trade_id for event in taken_in] == list(range(5))
    assert taken_in.statistics().events == 5


@pytest.mark.parametrize("durability", ["none", "commit"])
@pytest.mark.parametrize("attempt", range(6))
def test_an_archive_of_a_journal_at_full_speed_is_sound(home, tmp_path, durability, attempt):
    with Writer(tmp_path, "venue", "MD", page_size=1 << 20, durability=durability) as writer:
        for _ in range(2000 * attempt):
            writer.append(events.Log(message="before"))

        def write():
            for _ in range(40_000):
                writer.append(events.Log(message="x" * 40))

        thread = threading.Thread(target=write)
        thread.start()
        write_archive(writer.journal, tmp_path / "live.tar")
        thread.join()
    taken_in, _ = import_archive(tmp_path / "live.tar", home)
    assert not verify(taken_in).damaged
    sequences = [event.sequence for event in taken_in]
    assert sequences == list(range(1, len(sequences) + 1))


def test_a_manifest_that_nests_without_end_is_damaged(home, tmp_path):
    text = b"[" * 200_000
    with tarfile.open(tmp_path / "deep.tar", "w") as tar:
        member = tarfile.TarInfo("archive.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    with pytest.raises(DataError, match=r"deep\.tar: archive\.json is damaged"):
        import_archive(tmp_path / "deep.tar", home)


def test_unborn_pages_stay_out_and_compressed_ones_come_along(tmp_path):
    with fill(tmp_path / "august", 1500) as writer:
        first, second, *_, last = writer.journal.pages()
    for page, keep in ((first, False), (second, True)):
        data = (tmp_path / page.path).read_bytes()
        (tmp_path / f"{page.path}.zst").write_bytes(zstandard.compress(data))
        if not keep:
            (tmp_path / page.path).unlink()
    unborn = last.path.replace(f".{last.number}.", f".{last.number + 1}.")
    (tmp_path / unborn).write_bytes(bytes(_native.MIN_PAGE_SIZE))
    write_archive(writer.journal, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        names = [name.rpartition("/")[2] for name in tar.getnames() if "/" in name]
    assert [name for name in names if not name.endswith(".index")] == [
        "MD.1.journal.zst", "MD.2.journal.zst", "MD.3.journal", "MD.4.journal",
    ]  # fmt: skip


def test_a_dataset_takes_its_description_along(home, tmp_path):
    with fill(tmp_path / "august", 3) as writer:
        pass
    described = Dataset(
        tmp_path / "august", "format", "venue", (), {}, {}, ("venue:spot:A",), DAY, DAY + 2
    )
    described.describe(tmp_path / "august")
    write_archive(writer.journal, tmp_path / "a.tar")
    import_archive(tmp_path / "a.tar", home, "september")
    found = Dataset.find(home, "september")
    assert (found.instruments, found.first_time) == (("venue:spot:A",), DAY)


def test_the_scope_that_the_pages_state_is_kept_though_the_journal_was_named_without(
    home, tmp_path
):
    with fill(tmp_path / "august", 3) as writer:
        pass
    write_archive(Journal(tmp_path / "august", "venue", "MD"), tmp_path / "a.tar")
    assert import_archive(tmp_path / "a.tar", home)[0].id == writer.journal.id


def test_nothing_is_overwritten(packed, home):
    journal, archive = packed
    before = archive.read_bytes()
    with pytest.raises(JournalError, match=r"market\.tar exists already"):
        write_archive(journal, archive)
    assert archive.read_bytes() == before
    import_archive(archive, home)
    there = files_of(home.data)
    with pytest.raises(ConfigError, match=r"august exists already.*--as another name"):
        import_archive(archive, home)
    assert files_of(home.data) == there


def test_a_scope_that_no_dataset_can_have_asks_for_a_name(home, tmp_path):
    with fill(tmp_path / "there", 5, scope="runs/7") as writer:
        journal = writer.journal
    archive = tmp_path / "a.tar"
    write_archive(journal, archive)
    with pytest.raises(ConfigError, match=r"a\.tar: dataset name 'runs/7'.*; give one with --as"):
        import_archive(archive, home)
    assert import_archive(archive, home, "seventh")[0].id == journal.id


def test_a_journal_without_pages_is_no_archive(tmp_path):
    with pytest.raises(JournalError, match="no page yet"):
        write_archive(Journal(tmp_path, "venue", "MD"), tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


def test_a_page_with_an_impossible_length_is_not_archived(tmp_path):
    with fill(tmp_path, 5) as writer:
        (page,) = writer.journal.pages()
    with open(page.path, "r+b") as file:  # noqa: PTH123
        file.seek(512)
        file.write(b"\x01\x00\x00\x00")
    with pytest.raises(JournalCorrupt, match=r"MD\.1\.journal: offset 512: no frame is 1 bytes"):
        write_archive(writer.journal, tmp_path / "a.tar")
    assert not list(tmp_path.glob("*a.tar*"))


@given(st.data())
def test_a_damaged_archive_leaves_nothing_behind(packed, tmp_path_factory, data):
    whole = packed[1].read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.tar").write_bytes(damaged)
    home = Home(folder / "home")
    try:
        taken_in, _ = import_archive(folder / "a.tar", home)
    except KungfuError as error:
        assert "a.tar" in str(error)  # noqa: PT017 - damage may also do no harm
        assert not home.data.is_dir() or not list(home.data.iterdir())
    else:  # it was in what tar itself does not need
        assert list(taken_in) == list(packed[0])


def archive_of(path, manifest, files, *, kind=tarfile.REGTYPE):
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files)
    said = {
        "archive": "kungfu journal", "version": 1, "source": "venue", "name": "MD", "scope": "s",
        "files": [{"path": name, "bytes": len(data)} for name, data in files],
    }  # fmt: skip
    said |= manifest
    members = [("archive.json", json.dumps(said).encode()), *files, ("SHA256SUMS", sums.encode())]
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if "journal" in name:
                member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO(data))


PAGE = ("2024-08-09/venue/MD.1.journal", b"page")


@pytest.mark.parametrize(
    ("manifest", "files", "message"),
    [
        ({}, [("../../evil", b"x")], r"'../../evil' is no file of venue/MD"),
        ({}, [("/tmp/evil", b"x")], r"is no file of venue/MD"),
        ({}, [("2024-08-09/venue/../MD.1.journal", b"x")], "is no file"),
        ({"source": "../x"}, [PAGE], "no journal is called"),
        ({"name": "a/b"}, [PAGE], "no journal is called"),
        ({"version": 2}, [PAGE], "archive version 2, expected 1"),
        ({"archive": "something"}, [PAGE], "is no archive of a journal"),
        ({"files": "none"}, [PAGE], r"archive\.json is damaged"),
        ({"scope": None}, [PAGE], r"archive\.json is damaged: scope is no text"),
        ({"surprise": 1}, [PAGE], r"archive\.json is damaged"),
        ({}, [], "expected pages"),
        ({}, [PAGE, PAGE], "each once"),
        ({}, [PAGE], r"MD\.1\.journal"),  # no page inside
        ({"files": [{"path": PAGE[0], "bytes": 5}]}, [PAGE], "of 5 bytes, found .* of 4"),
        ({"files": [{"path": PAGE[0], "bytes": -1}]}, [PAGE], "cannot have -1 bytes"),
        ({}, [(PAGE[0].replace("1.j", f"{2**64}.j"), b"x")], "is no file of venue/MD"),
        ({}, [(PAGE[0].replace("1.j", "0.j"), b"x")], "is no file of venue/MD"),
    ],
)
def test_an_archive_that_lies_is_refused_and_writes_nothing(
    home, tmp_path, manifest, files, message
):
    archive_of(tmp_path / "a.tar", manifest, files)
    with pytest.raises(KungfuError, match=message):
        import_archive(tmp_path / "a.tar", home)
    assert [p.name for p in tmp_path.iterdir() if p.name != "home"] == ["a.tar"]
    assert not home.data.is_dir() or not list(home.data.iterdir())


def test_a_link_in_the_place_of_a_page_is_refused(home, tmp_path):
    archive_of(tmp_path / "a.tar", {}, [PAGE], kind=tarfile.SYMTYPE)
    with pytest.raises(DataError, match=r"expected .*MD\.1\.journal"):
        import_archive(tmp_path / "a.tar", home)


def test_pages_of_another_journal_are_refused(packed, home, tmp_path):
    page = next(iter(packed[0].pages()))
    with open(page.path, "rb") as file:  # noqa: PTH123
        archive_of(tmp_path / "a.tar", {}, [(PAGE[0], file.read())])
    with pytest.raises(DataError, match="holds s/venue/MD, its pages are august/venue/MD's"):
        import_archive(tmp_path / "a.tar", home)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b\x08 not gzip", bytes(10_240)])
def test_a_foreign_file_is_named(home, tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar is no archive of a journal"):
        import_archive(tmp_path / "a.tar", home)


def test_a_file_that_is_not_there_is_named(home, tmp_path):
    with pytest.raises(DataError, match=r"cannot import .*: .*a\.tar: No such file"):
        import_archive(tmp_path / "a.tar", home)
