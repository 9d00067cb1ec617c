"""A backtest configuration without faults, and the few specifications that it names."""

from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from kungfu_core.enums import OrderType, TimeInForce
from kungfu_core.interfaces import Capabilities, GatewaySpec, RiskCheckSpec, StrategySpec
from kungfu_core.registry import Origin, Registered, Registry
from kungfu_core.values import Duration

NOW = Duration(0)


@attrs.frozen
class VenueConfig:
    latency: Duration = NOW
    maker_fee: Decimal = Decimal(0)


@attrs.frozen
class LimitConfig:
    most: Decimal | None = None


@attrs.define
class Cross:
    instrument: str
    fast: int = attrs.field(default=5, validator=attrs.validators.gt(0))
    slow: int = attrs.field(default=20, validator=attrs.validators.gt(0))


class Bare:
    pass


VENUE = GatewaySpec(
    "venue",
    "a venue",
    lambda config, setup: None,
    VenueConfig,
    Capabilities(frozenset(OrderType), frozenset(TimeInForce), simulated=True),
)


def registry(kind, *specs):
    origin = Origin("some-plugins", "1.0", "some")
    return Registry(kind, [Registered(s.name, origin, lambda s=s: s) for s in specs], ["(absent)"])


@attrs.frozen
class Installed:
    """The part of `Plugins` that configuration asks: real registries, without installing."""

    gateways: Registry
    risk_checks: Registry
    strategies: Registry


@pytest.fixture
def installed():
    return Installed(
        registry("gateway", VENUE),
        registry(
            "risk check",
            RiskCheckSpec("late", "runs late", print, LimitConfig, order=200),
            RiskCheckSpec("limits", "limits", print, LimitConfig),
            RiskCheckSpec("others", "others", print, LimitConfig),
        ),
        registry("strategy", StrategySpec("cross", "cross", Cross), StrategySpec("bare", "", Bare)),
    )


GOOD = """\
[session]
seed = 7

[market]
duration = "60s"

[gateways.sim]
plugin = "venue"
latency = "250us"
maker_fee = 0.00020

[accounts.main]
gateway = "sim"
balances = { USDT = "100000" }

[risk]
checks = ["late", "others", "limits"]

[risk.limits]
most = "1.50"

[strategies.ema]
strategy = "cross"

[strategies.ema.params]
instrument = "BTCUSDT"
fast = 3
"""


@pytest.fixture
def good():
    return GOOD


@pytest.fixture
def path():
    return Path("backtest.toml")
