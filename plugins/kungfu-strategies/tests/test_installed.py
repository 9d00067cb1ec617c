"""The installed distribution is found, and its demos are configurations without faults."""

from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core.config import parse_backtest_config
from kungfu_core.plugins import Plugins, Status
from kungfu_core.structuring import structure
from kungfu_strategies.ema_cross import EmaCross
from kungfu_strategies.quoter import Quoter


@pytest.fixture(scope="module")
def plugins():
    return Plugins()


def test_strategies_are_found_by_name(plugins):
    assert plugins.strategies.get("ema-cross").strategy is EmaCross
    assert plugins.strategies.get("quoter").strategy is Quoter


def test_plugin_is_loaded_without_complaint(plugins):
    plugins.load_strategies()
    mine = [r for r in plugins.reports if r.distribution == "kungfu-strategies"]
    assert len(mine) == 3
    assert {(r.status, r.cause) for r in mine} == {(Status.LOADED, "")}


def test_demo_on_a_generated_market_is_a_faultless_configuration(plugins):
    demo = plugins.demos.get("flow")
    assert demo.recorded is False
    config = parse_backtest_config(demo.config(()), Path("demo.toml"), plugins)
    assert set(config.strategies) == {"ema-cross", "quoter"}
    assert config.limits.everything.max_order_notional


@pytest.mark.parametrize(
    ("name", "currency"),
    [
        ("binance:perpetual:BTCUSDT", "USDT"),
        ("binance:spot:ETHBTC", "BTC"),
        ("other:spot:X", "USDT"),
    ],
)
def test_demo_on_a_recording_trades_its_first_instrument(plugins, name, currency):
    """The core adds which recording; accounts hold the currency that the name ends in."""
    demo = plugins.demos.get("recording")
    assert demo.recorded is True
    text = demo.config([name, "binance:spot:ZZZUSDT"]) + '\n[data]\ndatasets = ["it"]\n'
    config = parse_backtest_config(text, Path("demo.toml"), plugins)
    assert {s.create().instrument for s in config.strategies.values()} == {name}
    assert {tuple(a.balances) for a in config.accounts.values()} == {(currency,)}


@pytest.mark.parametrize(
    ("strategy", "table", "key"),
    [
        (EmaCross, {"instrument": "x", "notional": "0"}, "notional"),
        (EmaCross, {"instrument": "x", "fast": 0}, "fast"),
        (EmaCross, {"instrument": "x", "fast": 9, "slow": 9}, "slow"),
        (Quoter, {"instrument": "x", "max_notional": "-1"}, "max_notional"),
        (Quoter, {"instrument": "x", "distance": -1}, "distance"),
        (Quoter, {"instrument": "x", "pause": "soon"}, "pause"),
        (Quoter, {"instrument": "x", "spread": 1}, "spread"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(strategy, table, key):
    made, problems = structure(table, strategy, ())
    assert made is None
    assert [p.path for p in problems] == [(key,)]


def test_parameters_are_read_exactly():
    made, problems = structure(
        {"instrument": "x", "notional": Decimal("0.1"), "pause": "250ms"}, Quoter, ()
    )
    assert problems == []
    assert (made.notional, made.pause) == (Decimal("0.1"), 250_000_000)
