"""`python.*`: appending and iterating from Python, beside the standard library's `struct`.

The references do less: they pack the same fields into memory, and unpack them into tuples again.
"""

import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from measuring import compare, is_wanted

from kungfu_core.enums import Side
from kungfu_core.event_types import TRADE
from kungfu_core.journal import Reader, Writer

ROUNDS = 11
EVENTS = 50_000
FIELDS = struct.Struct("<QqqqQBB")
PRICE, SIZE, SELL = 61_234, 3, Side.SELL


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Append trades to a journal and read them again, one at a time."""
    trades = _InMemory()
    with tempfile.TemporaryDirectory() as folder, Writer(folder, "bench", "MD") as writer:
        journaled = _Journaled(writer)
        if is_wanted("python.append", beginnings):
            yield compare("python.append", "ns/event", journaled.append, trades.pack, ROUNDS)
        if is_wanted("python.iterate", beginnings):
            yield compare("python.iterate", "ns/event", journaled.iterate, trades.unpack, ROUNDS)


def _per_event(work: Callable[[], None]) -> float:
    begin = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - begin) / EVENTS


class _InMemory:
    def __init__(self) -> None:
        self._memory = bytearray(FIELDS.size * EVENTS)

    def pack(self) -> float:
        def work() -> None:
            memory, put, size = self._memory, FIELDS.pack_into, FIELDS.size
            for n in range(EVENTS):
                put(memory, n * size, 9, n, PRICE, SIZE, n, 1, 0)

        return _per_event(work)

    def unpack(self) -> float:
        def work() -> None:
            for trade in FIELDS.iter_unpack(self._memory):
                trade[4]

        return _per_event(work)


class _Journaled:
    def __init__(self, writer: Writer) -> None:
        self._emit = writer.emitter(TRADE)
        self._reader = Reader(writer.journal)

    def append(self) -> float:
        def work() -> None:
            emit = self._emit
            for n in range(EVENTS):
                emit(9, n, PRICE, SIZE, n, SELL, False)

        return _per_event(work)

    def iterate(self) -> float:
        """Time the reading of new events only."""

        def work() -> None:
            for trade in self._reader:
                trade.trade_id  # noqa: B018 - reading it is the work

        for _ in self._reader:
            pass
        self.append()
        return _per_event(work)
