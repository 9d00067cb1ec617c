"""What each message becomes, and what is refused; values as the venue documents them."""

import json
from decimal import Decimal

import pytest

from kungfu_core.enums import FeedState, Side
from kungfu_core.errors import DataError

MS = 1_000_000
TRADE = {"e": "trade", "E": 1795363991301, "s": "BTCUSDT", "t": 412008771, "p": "60012.40000000",
         "q": "0.00310000", "T": 1795363991300, "m": False, "M": True}  # fmt: skip
USDM_TRADE = {"e": "trade", "E": 2, "T": 1, "s": "BTCUSDT", "t": 7, "p": "1.5", "q": "2",
              "X": "MARKET", "m": True}  # fmt: skip
SNAPSHOT = {"lastUpdateId": 10, "bids": [["99", "1"]], "asks": [["101", "1"]]}


def wrap(stream, message):
    return json.dumps({"stream": stream, "data": message}).encode()


def raw(message):
    return json.dumps(message).encode()


def spot_depth(first, final, bids=(), asks=(), *, symbol="BTCUSDT"):
    return {"e": "depthUpdate", "E": 1, "s": symbol, "U": first, "u": final, "b": bids, "a": asks}


def usdm_depth(previous, first, final, bids=(), asks=(), *, symbol="BTCUSDT"):
    return spot_depth(first, final, bids, asks, symbol=symbol) | {"T": 2, "pu": previous}


def test_combined_and_bare_form_give_the_same_events(play):
    assert play([wrap("btcusdt@trade", TRADE)]) == play([raw(TRADE)])


@pytest.mark.parametrize(("maker", "side"), [(True, Side.SELL), (False, Side.BUY)])
def test_side_of_a_trade_is_the_takers(maker, side, play):
    (trade,) = play([raw(TRADE | {"m": maker})]).of("trade")
    assert trade["side"] is side
    assert trade["trade_id"] == 412008771
    assert (trade["price"], trade["size"]) == ("60012.40000000", "0.00310000")
    assert trade["time"] == 1795363991300 * MS


def test_microsecond_time_stamps_are_told_by_their_size(play):
    (trade,) = play([raw(TRADE | {"T": 1795363991300123})]).of("trade")
    assert trade["time"] == 1795363991300123000


def test_aggregate_trade_carries_its_last_trade_id(play):
    agg = {"e": "aggTrade", "E": 3, "s": "BTCUSDT", "a": 5, "p": "2", "q": "3", "nq": "3", "f": 100,
           "l": 105, "T": 1, "m": True}  # fmt: skip
    (trade,) = play([raw(agg)]).of("trade")
    assert (trade["aggregate"], trade["trade_id"], trade["side"]) == (True, 105, Side.SELL)


@pytest.mark.parametrize("kind", ["INSURANCE_FUND", "ADL", "NA"])
def test_trades_off_the_book_are_counted_and_give_no_event(kind, play):
    events = play([raw(USDM_TRADE), raw(USDM_TRADE | {"X": kind, "p": "0", "q": "0"})])
    assert len(events.of("trade")) == 1
    assert events.counts[f"trade {kind} (off the book, no event)"] == 1


def test_empty_side_of_a_quote_is_absent(play):
    ticker = {"u": 5, "s": "BTCUSDT", "b": "0.00000000", "B": "0.00000000", "a": "2", "A": "1"}
    (quote,) = play([raw(ticker)]).of("quote")
    assert (quote["bid_price"], quote["bid_size"]) == (None, None)
    assert (quote["ask_price"], quote["ask_size"], quote["time"]) == ("2", "1", 0)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (TRADE, "binance:spot:BTCUSDT"),
        (USDM_TRADE, "binance:perpetual:BTCUSDT"),
        (USDM_TRADE | {"s": "BTCUSDT_240927"}, "binance:future:BTCUSDT_240927"),
        (spot_depth(1, 2), "binance:spot:BTCUSDT"),
        (usdm_depth(0, 1, 2), "binance:perpetual:BTCUSDT"),
        ({"u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}, "binance:spot:BTCUSDT"),
        ({"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1", "T": 1,
          "E": 1}, "binance:perpetual:BTCUSDT"),
    ],
)  # fmt: skip
def test_market_is_told_from_the_message(message, name, play):
    (instrument,) = play([raw(message)]).of("instrument")
    assert instrument["name"] == name


