"""Reads recorded raw streams of Binance: a survey of what is in them, then the events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

import attrs

from kungfu_core import event_types as events
from kungfu_core.enums import FeedState
from kungfu_core.errors import DataError
from kungfu_core.interfaces import EventSink, RecordingReader
from kungfu_gateway_binance.dialect import MarketData
from kungfu_gateway_binance.instruments import Listing, Step, listing
from kungfu_gateway_binance.wire import (
    AggTrade,
    BookTicker,
    Control,
    DepthUpdate,
    Kline,
    Levels,
    Market,
    MarkPrice,
    Message,
    Origin,
    Parser,
    Snapshot,
    Trade,
)


class _Seen:
    """What the survey learned of one instrument."""

    def __init__(self, of: Listing) -> None:
        self.listing = of
        self.tick = Step()
        self.lot = Step()
        self.first_id: int | None = None
        self.last_id = 0
        self.lowest = float("inf")
        self.highest = 0.0
        self.has_snapshot = False

    def price(self, text: str) -> None:
        self.tick.see(text)
        # Only to tell whose a snapshot is; nothing that is booked comes from here.
        price = float(text)
        self.lowest = min(self.lowest, price)
        self.highest = max(self.highest, price)

    def levels(self, *sides: Levels) -> None:
        _see(self.tick, self.lot, *sides)

    def snapshot(self, tick: str | None, lot: str | None) -> None:
        self.has_snapshot = True
        if tick:
            self.tick.see(tick)
        if lot:
            self.lot.see(lot)

    def change(self, update: DepthUpdate) -> None:
        if self.first_id is None:
            self.first_id = update.previous
        self.last_id = max(self.last_id, update.u)

    def may_own(self, loose: "_Loose") -> bool:
        """Whether the snapshot's id lies among those of this book's changes."""
        return self.first_id is not None and self.first_id <= loose.update_id <= self.last_id

    def fits(self, loose: "_Loose") -> bool:
        """Whether the middle of the snapshot lies among the prices seen."""
        return self.lowest <= loose.ask and loose.bid <= self.highest


@attrs.frozen
class _Loose:
    """What is kept of a snapshot that names no symbol, to find out whose it is."""

    market: Market
    update_id: int
    bid: float
    ask: float

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Loose":
        bid = max((float(price) for price, _ in snapshot.bids), default=float("inf"))
        ask = min((float(price) for price, _ in snapshot.asks), default=0.0)
        return cls(snapshot.market, snapshot.lastUpdateId, bid, ask)


def _see(tick: Step, lot: Step, *sides: Levels) -> None:
    for side in sides:
        for price, size in side:
            tick.see(price)
            lot.see(size)


def _steps(*sides: Levels) -> tuple[str | None, str | None]:
    """Find the steps of prices and sizes in a book."""
    tick, lot = Step(), Step()
    _see(tick, lot, *sides)
    return tick.text(), lot.text()


class Survey:
    """What a recording as a whole says that its messages leave out."""

    def __init__(self) -> None:
        self.seen: dict[tuple[Market, str], _Seen] = {}
        self._parse = Parser().parse
        self._snapshots: list[tuple[_Loose, str | None, str | None]] = []
        self._klines: list[Kline] = []

    def look(self, message: bytes) -> None:
        """Check a message and learn from it."""
        origin, m = self._parse(message)
        if isinstance(m, Control):
            return
        if isinstance(m, Kline):
            self._klines.append(m)
        elif isinstance(m, Snapshot) and not origin.symbol:
            tick, lot = _steps(m.bids, m.asks)
            self._snapshots.append((_Loose.of(m), tick, lot))
        else:
            self._learn(origin, m)

    def conclude(self) -> None:
        """Give what named no market or symbol to the instrument it must belong to.

        Where that cannot be told, the second pass says so, at the message.
        """
        for kline in self._klines:
            with suppress(DataError):
                self._learn_candle(kline)
        for loose, tick, lot in self._snapshots:
            with suppress(DataError):
                self._owner(loose).snapshot(tick, lot)
        self._klines.clear()
        self._snapshots.clear()

    def _learn(self, origin: Origin, m: Message) -> None:
        if isinstance(m, BookTicker):
            self._learn_quote(m)
        elif isinstance(m, Trade | AggTrade):
            seen = self._of(m.market, m.s)
            if isinstance(m, AggTrade) or m.X == "MARKET":
                seen.price(m.p)
                seen.lot.see(m.q)
        elif isinstance(m, DepthUpdate):
            seen = self._of(m.market, m.s)
            seen.levels(m.b, m.a)
            if not origin.partial:
                seen.change(m)
        elif isinstance(m, Snapshot):
            self._of(m.market, origin.symbol).snapshot(*_steps(m.bids, m.asks))
        elif isinstance(m, MarkPrice):
            self._of(Market.USD_M, m.s)

    def _learn_quote(self, m: BookTicker) -> None:
        seen = self._of(m.market, m.s)
        for price, size, present in ((m.b, m.B, m.has_bid), (m.a, m.A, m.has_ask)):
            if present:
                seen.price(price)
                seen.lot.see(size)

    def _learn_candle(self, kline: Kline) -> None:
        seen = self._of(self.market_of(kline.s), kline.s)
        for price in (kline.k.o, kline.k.h, kline.k.l, kline.k.c):
            seen.price(price)
        seen.lot.see(kline.k.v)

    def _of(self, market: Market, symbol: str) -> _Seen:
        seen = self.seen.get((market, symbol))
        if seen is None:
            seen = self.seen[market, symbol] = _Seen(listing(market, symbol))
        return seen

    def market_of(self, symbol: str) -> Market:
        """The one market that the recording has this symbol, or else anything, of."""
        markets = {m for m, s in self.seen if s == symbol} or {m for m, _ in self.seen}
        if len(markets) != 1:
            raise DataError(
                f"kline of {symbol!r}: cannot tell spot from USD-M, because the recording has "
                f"{'both' if markets else 'nothing else'}"
            )
        return markets.pop()

    def symbol_of(self, snapshot: Snapshot) -> str:
        """The one symbol whose book a snapshot without a symbol can be."""
        return self._owner(_Loose.of(snapshot)).listing.symbol

    def _owner(self, loose: _Loose) -> _Seen:
        here = [seen for (market, _), seen in self.seen.items() if market is loose.market]
        owners = here
        for test in (_Seen.may_own, _Seen.fits):
            if len(owners) > 1:
                owners = [seen for seen in owners if test(seen, loose)]
        if len(owners) != 1:
            known = ", ".join(seen.listing.symbol for seen in here) or "none"
            raise DataError(
                f"depth snapshot {loose.update_id} names no symbol, and the update ids and "
                f"prices do not tell whose it is; symbols of {loose.market.value} here: {known}"
            )
        return owners[0]

    def has_changes(self, market: Market, symbol: str) -> bool:
        """Whether the recording has all changes of the book."""
        seen = self.seen.get((market, symbol))
        return seen is not None and seen.first_id is not None


class Recording(RecordingReader):
    """One import of recorded raw streams, spot and USD-M, of any number of symbols."""

    def __init__(self) -> None:
        self._survey = Survey()
        self._market_data: MarketData | None = None
        self.counts: Mapping[str, int] = Counter()

    def survey(self, message: bytes) -> None:
        """Look at a message in the first pass."""
        self._survey.look(message)

    def begin(self, sink: EventSink) -> None:
        """Emit the definitions of the instruments, and which books will stay unknown."""
        self._survey.conclude()
        define = sink.emitter(events.INSTRUMENT)
        status = sink.emitter(events.FEED_STATUS)
        ordered = sorted(self._survey.seen.values(), key=lambda seen: seen.listing.name)
        for seen in ordered:
            seen.listing.define(define, seen.tick.text(), seen.lot.text())
        for seen in ordered:
            if seen.first_id is not None and not seen.has_snapshot:
                status(
                    seen.listing.id,
                    0,
                    events.BOOK_DELTA.number,
                    FeedState.STALE,
                    "the recording has changes of the book but no snapshot to begin with",
                )
        self._market_data = MarketData(sink, self._survey)
        self.counts = self._market_data.counts

    def receive(self, message: bytes) -> None:
        """Emit the events of a message in the second pass."""
        if self._market_data is None:
            raise RuntimeError("begin() comes before receive()")
        self._market_data.receive(message)


def looks_like_binance(messages: Sequence[bytes]) -> bool:
    """Whether any of the first messages is one that this dialect reads."""
    parser = Parser()
    for message in messages:
        try:
            _, parsed = parser.parse(message)
        except DataError:
            continue
        if not isinstance(parsed, Control):
            return True
    return False
