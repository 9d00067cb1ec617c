"""The dialect calls a book live exactly when a consumer that follows the events has one."""

import json

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kungfu_core.enums import FeedState

ids = st.integers(1, 30)


@st.composite
def spot_change(draw):
    first, final = sorted((draw(ids), draw(ids)))
    return {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": final, "b": [], "a": []}


@st.composite
def usdm_change(draw):
    previous, first, final = sorted((draw(ids), draw(ids), draw(ids)))
    return {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": first, "u": final,
            "pu": previous, "b": [], "a": []}  # fmt: skip


def snapshot(times):
    return ids.map(lambda at: {"lastUpdateId": at, "bids": [], "asks": []} | times)


def follow(book, play, messages):
    """Play messages; give what the dialect says last, and the gaps it told of."""
    said, gaps = None, 0
    events = play([json.dumps(m).encode() for m in messages])
    for name, e in events:
        if name == "book_snapshot":
            book.snapshot(e)
        elif name == "book_delta":
            book.delta(e)
        elif name == "feed_status" and e["state"] is not FeedState.STALE:
            said = e["state"]
            gaps += said is FeedState.GAP
    event(f"known: {book.known}, gaps: {min(gaps, 2)}")
    return said, gaps


@pytest.mark.parametrize(
    ("change", "times"), [(spot_change, {}), (usdm_change, {"T": 1})], ids=["spot", "usd-m"]
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_book_is_called_live_exactly_when_the_consumers_is(change, times, data, play, slow_book):
    first = data.draw(change())
    rest = data.draw(st.lists(change() | snapshot(times), max_size=12))
    place = data.draw(st.integers(0, len(rest)))
    book = type(slow_book)()
    said, gaps = follow(book, play, [*rest[:place], first, *rest[place:]])
    assert book.known == (said is FeedState.LIVE)
    assert book.gaps <= gaps
