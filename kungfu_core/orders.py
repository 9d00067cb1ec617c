"""An order as its strategy sees it, and the arithmetic of sizes and contracts."""

import json
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, TypedDict, TypeVar

import attrs

from kungfu_core.enums import (
    ContractKind,
    OrderState,
    OrderType,
    PositionSide,
    PriceKind,
    Side,
    SizeUnit,
    TimeInForce,
    Vocabulary,
)
from kungfu_core.errors import OrderError
from kungfu_core.events import Instrument, OrderUpdate
from kungfu_core.instruments import Exact, exact, steps
from kungfu_core.order_states import TERMINAL

C = TypeVar("C", bound=Vocabulary)


class OrderTerms(TypedDict, total=False):
    """What `Context.submit` takes by name, for its short forms `buy` and `sell`."""

    price: Exact | None
    trigger_price: Exact | None
    trailing_offset: Exact | None
    trigger_by: PriceKind
    display_size: Exact | None
    contracts: Exact | None
    account: str | None
    post_only: bool
    time_in_force: TimeInForce
    expire_time: int
    reduce_only: bool
    position_side: PositionSide
    parent: "Order | None"
    group: "Order | None"
    algorithm: str | None
    parameters: Mapping[str, Any] | None
    tag: str


@attrs.define
class Order:
    """An order that is not over yet; changes as updates of it are read.

    Attributes:
        id: unique over all strategies and restarts.
        size: total size, in the instrument's size unit.
        filled: sum of its fills.
        price: limit price; None for an order without one.
        group: the id of the first order of its group; its own where it has joined none.
    """

    id: int
    instrument: int
    account: int
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size: Decimal
    price: Decimal | None
    tag: str
    group: int
    position_side: PositionSide = PositionSide.NET
    state: OrderState = OrderState.CREATED
    filled: Decimal = Decimal(0)

    @property
    def remaining(self) -> Decimal:
        """What may still fill."""
        return self.size - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.state not in TERMINAL

    def apply(self, update: OrderUpdate) -> None:
        """Take over what an update says."""
        self.state = update.state
        self.filled = update.filled_exact
        if update.size_exponent != -128:
            self.size = update.size_exact
        self.price = update.price_exact


@attrs.frozen
class Bracket:
    """An entry with the two exits that wait for it; a fill of one exit cancels the other."""

    entry: Order
    take_profit: Order
    stop: Order


def order_type(
    price: Decimal | None,
    trigger_price: Decimal | None,
    trailing_offset: Decimal | None,
    *,
    post_only: bool,
    trigger_by: PriceKind,
) -> OrderType:
    """Give the type of an order from what it is said with.

    Raises:
        OrderError: these do not go together.
    """
    stops = trigger_price is not None or trailing_offset is not None
    if trailing_offset is not None and (price is not None or trigger_price is not None):
        raise OrderError("trailing_offset: expected neither price= nor trigger_price= with it")
    if trigger_by is not PriceKind.LAST and not stops:
        raise OrderError("trigger_by: expected trigger_price= or trailing_offset= with it")
    if post_only and (stops or price is None):
        raise OrderError(
            "post_only: a stop cannot be post-only" if stops else "post_only: expected a price"
        )
    if trailing_offset is not None:
        return OrderType.TRAILING_STOP
    if trigger_price is not None:
        return OrderType.STOP_MARKET if price is None else OrderType.STOP_LIMIT
    if post_only:
        return OrderType.POST_ONLY
    return OrderType.MARKET if price is None else OrderType.LIMIT


def member(kind: type[C], value: Any, what: str) -> C:  # noqa: ANN401
    """Take a choice that an order is said with.

    Raises:
        OrderError: it is no member; names them all, and where they come from.
    """
    try:
        return kind(value)
    except ValueError:
        named = ", ".join(f"{kind.__name__}.{choice.name}" for choice in kind)
        raise OrderError(
            f"{what}: expected one of {named}, got {value!r}; "
            f"from kungfu_core import {kind.__name__}"
        ) from None


