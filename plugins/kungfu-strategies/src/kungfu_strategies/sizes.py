"""Exact sizes from amounts of quote currency, and the validator of such parameters."""

from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from kungfu_core import Instrument
from kungfu_core.enums import ContractKind, SizeUnit

if TYPE_CHECKING:
    import attrs


def size_worth(notional: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """Give the largest size on the lot, in the instrument's unit, that costs no more than that.

    Raises:
        ValueError: not even one lot can be had for it.
    """
    size = notional / price
    if instrument.size_unit is SizeUnit.CONTRACTS:
        inverse = instrument.contract_kind is ContractKind.INVERSE
        size = (notional if inverse else size) / (instrument.contract_value_exact or 1)
    size = instrument.round_size(size)
    if not size:
        raise ValueError(
            f"{notional} of {instrument.quote} is less than one lot "
            f"({instrument.lot_exact}) of {instrument.name} at {price}"
        )
    return size


class Amount(TypedDict, total=False):
    """How much, as orders take it: one of both."""

    size: Decimal
    contracts: Decimal


def amount(size: Decimal, instrument: Instrument) -> Amount:
    """Say a size in the instrument's unit the way that orders take it."""
    if instrument.size_unit is SizeUnit.CONTRACTS:
        return {"contracts": size}
    return {"size": size}


def positive(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    """Refuse what is not more than 0."""
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, got {value}")
