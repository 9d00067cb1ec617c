"""`kungfu plugins` tells what is installed, and `check` says whether all of it can be used."""

import json

import pytest

PLUGIN = """\
import attrs
from decimal import Decimal
from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import RiskCheckSpec
KUNGFU_HOOK_API = ">=1.0,<2"

@attrs.frozen
class Config:
    most: Decimal
    fast: bool = True

@hookimpl
def kungfu_register_risk_checks():
    return [RiskCheckSpec("lone", "one of a kind", print, Config)]
"""


def test_list_shows_what_a_plugin_brings(kungfu, install):
    """The list has plugin, distribution, version, status and what it brings."""
    result = kungfu("plugins", PYTHONPATH=install("my-plugin", PLUGIN))
    assert result.returncode == 0
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("my_plugin"))
    assert row.split() == ["my_plugin", "my-plugin", "1.0", "loaded", "risk", "check", "lone"]


def test_json_list(kungfu, install):
    """With --json the same is there for programs."""
    result = kungfu("plugins", "--json", PYTHONPATH=install("my-plugin", PLUGIN))
    listed = {plugin["name"]: plugin for plugin in json.loads(result.stdout)["plugins"]}
    assert listed["my_plugin"] == {
        "name": "my_plugin",
        "group": "kungfu.plugins",
        "distribution": "my-plugin",
        "version": "1.0",
        "status": "loaded",
        "hook_api": ">=1.0,<2",
        "hooks": ["kungfu_register_risk_checks"],
        "provides": ["risk check lone"],
        "cause": "",
    }


@pytest.mark.parametrize("name", ["my_plugin", "my-plugin", "lone"])
def test_show_teaches_the_keys(kungfu, install, name):
    """What is shown can be named by plugin, distribution or part; its keys stand there."""
    result = kungfu("plugins", "show", name, PYTHONPATH=install("my-plugin", PLUGIN))
    assert result.returncode == 0
    assert "risk check lone: one of a kind" in result.stdout
    assert "most: Decimal  (required)" in result.stdout
    assert "fast: bool = true" in result.stdout


def test_show_of_what_is_not_there(kungfu):
    """An unknown name is an error."""
    result = kungfu("plugins", "show", "nothing")
    assert result.returncode == 1
    assert result.stderr.startswith("error: there is no plugin 'nothing'")


def test_check_fails_for_a_broken_plugin_and_names_it(kungfu, install):
    """A broken plugin is no reason not to list the others, but check is not content."""
    path = install("my-plugin", PLUGIN)
    assert kungfu("plugins", "check", PYTHONPATH=path).returncode == 0
    install("bad-plugin", "raise RuntimeError('no')")
    listed = kungfu("plugins", PYTHONPATH=path)
    assert listed.returncode == 0
    assert "plugin 'bad_plugin' of bad-plugin 1.0 is failed: RuntimeError: no" in listed.stdout
    assert "my_plugin" in listed.stdout
    assert kungfu("plugins", "check", PYTHONPATH=path).returncode == 1


def test_blocked_plugin_is_content_with_check(kungfu, install):
    """What the operator blocks is not broken."""
    path = install("bad-plugin", "raise RuntimeError('no')")
    result = kungfu("plugins", "check", "--no-plugin", "bad_plugin", PYTHONPATH=path)
    assert result.returncode == 0
    assert "blocked" in result.stdout
