"""`kungfu init` writes what can be run, overwrites nothing, and says what it lacks."""

from decimal import Decimal

import attrs
import pytest

from kungfu_core.cli.init import CONFIG_NAME, STRATEGY_NAME, first_config
from kungfu_core.config import parse_backtest_config, read_backtest_config
from kungfu_core.enums import OrderType, TimeInForce
from kungfu_core.errors import PluginError
from kungfu_core.interfaces import Capabilities, GatewaySpec, RiskCheckSpec
from kungfu_core.plugins import Plugins
from kungfu_core.registry import Origin, Registered, Registry


@attrs.frozen
class Free:
    fee: Decimal = Decimal("0.001")
    markets: tuple[str, ...] = ()


@attrs.frozen
class Demanding:
    key: str


def registry(kind, *specs):
    origin = Origin("some", "1", "some")
    return Registry(kind, [Registered(s.name, origin, lambda s=s: s) for s in specs])


def gateway(name, config, *, simulated):
    capabilities = Capabilities(frozenset(OrderType), frozenset(TimeInForce), simulated=simulated)
    return GatewaySpec(name, name, print, config, capabilities, example='markets = ["a"]')


NO_CHECKS = registry("risk check")
NO_STRATEGIES = registry("strategy")


@attrs.frozen
class Installed:
    """The part of `Plugins` that `init` and configuration ask: real registries."""

    gateways: Registry
    risk_checks: Registry = NO_CHECKS
    strategies: Registry = NO_STRATEGIES
    reports: tuple = ()


def test_simulated_gateway_that_needs_nothing_is_chosen():
    """Not the first gateway by name, but the first that can run at once."""
    installed = Installed(
        registry(
            "gateway",
            gateway("a-real-one", Free, simulated=False),
            gateway("b-demanding", Demanding, simulated=True),
            gateway("c-free", Free, simulated=True),
        ),
        registry(
            "risk check",
            RiskCheckSpec("easy", "easy", print, Free),
            RiskCheckSpec("hard", "hard", print, Demanding),
        ),
    )
    text = first_config(installed)
    assert '\nplugin = "c-free"\nmarkets = ["a"]\n# fee = 0.001 ' in text
    assert '\nchecks = ["easy"]\n' in text
    assert "\n# [risk.easy]\n" in text


def test_configuration_without_its_strategy_file_lacks_only_that(tmp_path):
    """Everything but the strategy's file is right as it is written."""
    installed = Installed(registry("gateway", gateway("free", Free, simulated=True)))
    with pytest.raises(Exception, match=f"no such file: .*{STRATEGY_NAME}$"):
        parse_backtest_config(first_config(installed), tmp_path / CONFIG_NAME, installed)


def test_no_simulated_gateway_is_explained():
    """Where nothing installed can run a first backtest, that is said."""
    installed = Installed(registry("gateway", gateway("real", Free, simulated=False)))
    with pytest.raises(PluginError, match=r"simulated gateway.*gateways installed: real$"):
        first_config(installed)


@pytest.fixture
def simulated():
    """Skip where no installed gateway is simulated."""
    plugins = Plugins()
    if not any(entry.load().capabilities.simulated for entry in plugins.gateways):
        pytest.skip("no simulated gateway is installed")
    return plugins


def test_written_files_are_a_configuration(kungfu, tmp_path, simulated):
    """What is written can be read, with the plugins that are installed."""
    result = kungfu("init", "project")
    assert result.returncode == 0, result.stderr
    assert "cd project && kungfu backtest backtest.toml" in result.stdout
    config = read_backtest_config(tmp_path / "project" / CONFIG_NAME, simulated)
    assert config.strategies["first"].create().lots == 10


@pytest.mark.parametrize("name", [CONFIG_NAME, STRATEGY_NAME])
def test_nothing_is_overwritten(kungfu, tmp_path, simulated, name):
    """If one file is there, neither is written."""
    (tmp_path / name).write_text("mine")
    result = kungfu("init")
    assert result.returncode == 1
    assert f"error: {name} exists already: nothing was written\n" == result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
