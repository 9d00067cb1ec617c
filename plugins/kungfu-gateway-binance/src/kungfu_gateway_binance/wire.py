"""The messages that Binance sends on its market streams, typed and checked; numbers stay text.

Field names are the venue's own. Sources: the venue's documentation of spot and USD-M streams, and
recorded streams. A message that breaks what is documented is a `DataError`.
"""

import enum
import re
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeAlias

import attrs
import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from kungfu_core.errors import DataError

_LAST_MILLISECOND = 9_223_372_036_854
"""Larger time stamps are microseconds; the last nanosecond of 64 bits lies here."""

Id: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Time: TypeAlias = Annotated[int, Meta(ge=0, le=_LAST_MILLISECOND * 1000)]
Levels: TypeAlias = list[tuple[str, str]]

_numbers = re.compile(r"(?:[0-9]{1,20}+(?:\.[0-9]{1,18}+)?+,)*+").fullmatch
_positive = re.compile(
    r"(?:0{0,19}+(?:[1-9][0-9]{0,19}+(?:\.[0-9]{1,18}+)?+|\.0{0,17}+[1-9][0-9]{0,17}+),)*+"
).fullmatch

_INTERVAL = re.compile(r"[1-9][0-9]{0,2}[smhdwM]").fullmatch


class Market(enum.StrEnum):
    """The two markets whose streams this dialect reads."""

    SPOT = "spot"
    USD_M = "usd-m"


def nanoseconds(time: int) -> int:
    """Turn a time stamp of the venue, in ms or (on request) µs, into ns since 1970."""
    return time * 1_000_000 if time <= _LAST_MILLISECOND else time * 1_000


def _check_numbers(**fields: str) -> None:
    """Check decimal texts that may be zero."""
    for name, text in fields.items():
        if not _numbers(f"{text},"):
            raise ValueError(
                f"{name!r} must be a decimal number that is not negative, not {text!r}"
            )


def _check_positive(**fields: str) -> None:
    """Check decimal texts that must be more than zero."""
    for name, text in fields.items():
        if not _positive(f"{text},"):
            raise ValueError(f"{name!r} must be a decimal number above zero, not {text!r}")


def _check_levels(side: str, levels: Levels) -> None:
    """Check all prices and sizes of one side at once; on a fault, find it."""
    prices = "".join([f"{price}," for price, _ in levels])
    if _positive(prices) and _numbers("".join([f"{size}," for _, size in levels])):
        return
    for i, (price, size) in enumerate(levels):
        _check_positive(**{f"{side}[{i}] price": price})
        _check_numbers(**{f"{side}[{i}] size": size})


class Trade(Struct, tag_field="e", tag="trade", gc=False):
    """`@trade`; spot alone has `M`, USD-M alone has `X`, the kind of the trade."""

    s: str
    t: Id
    p: str
    q: str
    T: Time
    m: bool
    M: bool | UnsetType = UNSET
    X: str = "MARKET"

    def __post_init__(self) -> None:
        """Check the numbers; what is not a trade on the book may have none."""
        check = _check_positive if self.X == "MARKET" else _check_numbers
        check(p=self.p, q=self.q)

    @property
    def market(self) -> Market:
        """Where it was sent."""
        return Market.USD_M if self.M is UNSET else Market.SPOT


