"""`python.*`: what crossing into the journal costs, beside what Python and NumPy take for the like.

The references do less: they move the same bytes, or read the same field, in memory and with the
standard library's `struct` or with NumPy.
"""

import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
from measuring import compare, is_wanted

from kungfu_core.columns import payload_dtype_of
from kungfu_core.event_types import TRADE
from kungfu_core.events import Quote, Trade
from kungfu_core.journal import Journal, Reader, Writer

ROUNDS = 51
EVENTS = 20_000
ROWS = 50_000
PAGE_SIZE = 64 * 1024 * 1024
PAYLOAD = struct.Struct(f"{TRADE.size}s")
MANTISSA = struct.Struct("<q")

Measured = Callable[[], float]


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Append trades to journals on the disk and read them again."""
    with tempfile.TemporaryDirectory() as folder, Writer(folder, "bench", "MD") as writer:
        cases = _Cases(writer)
        kinds: dict[str, tuple[str, Measured, Measured]] = {
            "python.append": ("ns/event", cases.append, cases.pack),
            "python.batch": ("ns/event", cases.batch, cases.copy_rows),
            "python.iterate": ("ns/event", cases.iterate, cases.iterate_unpacked),
            "python.field": ("ns", cases.field, cases.unpack_field),
        }
        for name, (unit, measure, reference) in kinds.items():
            if is_wanted(name, beginnings):
                yield compare(name, unit, measure, reference, ROUNDS)
    names = ("python.columns", "python.columns.verified", "python.columns.mixed")
    if any(is_wanted(name, beginnings) for name in names):
        with tempfile.TemporaryDirectory() as folder:
            yield from _columns(folder, [name for name in names if is_wanted(name, beginnings)])


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - begin) / 1e9


def _per_event(work: Callable[[], object]) -> float:
    return _seconds(work) * 1e9 / EVENTS


class _Cases:
    """One event or one batch at a time."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._reader = Reader(writer.journal)
        self._event = Trade(instrument=9, price="612.34", size=3, trade_id=1)
        self._payload = bytes(self._event)
        self._memory = bytearray(TRADE.size * EVENTS)
        self._rows = np.full(EVENTS, np.frombuffer(self._payload, payload_dtype_of(TRADE))[0])
        self._bytes = self._rows.view(np.uint8)
        self._copy = self._bytes.copy()

    def append(self) -> float:
        _wait_for_warm_pages()

        def work() -> None:
            append, event = self._writer.append, self._event
            for _ in repeat(None, EVENTS):
                append(event)

        return _per_event(work)

    def pack(self) -> float:
        def work() -> None:
            put, memory, payload = PAYLOAD.pack_into, self._memory, self._payload
            for _ in repeat(None, EVENTS):
                put(memory, 0, payload)

        return _per_event(work)

    def batch(self) -> float:
        _wait_for_warm_pages()
        return _per_event(lambda: self._writer.extend(Trade, self._rows))

    def copy_rows(self) -> float:
        return _per_event(lambda: np.copyto(self._copy, self._bytes))

    def iterate(self) -> float:
        """Time the reading of new events only."""

        def work() -> None:
            for _ in self._reader:
                pass

        work()
        self.batch()
        return _per_event(work)

    def iterate_unpacked(self) -> float:
        def work() -> None:
            for _ in PAYLOAD.iter_unpack(self._memory):
                pass

        return _per_event(work)

    def field(self) -> float:
        def work() -> None:
            event = self._event
            for _ in repeat(None, EVENTS):
                event.price  # noqa: B018 - reading it is the work

        return _per_event(work) - _nothing()

    def unpack_field(self) -> float:
        def work() -> None:
            take, payload = MANTISSA.unpack_from, self._payload
            for _ in repeat(None, EVENTS):
                take(payload, 24)

        return _per_event(work) - _nothing()


def _wait_for_warm_pages() -> None:
    """Let the writer's helper make ready what the next round takes."""
    time.sleep(0.005)


def _nothing() -> float:
    def work() -> None:
        for _ in repeat(None, EVENTS):
            pass

    return _per_event(work)


def _columns(folder: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """All trades of a time range; where nothing else stands between them, and where quotes do."""
    rows = np.zeros(ROWS, payload_dtype_of(TRADE))
    with Writer(folder, "bench", "UNIFORM", page_size=PAGE_SIZE) as writer:
        for first in range(0, len(rows), 1000):
            writer.extend(Trade, rows[first : first + 1000])
        uniform = writer.journal
    with Writer(folder, "bench", "MIXED", page_size=PAGE_SIZE) as writer:
        trade, quote = Trade(), Quote()
        for _ in range(ROWS):
            writer.append(trade)
            writer.append(quote)
        mixed = writer.journal
    if "python.columns" in names:
        yield compare("python.columns", "ns/event", *_range_of(uniform, _ns_per_event), ROUNDS)
    if "python.columns.verified" in names:
        verified = _range_of(uniform, _ns_per_event, verify=True)
        yield compare("python.columns.verified", "ns/event", *verified, ROUNDS)
    if "python.columns.mixed" in names:
        yield compare("python.columns.mixed", "GB/s", *_range_of(mixed, _gigabytes), ROUNDS)


def _range_of(
    journal: Journal, figure: Callable[[Callable[[], object], Any], float], *, verify: bool = False
) -> tuple[Measured, Measured]:
    """Give how its rows from 5 to 95 % are measured, and how copying them in memory is."""
    times = journal.to_numpy(Trade)["gen_time"]
    since, until = int(times[len(times) // 20]), int(times[-len(times) // 20])
    wanted = journal.to_numpy(Trade, since=since, until=until)
    return (
        lambda: figure(
            lambda: journal.to_numpy(Trade, since=since, until=until, verify=verify), wanted
        ),
        lambda: figure(wanted.view(np.uint8).copy, wanted),
    )


def _ns_per_event(work: Callable[[], object], rows: Any) -> float:  # noqa: ANN401
    return _seconds(work) * 1e9 / len(rows)


def _gigabytes(work: Callable[[], object], rows: Any) -> float:  # noqa: ANN401
    return float(rows.nbytes) / _seconds(work) / 1e9
