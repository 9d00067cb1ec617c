"""Damage of any kind is found where it is, and a repair costs no event that was intact."""

import shutil
import tempfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.errors import JournalLocked
from kungfu_core.journal import Journal, Reader, Writer
from kungfu_core.journal_care import prune, repair, verify

HEADER = 512
FRAME = 72
DAY = 86_400_000_000_000


def write(root, sizes):
    """Write an event for each size at a time of its own; its message says its sequence."""
    clock = _native.Clock(1)
    with Writer(root, "venue", "MD", clock=clock, page_size=_native.MIN_PAGE_SIZE) as writer:
        for number, size in enumerate(sizes, 1):
            clock.set(number)
            writer.append(events.Log(message=f"{number}:" + "x" * size))
    return writer.journal


def frames(journal):
    """Give (file, begin, end, sequence) of every frame, read here from the bytes alone."""
    for page in journal.pages():
        data = Path(page.path).read_bytes()
        offset = HEADER
        while length := int.from_bytes(data[offset : offset + 4], "little"):
            end = offset + -(-length // 8) * 8
            yield page.path, offset, end, int.from_bytes(data[offset + 8 : offset + 16], "little")
            if data[offset + 64] == 3:
                break
            offset = end


def readable(journal):
    """Give the sequences that a verifying reader finds; each event must be the one it was."""
    sequences = []
    with Reader(journal, verify=True) as reader:
        for event in reader:
            if isinstance(event, events.Log):
                assert event.message.startswith(f"{event.sequence}:")
            sequences.append(event.sequence)
    return sequences


def files(root):
    return {p: p.read_bytes() for p in Path(root).rglob("*") if p.is_file()}


@contextmanager
def folder():
    root = tempfile.mkdtemp(prefix="kungfu-care-", dir="/dev/shm")
    try:
        yield Path(root)
    finally:
        shutil.rmtree(root)


class Original:
    """What is written once; said in short, since Hypothesis prints it."""

    def __init__(self, *parts):
        self.parts = parts

    def __repr__(self):
        return "the original"


@pytest.fixture(scope="module")
def original():
    """A journal of some pages with events of all sizes, and what stands where."""
    with folder() as root:
        journal = write(root, [n * 37 % 900 for n in range(700)])
        pages = [page.path for page in journal.pages()]
        yield Original(root, [Path(p).relative_to(root) for p in pages], list(frames(journal)))


DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "zero", "junk", "cut", "swap", "delete"]),
        st.integers(0, 20),
        st.integers(0, _native.MIN_PAGE_SIZE - 1),
        st.integers(1, 2000),
    ),
    min_size=1,
    max_size=3,
)


def inflict(paths, damage):
    """Damage a page; tell which of its bytes are gone, or None for all of them."""
    kind, page, place, size = damage
    path = paths[page]
    if kind == "delete":
        path.unlink(missing_ok=True)
        return None
    if not path.exists():
        return range(0)
    data = bytearray(path.read_bytes())
    if kind == "swap":
        other = paths[(page + 1) % len(paths)]
        if other.exists():
            path.write_bytes(other.read_bytes())
            other.write_bytes(data)
        return range(0)
    if kind == "cut":
        path.write_bytes(data[:place])
        return range(place, _native.MIN_PAGE_SIZE)
    end = min(len(data), place + (1 if kind == "flip" else size))
    for n in range(place, end):
        data[n] = data[n] ^ 1 << size % 8 if kind == "flip" else 0 if kind == "zero" else size % 256
    path.write_bytes(data)
    return range(place, end)


@given(damages=DAMAGES)
def test_a_repair_costs_only_the_events_that_were_damaged(original, damages):
    root, names, places = original.parts
    damages = [(kind, page % len(names), *rest) for kind, page, *rest in damages]
    # A swap moves what a later damage means; one at a time then.
    damages = [d for d in damages if d[0] == "swap"][:1] or damages
    with folder() as copy:
        shutil.copytree(root, copy / "j")
        journal = Journal(copy / "j", "venue", "MD")
        paths = [copy / "j" / name for name in names]
        before = files(copy / "j")
        lost = set()
        for damage in damages:
            gone = inflict(paths, damage)
            name = str(names[damage[1]])
            lost |= {
                sequence
                for file, begin, end, sequence in places
                if file.endswith(name) and sequence
                and (gone is None or (gone and gone.start < end and begin < gone.stop))
            }  # fmt: skip
        if files(copy / "j") == before:
            return
        mended = repair(journal)
        assert not mended.after.damaged, mended
        there = readable(journal)
        assert all(a < b for a, b in pairwise(there))
        kept = [sequence for *_, sequence in places if sequence and sequence not in lost]
        # Where the last page is gone nothing tells that it was there.
        cut_off = any(kind == "delete" and page == len(names) - 1 for kind, page, *_ in damages)
        end = there[-1] if cut_off else places[-1][-1]
        assert {sequence for sequence in kept if sequence <= end} <= set(there), mended
        again = files(copy / "j")
        assert repair(journal).steps == ()
        assert files(copy / "j") == again


