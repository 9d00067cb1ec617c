"""The market-data half of the dialect: messages of Binance in, events out; no clock, no socket."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kungfu_core import event_types as events
from kungfu_core.enums import FeedState, Side
from kungfu_core.errors import DataError
from kungfu_core.interfaces import EventSink
from kungfu_gateway_binance.book_feed import BookFeed
from kungfu_gateway_binance.instruments import Listing, listing
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
    by_value,
    nanoseconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SECOND = 1_000_000_000
_UNITS = {"s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND, "d": 86400 * _SECOND,
          "w": 7 * 86400 * _SECOND}  # fmt: skip

_Level: TypeAlias = tuple[str, str, Side]


class Context(Protocol):
    """What messages leave out and who drives the dialect knows."""

    def market_of(self, symbol: str) -> Market:
        """The market of a symbol in a message that does not say it."""

    def symbol_of(self, snapshot: Snapshot) -> str:
        """The symbol of a depth snapshot that does not say it."""

    def has_changes(self, market: Market, symbol: str) -> bool:
        """Whether the stream of all changes of the book is there too."""


class _Feed:
    """An instrument and how far its book has come."""

    def __init__(self, of: Listing) -> None:
        self.listing = of
        self.id = of.id
        self.book = BookFeed()


class MarketData:
    """Turns messages into events, each into those of its type, in order of arrival.

    Attributes:
        counts: messages received, by the venue's type names; what gave no event says so.
    """

    def __init__(self, sink: EventSink, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self._context = context
        self._parse = Parser().parse
        self._feeds: dict[tuple[Market, str], _Feed] = {}
        self._trade = sink.emitter(events.TRADE)
        self._quote = sink.emitter(events.QUOTE)
        self._book_snapshot = sink.emitter(events.BOOK_SNAPSHOT)
        self._book_delta = sink.emitter(events.BOOK_DELTA)
        self._bar = sink.emitter(events.BAR)
        self._mark_price = sink.emitter(events.MARK_PRICE)
        self._index_price = sink.emitter(events.INDEX_PRICE)
        self._funding_rate = sink.emitter(events.FUNDING_RATE)
        self._feed_status = sink.emitter(events.FEED_STATUS)
        self._handlers: dict[type[Any], Callable[[Any, Origin], str]] = {
            Trade: self._on_trade,
            AggTrade: self._on_agg_trade,
            BookTicker: self._on_book_ticker,
            DepthUpdate: self._on_depth_update,
            Snapshot: self._on_snapshot,
            MarkPrice: self._on_mark_price,
            Kline: self._on_kline,
            Control: self._on_control,
        }

    def receive(self, message: bytes) -> None:
        """Emit the events of a message.

        Raises:
            DataError: the message is not what the venue documents.
        """
        origin, parsed = self._parse(message)
        try:
            kind = self._handlers[type(parsed)](parsed, origin)
        except ValueError as e:
            raise DataError(f"{_name(parsed)}: {e}") from e
        self.counts[kind] += 1

    def _feed(self, market: Market, symbol: str) -> _Feed:
        feed = self._feeds.get((market, symbol))
        if feed is None:
            feed = self._feeds[market, symbol] = _Feed(listing(market, symbol))
        return feed

    def _on_trade(self, m: Trade, _origin: Origin) -> str:
        feed = self._feed(m.market, m.s)
        if m.X != "MARKET":
            # The venue's own transfers (insurance fund, auto-deleveraging), far off the market.
            return f"trade {m.X} (off the book, no event)"
        self._trade(feed.id, nanoseconds(m.T), m.p, m.q, m.t, _taker(m.m), False)
        return "trade"

    def _on_agg_trade(self, m: AggTrade, _origin: Origin) -> str:
        feed = self._feed(m.market, m.s)
        self._trade(feed.id, nanoseconds(m.T), m.p, m.q, m.l, _taker(m.m), True)
        return "aggTrade"

    def _on_book_ticker(self, m: BookTicker, _origin: Origin) -> str:
        feed = self._feed(m.market, m.s)
        bid, ask = m.has_bid, m.has_ask
        self._quote(
            feed.id,
            nanoseconds(m.T),
            m.u,
            m.b if bid else None,
            m.B if bid else None,
            m.a if ask else None,
            m.A if ask else None,
        )
        return "bookTicker"

    def _on_depth_update(self, m: DepthUpdate, origin: Origin) -> str:
        time = nanoseconds(m.T or m.E)
        if origin.partial:
            return self._on_partial_depth(m.market, m.s, time, m.u, _whole_book(m.b, m.a))
        feed = self._feed(m.market, m.s)
        lost = feed.book.change(m)
        if lost:
            self._status(feed, time, FeedState.GAP, f"changes lost: {lost}")
        self._book_delta(feed.id, time, m.u, m.previous, _levels(m.b, m.a))
        return "depthUpdate"

    def _on_snapshot(self, m: Snapshot, origin: Origin) -> str:
        symbol = origin.symbol or self._context.symbol_of(m)
        time = nanoseconds(m.T or m.E)
        levels = _whole_book(m.bids, m.asks)
        if origin.partial:
            return self._on_partial_depth(m.market, symbol, time, m.lastUpdateId, levels)
        feed = self._feed(m.market, symbol)
        if feed.book.has_passed(m):
            # It would set a book back that has followed every change since.
            return "depth snapshot (older than the book, no event)"
        begins = feed.book.state is not FeedState.LIVE
        useless = feed.book.snapshot(m)
        self._book_snapshot(feed.id, time, m.lastUpdateId, levels)
        if useless:
            self._status(feed, time, FeedState.GAP, useless)
        elif begins:
            self._status(feed, time, FeedState.LIVE, "the book begins with this snapshot")
        return "depth snapshot"

    def _on_partial_depth(
        self, market: Market, symbol: str, time: int, update_id: int, levels: list[_Level]
    ) -> str:
        if self._context.has_changes(market, symbol):
            # A few levels would cut down the whole book that the stream of changes keeps.
            return "partial depth (beside all changes, no event)"
        self._book_snapshot(self._feed(market, symbol).id, time, update_id, levels)
        return "partial depth"

    def _on_mark_price(self, m: MarkPrice, _origin: Origin) -> str:
        feed = self._feed(Market.USD_M, m.s)
        time = nanoseconds(m.E)
        self._mark_price(feed.id, time, m.p)
        if m.i:
            self._index_price(feed.id, time, m.i)
        if m.r and m.T:
            self._funding_rate(feed.id, time, m.r, nanoseconds(m.T))
        return "markPriceUpdate"

    def _on_kline(self, m: Kline, _origin: Origin) -> str:
        k = m.k
        feed = self._feed(self._context.market_of(m.s), m.s)
        if not k.x:
            return "kline (not closed, no event)"
        start = nanoseconds(k.t)
        # A month has no fixed length; the close time is the last millisecond of the candle.
        unit = _UNITS.get(k.i[-1:])
        length = int(k.i[:-1]) * unit if unit else nanoseconds(k.T + 1) - start
        self._bar(feed.id, start, length, k.o, k.h, k.l, k.c, k.v, k.n)
        return "kline"

    def _on_control(self, m: Control, _origin: Origin) -> str:
        return f"{m.kind} (no event)"

    def _status(self, feed: _Feed, time: int, state: FeedState, detail: str) -> None:
        self._feed_status(feed.id, time, events.BOOK_DELTA.number, state, detail)


def _taker(buyer_is_maker: bool) -> Side:
    return Side.SELL if buyer_is_maker else Side.BUY


def _levels(bids: Levels, asks: Levels) -> list[_Level]:
    buy, sell = Side.BUY, Side.SELL
    return [(p, s, buy) for p, s in bids] + [(p, s, sell) for p, s in asks]


def _whole_book(bids: Levels, asks: Levels) -> list[_Level]:
    """Bids first, each side from its best level on; the venue mostly has them so already."""
    return _levels(
        sorted(bids, key=lambda level: by_value(level[0]), reverse=True),
        sorted(asks, key=lambda level: by_value(level[0])),
    )


def _name(message: Message) -> str:
    return type(message).__name__
