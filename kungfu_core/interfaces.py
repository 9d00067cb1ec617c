"""What plugins hand to the core: specifications, and the shapes of what their factories make.

A specification names a thing, says how to make it and with which typed configuration. Factories run
only for what a session's configuration names.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import attrs
from attrs.validators import instance_of, is_callable

from kungfu_core.enums import OrderType, PriceKind, Scope, TimeInForce
from kungfu_core.schema import EventType

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _nameable(_spec: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    """Refuse a name that a configuration could not say."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{attribute.name} {value!r}: expected letters, digits, '.', '_' and '-'")


def _typed_class(_spec: object, attribute: "attrs.Attribute[type]", value: object) -> None:
    """Refuse a class whose fields a configuration could not be checked against."""
    if not isinstance(value, type) or not attrs.has(value):
        raise TypeError(f"{attribute.name} {value!r}: expected an attrs class")


class Emit(Protocol):
    """Appends one event of a fixed type; arguments are its fields in declared order, then its tail.

    Numbers may be `str`, `bytes` (decimal text, digits kept), `int`, `Decimal` or None (absent); a
    tail of items is a sequence of tuples in the item's declared order.
    """

    def __call__(self, *values: Any) -> None:  # noqa: ANN401
        """Append the event.

        Raises:
            ValueError: a value does not fit exactly; names the field.
        """


class EventSink(Protocol):
    """Where a dialect puts its events; whoever drives the dialect sets the time."""

    def emitter(self, event_type: EventType) -> Emit:
        """Prepare appending events of one type."""


class RecordingReader(ABC):
    """Turns the raw messages of one recording into events; sans-I/O, two passes.

    The first pass (`survey`) checks every message and learns what the data does not say up front
    (instruments, their steps); the second (`receive`) emits. Neither sees a file, a clock or time.
    """

    counts: Mapping[str, int]
    """Messages received in the second pass, by the venue's own type names."""

    @abstractmethod
    def survey(self, message: bytes) -> None:
        """Look at a message in the first pass.

        Raises:
            DataError: the message is not what the venue sends; says what was expected.
        """

    @abstractmethod
    def begin(self, sink: EventSink) -> None:
        """Emit what stands at the start: the definitions of the instruments met in the survey."""

    @abstractmethod
    def receive(self, message: bytes) -> None:
        """Emit the events of a message in the second pass."""


@attrs.frozen
class RecordingSpec:
    """A format of recorded raw streams that `kungfu import` can read.

    Attributes:
        name: the name that `--format` takes, e.g. "example".
        title: what it is, in one line.
        source: canonical name of the feed, e.g. "example"; the dataset's source folder.
        matches: whether the first messages of a file (a few dozen) look like this format.
        reader: makes a reader for one import.
    """

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    source: str = attrs.field(validator=_nameable)
    matches: Callable[[Sequence[bytes]], bool] = attrs.field(validator=is_callable())
    reader: Callable[[], RecordingReader] = attrs.field(validator=is_callable())


@attrs.frozen
class Capabilities:
    """What a gateway can do at its venue; what it cannot, the broker emulates or refuses.

    Stops, GTD and DAY, children and groups that are not named here are held by the broker (see the
    page on orders); other orders that a gateway cannot express are refused before risk.

    Attributes:
        order_types: the types that its venue knows.
        times_in_force: likewise.
        amend: it changes price and size in place.
        reduce_only: its venue keeps an order from opening a position.
        display_size: its venue shows a part of an order only.
        triggers: the prices that its venue's stops can watch.
        position_sides: its venue holds long and short side by side (hedging mode).
        oto: its venue holds an order until its parent has filled.
        oco: its venue cancels the orders of a group when one of them fills.
        simulated: fills come from a model of a venue, not from a venue.
    """

    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    amend: bool = False
    reduce_only: bool = False
    queries: bool = False
    """Answers `venue_query`: where one order stands, or all that an account holds."""
    display_size: bool = False
    triggers: frozenset[PriceKind] = frozenset({PriceKind.LAST})
    position_sides: bool = False
    oto: bool = False
    oco: bool = False
    simulated: bool = False


@attrs.frozen
class GatewaySetup:
    """What a gateway's factory is told about its place in the session.

    Attributes:
        source: canonical name of this configured instance, e.g. "sim".
        accounts: balances by currency, as decimal text, by canonical account name.
        seed: the session's seed; everything random in a simulated gateway comes from it.
        recorded: the market comes from recorded journals, not from the gateway.
        start_ns: simulated time at which the session begins; 0 if it is not simulated.
        home: the home's number, which stands in the ids that orders have at their venue; 0 where
            everything is to come out the same each time.
    """

    source: str
    accounts: Mapping[str, Mapping[str, str]]
    seed: int
    recorded: bool
    start_ns: int
    home: int = 0


@attrs.frozen
class OpenOrder:
    """An order as a venue lists it; `algo` if it is a stop or the like, waiting for its trigger."""

    venue_order_id: str
    instrument: str
    side: str
    size: Decimal
    algo: bool = False

    def __str__(self) -> str:
        kind = "algo order" if self.algo else "order"
        return f"{kind} {self.venue_order_id} ({self.side} {self.size} {self.instrument})"