def lasting(time_in_force: TimeInForce, expire_time: int, now: int) -> TimeInForce:
    """Give the time in force of an order: one that has an expire time is GTD.

    Raises:
        OrderError: the two do not go together, or the time is over.
    """
    if not isinstance(expire_time, int):
        raise OrderError(f"expire_time: expected ns since 1970 UTC, got {expire_time!r}")
    if not expire_time:
        if time_in_force is TimeInForce.GTD:
            raise OrderError("time_in_force: a GTD order needs an expire_time=")
        return time_in_force
    if time_in_force not in (TimeInForce.GTC, TimeInForce.GTD):
        raise OrderError(f"expire_time: a {time_in_force} order takes none")
    if expire_time <= now:
        raise OrderError(f"expire_time: expected a time after now, {now}, got {expire_time}")
    return TimeInForce.GTD


def said_parameters(algorithm: str | None, parameters: Mapping[str, Any] | None) -> str:
    """Give an algorithm's parameters as JSON; Decimals as text, which keeps their digits.

    Raises:
        OrderError: JSON cannot say them, or there is no algorithm.
    """
    if parameters is None:
        return ""
    if algorithm is None:
        raise OrderError("parameters: expected algorithm= with them")
    try:
        return json.dumps(dict(parameters), allow_nan=False, default=_as_text)
    except (TypeError, ValueError) as error:
        raise OrderError(f"parameters: {error}") from None


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"JSON cannot say {value!r}")


def shown_size(
    instrument: Instrument, display_size: Exact | None, order: Order, in_contracts: bool
) -> Decimal | None:
    """Give what of an order is shown, in the instrument's own unit, on its lot.

    Raises:
        OrderError: the order does not rest at a price, or is smaller than that.
    """
    if display_size is None:
        return None
    if order.type is not OrderType.LIMIT and order.type is not OrderType.POST_ONLY:
        raise OrderError(f"display_size: expected a limit order, this one is {order.type}")
    given = (None, display_size) if in_contracts else (display_size, None)
    shown = order_size(instrument, *given)
    if shown > order.size:
        raise OrderError(f"display_size: expected at most the size {order.size}, got {shown}")
    return shown


def order_size(instrument: Instrument, size: Exact | None, contracts: Exact | None) -> Decimal:
    """Give the size of an order in the instrument's own unit, on its lot.

    Args:
        instrument: what is to be traded.
        size: in base units, or None.
        contracts: in contracts, or None; inverse instruments require it.

    Raises:
        OrderError: both or none were given, or the size cannot be said exactly.
    """
    given = size if contracts is None else contracts
    if given is None or (size is not None and contracts is not None):
        raise OrderError(f"{instrument.name}: expected either a size or contracts=")
    if size is not None and instrument.contract_kind == ContractKind.INVERSE:
        raise OrderError(f"{instrument.name} is inverse: give contracts= instead of a size")
    counts_contracts = instrument.size_unit == SizeUnit.CONTRACTS
    if (contracts is not None) == counts_contracts:
        return instrument.check_size(given)
    worth = instrument.contract_value_exact
    if not worth:
        raise OrderError(f"{instrument.name} has no contracts: give the size in base units")
    with localcontext(prec=100):
        if contracts is not None:
            return instrument.check_size(exact(given, "contracts") * worth)
        return _contracts(instrument, exact(given, "size"), worth)


def _contracts(instrument: Instrument, size: Decimal, worth: Decimal) -> Decimal:
    """Give the contracts that a size in base units is, on the lot."""
    lot = instrument.lot_exact or Decimal(1)
    step = worth * lot
    count, rest = steps(size, step, "size")
    if rest:
        raise OrderError(
            f"size {size} is off the step {step} of {instrument.name} "
            f"(lot {lot}, {worth} a contract): expected {count * step} or {(count + 1) * step}"
        )
    return instrument.check_size(count * lot)
