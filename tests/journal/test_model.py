"""Whatever is done to journals, they hold what a plain list would."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from kungfu_core import _native, events
from kungfu_core.journal import Reader, Writer

NAMES = ("MD", "TD")


class JournalsAgainstLists(RuleBasedStateMachine):
    """Two journals, a lasting reader of both, and what each should hold."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="kungfu-model-"))
        self.clock = _native.Clock(0)
        self.model = {name: [] for name in NAMES}
        self.writers = {name: self.open(name) for name in NAMES}
        self.lasting = Reader(*(w.journal for w in self.writers.values()))
        self.taken = []

    def teardown(self):
        for writer in self.writers.values():
            writer.close()
        shutil.rmtree(self.root)

    def open(self, name):
        return Writer(self.root, "venue", name, clock=self.clock, page_size=_native.MIN_PAGE_SIZE)

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

    @rule(name=st.sampled_from(NAMES))
    def reopen(self, name):
        self.writers[name].close()
        self.writers[name] = self.open(name)
        assert self.writers[name].last_sequence == len(self.model[name])

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

    @rule()
    def the_lasting_reader_gets_what_is_new(self):
        self.taken += [(e.journal, e.sequence) for e in self.lasting]
        for name, writer in self.writers.items():
            mine = [sequence for journal, sequence in self.taken if journal == writer.id]
            assert mine == list(range(1, len(self.model[name]) + 1))

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def read_from_a_place(self, name, data):
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
            self.writers[name] = self.open(name)


JournalsAgainstLists.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None
)
TestJournals = JournalsAgainstLists.TestCase