@given(data=st.data())
def test_every_damaged_frame_is_found_where_it_is(original, data):
    root, _, places = original.parts
    file, begin, _, sequence = data.draw(st.sampled_from(places))
    length = int.from_bytes(Path(file).read_bytes()[begin : begin + 4], "little")
    place = data.draw(st.integers(begin, begin + length - 1))
    with folder() as copy:
        shutil.copytree(root, copy / "j")
        path = copy / "j" / Path(file).relative_to(root)
        content = bytearray(path.read_bytes())
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        found = verify(Journal(copy / "j", "venue", "MD"))
        damage = [f for f in found.findings if f.kind == "damage"]
        assert [(f.file, f.offset) for f in damage] == [(str(path), begin)]
        assert not sequence or damage[0].first_sequence == sequence


def test_a_sound_journal_is_not_touched(original):
    root, names, places = original.parts
    before = files(root)
    journal = Journal(root, "venue", "MD")
    found = verify(journal)
    assert found.findings == ()
    assert (found.pages, found.events) == (len(names), sum(1 for *_, s in places if s))
    assert repair(journal).steps == ()
    assert files(root) == before


def test_the_work_done_is_reported(original):
    root, names, _ = original.parts
    told = []
    verify(Journal(root, "venue", "MD"), lambda done, total: told.append((done, total)))
    assert len(told) == len(names)
    assert told[-1][0] == told[-1][1] == len(names) * _native.MIN_PAGE_SIZE


def test_a_journal_is_not_repaired_while_it_is_written(tmp_path):
    with Writer(tmp_path, "venue", "MD", clock=_native.Clock(1)) as writer:
        writer.append(events.Log(message="1"))
        assert verify(writer.journal).findings == ()
        with pytest.raises(JournalLocked, match="has the journal open"):
            repair(writer.journal)


def test_pruning_by_age_and_size_deletes_the_oldest_pages_and_never_the_last(tmp_path):
    journal = write(tmp_path, [500] * 700)
    pages = journal.pages()
    assert len(pages) > 5
    tried = prune(journal, before=pages[2].first_time, dry_run=True)
    assert [p.path for p in tried.pages] == [p.path for p in pages[:2]]
    assert journal.pages() == pages
    done = prune(journal, before=pages[2].first_time)
    assert done == tried
    assert journal.pages() == pages[2:]
    assert not list(tmp_path.rglob("MD.1.*"))
    size = done.bytes_left - 1
    assert [p.number for p in prune(journal, most_bytes=size).pages] == [3]
    assert readable(journal)[0] == pages[3].first_sequence
    prune(journal, before=10**18)
    assert journal.pages() == pages[-1:]
    assert verify(journal).findings == ()


def test_a_page_that_somebody_reads_is_kept_with_all_behind_it(tmp_path):
    journal = write(tmp_path, [500] * 700)
    pages = journal.pages()
    with Reader(journal, since=pages[2].first_time) as reader:
        next(iter(reader))
        done = prune(journal, before=10**18)
        assert [p.number for p in done.pages] == [1, 2]
        assert done.kept == f"{pages[2].path}: is being read"
        assert sum(1 for _ in reader) > 100
    assert len(prune(journal, before=10**18).pages) == len(pages) - 3


def test_folders_that_pruning_empties_are_gone(tmp_path):
    clock = _native.Clock(1)
    with Writer(tmp_path, "venue", "MD", clock=clock, page_size=_native.MIN_PAGE_SIZE) as writer:
        for n in range(300):
            clock.set(n * DAY // 50)
            writer.append(events.Log(message="x" * 500))
    folders = {Path(page.path).parent.parent for page in writer.journal.pages()}
    assert len(folders) > 1
    prune(writer.journal, before=10**18)
    (kept,) = {Path(page.path).parent.parent for page in writer.journal.pages()}
    assert [folder for folder in folders if folder.exists()] == [kept]


def test_a_damaged_compressed_page_is_told_and_never_written(tmp_path):
    journal = write(tmp_path, [500] * 300)
    page = Path(journal.pages()[0].path)
    _native.compress_page(str(page), True)
    page.unlink()
    assert verify(journal).findings == ()
    packed = page.with_suffix(".journal.zst")
    data = bytearray(packed.read_bytes())
    data[len(data) // 3] ^= 1
    packed.write_bytes(data)
    damage = [f for f in verify(journal).findings if f.kind == "damage"]
    assert damage[0].file == str(packed)
    done = repair(journal)
    assert done.after.damaged
    assert {step.kind for step in done.steps} == {"damage"}
    assert packed.read_bytes() == data
