"""Orders against a real recording, every report checked by the slow model of the fill rule.

Uses the raw Binance streams beside the checkout (`../shared/data`, or where KF_TEST_DATA points)
and reads them on its own: nothing of the core or of another plugin is involved.
"""

import bisect
import gzip
import importlib.util
import json
import os
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("KF_TEST_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "binance" / "usdm-btcusdt-20240808.gz"
LINES = 6000

_spec = importlib.util.spec_from_file_location(
    "recorded_fills", Path(__file__).with_name("test_recorded_fills.py")
)
assert _spec is not None
assert _spec.loader is not None
slow = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(slow)


def ticks(text: str) -> int:
    return int(Decimal(text) * 10)


def lots(text: str) -> int:
    return int(Decimal(text) * 1000)


def levels(data: dict[str, Any], bids: str, asks: str) -> list[tuple[str, int, int]]:
    return [("BUY", ticks(p), lots(s)) for p, s in data[bids]] + [
        ("SELL", ticks(p), lots(s)) for p, s in data[asks]
    ]


def recorded() -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The recording as market events, prices in ticks of 0.1 and sizes in lots of 0.001."""
    with gzip.open(FILE, "rt") as lines:
        for _, line in zip(range(LINES), lines, strict=False):
            time, text = line.split(" ", 1)
            message = json.loads(text)
            data = message.get("data", message)
            kind = data.get("e", "snapshot")
            if kind == "snapshot":
                event: tuple[Any, ...] = (
                    "snapshot",
                    data["lastUpdateId"],
                    levels(data, "bids", "asks"),
                )
            elif kind == "depthUpdate":
                event = ("delta", data["u"], data["pu"], levels(data, "b", "a"))
            elif kind == "bookTicker":
                quote = (ticks(data["b"]), lots(data["B"]), ticks(data["a"]), lots(data["A"]))
                event = ("quote", data["u"], *quote)
            else:
                side = "SELL" if data["m"] else "BUY"
                event = ("trade", side, ticks(data["p"]), lots(data["q"]), 0)
            yield int(time), event


class RunningRecording(slow.Recording):  # type: ignore[misc, name-defined]
    """Keeps the book as events come: computing it anew each time takes too long here.

    The stream has no gaps once its snapshot is there, so the rule for gaps does not matter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.book: dict[str, dict[int, int]] = {"BUY": {}, "SELL": {}}
        self.prices: dict[str, list[int]] = {"BUY": [], "SELL": []}
        self.early: list[Any] = []
        self.book_id = 0
        self.quote: tuple[Any, ...] | None = None

    def set(self, side: str, price: int, size: int) -> None:
        book, prices = self.book[side], self.prices[side]
        if size and price not in book:
            bisect.insort(prices, price)
        if not size and price in book:
            prices.pop(bisect.bisect_left(prices, price))
        book[price] = size
        if not size:
            del book[price]

    def take(self, event: tuple[Any, ...]) -> None:
        if event[0] == "quote":
            self.quote = event[1:]
        elif event[0] == "delta" and not self.book_id:
            self.early.append(event)
        elif event[0] == "snapshot" or event[1] > self.book_id:
            assert event[0] == "snapshot" or event[2] <= self.book_id
            self.book_id = event[1]
            for level in event[-1]:
                self.set(*level)
            for delta in self.early if event[0] == "snapshot" else ():
                self.take(delta)

    def view(self) -> Any:
        for event in self.events:
            self.take(event)
        self.events.clear()
        if self.quote is None:
            return None
        rules = self.quote[0] > self.book_id
        return slow.View(self.book, self.prices, slow.quoted(self.quote) if rules else None)


def orders(
    market: list[tuple[int, tuple[Any, ...]]], seed: int
) -> list[tuple[int, tuple[Any, ...]]]:
    """The market with requests of ours between its events, near the best prices."""
    dice = random.Random(seed)
    script, bid, ask, next_id = [], 0, 0, 1
    for time, event in market:
        script.append((time, event))
        if event[0] == "quote":
            bid, ask = event[2], event[4]
        if not bid or dice.random() > 0.04:
            continue
        side = dice.choice(["BUY", "SELL"])
        chance = dice.random()
        if chance < 0.25 and next_id > 1:
            script.append((time, ("cancel", dice.randint(max(1, next_id - 5), next_id - 1))))
            continue
        if chance < 0.35 and next_id > 1:
            size = dice.choice([None, dice.randint(1, 3000)])
            price = dice.choice([None, bid + dice.randint(-5, 5)])
            script.append((time, ("amend", next_id - 1, price, size)))
            continue
        type_ = dice.choice(["LIMIT"] * 6 + ["MARKET", "POST_ONLY"])
        lasts = "GTC" if type_ == "POST_ONLY" else dice.choice(["GTC"] * 6 + ["IOC", "FOK"])
        price = (bid if side == "BUY" else ask) + dice.randint(-6, 6)
        script.append((time, ("order", next_id, side, type_, lasts, price, dice.randint(1, 5000))))
        next_id += 1
    return script


@pytest.mark.skipif(not FILE.is_file(), reason=f"the recording {FILE} is not there")
@pytest.mark.parametrize("latency", [0, 20_000_000])
def test_every_fill_on_a_real_recording_is_within_its_moment(
    run_venue: Callable[[str], list[dict[str, str]]], latency: int
) -> None:
    """Reports on the first seconds of the futures file equal those of the slow model, in order."""
    script = orders(list(recorded()), seed=latency + 1)
    expected = slow.play(script, latency, RunningRecording())
    assert slow.ask_venue(run_venue, script, latency) == expected
    fills = [said for said in expected if said[0] == "fill"]
    assert {said[4] for said in fills} == {"MAKER", "TAKER"}
    assert len(fills) > 50
