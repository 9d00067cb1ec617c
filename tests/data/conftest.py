"""A recording format of the tests' own, so that importing is tested without any exchange."""

import json
from collections import Counter

import pytest

from kungfu_core import event_types as events
from kungfu_core._native import id_of
from kungfu_core.enums import ContractKind, InstrumentStatus, Product, Side, SizeUnit
from kungfu_core.errors import DataError
from kungfu_core.home import Home
from kungfu_core.interfaces import RecordingReader, RecordingSpec
from kungfu_core.registry import Origin, Registered, Registry

NAME = "tape:spot:ABCXYZ"


class TapeReader(RecordingReader):
    """Messages are `["price", "size"]`."""

    def __init__(self):
        self.counts = Counter()

    def survey(self, message):
        try:
            _, size = json.loads(message)
        except ValueError as error:
            raise DataError(f"not a tape message: {error}") from error
        if size.startswith("-"):
            raise DataError(f"size must not be negative, not {size!r}")

    def begin(self, sink):
        self.trade = sink.emitter(events.TRADE)
        sink.emitter(events.INSTRUMENT)(
            id_of(NAME), Product.SPOT, ContractKind.NONE, SizeUnit.BASE, InstrumentStatus.TRADING,
            "0.01", "0.01", "0.01", None, None, None, 0, 8, True,
            "tape", "ABCXYZ", "ABC", "XYZ", "XYZ", "", NAME,
        )  # fmt: skip

    def receive(self, message):
        price, size = json.loads(message)
        self.trade(id_of(NAME), 0, price, size, 0, Side.BUY, False)
        self.counts["tape"] += 1


def fits(messages):
    return bool(messages) and messages[0].startswith(b"[")


def tape(name, matches=fits):
    spec = RecordingSpec(name, "a tape", "tape", matches, TapeReader)
    return Registered(name, Origin("test", "1", name), lambda: spec)


@pytest.fixture
def formats():
    return Registry("recording format", [tape("tape"), tape("other", lambda _: False)])


@pytest.fixture
def alone():
    return Registry("recording format", [tape("tape")])


@pytest.fixture
def ambiguous():
    return Registry("recording format", [tape("tape"), tape("twin")])


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")
