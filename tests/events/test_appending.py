"""What append() and emitters take, and what they refuse by name."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.event_types import TRADE
from kungfu_core.journal import Reader, Writer


@pytest.fixture
def writer(tmp_path):
    with Writer(tmp_path, "venue", "MD", clock=_native.Clock(1)) as opened:
        yield opened


def test_destination_and_cause_go_by_place_and_by_name(writer):
    first = events.Trade(trade_id=1)
    assert writer.append(first) == 1
    cause = next(Reader(writer.journal))
    assert writer.append(first, 7, cause) == 2
    assert writer.append(cause=cause, event=first, destination=7) == 3
    assert writer.append(first, destination=7, cause=None) == 4
    read = [(e.destination, e.cause_journal, e.cause_sequence) for e in Reader(writer.journal)]
    caused = (7, writer.id, 1)
    assert read == [(0, 0, 0), caused, caused, (7, 0, 0)]


@pytest.mark.parametrize(
    ("arguments", "keywords", "text"),
    [
        ((), {}, "append: expected an event"),
        ((events.Trade(), 0, None, 1), {}, "append: expected at most 3 arguments, got 4"),
        ((events.Trade(),), {"to": 1}, "append: argument 'to' is unknown or given twice"),
        ((events.Trade(),), {"event": 1}, "append: argument 'event' is unknown or given twice"),
        ((events.Trade(), -1), {}, "append: destination: expected a 64-bit id, got -1"),
        ((events.Trade(), "x"), {}, "append: destination: expected a 64-bit id, got 'x'"),
        ((3,), {}, "expected an event, got 3"),
        ((events.Trade(), 0, 3), {}, "expected an event, got 3"),
    ],
)
def test_other_arguments_are_refused_by_name(writer, arguments, keywords, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        writer.append(*arguments, **keywords)
    assert writer.last_sequence == 0


def test_what_was_never_opened_says_so():
    with pytest.raises(TypeError, match="never opened"):
        Writer.__new__(Writer).append(events.Trade())
    with pytest.raises(TypeError, match="never opened"):
        next(Reader.__new__(Reader))
    with pytest.raises(BufferError, match="journal_columns"):
        memoryview(_native.Rows.__new__(_native.Rows))


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_an_int_is_the_number_that_its_digits_are(number):
    trade = events.Trade(price=number, size=str(number))
    assert trade.price_exact == Decimal(number) == trade.size_exact
    assert (trade.price_raw, trade.price_exponent) == (trade.size_raw, trade.size_exponent)


@pytest.mark.parametrize("number", [True, -(2**63) - 1, 2**63 + 1])
def test_an_int_that_is_no_number_that_fits_is_refused(number):
    with pytest.raises(ValueError, match="price: expected a"):
        events.Trade(price=number)


def test_an_emitter_called_while_it_encodes_appends_both_events(writer):
    """Whatever stands for an integer may run code, which may append with the same emitter."""
    emit = writer.emitter(TRADE)

    class Emitting:
        def __index__(self):
            emit(1, 2, 3, 4, 5, 1, False)
            return 9

    emit(Emitting(), 12, 13, 14, 15, 2, True)
    read = [(e.instrument, e.price, e.trade_id, e.side) for e in Reader(writer.journal)]
    assert read == [(1, 3.0, 5, 1), (9, 13.0, 15, 2)]


def test_an_emitter_goes_on_after_a_value_that_it_refused(writer):
    emit = writer.emitter(TRADE)
    with pytest.raises(ValueError, match="trade_id"):
        emit(1, 2, 3, 4, "x", 1, False)
    emit(1, 2, 3, 4, 5, 1, False)
    assert [e.trade_id for e in Reader(writer.journal)] == [5]