class AggTrade(Struct, tag_field="e", tag="aggTrade", gc=False):
    """`@aggTrade`: fills of one taker order at one price; spot alone has `M`."""

    s: str
    p: str
    q: str
    f: Id
    l: Id  # noqa: E741
    T: Time
    m: bool
    M: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Check the numbers and the order of the ids."""
        _check_positive(p=self.p, q=self.q)
        if self.l < self.f:
            raise ValueError(f"last trade id 'l' = {self.l} is below the first, 'f' = {self.f}")

    @property
    def market(self) -> Market:
        """Where it was sent."""
        return Market.USD_M if self.M is UNSET else Market.SPOT


class BookTicker(Struct, gc=False):
    """`@bookTicker`; spot has neither `e` nor times."""

    u: Id
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Time = 0
    e: str = ""

    def __post_init__(self) -> None:
        """Check the numbers; an empty side is all zeros."""
        if not _numbers(f"{self.b},{self.B},{self.a},{self.A},"):
            _check_numbers(b=self.b, B=self.B, a=self.a, A=self.A)

    @property
    def market(self) -> Market:
        """Where it was sent."""
        return Market.USD_M if self.e else Market.SPOT

    @property
    def has_bid(self) -> bool:
        """Whether there is a bid."""
        return self.B.strip("0.") != ""

    @property
    def has_ask(self) -> bool:
        """Whether there is an offer."""
        return self.A.strip("0.") != ""


class DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False):
    """`@depth`; USD-M alone has `pu` (and `T`). On USD-M also the form of `@depth5|10|20`."""

    E: Time
    s: str
    U: Id
    u: Id
    b: Levels
    a: Levels
    T: Time = 0
    pu: Id | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Check the ids and the levels."""
        if self.u < self.U:
            raise ValueError(f"final update id 'u' = {self.u} is below the first, 'U' = {self.U}")
        if self.pu is UNSET:
            if self.U == 0:
                raise ValueError("first update id 'U' must be above zero")
        elif self.pu > self.u:
            raise ValueError(f"previous update id 'pu' = {self.pu} is above 'u' = {self.u}")
        _check_levels("b", self.b)
        _check_levels("a", self.a)

    @property
    def market(self) -> Market:
        """Where it was sent."""
        return Market.SPOT if self.pu is UNSET else Market.USD_M

    @property
    def previous(self) -> int:
        """The update id that the book must have reached."""
        return self.U - 1 if self.pu is UNSET else self.pu


class Snapshot(Struct, gc=False):
    """The REST answer `depth`, and spot's `@depth5|10|20`; USD-M alone has times; no symbol."""

    lastUpdateId: Id  # noqa: N815
    bids: Levels
    asks: Levels
    E: Time = 0
    T: Time = 0

    def __post_init__(self) -> None:
        """Check the levels."""
        _check_levels("bids", self.bids)
        _check_levels("asks", self.asks)

    @property
    def market(self) -> Market:
        """Where it was sent."""
        return Market.USD_M if self.E or self.T else Market.SPOT


