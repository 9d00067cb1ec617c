"""The native core: journal, clock, broker."""

from collections.abc import Mapping, Sequence
from typing import Any



ABI_VERSION: int = 1

LAYOUT_HASH: int = 3880103010685261088

def id_of(name: str) -> int:
    """The 64-bit id of a canonical name."""

class Layout:
    """How the payload of one event type is laid out."""

    def __init__(self, number: int, name: str, size: int, fields: list[Any], tail_kind: str, tail_name: str, item_class: object | None, schema: str) -> None: ...

    @property
    def number(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

class View:
    """An event: its fields are read from the frame under it."""

    def __init__(self, *values: Any, **fields: Any) -> None: ...

    def __bytes__(self) -> bytes:
        """The payload as it stands in the journal."""

class Field:

    def __init__(self, reading: str, *place: Any) -> None: ...

    def __get__(self, instance: object, owner: object = None, /) -> Any:
        """Return an attribute of instance, which is of type owner."""

FRAME_HEADER_SIZE: int = 72

class OrderBook:
    """The order book of one instrument, kept from snapshots and deltas."""

    def __init__(self) -> None: ...

    def apply(self, event: object) -> str:
        """
        Take a BookSnapshot or BookDelta; says what became of it: applied, pending, stale, gap or malformed.
        """

    @property
    def instrument(self) -> int:
        """The instrument's id; 0 before the first event."""

    @property
    def time(self) -> int:
        """The venue's time of the last change."""

    @property
    def known(self) -> bool:
        """False before a snapshot and after a gap."""

    @property
    def update_id(self) -> int:
        """The venue's sequence that the book stands at."""

    @property
    def crossed(self) -> bool:
        """Best bid at or above best offer."""

    @property
    def bid_price(self) -> float:
        """Best bid; NaN if there is none."""

    @property
    def bid_size(self) -> float:
        """Size there."""

    @property
    def ask_price(self) -> float:
        """Best offer; NaN if there is none."""

    @property
    def ask_size(self) -> float:
        """Size there."""

    @property
    def best_bid_exact(self) -> Any:
        """(price, size) as Decimals, or None."""

    @property
    def best_ask_exact(self) -> Any:
        """(price, size) as Decimals, or None."""

    def bids(self, depth: int = 10) -> list[Any]:
        """The best levels as (price, size) floats, best first."""

    def asks(self, depth: int = 10) -> list[Any]:
        """The best levels as (price, size) floats, best first."""

class RiskView:
    """What a risk check may look at, while it runs."""

    @property
    def now(self) -> int: ...

    @property
    def reduces_position(self) -> bool: ...

    def position(self, account: int, instrument: int) -> Any: ...

    def result(self, scope: int, subject: int, currency: str) -> Any: ...

    def unrealized(self, account: int, currency: str) -> Any: ...

    def equity(self, account: int, currency: str) -> Any: ...

    def margin_used(self, account: int, currency: str) -> Any: ...

    def margin_free(self, account: int, currency: str) -> Any: ...

    def open_size(self, account: int, instrument: int, side: int) -> Any: ...

    def last_price(self, instrument: int) -> Any: ...

    def mid_price(self, instrument: int) -> Any: ...

    def notional(self, instrument: int, price: object, size: object) -> Any: ...

    def balance(self, account: int, currency: str) -> Any: ...

    def instrument(self, instrument: int) -> Any: ...

def make_broker(gateways: Sequence[tuple[str, Sequence[int], Sequence[int], Sequence[int], Sequence[str]]], routes: Sequence[tuple[str, str, bool, str, Sequence[tuple[str, str]]]], checks: Sequence[tuple[str, object]], timing: Mapping[str, int] = {}, own: tuple[str, str, str, str] | None = None, missed_trigger: str = 'ask', day_zone: Sequence[tuple[int, int]] = [], limits: Sequence[tuple[int, str, Sequence[tuple[str, str]], Sequence[tuple[int, int]]]] = [], algorithms: Sequence[str] = [], budget: int = 0, most_faults: int = 3) -> Any:
    """
    A broker component. A gateway is (source, order types, times in force, triggers, names of what
    else it can do), a route (account, source of its gateway, hedging, leverage, leverages of single
    instruments by name), a check (name, object with check(order, view)). `timing` is ns by the
    names of native/broker/settling.hpp; `own` is the broker's journal (root, source, name, scope),
    from which it reads back orders that are over. The day zone is (from a time on, ahead of UTC) in
    ns, the earliest first; none is UTC. Limits are (scope, name of its account or strategy, limits
    by name as text, time zone like the day zone). Algorithms are sources that take orders, too.
    `budget` is what one check may take of the wall clock for one order, in ns: 0 where time is
    simulated, as no clock may then be looked at.
    """

class Clock:
    """
    Nanoseconds since 1970 UTC that never go back; the system's, or simulated.
    """

    def __init__(self, simulated_from: object | None = None) -> None: ...

    def now(self) -> int: ...

    def set(self, time: int) -> None:
        """Move simulated time forward; an earlier time changes nothing."""

    @property
    def simulated(self) -> bool: ...

    @property
    def source(self) -> str:
        """
        Where the time comes from at present: "simulated", "kernel" or "counter".
        """

    def error_bound(self) -> int:
        """
        What now() differs from the system's clock by at most, ns, unless that was set, or its rate
        changed, in the 10 ms before.
        """

    @property
    def steps(self) -> int:
        """How often the system's clock was seen to be set, in this process."""

    @property
    def last_step(self) -> int:
        """
        By how much the system's clock was set the last time, ns; 0 if it was not.
        """

    @staticmethod
    def monotonic() -> int:
        """For intervals; unrelated to the calendar."""

def compress_page(path: str, columns: bool) -> None:
    """
    Compress a sealed page to `path`.zst; the page stays. Without columns, `zstd -d` gives it back.
    """

def compact_page(path: str, columns: bool) -> None:
    """Compress a sealed page as compress_page does, and remove it."""

def read_events(types: Sequence[tuple[int, int, str, str]], journals: Sequence[tuple[str, str, str, str, int]], view_class: object, instrument: int, since: int, before: int, count: int) -> list[Any]:
    """
    The last `count` events of a class and instrument (0 for all) from `since` on that are older than
    `before` or not past their journal's bound; journals are (root, source, name, scope, last sequence).
    """

def read_book(types: Sequence[tuple[int, int, str, str]], journals: Sequence[tuple[str, str, str, str, int]], book: OrderBook, instrument: int, before: int) -> None:
    """
    Bring an OrderBook to where the journals leave it; arguments as for read_events.
    """

DEFAULT_PAGE_SIZE: int = 16777216

MIN_PAGE_SIZE: int = 65536

PAGE_HEADER_SIZE: int = 512

PAGE_SEAL_OFFSET: int = 448

class JournalWriter:
    """The one writer of a journal."""

    def __init__(self, root: str, source: str, name: str, scope: str, page_size: int, types: Sequence[tuple[int, int, str, str]], clock: Clock, durability: int = 0, sync_interval: int = 100000000, compress: bool = False) -> None: ...

    def append(self, event: object, destination: int = 0, cause: object | None = None) -> int:
        """Append an event and return its sequence."""

    def emitter(self, view_class: object) -> Any:
        """A fast function that appends events of one type."""

    def append_rows(self, view_class: object, rows: object, headed: bool) -> int:
        """
        Append payloads that lie behind each other, each with a frame header before it or none.
        """

    def define_name(self, kind: int, id: int, text: str) -> None:
        """Journal the name behind an id."""

    def at(self, gen_time: int, trigger_time: int = 0) -> None:
        """Set the times of what is appended next, instead of the clock's."""

    @property
    def id(self) -> int: ...

    @property
    def last_sequence(self) -> int: ...

    @property
    def last_time(self) -> int: ...

    @property
    def closed(self) -> bool: ...

    def wait_until_durable(self) -> None:
        """Wait until everything appended so far is on the disk."""

    def close(self) -> None:
        """End writing and give up the lock."""

class JournalReader:
    """Several journals read as one, merged by time."""

    def __iter__(self) -> Any: ...

    def __next__(self) -> Any: ...

    def __init__(self, types: Sequence[tuple[int, int, str, str]], classes: list[Any], unknown: object, verify: bool) -> None: ...

    def join(self, root: str, source: str, name: str, scope: str = '', after: int = 0, from_time: int | None = None, at_end: bool = False) -> None: ...

    def next(self, limit: int | None = None) -> Any:
        """The next event with gen_time <= limit; None if there is none now."""

    def wait(self, seconds: float) -> bool:
        """
        Wait for a next event, at most so long, without burning a core; say whether there is one.
        """

    def close(self) -> None:
        """Leave all journals; views that were kept stay whole."""

    def peek_time(self) -> int | None:
        """Time of the next event; None if there is none now."""

    def seek_time(self, time: int) -> None:
        """Move all journals to the first event at this time or later."""

class Rows:
    """
    Events of one type behind each other, in memory or in their page: a buffer.
    """

def list_journals(root: str) -> list[Any]:
    """(source, name, scope) of every journal under a root."""

def list_pages(root: str, source: str, name: str) -> list[Any]:
    """
    (page, path, bytes, sealed, first sequence, time of the first event, compressed, durability, clock source, clock error) of every page.
    """

def journal_columns(root: str, source: str, name: str, scope: str, types: Sequence[tuple[int, int, str, str]], type: int, size: int, since: int | None = None, until: int | None = None, tails: bool = False, verify: bool = True) -> tuple[Any, ...]:
    """All events of a type as rows of header and fixed part."""

def journal_names(root: str, source: str, name: str) -> dict[Any, Any]:
    """Names by id, as far as the journal's last page tells them."""

def journal_types(root: str, source: str, name: str) -> list[Any]:
    """
    (number, version, name, schema) of every type that the journal's last page knows.
    """

def is_other_version(schema: str, other: str) -> bool:
    """
    Whether these are layouts of two versions of one type that differ by appended fields alone.
    """

def survey_journal(root: str, source: str, name: str) -> dict[Any, Any]:
    """
    Read a journal through, every checksum verified, and count what it has.
    """

def verify_journal(root: str, source: str, name: str, scope: str, report: object | None = None) -> tuple[Any, ...]:
    """
    (pages, bytes, events, findings); a finding is (kind, file, offset, length, first sequence, last
    sequence, what). `report` is called with the bytes done and to do.
    """

def repair_journal(root: str, source: str, name: str, scope: str, report: object | None = None) -> tuple[Any, ...]:
    """
    (steps, what verify_journal gives afterwards); a step is like a finding.
    """

def prune_journal(root: str, source: str, name: str, before: int | None = None, most_bytes: int | None = None, dry_run: bool = False) -> tuple[Any, ...]:
    """
    (pages, bytes left, why others are kept); a page is (number, path, bytes, first sequence, last
    sequence, time of the last event).
    """

class StrategyHost:
    """Runs one strategy: events in, callbacks, events out."""

    def __init__(self, view_classes: list[Any]) -> None: ...

    def handle(self, type: int, callback: object, subscribed_only: bool) -> None: ...

    def set_context(self, context: object) -> None: ...

    def set_book_callback(self, callback: object) -> None: ...

    def set_life_callbacks(self, on_start: object, on_stop: object, on_timer: object, on_fault: object) -> None: ...

    def subscribe(self, instrument: int, type: int) -> None: ...

    def unsubscribe(self, instrument: int, type: int) -> None: ...

    def append(self, event: object, destination: int = 0) -> None:
        """Journal an event in answer to the one in hand."""

    def add_timer(self, due: int) -> int:
        """Ask for on_timer at a time in ns; gives its id."""

    def cancel_timer(self, timer: int) -> bool: ...

    def consumed(self, journal: int) -> int: ...

    def book(self, instrument: int) -> Any: ...

    def exchange_time(self, instrument: int) -> int: ...

    def release(self) -> None: ...

    def component(self) -> Any:
        """A capsule for a runner."""

    @property
    def now(self) -> int:
        """Time of the event or timer in hand, ns since 1970 UTC."""

    @property
    def stopped(self) -> bool:
        """A callback raised, or the session is over."""

    @property
    def interruption(self) -> Any:
        """The KeyboardInterrupt to raise again, or None."""

def check_limit(name: str, text: str) -> None:
    """Raise ValueError if a limit cannot have that value."""

class Wiring:
    """What ties a component to its journals."""

    def __init__(self, source: str, clock: Clock, types: Sequence[tuple[int, int, str, str]]) -> None: ...

    def join(self, root: str, source: str, name: str, scope: str = '', from_time: int = 0) -> None:
        """Read a journal too, from the first event at `from_time` on."""

    def open_output(self, clock: Clock, root: str, name: str, types: Sequence[tuple[int, int, str, str]], page_size: int) -> None:
        """Write one more journal, under the wiring's source."""

    def define_name(self, kind: int, id: int, text: str) -> None:
        """Journal the name behind an id in all outputs."""

    def output_id(self, output: int = 0) -> int: ...

    def output_sequence(self, output: int = 0) -> int: ...

    def append(self, event: object, output: int = 0, destination: int = 0) -> None: ...

    def announce_start(self, kind: int) -> None:
        """Give the component to read that it starts, and journal it."""

    def close(self) -> None:
        """Journal what was read and close the outputs."""

    @property
    def since_snapshot(self) -> int:
        """
        How many events were read and said since the last snapshot, in a rebuild too.
        """

    @property
    def source(self) -> str: ...

class Runner:
    """Drives components in turn on one thread."""

    def __init__(self, clock: Clock, snapshot_every: int = 500000) -> None: ...

    def add(self, component: object, wiring: Wiring) -> None: ...

    def start(self) -> None: ...

    def rebuild(self, member: int) -> None:
        """
        Bring a component (by its number) back to where its journal ends, and keep snapshots of it.
        """

    def take_snapshot(self, member: int) -> None:
        """Keep a component's state, so that the next rebuild is short."""

    def turn(self) -> int:
        """Poll all components once, in real time; says how much was done."""

    def simulate(self, until: int, budget: int) -> int:
        """
        Handle up to `budget` events of simulated time before `until`; says how many.
        """

    def next_time(self) -> int:
        """When something happens next; 2**63-1 if nothing does."""

    def stop(self) -> None: ...

    def close(self) -> None:
        """Close all journals, after a failure too."""