def test_depth_update_keeps_deletions_and_names_what_it_builds_on(play):
    events = play([raw(spot_depth(5, 9, [["1.0", "0.0"]], [["2.0", "3.0"]])),
                   raw(usdm_depth(3, 5, 9))])  # fmt: skip
    spot, usdm = events.of("book_delta")
    assert (spot["previous_id"], spot["update_id"]) == (4, 9)
    assert spot["levels"] == [("1.0", "0.0", Side.BUY), ("2.0", "3.0", Side.SELL)]
    assert (usdm["previous_id"], usdm["update_id"], usdm["time"]) == (3, 9, 2 * MS)


def test_snapshot_without_a_symbol_belongs_to_the_only_book(play):
    events = play([raw(spot_depth(10, 11)), raw(SNAPSHOT)])
    (snapshot,) = events.of("book_snapshot")
    assert snapshot["instrument"] == events.of("instrument")[0]["instrument"]
    assert snapshot["levels"] == [("99", "1", Side.BUY), ("101", "1", Side.SELL)]


def test_snapshot_among_several_books_goes_where_its_update_id_lies(play):
    events = play([
        raw(spot_depth(10, 11)),
        raw(spot_depth(900, 1000, symbol="ETHUSDT")),
        raw(SNAPSHOT | {"lastUpdateId": 950}),
    ])  # fmt: skip
    names = {e["instrument"]: e["name"] for e in events.of("instrument")}
    assert names[events.of("book_snapshot")[0]["instrument"]] == "binance:spot:ETHUSDT"


def test_snapshot_among_books_with_mixed_ids_goes_where_its_prices_lie(play):
    def ticker(symbol, bid, ask):
        return {"e": "bookTicker", "u": 1, "E": 1, "T": 1, "s": symbol, "b": bid, "B": "1",
                "a": ask, "A": "1"}  # fmt: skip

    events = play([
        raw(ticker("BTCUSDT", "99", "101")), raw(ticker("1000PEPEUSDT", "0.0071230", "0.0071240")),
        raw(usdm_depth(4, 5, 20)), raw(usdm_depth(4, 6, 21, symbol="1000PEPEUSDT")),
        raw(SNAPSHOT | {"E": 1, "T": 1, "bids": [["0.0071230", "5"]],
                        "asks": [["0.0071240", "8"]]}),
    ])  # fmt: skip
    names = {e["instrument"]: e["name"] for e in events.of("instrument")}
    owner = names[events.of("book_snapshot")[0]["instrument"]]
    assert owner == "binance:perpetual:1000PEPEUSDT"


def test_snapshot_that_fits_no_book_is_refused_and_says_which_there_are(play):
    with pytest.raises(DataError, match=r"depth snapshot 10 names no symbol.*BTCUSDT, ETHUSDT"):
        play([raw(spot_depth(20, 21)), raw(spot_depth(20, 21, symbol="ETHUSDT")), raw(SNAPSHOT)])


def test_snapshot_in_a_stream_takes_the_streams_symbol(play):
    events = play([wrap("ethusdt@depth@100ms", SNAPSHOT)])
    assert events.of("instrument")[0]["symbol"] == "ETHUSDT"


def test_partial_depth_is_a_snapshot_of_both_markets(play):
    spot = wrap("btcusdt@depth5@100ms", SNAPSHOT)
    usdm = wrap("btcusdt@depth10", usdm_depth(3, 5, 9, [["1", "1"], ["2", "1"]], [["3", "1"]]))
    first, second = play([spot, usdm]).of("book_snapshot")
    assert (first["update_id"], second["update_id"]) == (10, 9)
    assert [level[0] for level in second["levels"]] == ["2", "1", "3"]


def test_partial_depth_does_not_cut_down_a_book_whose_changes_are_there(play):
    events = play([raw(spot_depth(5, 9)), wrap("btcusdt@depth5", SNAPSHOT)])
    assert events.of("book_snapshot") == []
    assert events.counts["partial depth (beside all changes, no event)"] == 1


def test_snapshot_that_the_book_has_passed_does_not_set_it_back(play, slow_book):
    events = play([raw(SNAPSHOT), raw(spot_depth(11, 20)), raw(SNAPSHOT | {"lastUpdateId": 15}),
                   raw(spot_depth(21, 22))])  # fmt: skip
    for name, event in events:
        if name == "book_snapshot":
            slow_book.snapshot(event)
        elif name == "book_delta":
            slow_book.delta(event)
    assert (slow_book.known, slow_book.gaps, slow_book.update_id) == (True, 0, 22)
    assert events.counts["depth snapshot (older than the book, no event)"] == 1