class MarkPrice(Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """`@markPrice` of USD-M; `r` and `T` are empty and 0 where there is no funding."""

    E: Time
    s: str
    p: str
    i: str = ""
    r: str = ""
    T: Time = 0

    def __post_init__(self) -> None:
        """Check the numbers; the funding rate may be negative."""
        _check_positive(p=self.p)
        if self.i:
            _check_numbers(i=self.i)
        if self.r and not _numbers(f"{self.r.removeprefix('-')},"):
            raise ValueError(f"'r' must be a decimal number, not {self.r!r}")


class Candle(Struct, gc=False):
    """The inner part of a `@kline` message."""

    t: Time
    T: Time
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741
    v: str
    n: Id
    x: bool

    def __post_init__(self) -> None:
        """Check the numbers and the times."""
        _check_positive(o=self.o, c=self.c, h=self.h, l=self.l)
        _check_numbers(v=self.v)
        if not _INTERVAL(self.i):
            raise ValueError(f"interval 'i' must be like '1m' or '1M', not {self.i!r}")
        if self.t >= self.T:
            raise ValueError(f"close time 'T' = {self.T} is not after 't' = {self.t}")


class Kline(Struct, tag_field="e", tag="kline", gc=False):
    """`@kline_<interval>`; nothing in it tells spot from USD-M."""

    s: str
    k: Candle


class Control(Struct, gc=False):
    """What says nothing about a market: the reply to a subscription, a shutdown notice."""

    kind: str


Message: TypeAlias = (
    Trade | AggTrade | BookTicker | DepthUpdate | Snapshot | MarkPrice | Kline | Control
)


@attrs.frozen
class Origin:
    """What the stream's name says; empty and false where there is none.

    Attributes:
        symbol: in upper case.
        partial: the stream gives the best few levels over and over, not changes.
    """

    symbol: str = ""
    partial: bool = False


_NO_STREAM = Origin()
_PARTIAL_DEPTH = re.compile(r"@depth(5|10|20)(@|$)")


class _Envelope(Struct, gc=False):
    stream: str = ""
    data: Raw | UnsetType = UNSET


class _Head(Struct, gc=False):
    """Whatever tells the types apart."""

    e: str = ""
    u: Raw | UnsetType = UNSET
    lastUpdateId: Raw | UnsetType = UNSET  # noqa: N815
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    code: Raw | UnsetType = UNSET


_BY_EVENT: dict[str, type[Any]] = {
    "trade": Trade,
    "aggTrade": AggTrade,
    "bookTicker": BookTicker,
    "depthUpdate": DepthUpdate,
    "markPriceUpdate": MarkPrice,
    "kline": Kline,
}
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_KINDS: tuple[type[Any], ...] = (*_BY_EVENT.values(), Snapshot)
_DECODERS: dict[type[Any], Callable[[bytes | Raw], Any]] = {
    kind: msgspec.json.Decoder(kind).decode for kind in _KINDS
}


class Parser:
    """Tells what a message is and decodes it; remembers what each stream carries."""

    def __init__(self) -> None:
        self._streams: dict[str, tuple[Origin, type[Any]]] = {}

    def parse(self, message: bytes) -> tuple[Origin, Message]:
        """Decode one message, in the combined-stream form or bare.

        Raises:
            DataError: it is not JSON, not of a known type, or not as documented.
        """
        try:
            envelope = _decode_envelope(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            raise DataError(f"not a JSON message of Binance: {e}") from None
        stream = envelope.stream
        known = self._streams.get(stream) if stream else None
        data: bytes | Raw = message if envelope.data is UNSET else envelope.data
        if known is None:
            head = _head(data, stream)
            kind = _kind(head, stream)
            if kind is Control:
                return _NO_STREAM, Control(head.e or "subscription reply")
            known = _origin(stream), kind
            if stream:
                self._streams[stream] = known
        origin, kind = known
        try:
            return origin, _DECODERS[kind](data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            _refuse(kind, e, data)


def _head(data: bytes | Raw, stream: str) -> _Head:
    try:
        return _decode_head(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        place = f"stream {stream!r}" if stream else "a message"
        raise DataError(f"{place} of Binance has no single event in it: {e}") from None


def _kind(head: _Head, stream: str) -> type[Any]:
    """Tell the type by the event's name, or by the fields where it has none."""
    if head.e:
        if head.e == "serverShutdown":
            return Control
        if head.e not in _BY_EVENT:
            known = ", ".join(sorted(_BY_EVENT))
            where = f" (stream {stream!r})" if stream else ""
            raise DataError(f"unknown message type {head.e!r}{where}; known are {known}")
        return _BY_EVENT[head.e]
    if head.lastUpdateId is not UNSET:
        return Snapshot
    if head.u is not UNSET:
        return BookTicker
    if head.error is not UNSET or head.code is not UNSET:
        said = bytes(head.error if head.error is not UNSET else head.code).decode(errors="replace")  # type: ignore[arg-type]
        raise DataError(f"the recording holds a refusal of the venue instead of data: {said}")
    if head.result is not UNSET and bytes(head.result)[:1] in (b"n", b"["):
        return Control
    where = f"stream {stream!r}: " if stream else ""
    raise DataError(
        f"{where}unknown message: no event type 'e', nor the fields of a best bid and offer ('u'), "
        "of a depth snapshot ('lastUpdateId') or of a subscription reply ('result')"
    )


def _origin(stream: str) -> Origin:
    symbol, at, _ = stream.partition("@")
    return Origin(symbol.upper() if at else "", bool(_PARTIAL_DEPTH.search(stream)))


def _refuse(kind: type[Any], error: Exception, data: bytes | Raw) -> NoReturn:
    """Raise a `DataError` that names the field and, where the message has it, its value."""
    what, _, path = str(error).partition(" - at `$")
    path = path.removesuffix("`")
    field = path.lstrip(".")
    at = f" at {field!r}" if field else ""
    value = f", which is {_value_at(data, path)}" if field else ""
    raise DataError(f"{_title(kind)}: {what}{at}{value}") from None


def _title(kind: type[Any]) -> str:
    tag = kind.__struct_config__.tag
    return str(tag or ("bookTicker" if kind is BookTicker else "depth snapshot"))


def _value_at(data: bytes | Raw, path: str) -> str:
    try:
        value: Any = msgspec.json.decode(data)
        for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
            value = value[name] if name else value[int(index)]
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError, RecursionError):
        return "unreadable"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:80]}…"


def by_value(text: str) -> tuple[int, str, str]:
    """Sort key of checked decimal texts: by value, exactly and without computing."""
    whole, _, fraction = text.partition(".")
    whole = whole.lstrip("0")
    return len(whole), whole, fraction.rstrip("0")
