import re
from bisect import bisect_left
from collections import Counter
from decimal import Decimal

import pytest

from kungfu_core.enums import ContractKind, FeedState, Product, Side

FUTURES = "usdm-btcusdt-20240808.gz"
SPOT = "spot-btcusdt-20240808.gz"
SPOT_NEXT = "spot-btcusdt-20240809.gz"
ALL = [(FUTURES,), (SPOT,), (SPOT_NEXT,), (SPOT, SPOT_NEXT)]
EVENT_OF = {
    "trade": "trade",
    "bookTicker": "quote",
    "depthUpdate": "book_delta",
    "snapshot": "book_snapshot",
}


def independent_count(lines):
    """What is in the file, told by the stream's name alone and without parsing JSON."""
    counts = Counter()
    for line in lines:
        stream = re.match(rb'\{"stream":"[a-z]+@(\w+)', line)
        kind = stream[1].decode() if stream else "snapshot"
        assert stream or line.startswith(b'{"lastUpdateId"')
        counts["depthUpdate" if kind == "depth" else kind] += 1
    return counts


@pytest.mark.parametrize("names", ALL, ids="+".join)
def test_every_recorded_message_becomes_exactly_one_event_of_its_type(
    names, recorded_lines, recorded_events
):
    expected = sum((independent_count(recorded_lines(n)) for n in names), Counter())
    tally = recorded_events(*names).tally()
    assert {EVENT_OF[k]: n for k, n in expected.items()} == {
        k: n for k, n in tally.items() if k in EVENT_OF.values()
    }


def book_against_quotes(book, events):
    """Compare best bid and offer at each moment at which both have the same update id."""
    quotes = {e["update_id"]: e for e in events.of("quote")}
    compared = set()
    for name, event in events:
        if name == "book_snapshot":
            book.snapshot(event)
        elif name == "book_delta":
            book.delta(event)
        else:
            continue
        if not book.known:
            continue
        bid, bid_size, ask, ask_size = book.best()
        assert bid < ask
        quote = quotes.get(book.update_id)
        if quote is not None:
            compared.add(book.update_id)
            recorded = tuple(
                Decimal(quote[f]) for f in ("bid_price", "bid_size", "ask_price", "ask_size")
            )
            assert recorded == (bid, bid_size, ask, ask_size)
    return len(compared)


@pytest.mark.parametrize(("names", "moments"), [((FUTURES,), 629), ((SPOT,), 564)])
def test_rebuilt_book_equals_book_ticker_at_every_equal_update_id_and_never_crosses(
    names, moments, recorded_events, slow_book
):
    compared = book_against_quotes(slow_book, recorded_events(*names))
    assert (compared, slow_book.gaps, slow_book.known) == (moments, 0, True)


def test_book_goes_on_from_one_file_to_the_next(recorded_events, slow_book):
    events = recorded_events(SPOT, SPOT_NEXT)
    compared = book_against_quotes(slow_book, events)
    assert slow_book.known
    assert slow_book.gaps == 0
    assert compared > 564
    assert [e["state"] for e in events.of("feed_status")] == [FeedState.LIVE]


def test_second_file_alone_says_that_its_book_stays_unknown(recorded_events, slow_book):
    events = recorded_events(SPOT_NEXT)
    compared = book_against_quotes(slow_book, events)
    assert (slow_book.known, compared) == (False, 0)
    (status,) = events.of("feed_status")
    assert status["state"] is FeedState.STALE
    assert "no snapshot" in status["detail"]


def test_recorded_instruments_are_defined_first_with_inferred_steps(recorded_events):
    name, perpetual = recorded_events(FUTURES)[0]
    assert name == "instrument"
    assert perpetual["name"] == "binance:perpetual:BTCUSDT"
    assert (perpetual["tick"], perpetual["lot"], perpetual["min_size"]) == ("0.1", "0.001", "0.001")
    assert (perpetual["product"], perpetual["contract_kind"]) == (
        Product.PERPETUAL,
        ContractKind.LINEAR,
    )
    assert perpetual["inferred"] is True
    name, spot = recorded_events(SPOT)[0]
    assert (name, spot["name"], spot["tick"]) == ("instrument", "binance:spot:BTCUSDT", "0.01")


def test_both_markets_in_one_recording_are_kept_apart(recorded_lines, recorded_events, play):
    mixed = play([*recorded_lines(SPOT), *recorded_lines(FUTURES)])
    ids = {e["name"]: e["instrument"] for e in mixed.of("instrument")}
    assert set(ids) == {"binance:spot:BTCUSDT", "binance:perpetual:BTCUSDT"}
    for name, instrument in ids.items():
        alone = recorded_events(SPOT if ":spot:" in name else FUTURES)
        for kind in ("trade", "quote", "book_delta", "book_snapshot"):
            assert [e for e in mixed.of(kind) if e["instrument"] == instrument] == alone.of(kind)


def test_taker_side_agrees_with_the_quote_that_the_venue_had_before_the_trade(recorded_events):
    """A taker that sells meets the bid, one that buys the offer."""
    events = recorded_events(FUTURES)
    quotes = sorted(events.of("quote"), key=lambda e: e["time"])
    times = [q["time"] for q in quotes]
    agree = Counter()
    for trade in events.of("trade"):
        place = bisect_left(times, trade["time"]) - 1
        if place >= 0:
            price = Decimal(trade["price"])
            bid = abs(price - Decimal(quotes[place]["bid_price"]))
            ask = abs(price - Decimal(quotes[place]["ask_price"]))
            agree[(trade["side"] is Side.SELL) == (bid < ask)] += 1
    assert agree[True] > 20 * agree[False]
