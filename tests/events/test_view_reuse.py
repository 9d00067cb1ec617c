"""One view is handed out again and again; one that somebody kept stays as it was."""

import gc
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import events
from kungfu_core._native import MIN_PAGE_SIZE, Clock
from kungfu_core.journal import Journal, Reader, Writer

COUNT = 2000


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """More events than a page holds, so that pages come and go under the views."""
    root = tmp_path_factory.mktemp("views")
    clock = Clock(1)
    with Writer(root, "venue", "MD", clock=clock, page_size=MIN_PAGE_SIZE) as writer:
        for number in range(COUNT):
            clock.set(number + 1)
            writer.append(events.Trade(instrument=1, price=number, size="1"))
    return Journal(root, "venue", "MD")


def test_nobody_keeps_anything_then_few_objects_serve_all_events(journal):
    with Reader(journal) as reader:
        seen = {id(event) for event in reader}
    assert len(seen) <= 2


@given(kept=st.sets(st.integers(0, COUNT - 1), max_size=50))
def test_what_is_kept_stays_as_it_was(journal, kept):
    """Whichever events are kept, also past the pages that they stood in and past the reader."""
    with Reader(journal) as reader:
        held = {n: event for n, event in enumerate(reader) if n in kept}
    assert {n: event.price for n, event in held.items()} == {n: float(n) for n in kept}
    assert {event.sequence for event in held.values()} == {n + 1 for n in kept}
    assert len({id(event) for event in held.values()}) == len(kept)


def test_reading_allocates_nothing_that_stays(journal):
    """Blocks of memory before and after are as many, however many events were read."""
    with Reader(journal) as reader:
        for event in reader:
            if event.sequence > 100:
                break
        del event
        gc.collect()
        before = sys.getallocatedblocks()
        for event in reader:
            if event.sequence > 1800:
                break
        del event
        assert sys.getallocatedblocks() - before < 20
