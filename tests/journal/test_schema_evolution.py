"""A program reads, continues and tabulates journals that hold other versions of its event types."""

import json
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kungfu_core import _native
from kungfu_core.errors import JournalError
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.journal import Journal, Reader, Writer, merged_event_classes
from kungfu_core.schema import NONE_EXPONENT, EventType, Field, Tail
from kungfu_core.schema_reading import event_type_of
from kungfu_core.views import Event, view_class


class Mood(IntEnum):
    """As version 1 knew it."""

    GOOD = 1
    BAD = 2


class LaterMood(IntEnum):
    """As version 2 knows it."""

    GOOD = 1
    BAD = 2
    MIXED = 3


FIRST = (Field("strength", "u64", ""), Field("mood", "enum", "", Mood))
SECOND = (
    FIRST[0],
    Field("mood", "enum", "", LaterMood),
    Field("price", "number", "", since=2),
    Field("flag", "bool", "", since=2),
    Field("fee", "money", "", since=2),
    Field("venue", "text", "", width=5, since=2),
)
TAIL = Tail("note", "text", "")


def signal(version, fields, tail=TAIL, number=1000):
    return view_class(EventType("signal", version, "", fields, tail, number))


OLD, NEW = signal(1, FIRST), signal(2, SECOND)


def old_events(count):
    return [OLD(strength=n, mood=1 + n % 2, note="x" * (n % 3)) for n in range(count)]


def new_events(count):
    return [
        NEW(
            strength=n,
            mood=3,
            price=f"{n}.5",
            flag=True,
            fee="-1.25",
            venue="here",
            note="y" * (n % 3),
        )
        for n in range(count)
    ]


@pytest.fixture
def write(open_writer):
    def write_some(events, name="MD"):
        with open_writer(name, event_classes=[*EVENT_CLASSES, type(events[0])]) as writer:
            for event in events:
                writer.append(event)
        return writer.journal

    return write_some


def test_fields_that_the_file_lacks_are_zero_or_absent(write):
    journal = write(old_events(50))
    read = list(Reader(journal, event_classes=[NEW]))
    assert [bytes(e) for e in read] == [
        bytes(NEW(strength=n, mood=1 + n % 2, note="x" * (n % 3))) for n in range(50)
    ]
    event = read[4]
    assert (event.strength, event.mood, event.note) == (4, LaterMood.GOOD, "x")
    assert (event.price_exact, event.fee_exact, event.flag, event.venue) == (None, None, False, "")
    assert event.sequence == 5


def test_fields_that_the_program_lacks_are_not_seen(write):
    journal = write(new_events(50))
    read = list(Reader(journal, event_classes=[OLD]))
    assert [bytes(e) for e in read] == [
        bytes(OLD(strength=n, mood=3, note="y" * (n % 3))) for n in range(50)
    ]
    assert read[0].mood == 3  # as any value that the vocabulary does not name
    assert not hasattr(read[0], "price")


def test_events_that_are_kept_stay_what_they_were(write):
    """The reader converts into memory that it uses again."""
    journal = write(old_events(9))
    events = iter(Reader(journal, event_classes=[NEW]))
    first = next(events)
    second = next(events)
    kept = [first, second, *events]
    assert [e.strength for e in kept] == list(range(9))


def test_joined_journals_of_different_versions_are_read_as_one(write):
    journals = write(old_events(20), "A"), write(new_events(20), "B")
    for event_class in (OLD, NEW):
        read = list(Reader(*journals, event_classes=[event_class]))
        assert {type(e) for e in read} == {event_class}
        assert sorted(e.strength for e in read) == sorted([*range(20)] * 2)


@pytest.mark.parametrize("events", [(old_events, new_events), (new_events, old_events)])
def test_a_writer_of_another_version_goes_on(write, events):
    before, after = events
    write(before(30))
    journal = write(after(30))
    for event_class in (OLD, NEW):
        read = [e for e in Reader(journal, event_classes=[event_class]) if type(e) is event_class]
        assert [e.strength for e in read] == [*range(30), *range(30)]
    versions = {(t.name, t.version): t.events for t in journal.statistics().types}
    assert versions["signal", 1] == versions["signal", 2] == 30


def test_a_version_read_is_appended_as_the_one_of_this_program(write, open_writer):
    source = write(old_events(5))
    with open_writer("COPY", event_classes=[NEW]) as writer:
        for event in Reader(source, event_classes=[NEW]):
            writer.append(event)
    assert [e.price_exact for e in writer.journal] == [None] * 5
    assert [e.strength for e in writer.journal] == [*range(5)]


