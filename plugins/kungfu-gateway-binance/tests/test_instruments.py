from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.enums import Product
from kungfu_gateway_binance.instruments import Step, listing
from kungfu_gateway_binance.wire import Market


@pytest.mark.parametrize(
    ("market", "symbol", "name", "base", "quote"),
    [
        (Market.SPOT, "BTCUSDT", "binance:spot:BTCUSDT", "BTC", "USDT"),
        (Market.SPOT, "BTCFDUSD", "binance:spot:BTCFDUSD", "BTC", "FDUSD"),
        (Market.SPOT, "ETHBTC", "binance:spot:ETHBTC", "ETH", "BTC"),
        (Market.SPOT, "USDTTRY", "binance:spot:USDTTRY", "USDT", "TRY"),
        (Market.SPOT, "EURUSDT", "binance:spot:EURUSDT", "EUR", "USDT"),
        (Market.USD_M, "1000PEPEUSDT", "binance:perpetual:1000PEPEUSDT", "1000PEPE", "USDT"),
        (Market.USD_M, "BTCUSDC", "binance:perpetual:BTCUSDC", "BTC", "USDC"),
        (Market.USD_M, "BTCUSDT_240927", "binance:future:BTCUSDT_240927", "BTC", "USDT"),
        (Market.USD_M, "币安人生USDT", "binance:perpetual:币安人生USDT", "币安人生", "USDT"),
    ],
)
def test_symbol_is_split_by_the_longest_known_quote_currency(market, symbol, name, base, quote):
    found = listing(market, symbol)
    assert (found.name, found.base, found.quote) == (name, base, quote)


def test_delivery_is_at_eight_utc_of_the_day_in_the_symbol():
    found = listing(Market.USD_M, "BTCUSDT_240927")
    assert found.product is Product.FUTURE
    expected = datetime(2024, 9, 27, 8, tzinfo=UTC).timestamp()
    assert found.expiry == int(expected) * 1_000_000_000


@given(
    st.sampled_from([1, 2, 5]),
    st.integers(-8, 6),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=30),
)
def test_inferred_step_divides_everything_and_no_larger_one_does(digit, power, counts):
    values = [Decimal(digit).scaleb(power) * count for count in counts]
    step = Step()
    for value in values:
        step.see(f"{value:f}")
    found = step.text()
    if not any(counts):
        assert found is None
        return
    assert all(value % Decimal(found) == 0 for value in values)
    larger = [Decimal(d).scaleb(p) for d in (1, 2, 5) for p in range(-9, 17)]
    for candidate in larger:
        if candidate > Decimal(found):
            assert any(value % candidate != 0 for value in values)


def test_trailing_zeros_say_nothing_about_the_step():
    step = Step()
    for text in ("61737.63000000", "61730.10000000", "0.00000000"):
        step.see(text)
    assert step.text() == "0.01"
