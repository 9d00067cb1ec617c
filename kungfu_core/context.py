"""What a strategy sees and can do; it answers only from events that the strategy has read."""

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol, TypeVar, Unpack

import attrs

from kungfu_core import events
from kungfu_core._native import OrderBook, StrategyHost, id_of
from kungfu_core.bars import BarBuilder
from kungfu_core.enums import (
    LogLevel,
    PositionSide,
    PriceKind,
    Side,
    SubscriptionAction,
    TimeInForce,
)
from kungfu_core.errors import OrderError
from kungfu_core.instruments import Exact
from kungfu_core.orders import (
    Bracket,
    Order,
    OrderTerms,
    lasting,
    member,
    order_size,
    order_type,
    said_parameters,
    shown_size,
)
from kungfu_core.values import LAST_TIME, parse_duration
from kungfu_core.views import Event

InstrumentLike = str | int | events.Instrument
"""An instrument by canonical name, by id, or by its definition."""

PositionKey = tuple[int, int, PositionSide]
"""An account's id, an instrument's id, and which of its positions."""

E = TypeVar("E", bound=Event)
_SUBSCRIBABLE: tuple[type, ...] = (
    events.Trade,
    events.Quote,
    events.Bar,
    events.MarkPrice,
    events.IndexPrice,
    events.FundingRate,
    OrderBook,
)


class History(Protocol):
    """Reads back what a strategy has read; `history.py` has the one over journals."""

    def events(
        self, kind: type[E], instrument: int, *, count: int | None, since: int | None
    ) -> list[E]:
        """Give the events of one type and instrument, oldest first."""

    def read_book(self, book: OrderBook, instrument: int) -> None:
        """Bring an instrument's order book to where the events read so far leave it."""


@attrs.frozen
class StrategySetup:
    """What a session tells a strategy's context about its place.

    Attributes:
        name: of the strategy; also its source.
        broker: the broker's source id.
        accounts: ids by configured name; the first is the default.
        first_order: order ids count up from here.
        seed: of its random numbers.
        saved: what the strategy saved last, as JSON; None if it never did.
        history: reads back what was read.
        algorithms: the configured execution algorithms.
    """

    name: str
    broker: int
    accounts: Mapping[str, int]
    first_order: int
    seed: int
    saved: bytes | None
    history: History
    algorithms: tuple[str, ...] = ()


@attrs.define
class Interval:
    """A timer that comes again: its id, its length in ns, and the timer that it waits for now."""

    id: int
    length: int
    pending: int


class Known(Protocol):
    """What a strategy has learnt from the events that it read; `strategy_runtime.py` keeps it."""

    orders: dict[int, Order]
    instruments: dict[int, events.Instrument]
    positions: dict[PositionKey, events.Position]
    own_positions: dict[PositionKey, events.Position]
    balances: dict[tuple[int, str], events.Balance]
    bars: dict[int, list[BarBuilder]]
    intervals: dict[int, Interval]

    def change_trades(self, instrument: int, *, wanted: bool) -> None:
        """Begin or end handing an instrument's trades to the strategy."""

    def on_bars_changed(self, instrument: int) -> None:
        """Follow a change of the bars that are built for an instrument."""


def printable(text: str) -> str:
    """Escape what UTF-8 cannot say (lone surrogates, as in odd file names)."""
    return text.encode(errors="backslashreplace").decode()


class StrategyLog:
    """Writes log events into the strategy's journal."""

    def __init__(self, host: StrategyHost) -> None:
        self._host = host

    def _write(self, level: LogLevel, message: str) -> None:
        if not isinstance(message, str):
            raise TypeError(f"log.{level.name.lower()}: expected text, got {message!r}")
        self._host.append(events.Log(level, printable(message)))

    def debug(self, message: str) -> None:
        """Log what only a developer wants to know."""
        self._write(LogLevel.DEBUG, message)

    def info(self, message: str) -> None:
        """Log what happened."""
        self._write(LogLevel.INFO, message)

    def warning(self, message: str) -> None:
        """Log what somebody should look at."""
        self._write(LogLevel.WARNING, message)

    def error(self, message: str) -> None:
        """Log what went wrong."""
        self._write(LogLevel.ERROR, message)