def test_a_journal_gives_one_class_for_all_versions_of_a_type(write):
    write(old_events(3))
    journal = write(new_events(3))
    (found,) = (c for c in journal.event_classes() if c.__event_type__.name == "signal")
    assert found.__event_type__.version == 2
    assert journal.event_class("signal") is found
    assert [e.price_exact for e in journal.where("signal")] == [None] * 3 + [
        Decimal("0.5"), Decimal("1.5"), Decimal("2.5"),
    ]  # fmt: skip


def test_journals_read_as_one_have_one_class_for_all_versions(write):
    journals = write(old_events(2), "A"), write(new_events(2), "B")
    merged = [c for c in merged_event_classes(journals) if c.__event_type__.name == "signal"]
    assert [c.__event_type__.version for c in merged] == [2]


def changed_core_type(declared):
    """The core's own type as a later program might have it."""
    fields = (*declared.fields, Field("extra", "number", "", since=2))
    return EventType(declared.name, 2, "", fields, declared.tail, declared.number)


@pytest.mark.parametrize(
    "own",
    [c for c in EVENT_CLASSES if c.__event_type__.number >= 10 and c.__name__ != "Instrument"],
    ids=lambda c: c.__name__,
)
def test_every_core_type_can_get_a_later_version(open_writer, own):
    """A program of today reads what a later one wrote, as its own class."""
    later = view_class(changed_core_type(own.__event_type__))
    with open_writer(event_classes=EVENT_CLASSES) as writer:
        writer.append(own())
    with open_writer(event_classes=[later]) as writer:
        writer.append(later(extra=7))
    journal = writer.journal
    assert {
        c for c in journal.event_classes() if c.__event_type__.name == later.__event_type__.name
    } == {own}
    assert list(journal.where(own)) == [own(), own()]
    assert [e.extra_exact for e in Reader(journal, event_classes=[later]) if type(e) is later] == [
        None,
        7,
    ]


@pytest.mark.parametrize(
    "own", [c for c in EVENT_CLASSES if c.__event_type__.number in {1, 2, 3, 20}]
)
def test_a_type_of_the_format_can_not(open_writer, own):
    later = view_class(changed_core_type(own.__event_type__))
    with open_writer(event_classes=EVENT_CLASSES) as writer:
        writer.append(EVENT_CLASSES[6]())
    with pytest.raises(JournalError, match=f"{own.__event_type__.name} version 2 and version 1"):
        open_writer(event_classes=[later])
    with pytest.raises(JournalError, match="more than appended fields"):
        list(Reader(writer.journal, event_classes=[later]))


def test_columns_have_the_layout_of_the_class(write):
    write(new_events(40))
    write(old_events(40))
    journal = write(new_events(40))
    rows = journal.to_numpy(NEW)
    assert rows["strength"].tolist() == [*range(40)] * 3
    assert rows["price"].tolist() == [10 * n + 5 for n in range(40)] + [0] * 40 + [
        10 * n + 5 for n in range(40)
    ]
    assert set(rows["price_exponent"][40:80]) == {NONE_EXPONENT}
    assert journal.to_numpy(OLD)["mood"].tolist() == [3] * 40 + [1, 2] * 20 + [3] * 40
    part = journal.to_numpy(NEW, since=rows["gen_time"][0])
    assert np.array_equal(part, rows)


def test_tables_have_nulls_for_what_older_events_lack(write):
    write(old_events(2))
    table = write(new_events(2)).to_arrow(NEW)
    assert table["price"].to_pylist() == [None, None, 0.5, 1.5]
    assert table["fee_exact"].to_pylist() == [None, None, "-1.25", "-1.25"]
    assert table["note"].to_pylist() == ["", "x", "", "y"]


WRITE = """
import json, sys
from kungfu_core.journal import Writer
from kungfu_core.schema_reading import event_type_of
from kungfu_core.views import view_class

root, schema, values = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
event_class = view_class(event_type_of(schema, 1000))
with Writer(root, "venue", "MD", event_classes=[event_class], page_size=65536) as writer:
    for value in values:
        writer.append(event_class(**value))
"""


def test_a_program_goes_on_with_the_journal_of_its_predecessor(tmp_path):
    """Each in a process of its own, with its own version of the same plugin's type."""
    for event_class, values in (
        (OLD, [{"strength": 1, "mood": 2, "note": "old"}]),
        (NEW, [{"strength": 2, "mood": 3, "price": "1.25", "note": "new"}]),
    ):
        command = [
            sys.executable,
            "-c",
            WRITE,
            str(tmp_path),
            event_class.__event_type__.schema,
            json.dumps(values),
        ]
        subprocess.run(command, check=True, cwd=tmp_path)
    (one, two) = (e for e in Journal(tmp_path, "venue", "MD") if hasattr(e, "strength"))
    assert (one.strength, one.price_exact, one.note) == (1, None, "old")
    assert (two.strength, two.price_exact, two.note) == (2, Decimal("1.25"), "new")