@attrs.frozen
class OpenPosition:
    """A position as a venue lists it; `size` is signed."""

    instrument: str
    size: Decimal

    def __str__(self) -> str:
        return f"position of {self.size} {self.instrument}"


class VenueAccess(Protocol):
    """A venue as a person in need reaches it, past everything that may hang: no journal, no node.

    Every method asks the venue itself, and raises any exception with a plain message if that fails.
    """

    def open_orders(self) -> Sequence[OpenOrder]:
        """List every order of the account that may still fill, algo orders too."""

    def cancel(self, order: OpenOrder) -> None:
        """Cancel an order; one that is over already is no error."""

    def open_positions(self) -> Sequence[OpenPosition]:
        """List every position of the account."""

    def close_position(self, position: OpenPosition) -> None:
        """Close a position at the market, with an order that can only reduce it."""

    def close(self) -> None:
        """Give up what it holds: connections, files."""


@attrs.frozen
class GatewaySpec:
    """A gateway: a component that reads the BROKER journal and writes MD and TD.

    `factory(config, setup)` gives a PyCapsule with a native component (`kungfu/abi.h`); output 0 is
    its TD journal, output 1 its MD journal. `example` is TOML for its section of a configuration,
    with which `kungfu init` gets it to run; a simulated gateway then has a market of its own.
    `access(config, account)` reaches the venue without a node, for `kungfu panic`; None if there is
    nothing to reach.
    """

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    factory: Callable[[Any, GatewaySetup], object] = attrs.field(validator=is_callable())
    config: type = attrs.field(validator=_typed_class)
    capabilities: Capabilities = attrs.field(validator=instance_of(Capabilities))
    example: str = attrs.field(default="", validator=instance_of(str))
    access: Callable[[Any, str], VenueAccess] | None = None


class RiskView(Protocol):
    """What a risk check may look at: the broker's state at the moment of the order."""

    now: int
    """Time of the event in hand, ns since 1970 UTC."""
    reduces_position: bool
    """The order provably makes the position smaller, whatever else is filled."""

    def position(self, account: int, instrument: int) -> Decimal:
        """Signed position size as a Decimal; 0 if there is none."""

    def open_size(self, account: int, instrument: int, side: int) -> Decimal:
        """Sum of what may still be filled of the orders of that side, as a Decimal."""

    def last_price(self, instrument: int) -> Decimal | None:
        """Price of the last trade as a Decimal; None before the first."""

    def mid_price(self, instrument: int) -> Decimal | None:
        """Middle of best bid and offer as a Decimal; None without both."""

    def notional(self, instrument: int, price: Decimal, size: Decimal) -> Decimal | None:
        """Value of a size in settlement currency; None where it cannot be computed."""

    def balance(self, account: int, currency: str) -> Decimal:
        """Balance as a Decimal; 0 if there is none."""

    def unrealized(self, account: int, currency: str) -> Decimal | None:
        """What stands open at the mark, spot included; None if a position has no mark."""

    def equity(self, account: int, currency: str) -> Decimal | None:
        """Balance and what stands open of contracts; None if a position has no mark."""

    def margin_used(self, account: int, currency: str) -> Decimal | None:
        """What positions in contracts bind at the leverage; None if one has no mark."""

    def margin_free(self, account: int, currency: str) -> Decimal | None:
        """Equity less margin used; None if a position has no mark."""

    def result(self, scope: Scope, subject: int, currency: str) -> Decimal | None:
        """What an account or strategy won or lost since ever; None if a position has no mark."""

    def instrument(self, instrument: int) -> Any:  # noqa: ANN401
        """The `Instrument`; None if it is unknown."""


class RiskCheck(Protocol):
    """A check that every order passes before it is sent; it fails closed."""

    def check(self, order: Any, view: RiskView) -> str | None:  # noqa: ANN401
        """Refuse the `OrderRequest` by giving the reason, or let it pass with None.

        Must depend on nothing but its arguments and what it saw of earlier orders. Raising refuses.
        """


@attrs.frozen
class RiskCheckSpec:
    """A risk check: `factory(config)` gives a `RiskCheck`; lower `order` runs first."""

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    factory: Callable[[Any], RiskCheck] = attrs.field(validator=is_callable())
    config: type = attrs.field(validator=_typed_class)
    order: int = attrs.field(default=100, validator=instance_of(int))


@attrs.frozen
class StrategySpec:
    """A strategy class under the name that configurations use."""

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    strategy: type = attrs.field(validator=instance_of(type))


@attrs.frozen
class AlgorithmSpec:
    """An execution algorithm: an attrs class derived from `Algorithm`, fields are parameters."""

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    algorithm: type = attrs.field(validator=_typed_class)


@attrs.frozen
class DemoSpec:
    """A configuration that `kungfu demo` can run.

    Attributes:
        name: of the demo.
        title: what it shows, in one line.
        recorded: it plays a recording (the dataset is filled in) rather than a market of its own.
        config: `config(instruments)` gives the TOML text; instruments are the canonical names in
            the recording, empty without one.
    """

    name: str = attrs.field(validator=_nameable)
    title: str = attrs.field(validator=instance_of(str))
    recorded: bool = attrs.field(validator=instance_of(bool))
    config: Callable[[Sequence[str]], str] = attrs.field(validator=is_callable())
