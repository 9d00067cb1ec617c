"""The installed distribution is found and loaded, and reads its configuration."""

from decimal import Decimal

from kungfu_core.plugins import Plugins, Status
from kungfu_core.structuring import structure
from kungfu_risk_limits.limits import LimitsConfig


def test_plugin_is_loaded():
    """The entry point leads to the check under its name."""
    plugins = Plugins()
    (report,) = (r for r in plugins.reports if r.distribution == "kungfu-risk-limits")
    assert (report.status, report.cause) == (Status.LOADED, "")
    assert plugins.risk_checks.get("limits").config is LimitsConfig


def test_configuration_is_read():
    """Every limit can be written in a file."""
    table = {"max_notional": "1000", "price_collar": Decimal("0.05"), "max_order_rate": "20/s"}
    config, problems = structure(table, LimitsConfig, ())
    assert problems == []
    assert config == LimitsConfig(
        max_notional=Decimal(1000), price_collar=Decimal("0.05"), max_order_rate="20/1s"
    )


def test_configuration_mistakes_are_told():
    """A wrong value and a wrong key are both told."""
    table = {"max_order_rate": "fast", "max_notinal": 1}
    _, problems = structure(table, LimitsConfig, ("risk", "limits"))
    assert [(p.path[-1], p.message) for p in problems] == [
        ("max_order_rate", "expected orders per time like \"10/1s\", got 'fast'"),
        ("max_notinal", "unknown key 'max_notinal'; did you mean 'max_notional'?"),
    ]
