"""Whatever is done to journals, they hold what a plain list would."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from kungfu_core import _native, events
from kungfu_core.journal import DURABILITIES, Reader, Writer

NAMES = ("MD", "TD")


class JournalsAgainstLists(RuleBasedStateMachine):
    """Two journals, lasting readers of both, and what each should hold."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="kungfu-model-"))
        self.clock = _native.Clock(0)
        self.model = {name: [] for name in NAMES}
        self.durability = {}
        self.writers = {name: self.open(name) for name in NAMES}
        self.lasting = [LastingReader(self)]

    def teardown(self):
        for writer in self.writers.values():
            writer.close()
        shutil.rmtree(self.root)

    def open(self, name, durability="none"):
        return Writer(
            self.root, "venue", name, clock=self.clock, page_size=_native.MIN_PAGE_SIZE,
            durability=durability, sync_interval=100_000,
        )  # fmt: skip

    def let_readers_see(self):
        """Wait for the disk where readers do."""
        for name, writer in self.writers.items():
            if self.durability.get(name, "none") != "none":
                writer.wait_until_durable()

    def expect(self, name, writer, message, time):
        held = self.model[name]
        previous = held[-1][1] if held else 0
        held.append((len(held) + 1, max(time, previous), message))
        assert writer.last_sequence == len(held)
        assert writer.last_time == held[-1][1]

    @rule(name=st.sampled_from(NAMES), size=st.integers(0, 3000), count=st.integers(1, 30))
    def append(self, name, size, count):
        writer = self.writers[name]
        for n in range(count):
            message = f"{n}" * (size // 2)
            writer.append(events.Log(message=message))
            self.expect(name, writer, message, self.clock.now())

    @rule(name=st.sampled_from(NAMES), time=st.integers(0, 10**15))
    def import_at(self, name, time):
        self.reopen(name)  # a writer that was told times keeps them until it is closed
        writer = self.writers[name]
        writer.at(time)
        writer.append(events.Log(message="imported"))
        self.expect(name, writer, "imported", time)
        self.reopen(name)

    @rule(by=st.integers(1, 10**14))
    def time_passes(self, by):
        self.clock.set(self.clock.now() + by)

    @rule(name=st.sampled_from(NAMES), durability=st.sampled_from(DURABILITIES))
    def reopen(self, name, durability="none"):
        self.writers[name].close()
        self.writers[name] = self.open(name, durability)
        self.durability[name] = durability
        assert self.writers[name].last_sequence == len(self.model[name])

    @rule(name=st.sampled_from(NAMES), by=st.integers(1, 10**14))
    def the_clock_is_set_back_between_two_writers(self, name, by):
        self.clock.set(max(self.clock.now() - by, 0))
        self.reopen(name)

    @rule(by=st.integers(1, 10**14))
    def the_clock_is_set_back(self, by):
        self.clock.set(max(self.clock.now() - by, 0))

    @rule(name=st.sampled_from(NAMES))
    def too_large(self, name):
        try:
            self.writers[name].append(events.Log(message="x" * _native.MIN_PAGE_SIZE))
        except OSError as error:
            assert "does not fit" in str(error)  # noqa: PT017
        else:
            raise AssertionError("too large an event was taken")

    @rule()
    def lose_the_indexes(self):
        for index in self.root.rglob("*.index"):
            index.unlink()

    @precondition(lambda self: len(self.lasting) < 4)
    @rule()
    def one_more_reads(self):
        self.lasting.append(LastingReader(self))

    @rule(data=st.data())
    def a_lasting_reader_gets_what_is_new(self, data):
        self.let_readers_see()
        data.draw(st.sampled_from(self.lasting)).take_all()

    @rule(data=st.data())
    def a_lasting_reader_seeks(self, data):
        self.let_readers_see()
        times = [time for held in self.model.values() for _, time, _ in held] or [0]
        time = data.draw(st.one_of(st.sampled_from(times), st.integers(0, 10**15)))
        data.draw(st.sampled_from(self.lasting)).seek(time)

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def read_from_a_place(self, name, data):
        self.let_readers_see()
        held, journal = self.model[name], self.writers[name].journal
        times = [time for _, time, _ in held] or [0]
        since = data.draw(st.one_of(st.sampled_from(times), st.integers(0, 10**15)))
        with Reader(journal, since=since) as reader:
            assert [e.sequence for e in reader] == [s for s, time, _ in held if time >= since]
        after = data.draw(st.integers(0, len(held) + 2))
        with Reader() as reader:
            reader.add(journal, after=after)
            assert [e.sequence for e in reader] == [s for s, _, _ in held if s > after]

    @precondition(lambda self: any(self.model.values()))
    @rule()
    def both_merge_by_time(self):
        self.let_readers_see()
        with Reader(*(w.journal for w in self.writers.values()), verify=True) as reader:
            got = [(e.gen_time, e.journal, e.sequence, e.message) for e in reader]
        ids = [w.id for w in self.writers.values()]
        expected = sorted(
            (time, ids.index(self.writers[name].id), sequence, message)
            for name, held in self.model.items() for sequence, time, message in held
        )  # fmt: skip
        assert got == [(t, ids[i], s, m) for t, i, s, m in expected]

    @rule()
    def nothing_half_made_is_left_by_writers_that_closed(self):
        for writer in self.writers.values():
            writer.close()
        assert not list(self.root.glob(".*.page"))
        assert {str(path) for path in self.root.rglob("*.journal")} == {
            page.path for writer in self.writers.values() for page in writer.journal.pages()
        }
        for name in self.writers:
            self.reopen(name)


class LastingReader:
    """A reader of all journals of a machine, and the sequences that it should give next."""

    def __init__(self, machine):
        self.machine = machine
        self.reader = Reader(*(w.journal for w in machine.writers.values()))
        self.next = dict.fromkeys(NAMES, 1)

    def take_all(self):
        taken = {writer.id: [] for writer in self.machine.writers.values()}
        for event in self.reader:
            taken[event.journal].append(event.sequence)
        for name, writer in self.machine.writers.items():
            held = self.machine.model[name]
            assert taken[writer.id] == list(range(self.next[name], len(held) + 1))
            self.next[name] = max(self.next[name], len(held) + 1)

    def seek(self, time):
        self.reader.seek_time(time)
        for name, held in self.machine.model.items():
            later = [sequence for sequence, at, _ in held if at >= time]
            self.next[name] = later[0] if later else len(held) + 1
        self.take_all()
        # What comes later may still be before that time, and would be gone past.
        self.reader.seek_time(0)
        self.next = dict.fromkeys(NAMES, 1)


JournalsAgainstLists.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None
)
TestJournals = JournalsAgainstLists.TestCase
