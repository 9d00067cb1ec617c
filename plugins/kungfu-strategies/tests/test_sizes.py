"""Sizes made from quote currency: exact, on the lot, the largest that the amount pays."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import Instrument
from kungfu_core.enums import ContractKind, SizeUnit
from kungfu_core.orders import order_size
from kungfu_strategies.sizes import amount, size_worth

BASE = {"size_unit": SizeUnit.BASE, "contract_kind": ContractKind.LINEAR}
LINEAR = {
    "size_unit": SizeUnit.CONTRACTS,
    "contract_kind": ContractKind.LINEAR,
    "contract_value": "0.01",
}
INVERSE = LINEAR | {"contract_kind": ContractKind.INVERSE, "contract_value": "100"}


def worth(size, price, kind):
    """What a size costs in quote currency, by the meaning of each kind."""
    if kind is INVERSE:
        return size * 100
    return size * price * (Decimal("0.01") if kind is LINEAR else 1)


@pytest.mark.parametrize("kind", [BASE, LINEAR, INVERSE], ids=["base", "linear", "inverse"])
@given(
    price=st.decimals("0.01", 10**5, places=2),
    lot=st.sampled_from(["0.001", "0.1", "1", "25"]).map(Decimal),
    notional=st.decimals(10**4, 10**9, places=2),
)
def test_size_is_the_largest_that_the_amount_pays(kind, price, lot, notional):
    instrument = Instrument(instrument=1, tick="0.01", lot=lot, name="it", **kind)
    if worth(lot, price, kind) > notional:
        with pytest.raises(ValueError, match="less than one lot"):
            size_worth(notional, price, instrument)
        return
    size = size_worth(notional, price, instrument)
    assert worth(size, price, kind) <= notional < worth(size + lot, price, kind)
    assert (
        order_size(instrument, **({"size": None, "contracts": None} | amount(size, instrument)))
        == size
    )