class Context:
    """The one way from a strategy to the world.

    Attributes:
        log: writes log events into the strategy's journal.
        random: seeded random numbers; the same in an equal run.
    """

    def __init__(self, host: StrategyHost, setup: StrategySetup, known: Known) -> None:
        self.log = StrategyLog(host)
        self.random = random.Random(f"{setup.seed}/{setup.name}")  # noqa: S311 - not for secrets
        self._host = host
        self._setup = setup
        self._known = known
        self._default_account = next(iter(setup.accounts.values()), 0)
        self._next_order = setup.first_order
        self._saved = setup.saved

    # --- time and chance -----------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the event or timer in hand, in ns since 1970 UTC."""
        return self._host.now

    @property
    def name(self) -> str:
        """The strategy's configured name."""
        return self._setup.name

    def exchange_time(self, instrument: InstrumentLike) -> int:
        """Give what the clock of an instrument's venue shows now, in ns since 1970 UTC.

        Estimated from the times in the messages that were subscribed to: the largest difference to
        the receive time within the last minute or two, that of the least delayed message. The
        strategy's own time while nothing is known.
        """
        return self._host.exchange_time(self._id(instrument))

    def timer(self, *, at: int | None = None, after: str | int | None = None) -> int:
        """Ask for `on_timer` once.

        Args:
            at: a time in ns since 1970 UTC.
            after: a duration such as "5s", or ns.

        Returns:
            The timer's id, as `on_timer` and `cancel_timer` know it.

        Raises:
            ValueError: not exactly one of both was given, or it is out of range.
        """
        if (at is None) == (after is None):
            raise ValueError("timer: expected either at= or after=")
        return self._add_timer(at if at is not None else self.now + _nanoseconds(after))

    def interval(self, every: str | int) -> int:
        """Ask for `on_timer` again and again; gives the id that all its firings have.

        Raises:
            ValueError: the duration is not positive.
        """
        length = _nanoseconds(every)
        if length <= 0:
            raise ValueError(f"interval: expected a positive duration, got {every!r}")
        timer = self._add_timer(self.now + length)
        self._known.intervals[timer] = Interval(timer, length, timer)
        return timer

    def cancel_timer(self, timer: int) -> None:
        """Give up a timer or interval; one that is over is no error."""
        interval = self._known.intervals.pop(timer, None)
        self._host.cancel_timer(interval.pending if interval else timer)

    # --- market data ---------------------------------------------------------------------------

    def instrument(self, instrument: InstrumentLike) -> events.Instrument:
        """Give an instrument's definition.

        Raises:
            OrderError: no definition of it has been read.
        """
        if isinstance(instrument, events.Instrument):
            return instrument
        number = id_of(instrument) if isinstance(instrument, str) else instrument
        found = self._known.instruments.get(number)
        if found is None:
            known = ", ".join(sorted(i.name for i in self._known.instruments.values())) or "none"
            raise OrderError(f"unknown instrument {instrument!r}; known: {known}")
        return found

    @property
    def instruments(self) -> tuple[events.Instrument, ...]:
        """All instruments whose definition has been read, by name."""
        return tuple(sorted(self._known.instruments.values(), key=lambda i: i.name))

    def subscribe(
        self, instrument: InstrumentLike, *kinds: type, timeframe: str | int | None = None
    ) -> None:
        """Ask for an instrument's events.

        Args:
            instrument: whose.
            kinds: `Trade`, `Quote`, `OrderBook`, `Bar`, `MarkPrice`, `IndexPrice`, `FundingRate`.
            timeframe: of bars: a duration such as "1m", or ns.

        Raises:
            OrderError: no definition of the instrument has been read.
            ValueError: a kind cannot be subscribed to, or bars lack their timeframe.
        """
        self._change(instrument, kinds, timeframe, SubscriptionAction.SUBSCRIBE)

    def unsubscribe(
        self, instrument: InstrumentLike, *kinds: type, timeframe: str | int | None = None
    ) -> None:
        """Give up what `subscribe` asked for; arguments and errors are the same."""
        self._change(instrument, kinds, timeframe, SubscriptionAction.UNSUBSCRIBE)

    def book(self, instrument: InstrumentLike) -> OrderBook:
        """Give the live order book of an instrument; `known` is False until it can be trusted."""
        book: OrderBook = self._host.book(self._id(instrument))
        return book

    def history(
        self,
        instrument: InstrumentLike,
        kind: type[E],
        *,
        count: int | None = None,
        since: int | None = None,
        timeframe: str | int | None = None,
    ) -> list[E]:
        """Give past events, oldest first, up to what the strategy has read and no further.

        The next live event follows the last one given without a gap or a repetition; bars are
        complete ones only.

        Args:
            instrument: whose.
            kind: an event class such as `Trade` or `Bar`.
            count: the last so many.
            since: all from this time on, in ns; generation time.
            timeframe: of bars.

        Raises:
            TypeError: the kind is no class of events.
            ValueError: neither or both of count and since were given, or one that makes no sense;
                or bars lack their timeframe.
        """
        if (count is None) == (since is None):
            raise ValueError("history: expected either count= or since=")
        _whole("history: since" if count is None else "history: count", count or since or 0)
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise TypeError(f"history: expected a class of events such as Trade, got {kind!r}")
        target = self._id(instrument)
        if kind is not events.Bar:
            return self._setup.history.events(kind, target, count=count, since=since)
        builder = BarBuilder(target, parse_timeframe(timeframe))
        return self._past_bars(builder, count, since)  # type: ignore[return-value]

    # --- orders --------------------------------------------------------------------------------

    def buy(
        self, instrument: InstrumentLike, size: Exact | None = None, **terms: Unpack[OrderTerms]
    ) -> Order:
        """Place an order to buy; the terms are those of `submit`."""
        return self.submit(Side.BUY, instrument, size, **terms)

    def sell(
        self, instrument: InstrumentLike, size: Exact | None = None, **terms: Unpack[OrderTerms]
    ) -> Order:
        """Place an order to sell; the terms are those of `submit`."""
        return self.submit(Side.SELL, instrument, size, **terms)

    def submit(
        self,
        side: Side,
        instrument: InstrumentLike,
        size: Exact | None = None,
        *,
        price: Exact | None = None,
        trigger_price: Exact | None = None,
        trailing_offset: Exact | None = None,
        trigger_by: PriceKind = PriceKind.LAST,
        display_size: Exact | None = None,
        contracts: Exact | None = None,
        account: str | None = None,
        post_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire_time: int = 0,
        reduce_only: bool = False,
        position_side: PositionSide = PositionSide.NET,
        parent: Order | None = None,
        group: Order | None = None,
        algorithm: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        tag: str = "",
    ) -> Order:
        """Place an order: a limit order if it has a price, else a market order.

        Args:
            side: which way.
            instrument: what.
            size: in base units; a float stands for its shortest decimal text.
            price: the limit.
            trigger_price: makes it a stop, which waits for this price: from below if it buys, from
                above if it sells.
            trailing_offset: makes it a trailing stop: so far off the best price since then.
            trigger_by: which price a stop watches.
            display_size: how much of it the book shows, in the unit of the size.
            contracts: the size in contracts instead; inverse instruments require it.
            account: by configured name; the first one if it is left out.
            post_only: refuse rather than take liquidity.
            time_in_force: how long it may rest.
            expire_time: makes it a GTD order, which ends then; ns since 1970 UTC.
            reduce_only: may only make a position smaller.
            position_side: LONG or SHORT where the account holds both side by side.
            parent: let it out when this order of the same instrument has filled.
            group: a fill of either cancels the other; its group, where it has joined one.
            algorithm: the configured execution algorithm that is to work it.
            parameters: of the algorithm; anything that JSON can say, and Decimals.
            tag: the strategy's own label, at most 32 bytes.

        Raises:
            OrderError: the order cannot be said exactly; an off-tick price names both neighbours.
        """
        draft = self._draft(
            side,
            instrument,
            size,
            0,
            price=price,
            trigger_price=trigger_price,
            trailing_offset=trailing_offset,
            trigger_by=trigger_by,
            display_size=display_size,
            contracts=contracts,
            account=account,
            post_only=post_only,
            time_in_force=time_in_force,
            expire_time=expire_time,
            reduce_only=reduce_only,
            position_side=position_side,
            parent=parent,
            group=group,
            algorithm=algorithm,
            parameters=parameters,
            tag=tag,
        )
        self._place(draft)
        return draft.order

    def bracket(
        self,
        side: Side,
        instrument: InstrumentLike,
        size: Exact | None = None,
        *,
        take_profit: Exact,
        stop: Exact,
        trigger_by: PriceKind = PriceKind.LAST,
        price: Exact | None = None,
        contracts: Exact | None = None,
        account: str | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        position_side: PositionSide = PositionSide.NET,
        tag: str = "",
    ) -> Bracket:
        """Place an entry with a take-profit and a stop, which are let out when it has filled.

        All three are checked before any is placed. The exits are a group: a fill of one takes its
        size off the other.

        Args:
            side: of the entry; the exits have the other one.
            instrument: what.
            size: of all three, in base units.
            take_profit: limit price of the exit that wins.
            stop: trigger price of the exit that loses; it goes out as a market order.
            trigger_by: which price the stop watches.
            price: the entry's limit; left out, it is a market order.
            contracts: the size in contracts instead.
            account: by configured name; the first one if it is left out.
            time_in_force: of the entry; the exits stay until they are filled or cancelled.
            position_side: LONG or SHORT where the account holds both side by side.
            tag: of all three.

        Raises:
            OrderError: one of them cannot be said exactly, or the exits are on the wrong sides.
        """
        side = member(Side, side, "side")
        definition = self.instrument(instrument)
        win = _price(definition, take_profit, "take_profit")
        loss = _price(definition, stop, "stop")
        limits = [] if price is None else [_price(definition, price, "price")]
        ascending = [loss, *limits, win] if side is Side.BUY else [win, *limits, loss]
        if ascending != sorted(set(ascending)):
            below, above = ("stop", "take_profit")[:: 1 if side is Side.BUY else -1]
            raise OrderError(
                f"bracket: expected {below} below {above} and a price between them, "
                f"got stop={loss}, take_profit={win}, price={price}"
            )
        common: OrderTerms = {
            "contracts": contracts,
            "account": account,
            "position_side": position_side,
            "tag": tag,
        }
        own: OrderTerms = {"price": price, "time_in_force": time_in_force}
        entry = self._draft(side, definition, size, 0, **(common | own))
        common["parent"] = entry.order
        back = Side.SELL if side is Side.BUY else Side.BUY
        winner = self._draft(back, definition, size, 1, **(common | {"price": win}))
        own = {"trigger_price": loss, "trigger_by": trigger_by, "group": winner.order}
        loser = self._draft(back, definition, size, 2, **(common | own))
        self._place(entry, winner, loser)
        return Bracket(entry.order, winner.order, loser.order)

    def cancel(self, order: Order | int) -> None:
        """Ask for an order to be cancelled; one that is over already is no error.

        Raises:
            OrderError: it is no order that this strategy has placed.
        """
        number = order.id if isinstance(order, Order) else order
        found = self._known.orders.get(number) if isinstance(number, int) else None
        if found is None:
            if isinstance(number, int) and self._setup.first_order < number <= self._next_order:
                return
            raise OrderError(
                "cancel: expected an order that this strategy has placed, or its id, "
                f"got {number!r}"
            )
        self._host.append(
            events.OrderCancel(found.id, found.instrument, found.account, id_of(self._setup.name)),
            self._setup.broker,
        )

    def cancel_all(self, instrument: InstrumentLike | None = None) -> None:
        """Ask for all open orders to be cancelled, or for those of one instrument."""
        for order in self.open_orders(instrument):
            self.cancel(order)

    def amend(
        self,
        order: Order | int,
        *,
        price: Exact | None = None,
        size: Exact | None = None,
        contracts: Exact | None = None,
        trigger_price: Exact | None = None,
    ) -> None:
        """Ask for an order to be changed in place.

        Args:
            order: which.
            price: the new limit; left out, it stays.
            size: the new total size in base units, what is filled included; left out, it stays.
            contracts: the new total size in contracts instead.
            trigger_price: the price that a stop waits for from now on; left out, it stays.

        Raises:
            OrderError: the order is over, nothing was to change, or a value is off its step.
        """
        number = order.id if isinstance(order, Order) else order
        found = self._known.orders.get(number)
        if found is None:
            raise OrderError(f"order {number} is not open")
        resized = size is not None or contracts is not None
        if price is None and trigger_price is None and not resized:
            raise OrderError("amend: expected price=, size=, contracts= or trigger_price=")
        definition = self.instrument(found.instrument)
        self._host.append(
            _said_exactly(
                events.OrderAmend,
                order_id=found.id,
                instrument=found.instrument,
                account=found.account,
                strategy=id_of(self._setup.name),
                price=None if price is None else _price(definition, price, "price"),
                size=order_size(definition, size, contracts) if resized else None,
                trigger_price=(
                    None
                    if trigger_price is None
                    else _price(definition, trigger_price, "trigger_price")
                ),
            ),
            self._setup.broker,
        )

    def open_orders(self, instrument: InstrumentLike | None = None) -> list[Order]:
        """Give the strategy's orders that may still fill, oldest first."""
        wanted = None if instrument is None else self._id(instrument)
        return [o for o in self._known.orders.values() if wanted in (None, o.instrument)]

    # --- accounts ------------------------------------------------------------------------------

    def position(
        self,
        instrument: InstrumentLike,
        account: str | None = None,
        side: PositionSide = PositionSide.NET,
    ) -> events.Position:
        """Give an account's position; one of size 0 where there never was any.

        `side` is LONG or SHORT where the account holds both side by side (hedging mode).
        """
        return self._position(self._known.positions, instrument, account, side, 0)

    def own_position(
        self,
        instrument: InstrumentLike,
        account: str | None = None,
        side: PositionSide = PositionSide.NET,
    ) -> events.Position:
        """Give the part of an account's position that came from this strategy's own fills."""
        own = id_of(self._setup.name)
        return self._position(self._known.own_positions, instrument, account, side, own)

    def balance(self, currency: str, account: str | None = None) -> Decimal:
        """Give what an account has of a currency; 0 where there never was any."""
        found = self._known.balances.get((self._account(account), currency))
        return found.total_exact if found else Decimal(0)

    # --- own state -----------------------------------------------------------------------------

    def save(self, state: object) -> None:
        """Journal the strategy's own state, anything that JSON can say; `load` gives it back.

        Raises:
            TypeError: JSON cannot say it.
            ValueError: it has a number that is not finite, or does not fit into a page.
        """
        try:
            saved = json.dumps(state, allow_nan=False).encode()
        except TypeError as error:
            raise TypeError(_unsaid(state, "save: state") or f"save: {error}") from None
        except ValueError as error:
            raise ValueError(f"save: {error}") from None
        self._host.append(events.State(saved))
        self._saved = saved

    def load(self) -> Any:  # noqa: ANN401
        """Give what was saved last, also by an earlier session; None if nothing was."""
        return None if self._saved is None else json.loads(self._saved)

    # --- behind the scenes ---------------------------------------------------------------------

    def _id(self, instrument: InstrumentLike) -> int:
        """Give the id; a name without a definition is a mistake, nothing to wait for."""
        known = self.instrument(instrument) if isinstance(instrument, str) else instrument
        number = known.instrument if isinstance(known, events.Instrument) else known
        if not isinstance(number, int) or not 0 <= number < 1 << 64:
            raise OrderError(f"expected an instrument's name, id or definition, got {number!r}")
        return number

    def _position(
        self,
        held: Mapping[PositionKey, events.Position],
        instrument: InstrumentLike,
        account: str | None,
        side: PositionSide,
        strategy: int,
    ) -> events.Position:
        number, target = self._account(account), self._id(instrument)
        side = member(PositionSide, side, "side")
        found = held.get((number, target, side))
        return found or events.Position(
            account=number,
            instrument=target,
            strategy=strategy,
            size=0,
            cost=0,
            realized_pnl=0,
            position_side=side,
        )

    def _add_timer(self, due: int) -> int:
        return self._host.add_timer(_whole("timer", due))

    def _draft(
        self,
        side: Side,
        instrument: InstrumentLike,
        size: Exact | None,
        ahead: int,
        *,
        price: Exact | None = None,
        trigger_price: Exact | None = None,
        trailing_offset: Exact | None = None,
        trigger_by: PriceKind = PriceKind.LAST,
        display_size: Exact | None = None,
        contracts: Exact | None = None,
        account: str | None = None,
        post_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire_time: int = 0,
        reduce_only: bool = False,
        position_side: PositionSide = PositionSide.NET,
        parent: Order | None = None,
        group: Order | None = None,
        algorithm: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        tag: str = "",
    ) -> "_Draft":
        """Check an order and say it, without placing it; `ahead` others are placed before it."""
        side = member(Side, side, "side")
        time_in_force = member(TimeInForce, time_in_force, "time_in_force")
        trigger_by = member(PriceKind, trigger_by, "trigger_by")
        position_side = member(PositionSide, position_side, "position_side")
        definition = self.instrument(instrument)
        limit = None if price is None else _price(definition, price, "price")
        trigger = (
            None if trigger_price is None else _price(definition, trigger_price, "trigger_price")
        )
        trail = (
            None
            if trailing_offset is None
            else _price(definition, trailing_offset, "trailing_offset")
        )
        for what, other in (("parent", parent), ("group", group)):
            if other is not None and not isinstance(other, Order):
                raise OrderError(f"{what}: expected an Order, got {other!r}")
        kind = order_type(limit, trigger, trail, post_only=post_only, trigger_by=trigger_by)
        whole = order_size(definition, size, contracts)
        number = self._next_order + 1 + ahead
        order = Order(
            id=number,
            instrument=definition.instrument,
            account=self._account(account),
            side=side,
            type=kind,
            time_in_force=lasting(time_in_force, expire_time, self.now),
            size=whole,
            price=limit,
            tag=tag,
            group=number if group is None else group.group,
            position_side=position_side,
        )
        for what, other in (("parent", parent), ("group", group)):
            if other and (other.instrument, other.account) != (order.instrument, order.account):
                raise OrderError(f"{what}: order {other.id} is of another instrument or account")
        request = _said_exactly(
            events.OrderRequest,
            order_id=number,
            instrument=order.instrument,
            account=order.account,
            strategy=id_of(self._setup.name),
            price=limit,
            size=whole,
            trigger_price=trigger,
            trailing_offset=trail,
            display_size=shown_size(definition, display_size, order, contracts is not None),
            expire_time=expire_time,
            parent_id=parent.id if parent else 0,
            group_id=order.group if group else 0,
            algorithm=0 if algorithm is None else self._algorithm(algorithm),
            parameters=said_parameters(algorithm, parameters),
            side=side,
            type=kind,
            time_in_force=order.time_in_force,
            trigger_by=trigger_by,
            position_side=position_side,
            reduce_only=reduce_only,
            tag=tag,
        )
        return _Draft(order, request)

    def _place(self, *drafts: "_Draft") -> None:
        for draft in drafts:
            self._host.append(draft.request, self._setup.broker)
            self._next_order = draft.order.id
            self._known.orders[draft.order.id] = draft.order

    def _account(self, name: str | None) -> int:
        if name is None:
            return self._default_account
        if name not in self._setup.accounts:
            known = ", ".join(self._setup.accounts)
            raise OrderError(f"unknown account {name!r}; expected one of: {known}")
        return self._setup.accounts[name]

    def _algorithm(self, name: str) -> int:
        if name not in self._setup.algorithms:
            known = ", ".join(self._setup.algorithms) or "none"
            raise OrderError(f"unknown algorithm {name!r}; configured: {known}")
        return id_of(name)

    def _change(
        self,
        instrument: InstrumentLike,
        kinds: tuple[type, ...],
        timeframe: str | int | None,
        action: SubscriptionAction,
    ) -> None:
        if not kinds:
            raise ValueError("subscribe: expected at least one kind of event, such as Trade")
        target = self._id(instrument)
        begin = action is SubscriptionAction.SUBSCRIBE
        for kind in kinds:
            if kind not in _SUBSCRIBABLE:
                names = ", ".join(k.__name__ for k in _SUBSCRIBABLE)
                raise ValueError(
                    f"cannot subscribe to {kind!r}; expected some of: {names}, "
                    "each as an argument of its own"
                )
            length = parse_timeframe(timeframe) if kind is events.Bar else 0
            number = _type_number(kind)
            self._host.append(events.Subscription(target, number, action, length))
            if kind is events.Bar:
                self._change_bars(target, length, begin=begin)
            elif kind is events.Trade:
                self._known.change_trades(target, wanted=begin)
            elif begin:
                if kind is OrderBook and not self._host.book(target).known:
                    self._setup.history.read_book(self._host.book(target), target)
                self._host.subscribe(target, number)
            else:
                self._host.unsubscribe(target, number)

    def _change_bars(self, instrument: int, timeframe: int, *, begin: bool) -> None:
        builders = self._known.bars.setdefault(instrument, [])
        known = [b for b in builders if b.timeframe == timeframe]
        if begin and not known:
            builder = BarBuilder(instrument, timeframe)
            # Trades of the stretch in hand that came before the subscription belong to its bar.
            since = builder.start_of(self.now)
            for trade in self._setup.history.events(
                events.Trade, instrument, count=None, since=since
            ):
                builder.add(trade)
            builders.append(builder)
        elif not begin and known:
            builders.remove(known[0])
        self._known.on_bars_changed(instrument)

    def _past_bars(
        self, builder: BarBuilder, count: int | None, since: int | None
    ) -> list[events.Bar]:
        start = 0 if since is None else -(-since // builder.timeframe) * builder.timeframe
        trades = self._setup.history.events(
            events.Trade, builder.instrument, count=None, since=start
        )
        bars = [bar for trade in trades if (bar := builder.add(trade))]
        last = builder.close(self.now)
        bars += [last] if last else []
        return bars if count is None else bars[-count:] if count else []


def _price(definition: events.Instrument, price: Exact, what: str) -> Decimal:
    """Take a price of an order.

    Raises:
        OrderError: it is off the tick, or not positive.
    """
    checked = definition.check_price(price, what)
    if checked <= 0:
        raise OrderError(f"{what}: expected more than 0, got {price}")
    return checked


def _unsaid(state: object, path: str) -> str | None:
    """Say where in a state is what JSON cannot say, if it is anywhere; the first place."""
    parts: list[tuple[str, object]] = []
    if isinstance(state, dict):
        for key in state:
            if not isinstance(key, str | int | float | bool | None):
                return f"{path}: expected keys that are text or numbers, got {key!r}"
        parts = [(f"{path}[{key!r}]", value) for key, value in state.items()]
    elif isinstance(state, list | tuple):
        parts = [(f"{path}[{index}]", value) for index, value in enumerate(state)]
    elif not isinstance(state, str | int | float | bool | None):
        advice = "; write a Decimal as text" if isinstance(state, Decimal) else ""
        return f"{path}: expected what JSON can say, got {state!r}{advice}"
    return next(filter(None, (_unsaid(value, step) for step, value in parts)), None)


def _whole(what: str, value: object) -> int:
    """Take a number as a journal can hold it.

    Raises:
        ValueError: it is not whole, negative, or too large.
    """
    if not isinstance(value, int) or not 0 <= value <= LAST_TIME:
        raise ValueError(f"{what}: expected a whole number from 0 to {LAST_TIME}, got {value!r}")
    return value


@attrs.frozen
class _Draft:
    """An order that is not placed yet, and what is to be said to place it."""

    order: Order
    request: events.OrderRequest


def _nanoseconds(duration: str | int | None) -> int:
    return duration if isinstance(duration, int) else parse_duration(duration)


def parse_timeframe(timeframe: str | int | None) -> int:
    """Give the length of bars in ns.

    Raises:
        ValueError: it is missing, or not positive.
    """
    if timeframe is None:
        raise ValueError('bars: expected timeframe=, such as "1m"')
    length = _nanoseconds(timeframe)
    if length <= 0:
        raise ValueError(f"timeframe: expected a positive duration, got {timeframe!r}")
    return length


def _said_exactly(cls: type[E], **values: Any) -> E:  # noqa: ANN401
    """Make an order event.

    Raises:
        OrderError: a value does not fit; names the field.
    """
    try:
        return cls(**values)
    except ValueError as error:
        raise OrderError(str(error)) from None


def _type_number(kind: type) -> int:
    cls = events.BookDelta if kind is OrderBook else kind
    number: int = cls.__event_type__.number  # type: ignore[attr-defined]
    return number
