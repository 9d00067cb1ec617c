"""Plugins are found through entry points; a bad one is reported and takes nothing down."""

import sys

import pytest

from kungfu_core.errors import PluginError
from kungfu_core.plugins import Plugins, Status


@pytest.fixture
def plugins(samples):
    return Plugins()


def report_of(plugins, name):
    (report,) = (r for r in plugins.reports if r.name == name)
    return report


def test_good_plugin_is_loaded(plugins):
    """A good plugin among bad ones is loaded and its check can be had by name."""
    report = report_of(plugins, "good")
    assert (report.status, report.cause) == (Status.LOADED, "")
    assert (report.distribution, report.version) == ("sample-good", "1.2.3")
    assert report.hook_api == ">=1.0,<2"
    assert report.hooks == ("kungfu_register_risk_checks",)
    assert report.provides == ("risk check good-check",)
    assert plugins.risk_checks.get("good-check").title == "passes everything"


@pytest.mark.parametrize(
    ("name", "status", "cause"),
    [
        (
            "import-error",
            "failed",
            "ModuleNotFoundError: No module named 'there_is_no_such_module'",
        ),
        ("raises", "failed", "RuntimeError: broken on purpose"),
        ("exits", "failed", "SystemExit: 3"),
        ("api-missing", "failed", "it does not state KUNGFU_HOOK_API"),
        ("api-invalid", "failed", "KUNGFU_HOOK_API 'one point zero': expected a version range"),
        ("api-new", "incompatible", "it is written for hook API >=7, this kungfu has 1.1"),
        (
            "misspelt",
            "failed",
            "no hook 'kungfu_register_risk_check'; did you mean 'kungfu_register_risk_checks'?",
        ),
        ("unmarked", "failed", "kungfu_register_risk_checks is not marked with @hookimpl"),
        ("argument", "failed", "{'session'} are declared in the hookimpl but can not be found"),
        ("returns-none", "failed", "kungfu_register_risk_checks gave None, expected an iterable"),
        ("returns-one", "failed", "expected an iterable of RiskCheckSpec"),
        ("wrong-type", "failed", "gave an item 'sim', expected an iterable of GatewaySpec"),
        ("hook-raises", "failed", "ZeroDivisionError: division by zero"),
        ("hook-exits", "failed", "SystemExit: 4"),
        ("bad-name", "failed", "name 'a name: with blanks': expected letters, digits"),
        ("bad-config", "failed", "config <class 'dict'>: expected an attrs class"),
        ("same-name-twice", "failed", "gave the name 'twice-check' more than once"),
        ("half-good", "failed", "gave an item None, expected an iterable of GatewaySpec"),
    ],
)
def test_bad_plugin_is_reported_with_its_cause(plugins, name, status, cause):
    """Each way to be bad is told by name, distribution and cause."""
    report = report_of(plugins, name)
    assert report.status == status
    assert report.refused
    assert cause in report.cause
    assert report.distribution == f"sample-{name}"
    assert "\n" not in str(report)


def test_cause_says_where_in_the_plugin(plugins):
    """The place that a cause names is in the plugin, not in the loader."""
    assert "sample_raises.py, line " in report_of(plugins, "raises").cause
    assert "sample_bad_name.py, line " in report_of(plugins, "bad-name").cause


def test_nothing_of_a_refused_plugin_is_registered(plugins):
    """A refused plugin leaves nothing behind, not even what it gave before it was refused."""
    entries = plugins.risk_checks.entries
    brought = {e.name for e in entries if e.origin.distribution.startswith("sample-")}
    assert brought == {"good-check", "shared-check", "depth"}
    refused = [report for report in plugins.reports if report.refused]
    assert all(report.provides == () and report.hooks == () for report in refused)


def test_clash_belongs_to_nobody_until_the_distribution_is_said(plugins):
    """A name of two distributions is refused with both named; `DISTRIBUTION:NAME` settles it."""
    with pytest.raises(PluginError, match=r"sample-clash-a 1.2.3.*sample-clash-b 1.2.3"):
        plugins.risk_checks.get("shared-check")
    spec = plugins.risk_checks.get("sample-clash-b:shared-check")
    assert spec.factory.__module__ == "sample_clash_b"
    assert sum("shared-check" in clash for clash in plugins.clashes) == 1


def test_blocking_one_side_settles_a_clash(samples):
    """Without the other distribution the name is free again."""
    plugins = Plugins(["sample-clash-b"])
    assert plugins.risk_checks.get("shared-check").factory.__module__ == "sample_clash_a"
    assert report_of(plugins, "clash-b").status == Status.BLOCKED


def test_blocked_plugin_is_not_imported(samples):
    """A blocked plugin is reported as blocked and its module never runs."""
    plugins = Plugins(["good"])
    assert report_of(plugins, "good").status == Status.BLOCKED
    assert "sample_good" not in sys.modules
    with pytest.raises(PluginError, match="no risk check 'good-check'"):
        plugins.risk_checks.get("good-check")


def test_blocking_what_is_not_installed_is_an_error(samples):
    """A misspelt --no-plugin must not let the plugin run."""
    with pytest.raises(PluginError, match="did you mean 'unmarked'"):
        Plugins(["unmarkd"])


def test_unknown_name_says_what_did_not_load(plugins):
    """Who asks for a check of a failed plugin is told the plugin's cause."""
    with pytest.raises(
        PluginError, match=r"plugin 'raises' of sample-raises 1.2.3 is failed: Runti"
    ):
        plugins.risk_checks.get("raises-check")


def test_strategy_is_imported_when_asked_for(samples):
    """A strategy class by entry point costs nothing until a configuration names it."""
    plugins = Plugins()
    assert report_of(plugins, "follow").status == Status.UNUSED
    assert "sample_strategy" not in sys.modules
    spec = plugins.strategies.get("follow")
    assert (spec.name, spec.title) == ("follow", "Follow the trend.")
    assert plugins.strategies.get("follow") is spec
    assert report_of(plugins, "follow").status == Status.LOADED


def test_broken_strategy_fails_only_when_asked_for(samples):
    """A strategy that cannot be imported is a failed plugin with its cause."""
    plugins = Plugins()
    plugins.load_strategies()
    assert report_of(plugins, "broken").status == Status.FAILED
    with pytest.raises(PluginError, match="OSError: no such disk"):
        plugins.strategies.get("broken")
    assert report_of(plugins, "follow").status == Status.LOADED


def test_reports_are_sorted_by_name(plugins):
    """The order in which distributions were installed is not seen."""
    names = [report.name for report in plugins.reports if report.distribution.startswith("sample")]
    assert names == sorted(names)
