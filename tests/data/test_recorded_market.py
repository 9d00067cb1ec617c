"""Real recordings, through the installed plugin into journals: what is read is what was sent.

Skips where the recordings are not at hand or the plugin is not installed.
"""

import gzip
import json
import os
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core._native import OrderBook
from kungfu_core.events import BookDelta, BookSnapshot, FeedStatus, Instrument, Quote, Trade
from kungfu_core.home import Home
from kungfu_core.importing import import_recordings
from kungfu_core.journal import Journal, Reader
from kungfu_core.plugins import Plugins

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KF_TEST_DATA", ROOT.parent / "shared" / "data")) / "binance"
FUTURES = DATA / "usdm-btcusdt-20240808.gz"
SPOT = DATA / "spot-btcusdt-20240808.gz"
SPOT_NEXT = DATA / "spot-btcusdt-20240809.gz"

pytest.importorskip("kungfu_gateway_binance", reason="kungfu-gateway-binance is not installed")
pytestmark = pytest.mark.skipif(
    not FUTURES.exists(), reason=f"recorded data not here: {DATA} (set KF_TEST_DATA)"
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Datasets by their files; each is imported once."""
    home, cache = Home(tmp_path_factory.mktemp("home")), {}
    formats = Plugins().recordings

    def get(*files):
        if files not in cache:
            name = f"set{len(cache)}"
            cache[files] = import_recordings(home, formats, files, name=name)
        return cache[files]

    return get


def read(dataset):
    return Reader(Journal(dataset.folder, dataset.source, "MD"))


def raw_lines(path):
    with gzip.open(path, "rt") as file:
        for line in file:
            time, _, message = line.partition(" ")
            yield int(time), message


@pytest.mark.parametrize("path", [FUTURES, SPOT, SPOT_NEXT], ids=lambda p: p.name)
def test_every_message_arrives_counted_independently(path, imported):
    streams = Counter(
        match[1] if (match := re.match(r'\{"stream":"\w+@(\w+)', message)) else "snapshot"
        for _, message in raw_lines(path)
    )
    types = {"trade": Trade, "bookTicker": Quote, "depth": BookDelta, "snapshot": BookSnapshot}
    with read(imported(path)) as reader:
        found = Counter(type(event) for event in reader)
    assert {types[name]: count for name, count in streams.items()} == {
        kind: count for kind, count in found.items() if kind not in (Instrument, FeedStatus)
    }


@pytest.mark.parametrize("path", [FUTURES, SPOT], ids=lambda p: p.name)
def test_trades_and_quotes_read_back_digit_by_digit(path, imported):
    """Independent of the dialect: json and Decimal straight from the file."""
    trades, quotes = [], []
    for time, message in raw_lines(path):
        data = json.loads(message).get("data", {})
        if data.get("e") == "trade":
            trades.append((time, data["t"], Decimal(data["p"]), Decimal(data["q"]), data["m"]))
        elif "A" in data:
            quotes.append((time, data["u"], *(Decimal(data[k]) for k in "bBaA")))
    with read(imported(path)) as reader:
        found_trades, found_quotes = [], []
        for e in reader:
            if isinstance(e, Trade):
                row = (e.trigger_time, e.trade_id, e.price_exact, e.size_exact, e.side == 2)
                found_trades.append(row)
            elif isinstance(e, Quote):
                found_quotes.append(
                    (e.trigger_time, e.update_id, e.bid_price_exact, e.bid_size_exact,
                     e.ask_price_exact, e.ask_size_exact)
                )  # fmt: skip
    assert found_trades == trades
    assert found_quotes == quotes


def follow(dataset):
    """Rebuild the native book; compare it with the recorded quote at each equal update id."""
    with read(dataset) as reader:
        quotes = {
            e.update_id: (
                (e.bid_price_exact, e.bid_size_exact),
                (e.ask_price_exact, e.ask_size_exact),
            )
            for e in reader
            if isinstance(e, Quote)
        }
    book, became, compared = OrderBook(), Counter(), set()
    with read(dataset) as reader:
        for event in reader:
            if not isinstance(event, BookSnapshot | BookDelta):
                continue
            became[book.apply(event)] += 1
            if not book.known:
                continue
            assert not book.crossed
            quote = quotes.get(book.update_id)
            if quote is not None:
                compared.add(book.update_id)
                assert (book.best_bid_exact, book.best_ask_exact) == quote
    return book, became, len(compared)


@pytest.mark.parametrize(("path", "moments"), [(FUTURES, 629), (SPOT, 564)], ids=["usdm", "spot"])
def test_native_book_equals_the_recorded_quote_at_every_equal_update_id(path, moments, imported):
    book, became, compared = follow(imported(path))
    assert compared == moments
    assert book.known
    assert became["gap"] == became["malformed"] == 0


def test_book_goes_on_from_one_file_to_the_next(imported):
    book, became, compared = follow(imported(SPOT, SPOT_NEXT))
    assert book.known
    assert became["gap"] == 0
    assert compared > 564


def test_second_file_alone_has_no_book(imported):
    book, became, compared = follow(imported(SPOT_NEXT))
    assert (book.known, compared, set(became)) == (False, 0, {"pending"})


def test_spot_and_futures_of_the_same_minutes_interleave_in_one_dataset(imported):
    dataset = imported(SPOT, FUTURES)
    assert dataset.instruments == ("binance:perpetual:BTCUSDT", "binance:spot:BTCUSDT")
    switches, last, times = 0, None, []
    with read(dataset) as reader:
        for event in reader:
            times.append(event.gen_time)
            if isinstance(event, Trade):
                switches += event.instrument != last
                last = event.instrument
    assert times == sorted(times)
    assert switches > 1000


def test_same_files_give_the_same_bytes(imported, tmp_path):
    first = imported(SPOT)
    again = import_recordings(Home(tmp_path), Plugins().recordings, [SPOT], name=first.name)
    for path in first.folder.rglob("*"):
        if path.is_file():
            assert (again.folder / path.relative_to(first.folder)).read_bytes() == path.read_bytes()
