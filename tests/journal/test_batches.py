"""Rows of an array are appended as if they were events appended one at a time."""

import re
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.columns import dtype_of, payload_dtype_of
from kungfu_core.errors import JournalError
from kungfu_core.event_types import BOOK_DELTA, TRADE, EventType
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.journal import Journal, Reader, Writer

PAYLOAD = payload_dtype_of(TRADE)
FRAME = dtype_of(TRADE)
WITHOUT_TAIL = [
    c for c in EVENT_CLASSES if c.__event_type__.tail is None and c is not events.PageEnd
]


def trades(count, dtype=PAYLOAD):
    rows = np.zeros(count, dtype)
    rows["price"] = np.arange(count) + 100
    rows["price_exponent"] = -2
    rows["trade_id"] = np.arange(count)
    return rows


def test_rows_read_as_the_events_that_they_say(open_writer):
    writer = open_writer()
    assert writer.extend(events.Trade, trades(2000)) == 2000
    read = [(e.sequence, e.price, e.trade_id, e.gen_time, e.source) for e in Reader(writer.journal)]
    source = _native.id_of("venue")
    assert read == [(n + 1, (n + 100) / 100, n, 1_000_000, source) for n in range(2000)]
    assert writer.last_sequence == 2000


@pytest.mark.parametrize("event_class", WITHOUT_TAIL, ids=lambda c: c.__name__)
def test_payloads_of_every_type_survive_byte_by_byte(tmp_path, event_class):
    event_type: EventType = event_class.__event_type__
    size = event_type.size
    raw = np.arange(3 * size, dtype=np.uint8).reshape(3, size)
    rows = raw.reshape(-1).view(payload_dtype_of(event_type))
    with Writer(tmp_path, "venue", "MD") as writer:
        writer.extend(event_class, rows)
        assert [bytes(e) for e in Reader(writer.journal)] == [row.tobytes() for row in raw]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 9), st.integers(0, 2**64 - 1)), max_size=9
    ),
    st.booleans(),
)
def test_headers_say_time_cause_and_destination(tmp_path_factory, heads, at):
    rows = trades(len(heads), FRAME)
    for row, (time, trigger, destination) in zip(rows, heads, strict=True):
        row["gen_time"], row["trigger_time"], row["destination"] = time, trigger, destination
        row["cause_journal"], row["cause_sequence"] = 7, 8
        row["sequence"], row["source"] = 99, 99
    clock = _native.Clock(20)
    with Writer(tmp_path_factory.mktemp("heads"), "venue", "MD", clock=clock) as writer:
        if at:
            writer.at(30, 5)
        assert writer.extend(events.Trade, rows) == len(heads)
        read = list(Reader(writer.journal))
    last = 0
    for n, (event, (time, trigger, destination)) in enumerate(zip(read, heads, strict=True)):
        last = max(last, time or (30 if at else 20))
        assert (event.sequence, event.gen_time, event.trigger_time) == (n + 1, last, trigger)
        assert (event.cause_journal, event.cause_sequence, event.destination) == (7, 8, destination)
        assert event.source == _native.id_of("venue")


def test_rows_of_now_get_the_time_and_trigger_that_were_set(open_writer):
    writer = open_writer()
    writer.at(2_000_000, 1_500_000)
    writer.extend(events.Trade, trades(2))
    read = [(e.gen_time, e.trigger_time) for e in Reader(writer.journal)]
    assert read == [(2_000_000, 1_500_000)] * 2


def test_what_was_read_as_columns_can_be_appended_to_another_journal(open_writer):
    writer = open_writer()
    writer.extend(events.Trade, trades(300))
    rows = writer.journal.to_numpy(events.Trade)
    other = open_writer("COPY")
    assert other.extend(events.Trade, rows[10:200:3]) == 64
    copied = other.journal.to_numpy(events.Trade)
    for name in set(FRAME.names) - {"sequence"}:
        assert copied[name].tolist() == rows[10:200:3][name].tolist()