def test_mark_price_gives_mark_index_and_funding(play):
    mark = {"e": "markPriceUpdate", "E": 1562305380000, "s": "BTCUSDT", "p": "11794.15000000",
            "i": "11784.62659091", "P": "11784.25641265", "r": "-0.00038167",
            "T": 1562306400000}  # fmt: skip
    events = play([raw(mark)])
    (funding,) = events.of("funding_rate")
    assert events.of("mark_price")[0]["price"] == "11794.15000000"
    assert events.of("index_price")[0]["price"] == "11784.62659091"
    assert (funding["rate"], funding["funding_time"]) == ("-0.00038167", 1562306400000 * MS)
    assert events.of("instrument")[0]["tick"] is None
    assert play([raw(mark | {"r": "", "T": 0})]).of("funding_rate") == []


def kline(closed, interval="1m", length=60_000):
    candle = {"t": 60_000, "T": 60_000 + length - 1, "s": "BTCUSDT", "i": interval, "f": 1, "L": 2,
              "o": "1.5", "c": "2", "h": "2.5", "l": "1", "v": "10", "n": 2, "x": closed,
              "q": "1", "V": "5", "Q": "1", "B": "0"}  # fmt: skip
    return {"e": "kline", "E": 9, "s": "BTCUSDT", "k": candle}


@pytest.mark.parametrize(
    ("interval", "length"), [("1m", 60_000), ("1w", 604_800_000), ("1M", 2_678_400_000)]
)
def test_closed_candle_is_a_bar_with_its_length(interval, length, play):
    events = play([raw(TRADE), raw(kline(False)), raw(kline(True, interval, length))])
    (bar,) = events.of("bar")
    assert (bar["time"], bar["timeframe"]) == (60_000 * MS, length * MS)
    assert [bar[f] for f in ("open", "high", "low", "close", "volume")] == [
        "1.5", "2.5", "1", "2", "10"]  # fmt: skip
    assert events.counts["kline (not closed, no event)"] == 1


def test_candle_whose_market_cannot_be_told_is_refused(play):
    with pytest.raises(DataError, match=r"cannot tell spot from USD-M.*both"):
        play([raw(TRADE), raw(USDM_TRADE), raw(kline(True))])
    with pytest.raises(DataError, match=r"cannot tell spot from USD-M.*nothing else"):
        play([raw(kline(True))])


def test_control_messages_are_counted_and_give_nothing(play):
    events = play([raw({"result": None, "id": 1}), raw({"result": ["a@trade"], "id": 3}),
                   wrap("!serverShutdown", {"e": "serverShutdown", "E": 1})])  # fmt: skip
    assert list(events) == []
    assert events.counts == {"subscription reply (no event)": 2, "serverShutdown (no event)": 1}


def states(events):
    return [(e["state"], e["detail"]) for e in events.of("feed_status")]


def test_lost_spot_change_is_a_gap_until_the_next_snapshot(play):
    events = play([raw(SNAPSHOT), raw(spot_depth(11, 12)), raw(spot_depth(14, 15)),
                   raw(SNAPSHOT | {"lastUpdateId": 14})])  # fmt: skip
    live, gap, again = states(events)
    assert (live[0], gap[0], again[0]) == (FeedState.LIVE, FeedState.GAP, FeedState.LIVE)
    assert gap[1] == "changes lost: expected to go on from 12, got 13"


@pytest.mark.parametrize(
    ("previous", "states_then"),
    [(11, [FeedState.LIVE]), (12, [FeedState.LIVE]), (13, [FeedState.LIVE, FeedState.GAP])],
)
def test_usd_m_change_must_not_leave_out_any_before_it(previous, states_then, play):
    """First after the snapshot: U <= L <= u; then pu is the last u. One before it repeats."""
    events = play([raw(SNAPSHOT | {"E": 1}), raw(usdm_depth(7, 9, 12)),
                   raw(usdm_depth(previous, 15, 16))])  # fmt: skip
    assert [s for s, _ in states(events)] == states_then


def test_snapshot_older_than_the_changes_at_hand_leaves_the_book_unknown(play):
    events = play([raw(spot_depth(20, 21)), raw(SNAPSHOT)])
    assert [s for s, _ in states(events)] == [FeedState.GAP]


