"""What is held of a currency is summed up over all that it is held by."""

from decimal import Decimal

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.enums import ContractKind, PositionSide, Product, SizeUnit
from kungfu_core.exposure import Exposure, exposures, sum_exposures

MAIN, OTHER = id_of("main"), id_of("other")
GATEWAYS = {MAIN: "one", OTHER: "two"}


def instrument(name, base="BTC", **fields):
    return events.Instrument(instrument=id_of(name), base=base, name=name, **fields)


SPOT = instrument("one:spot:BTC-USDT", product=Product.SPOT, size_unit=SizeUnit.BASE)
CONTRACTS = instrument(
    "two:perpetual:BTC-USDT",
    product=Product.PERPETUAL,
    contract_kind=ContractKind.LINEAR,
    size_unit=SizeUnit.CONTRACTS,
    contract_value="0.01",
)
INVERSE = instrument(
    "one:perpetual:BTC-USD",
    product=Product.PERPETUAL,
    contract_kind=ContractKind.INVERSE,
    size_unit=SizeUnit.CONTRACTS,
    contract_value="100",
    settle_decimals=8,
)
ETHER = instrument("one:spot:ETH-USDT", "ETH", product=Product.SPOT, size_unit=SizeUnit.BASE)
INSTRUMENTS = {i.instrument: i for i in (SPOT, CONTRACTS, INVERSE, ETHER)}


def position(of, size, account=MAIN, **fields):
    money = {"cost": 0, "realized_pnl": 0}
    return events.Position(account=account, instrument=of.instrument, size=size, **money | fields)


def test_all_instruments_gateways_and_accounts_add_up():
    rows = exposures(
        [
            position(SPOT, "0.5"),
            position(SPOT, "0.25"),  # the latest counts
            position(SPOT, "0.25", strategy=7),  # a part of it
            position(CONTRACTS, "-30", OTHER),
            position(INVERSE, "6", mark="30000"),
            position(ETHER, "-4"),
            position(instrument("two:spot:XRP-USDT", "XRP"), "1"),
        ],
        INSTRUMENTS,
        gateways=GATEWAYS,
    )
    assert [
        (r.base, r.gateway, r.amount) for r in rows if r.base == "ETH" or r.account == OTHER
    ] == [
        ("BTC", "two", Decimal("-0.30")),
        ("ETH", "one", Decimal(-4)),
    ]
    assert sum_exposures(rows, lambda row: row.base) == {
        "BTC": Decimal("0.25") - Decimal("0.3") + Decimal("0.02"),
        "ETH": Decimal(-4),
    }
    assert sum_exposures(rows, lambda row: (row.base, row.gateway)) == {
        ("BTC", "one"): Decimal("0.27"),
        ("BTC", "two"): Decimal("-0.3"),
        ("ETH", "one"): Decimal(-4),
    }


def test_long_and_short_of_one_instrument_are_one_row():
    rows = exposures(
        [
            position(CONTRACTS, "300", position_side=PositionSide.LONG),
            position(CONTRACTS, "-100", position_side=PositionSide.SHORT),
        ],
        INSTRUMENTS,
    )
    assert rows == [Exposure("BTC", "", MAIN, CONTRACTS.instrument, Decimal(2))]


def test_an_inverse_contract_without_a_mark_leaves_the_sum_unknown():
    held = [position(INVERSE, "6"), position(SPOT, "1")]
    rows = exposures(held, INSTRUMENTS)
    assert sum_exposures(rows, lambda row: row.base) == {"BTC": None}
    rows = exposures(held, INSTRUMENTS, marks={INVERSE.instrument: Decimal(45000)})
    assert sum_exposures(rows, lambda row: row.base) == {"BTC": Decimal("1.01333333")}
    assert exposures([position(INVERSE, "0")], INSTRUMENTS)[0].amount == 0
