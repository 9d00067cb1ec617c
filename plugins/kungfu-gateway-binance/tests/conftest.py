"""Recorded messages, a sink that keeps events, and a slow, obvious order book to check against."""

import gzip
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core.enums import Side
from kungfu_gateway_binance.recording import Recording

ROOT = Path(__file__).resolve().parents[3]


class EventList(list):
    """Events in order, each `(type name, {field: value})`."""

    counts: Counter

    def emitter(self, event_type):
        names = [f.name for f in event_type.fields]
        if event_type.tail:
            names.append(event_type.tail.name)

        def emit(*values):
            self.append((event_type.name, dict(zip(names, values, strict=True))))

        return emit

    def of(self, name):
        return [e for n, e in self if n == name]

    def tally(self):
        return Counter(name for name, _ in self)


def run(messages) -> EventList:
    """Both passes of a recording."""
    messages = list(messages)
    recording, events = Recording(), EventList()
    for message in messages:
        recording.survey(message)
    recording.begin(events)
    for message in messages:
        recording.receive(message)
    events.counts = recording.counts
    return events


class SlowBook:
    """The rule of native/include/kungfu/book.hpp, written down as plainly as possible."""

    def __init__(self):
        self.known = False
        self.update_id = 0
        self.sides = {Side.BUY: {}, Side.SELL: {}}
        self.pending = []
        self.gaps = 0

    def snapshot(self, event):
        self.sides = {Side.BUY: {}, Side.SELL: {}}
        self._set(event["levels"])
        self.known, self.update_id = True, event["update_id"]
        waiting, self.pending = self.pending, []
        for delta in waiting:
            self.delta(delta)

    def delta(self, event):
        if not self.known:
            self.pending.append(event)
        elif event["update_id"] <= self.update_id:
            pass
        elif event["previous_id"] > self.update_id:
            self.gaps += 1
            self.known = False
            self.pending.append(event)
        else:
            self._set(event["levels"])
            self.update_id = event["update_id"]

    def _set(self, levels):
        for price, size, side in levels:
            if Decimal(size) == 0:
                self.sides[side].pop(Decimal(price), None)
            else:
                self.sides[side][Decimal(price)] = Decimal(size)

    def best(self):
        bid, ask = max(self.sides[Side.BUY]), min(self.sides[Side.SELL])
        return bid, self.sides[Side.BUY][bid], ask, self.sides[Side.SELL][ask]


def _data(*parts):
    folder = Path(os.environ.get("KF_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = folder.joinpath("binance", *parts)
    if not path.exists():
        pytest.skip(f"recorded data not here: {path} (set KF_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def recorded_lines():
    """Raw messages of a recorded file by name; skips where the recordings are not at hand."""
    cache = {}

    def lines(name):
        if name not in cache:
            with gzip.open(_data(name)) as file:
                cache[name] = [line.split(b" ", 1)[1] for line in file]
        return cache[name]

    return lines


@pytest.fixture(scope="session")
def recorded_events(recorded_lines):
    """Events of one or more recorded files, imported one after the other."""
    cache = {}

    def events(*names) -> EventList:
        if names not in cache:
            cache[names] = run(m for name in names for m in recorded_lines(name))
        return cache[names]

    return events


@pytest.fixture(scope="session")
def play():
    """Run both passes over messages; gives the events."""
    return run


@pytest.fixture
def slow_book():
    """An empty reference book."""
    return SlowBook()


@pytest.fixture
def payloads():
    """What the venue pushes in a sample file of documented payloads, by its path."""

    def pushed(*parts):
        text = _data("..", "payloads", "binance", "Subscriptions", *parts).read_text()
        _, _, answer = text.partition("\n= ")
        return json.dumps(json.loads(answer)).encode()

    return pushed