@pytest.mark.parametrize(
    "changed",
    [
        signal(2, (Field("strength", "i64", ""), FIRST[1])),
        signal(2, (FIRST[1], FIRST[0])),
        signal(2, FIRST[:1]),
        signal(
            2, (*FIRST, Field("late", "u64", ""))
        ),  # not told as appended, so laid out among the others
        signal(2, (Field("power", "u64", ""), FIRST[1])),
        signal(2, FIRST, Tail("note", "bytes", "")),
        signal(2, FIRST, None),
        signal(2, (FIRST[0], Field("mood", "enum", "", IntEnum("Mood", {"BAD": 1, "GOOD": 2})))),
    ],
    ids=["kind", "order", "fewer", "in between", "name", "tail's kind", "no tail", "meaning"],
)
def test_a_change_that_does_more_than_append_is_refused(write, open_writer, changed):
    journal = write(old_events(1))
    with pytest.raises(
        JournalError, match="signal version 1 in this file and version 2 in this program"
    ):
        list(Reader(journal, event_classes=[changed]))
    with pytest.raises(JournalError, match="such a change needs a new name"):
        open_writer(event_classes=[changed])
    assert [e.strength for e in journal] == [0]  # as the journal itself describes it


def test_a_program_may_know_both_versions(write):
    write(old_events(2))
    journal = write(new_events(2))
    newer = signal(2, SECOND, number=1001)
    read = [e for e in Reader(journal, event_classes=[OLD, newer]) if type(e) is not Event]
    assert [type(e) for e in read] == [OLD, OLD, newer, newer]


def test_appended_fields_are_declared_in_order_of_their_versions():
    for fields, version in (
        ((Field("a", "u8", "", since=2), Field("b", "u8", "")), 2),
        ((Field("a", "u8", "", since=3),), 2),
        ((Field("a", "u8", "", since=0),), 2),
    ):
        with pytest.raises(ValueError, match="expected ascending versions from 1 to 2"):
            EventType("signal", version, "", fields)


KINDS = st.sampled_from(
    ["u8", "i8", "u16", "i32", "u32", "i64", "u64", "bool", "id", "time", "number", "money", "text"]
)


@st.composite
def histories(draw):
    """The fields of a type over its versions, each with the ones before."""
    fields, versions = (), []
    for version in range(1, draw(st.integers(2, 4)) + 1):
        added = draw(st.lists(st.tuples(KINDS, st.integers(1, 9)), max_size=4))
        fields += tuple(
            Field(
                f"f{len(fields) + i}", kind, "", width=width if kind == "text" else 0, since=version
            )
            for i, (kind, width) in enumerate(added)
        )
        versions.append(fields)
    return versions


def value_of(field, number):
    if field.kind == "text":
        return str(number)[: field.width]
    return f"{number}.25" if field.kind in {"number", "money"} else number % 2


@settings(max_examples=60)
@given(histories(), st.lists(st.integers(0, 99), min_size=1, max_size=8), st.data())
def test_whatever_is_appended_every_version_reads_every_other(history, numbers, data):
    tail = data.draw(st.sampled_from([None, TAIL]))
    classes = [signal(n, fields, tail) for n, fields in enumerate(history, 1)]
    order = data.draw(st.permutations(range(len(classes))))
    root = Path(tempfile.mkdtemp(prefix="kungfu-evolution-"))
    try:
        written = []
        for n in order:
            with Writer(root, "venue", "MD", clock=_native.Clock(1), event_classes=[classes[n]],
                        page_size=_native.MIN_PAGE_SIZE) as writer:  # fmt: skip
                for number in numbers:
                    values = {f.name: value_of(f, number) for f in history[n]}
                    values |= {"note": str(number)} if tail else {}
                    writer.append(classes[n](**values))
                    written.append((number, values))
        for reading in classes:
            event_type = reading.__event_type__
            there = {f.name for f in event_type.fields} | {"note"}
            expected = [
                reading(**{k: v for k, v in values.items() if k in there}) for _, values in written
            ]
            read = [
                e
                for e in Reader(writer.journal, event_classes=[reading], verify=True)
                if type(e) is reading
            ]
            assert read == expected
            rows = writer.journal.to_numpy(reading)
            fixed = [bytes(e)[: event_type.size] for e in expected]
            assert [row.tobytes()[_native.FRAME_HEADER_SIZE :] for row in rows] == fixed
        made = event_type_of(classes[-1].__event_type__.schema, 1000)
        assert made.members == classes[-1].__event_type__.members
    finally:
        shutil.rmtree(root)