def test_columns_at_other_places_are_the_same_rows(open_writer):
    writer = open_writer()
    rows = trades(5)
    names = sorted(rows.dtype.names)
    packed = np.zeros(5, [(name, rows.dtype[name]) for name in names])
    for name in names:
        packed[name] = rows[name]
    assert writer.extend(events.Trade, packed) == 5
    assert [e.trade_id for e in Reader(writer.journal)] == [0, 1, 2, 3, 4]


def test_no_rows_append_nothing(open_writer):
    writer = open_writer()
    assert writer.extend(events.Trade, trades(0)) == 0
    assert list(Reader(writer.journal)) == []


def renamed(old, new):
    columns = [(new if n == old else n, PAYLOAD[n]) for n in PAYLOAD.names]
    return np.zeros(1, columns)


def retyped(name, kind):
    return np.zeros(1, [(n, kind if n == name else PAYLOAD[n]) for n in PAYLOAD.names])


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        (renamed("price", "prise"), ValueError, "trade: it has no column 'prise'"),
        (retyped("price", "f8"), ValueError, "trade: column 'price': expected int64, got float64"),
        (retyped("price", ">i8"), ValueError, "trade: column 'price': expected int64, got >i8"),
        (trades(1)[["price"]], ValueError, "trade: column 'instrument' (uint64) is missing"),
        (
            trades(1, FRAME)[["price", "source"]],
            ValueError,
            "column 'sequence' (uint64) is missing",
        ),
        (np.zeros(3), TypeError, "trade: expected a structured array of one dimension"),
        (trades(4).reshape(2, 2), TypeError, "trade: expected a structured array"),
        ([events.Trade()], TypeError, "trade: expected a structured array"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_column(open_writer, rows, error, text):
    writer = open_writer()
    with pytest.raises(error, match=re.escape(text)):
        writer.extend(events.Trade, rows)
    assert writer.last_sequence == 0


def test_a_type_with_a_tail_takes_no_rows(open_writer):
    with pytest.raises(ValueError, match="book_delta: rows cannot hold its levels"):
        open_writer().extend(events.BookDelta, np.zeros(1, payload_dtype_of(BOOK_DELTA)))


def test_a_type_that_was_not_given_and_a_closed_writer_say_so(open_writer):
    writer = open_writer(event_classes=[events.Quote])
    with pytest.raises(JournalError, match="event type trade was not given"):
        writer.extend(events.Trade, trades(3))
    writer.close()
    writer = open_writer(event_classes=[events.Trade])
    writer.close()
    with pytest.raises(JournalError, match="the writer is closed; 0 of 3 rows stand"):
        writer.extend(events.Trade, trades(3))


def test_a_batch_that_stops_halfway_says_how_many_rows_stand(tmp_path):
    """The next page cannot be made: what stands there is what the message says, and reads."""
    with Writer(tmp_path, "venue", "MD", page_size=_native.MIN_PAGE_SIZE) as writer:
        writer.extend(events.Trade, trades(1))
        (folder,) = tmp_path.glob("*/venue")
        for page in range(2, 10):  # where the pages would get their names
            (folder / f"MD.{page}.journal").mkdir()
            (folder / f"MD.{page}.journal" / "in the way").touch()
        with pytest.raises(JournalError, match=r"; \d+ of 100000 rows stand$") as caught:
            writer.extend(events.Trade, trades(100_000))
        stand = int(re.search(r"(\d+) of", str(caught.value))[1])
        assert 0 < stand < 1000
        assert writer.last_sequence == 1 + stand


def test_another_thread_is_refused_meanwhile_and_nothing_is_torn(tmp_path):
    rows = trades(300_000)
    with Writer(tmp_path, "venue", "MD") as writer:
        extending = threading.Thread(target=writer.extend, args=(events.Trade, rows))
        event, appended = events.Trade(trade_id=1), 0
        extending.start()
        while extending.is_alive():
            try:
                writer.append(event)
                appended += 1
            except JournalError as error:
                assert "another thread is in the writer" in str(error)  # noqa: PT017
        extending.join()
        assert writer.last_sequence == len(rows) + appended
    assert Journal(tmp_path, "venue", "MD").statistics().events == len(rows) + appended
