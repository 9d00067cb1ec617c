"""`kungfu backtest` starts only what it can run, and says why if it cannot."""

import json
import re

import pytest

from kungfu_core.plugins import Plugins

CONFIG = """\
[market]
duration = "1s"

[gateways.venue]
plugin = "no-such-gateway"

[accounts.main]

[risk]
checks = ["guard"]

[strategies.first]
file = "nowhere.py"
"""


GUARDS = """\
import attrs
from kungfu_core import RiskCheckSpec, hookimpl

KUNGFU_HOOK_API = ">=1.0,<2"

@attrs.frozen
class Config:
    pass

class Guard:
    def __init__(self, config):
        pass

    def check(self, order, view):
        {deed}

@hookimpl
def kungfu_register_risk_checks():
    return [RiskCheckSpec("guard", "guards", Guard, Config)]
"""


@pytest.fixture
def project(kungfu, tmp_path):
    """What `kungfu init` writes; skips where no installed gateway is simulated."""
    if not any(entry.load().capabilities.simulated for entry in Plugins().gateways):
        pytest.skip("no simulated gateway is installed")
    assert kungfu("init").returncode == 0
    return tmp_path


def test_first_project_runs(kungfu, project):
    """What `init` writes trades as it stands, and equal runs are equal."""
    for _ in range(2):
        result = kungfu("backtest", "backtest.toml", "--no-report")
        assert result.returncode == 0, result.stderr
    first, second = sorted((project / "runtime" / "runs").iterdir())
    journals = sorted(path.relative_to(first) for path in first.rglob("*.journal"))
    assert len(journals) >= 4
    broker = next(path for path in journals if path.name.startswith("BROKER"))
    assert (first / broker).read_bytes() == (second / broker).read_bytes()
    shown = kungfu("journal", "show", "--json", "--type", "fill", f"{first.name}/broker/BROKER")
    assert len(shown.stdout.splitlines()) > 10


def test_set_of_plugins_is_journaled(kungfu, project):
    """The run says which plugins there were, from which distributions."""
    assert kungfu("backtest", "backtest.toml", "--no-report").returncode == 0
    shown = kungfu("journal", "show", "--json", "--type", "plugin_status", "session/SESSION")
    listed = json.loads(kungfu("plugins", "--json").stdout)["plugins"]
    assert listed
    assert len(shown.stdout.splitlines()) == len(listed)
    assert all(plugin["distribution"] in shown.stdout for plugin in listed)


def test_gateway_that_refuses_its_configuration_is_told_with_its_line(kungfu, tmp_path):
    """As what is wrong with any other section."""
    if "sim" not in [entry.name for entry in Plugins().gateways.entries]:
        pytest.skip("the simulated venue is not installed")
    (tmp_path / "mine.py").write_text(
        "from kungfu_core import Strategy\nimport attrs\n\n"
        "@attrs.define(eq=False)\nclass Mine(Strategy):\n    pass\n"
    )
    (tmp_path / "b.toml").write_text(
        '[market]\nduration = "1s"\n\n[gateways.venue]\nplugin = "sim"\ninstruments = []\n\n'
        '[accounts.main]\n\n[strategies.first]\nfile = "mine.py"\n'
    )
    result = kungfu("backtest", "b.toml")
    assert result.returncode == 1
    assert result.stderr.startswith("error: b.toml:4: gateways.venue: expected `instruments`, ")


def test_check_that_did_not_load_is_a_refusal_to_start(kungfu, install, tmp_path):
    """Risk fails closed: the plugin's cause is told, and nothing is made."""
    path = install("guards", "raise RuntimeError('no key')\n", "guard")
    (tmp_path / "b.toml").write_text(CONFIG)
    result = kungfu("backtest", "b.toml", PYTHONPATH=path)
    assert result.returncode == 1
    (line,) = (line for line in result.stderr.splitlines() if "risk.checks" in line)
    assert line.startswith("error: b.toml:10: risk.checks[0]: there is no risk check 'guard'; ")
    assert "plugin 'guard' of guards 1.0 is failed: RuntimeError: no key" in line
    assert not (tmp_path / "runtime").exists()


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ('raise RuntimeError("no idea")', "RuntimeError: no idea (guards.py, line 15)"),
        ("return 7", "TypeError: check() gave int, expected a reason or None"),
    ],
)
def test_check_that_fails_is_a_fault(kungfu, project, install, deed, told):
    """The summary says so, the exit status is 1, and the first traceback is told, once."""
    path = install("guards", GUARDS.format(deed=deed), "guard")
    config = project / "backtest.toml"
    config.write_text(re.sub("(?m)^checks = .*", 'checks = ["guard"]', config.read_text()))
    result = kungfu("backtest", "backtest.toml", "--no-report", PYTHONPATH=path)
    assert result.returncode == 1
    assert result.stderr.count("Traceback") == 1
    assert result.stderr.splitlines()[-1].startswith("error: risk check 'guard' failed ")
    assert result.stderr.endswith(f" of the first: {told}\n")
    assert "Faults" in result.stdout
    (fault,) = (line for line in result.stdout.splitlines() if "risk check guard at " in line)
    assert fault.endswith(f" UTC: {told}")
    shown = kungfu("journal", "show", "--json", "--type", "risk_verdict", "broker/BROKER")
    reasons = {json.loads(line)["reason"] for line in shown.stdout.splitlines()}
    assert reasons == {f"risk check guard failed: {told}"}


def test_blocked_check_is_a_refusal_to_start(kungfu, project):
    """--no-plugin does not take a check out of a configuration."""
    checks = [entry.origin.plugin for entry in Plugins().risk_checks]
    if not checks:
        pytest.skip("no risk check is installed")
    result = kungfu("backtest", "backtest.toml", "--no-plugin", checks[0])
    assert result.returncode == 1
    assert f"plugin '{checks[0]}' of " in result.stderr
    assert "is blocked" in result.stderr


def test_home_that_cannot_be_written_is_one_message(kungfu, project):
    """KF_HOME is named, with the reason."""
    result = kungfu("backtest", "backtest.toml", KF_HOME="/proc/home")
    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot write in the home /proc/home: ")
    assert len(result.stderr.splitlines()) == 1


def test_configuration_that_is_not_there(kungfu):
    """The file is named."""
    result = kungfu("backtest", "nowhere.toml")
    assert result.returncode == 1
    assert result.stderr == "error: cannot read nowhere.toml: No such file or directory\n"
