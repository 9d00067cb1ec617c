"""An order as its strategy sees it, and the arithmetic of sizes and contracts."""

from decimal import Decimal, localcontext
from typing import TypedDict

import attrs

from kungfu_core.enums import (
    ContractKind,
    OrderState,
    OrderType,
    PositionSide,
    Side,
    SizeUnit,
    TimeInForce,
)
from kungfu_core.errors import OrderError
from kungfu_core.events import Instrument, OrderUpdate
from kungfu_core.instruments import Exact, exact, steps
from kungfu_core.order_states import TERMINAL


class OrderTerms(TypedDict, total=False):
    """What `Context.submit` takes by name, for its short forms `buy` and `sell`."""

    price: Exact | None
    contracts: Exact | None
    account: str | None
    post_only: bool
    time_in_force: TimeInForce
    reduce_only: bool
    position_side: PositionSide
    tag: str


@attrs.define
class Order:
    """An order that is not over yet; changes as updates of it are read.

    Attributes:
        id: unique over all strategies and restarts.
        size: total size, in the instrument's size unit.
        filled: sum of its fills.
        price: limit price; None for a market order.
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