def test_repeated_changes_are_no_gap(play):
    events = play([raw(SNAPSHOT), raw(spot_depth(11, 12)), raw(spot_depth(11, 12))])
    assert [s for s, _ in states(events)] == [FeedState.LIVE]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (TRADE | {"q": "-1"}, "trade: 'q' must be a decimal number above zero, not '-1'"),
        (TRADE | {"q": "0"}, "'q' must be a decimal number above zero, not '0'"),
        (TRADE | {"p": "NaN"}, "'p' must be a decimal number above zero, not 'NaN'"),
        (TRADE | {"p": "1e5"}, "not '1e5'"),
        (TRADE | {"p": 5}, "at 'p', which is 5"),
        (TRADE | {"T": -1}, "at 'T', which is -1"),
        ({k: v for k, v in TRADE.items() if k != "t"}, "missing required field `t`"),
        (spot_depth(5, 9, [["1", "-2"]]), r"b\[0\] size"),
        (spot_depth(5, 9, [["1", "2"], ["0", "2"]]), r"b\[1\] price"),
        (spot_depth(5, 9, [["1"]]), "depthUpdate"),
        (spot_depth(9, 5), "'u' = 5 is below the first, 'U' = 9"),
        (usdm_depth(12, 5, 9), "'pu' = 12 is above 'u' = 9"),
        ({"e": "aggTrade", "s": "BTCUSDT", "p": "2", "q": "3", "f": 9, "l": 5, "T": 1, "m": True},
         "'l' = 5 is below the first, 'f' = 9"),
        ({"e": "24hrTicker", "s": "BTCUSDT"}, "unknown message type '24hrTicker'"),
        ({"e": "forceOrder", "o": {}}, "unknown message type 'forceOrder'"),
        ({"hello": 1}, "unknown message"),
        ({"error": {"code": 2, "msg": "Invalid request"}, "id": 1}, "refusal.*Invalid request"),
        ({"code": -1121, "msg": "Invalid symbol."}, "refusal.*-1121"),
        (TRADE | {"s": "BTCQQQ"}, "symbol 'BTCQQQ': cannot tell base from quote"),
        (TRADE | {"s": "BTC/USDT"}, "symbol 'BTC/USDT' is not one"),
        (USDM_TRADE | {"s": "BTCUSD_PERP"}, "'BTCUSD_PERP' is of COIN-M"),
        (USDM_TRADE | {"s": "BTCUSDT_249927"}, "'249927' is not a day"),
        ([TRADE], "not a JSON message"),
        (None, "not a JSON message"),
    ],
)  # fmt: skip
def test_message_that_is_not_as_documented_is_refused_in_the_first_pass(message, said):
    from kungfu_gateway_binance.recording import Recording

    with pytest.raises(DataError, match=said):
        Recording().survey(raw(message))


def test_unknown_type_in_a_stream_names_the_stream():
    from kungfu_gateway_binance.recording import Recording

    with pytest.raises(DataError, match=r"'24hrMiniTicker' \(stream 'btcusdt@miniTicker'\)"):
        Recording().survey(wrap("btcusdt@miniTicker", {"e": "24hrMiniTicker"}))


@pytest.mark.parametrize(
    ("parts", "event"),
    [
        (("Spot", "ExchangeData", "BookTicker.txt"), "quote"),
        (("Spot", "ExchangeData", "Trades.txt"), "trade"),
        (("Spot", "ExchangeData", "AggregatedTrades.txt"), "trade"),
        (("Spot", "ExchangeData", "PartialBook.txt"), "book_snapshot"),
        (("UsdFutures", "BookTicker.txt"), "quote"),
        (("UsdFutures", "AggTrades.txt"), "trade"),
        (("UsdFutures", "Book.txt"), "book_delta"),
        (("UsdFutures", "PartialBook.txt"), "book_snapshot"),
        (("UsdFutures", "MarkPrice.txt"), "funding_rate"),
    ],
)
def test_documented_payload_parses(parts, event, payloads, play):
    assert len(play([payloads(*parts)]).of(event)) == 1


def test_sizes_and_prices_keep_their_text(play):
    text = "0.00000001"
    (trade,) = play([raw(TRADE | {"p": text, "q": "999999999999.00000000"})]).of("trade")
    assert (trade["price"], trade["size"]) == (text, "999999999999.00000000")
    assert Decimal(trade["price"]) == Decimal("1e-8")
