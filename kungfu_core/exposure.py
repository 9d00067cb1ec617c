"""How much of a currency is held in all: positions in any instruments, in units of their base."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TypeVar

import attrs

from kungfu_core.enums import ContractKind, PositionSide, SizeUnit
from kungfu_core.events import Instrument, Position

_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_K = TypeVar("_K", bound=Hashable)


@attrs.frozen
class Exposure:
    """What an account holds of a currency by one instrument.

    Attributes:
        base: the currency.
        gateway: name of the gateway that the account is with; empty if that was not told.
        account: the account's id.
        instrument: the instrument's id.
        amount: signed, in units of the currency; None for an inverse contract without a mark.
    """

    base: str
    gateway: str
    account: int
    instrument: int
    amount: Decimal | None


def exposures(
    positions: Iterable[Position],
    instruments: Mapping[int, Instrument],
    *,
    gateways: Mapping[int, str] | None = None,
    marks: Mapping[int, Decimal] | None = None,
) -> list[Exposure]:
    """Turn positions into exposures, one for each account and instrument.

    Args:
        positions: as the broker told them, oldest first: the last of each counts. The parts of
            strategies are left out, as they stand in the positions of their accounts.
        instruments: definitions by id; a position in another instrument is left out.
        gateways: names by account id.
        marks: prices by instrument id that are newer than those in the positions.
    """
    latest: dict[tuple[int, int], dict[PositionSide, Position]] = defaultdict(dict)
    for position in positions:
        if not position.strategy and position.instrument in instruments:
            held = latest[position.account, position.instrument]
            held[PositionSide(position.position_side)] = position
    rows = []
    for (account, instrument), sides in latest.items():
        definition = instruments[instrument]
        amounts = [_in_base(p, definition, (marks or {}).get(instrument)) for p in sides.values()]
        gateway = (gateways or {}).get(account, "")
        rows.append(Exposure(definition.base, gateway, account, instrument, _sum(amounts)))
    return sorted(rows, key=lambda row: (row.base, row.gateway, row.account, row.instrument))


def sum_exposures(
    rows: Iterable[Exposure], by: Callable[[Exposure], _K]
) -> dict[_K, Decimal | None]:
    """Sum exposures up by what `by` gives of each, for example `lambda row: row.base`.

    A sum is None if a part of it is.
    """
    amounts: dict[_K, list[Decimal | None]] = defaultdict(list)
    for row in rows:
        amounts[by(row)].append(row.amount)
    return {key: _sum(found) for key, found in amounts.items()}


def _in_base(position: Position, definition: Instrument, mark: Decimal | None) -> Decimal | None:
    size = position.size_exact
    if definition.size_unit == SizeUnit.CONTRACTS:
        size = _WIDE.multiply(size, definition.contract_value_exact or 1)
    if definition.contract_kind != ContractKind.INVERSE or not size:
        return size
    price = position.mark_exact if mark is None else mark
    if price is None or price <= 0:
        return None
    step = Decimal(1).scaleb(-definition.settle_decimals)
    return _WIDE.divide(size, price).quantize(step, context=_WIDE)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total = _WIDE.add(total, amount)
    return total
