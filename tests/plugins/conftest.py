"""Small distributions, good and bad, really built as wheels and installed by pip."""

import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "{version}"

[project.entry-points."{group}"]
{plugin} = "{value}"

[tool.hatch.build.targets.wheel]
packages = ["{module}.py"]
"""

GOOD = """\
from decimal import Decimal

import attrs

from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import RiskCheckSpec

KUNGFU_HOOK_API = ">=1.0,<2"


@attrs.frozen
class Config:
    size: Decimal = Decimal(1)


class Check:
    def __init__(self, config):
        self.config = config

    def check(self, order, view):
        return None


@hookimpl
def kungfu_register_risk_checks():
    return [RiskCheckSpec("NAME", "passes everything", Check, Config)]
"""


def good(name):
    return GOOD.replace("NAME", name)


EVERYTHING = """\
import attrs

from kungfu_core.enums import OrderType, TimeInForce
from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import (
    AlgorithmSpec, Capabilities, DemoSpec, GatewaySpec, RecordingSpec, RiskCheckSpec, StrategySpec
)
from kungfu_core.schema import EventType, Field

KUNGFU_HOOK_API = ">=1.0,<2"


@attrs.define
class Config:
    depth: int = 1


class Strategy:
    pass


@hookimpl
def kungfu_register_event_types():
    fields = (Field("value", "number", "The value."),)
    yield EventType("signal", 2, "A signal.", fields)
    yield EventType("signal", 1, "A signal.", fields)
    yield EventType("alpha", 1, "A first letter.", fields)


@hookimpl
def kungfu_register_gateways():
    capabilities = Capabilities(frozenset(OrderType), frozenset(TimeInForce))
    return [GatewaySpec("venue", "a venue", print, Config, capabilities)]


@hookimpl
def kungfu_register_recordings():
    return [RecordingSpec("lines", "lines of text", "venue", lambda messages: True, print)]


@hookimpl
def kungfu_register_risk_checks():
    return [RiskCheckSpec("depth", "a check", print, Config)]


@hookimpl
def kungfu_register_strategies():
    return [StrategySpec("idle", "does nothing", Strategy)]


@hookimpl
def kungfu_register_algorithms():
    return [AlgorithmSpec("slow", "takes its time", Config)]


@hookimpl
def kungfu_register_demos():
    return [DemoSpec("show", "a show", False, lambda instruments: "")]
"""

STRATEGY = '''\
import attrs


@attrs.define
class Follow:
    """Follow the trend."""

    length: int = 3
'''

HEADER = 'from kungfu_core.hookspecs import hookimpl\nKUNGFU_HOOK_API = ">=1.0,<2"\n'

SOURCES = {
    "sample-good": good("good-check"),
    "sample-everything": EVERYTHING,
    "sample-import-error": "import there_is_no_such_module\n",
    "sample-raises": good("raises-check") + "raise RuntimeError('broken on purpose')\n",
    "sample-exits": good("exits-check") + "raise SystemExit(3)\n",
    "sample-api-missing": good("api-check").replace("KUNGFU_HOOK_API", "SOMETHING_ELSE"),
    "sample-api-invalid": good("api-check").replace(">=1.0,<2", "one point zero"),
    "sample-api-new": good("api-check").replace(">=1.0,<2", ">=7"),
    "sample-misspelt": good("spelt-check").replace("risk_checks()", "risk_check()"),
    "sample-unmarked": good("unmarked-check").replace("@hookimpl\n", ""),
    "sample-argument": good("argument-check").replace("checks()", "checks(session)"),
    "sample-returns-none": good("none-check").replace("return [", "["),
    "sample-returns-one": good("one-check").replace("return [", "return (").replace("g)]", "g))"),
    "sample-wrong-type": HEADER
    + "@hookimpl\ndef kungfu_register_gateways():\n    return ['sim']\n",
    "sample-hook-raises": good("hook-check").replace("    return [", "    1 / 0\n    return ["),
    "sample-hook-exits": good("hook-check").replace("    return [", "    exit(4)\n    return ["),
    "sample-bad-name": good("a name: with blanks"),
    "sample-bad-config": good("config-check").replace("Check, Config)", "Check, dict)"),
    "sample-same-name-twice": good("twice-check").replace("return [", "return 2 * ["),
    "sample-half-good": good("half-check")
    + "@hookimpl\ndef kungfu_register_gateways():\n    return [None]\n",
    "sample-clash-a": good("shared-check"),
    "sample-clash-b": good("shared-check"),
}


def module_name(distribution):
    return distribution.replace("-", "_")


def build_wheel(folder: Path, wheels: Path, distribution: str, source: str, **project: str) -> None:
    """Build a distribution of one module with hatchling, without the network."""
    module = module_name(distribution)
    values = {
        "group": "kungfu.plugins",
        "plugin": distribution.removeprefix("sample-"),
        "value": module,
        "version": "1.2.3",
        **project,
    }
    root = folder / distribution
    root.mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        PYPROJECT.format(distribution=distribution, module=module, **values)
    )
    (root / f"{module}.py").write_text(source)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="session")
def installed_samples(tmp_path_factory):
    """A folder into which pip has installed every sample."""
    folder = tmp_path_factory.mktemp("samples")
    wheels = folder / "wheels"
    for distribution, source in SOURCES.items():
        build_wheel(folder, wheels, distribution, source)
    build_wheel(
        folder,
        wheels,
        "sample-strategy",
        STRATEGY,
        group="kungfu.strategies",
        plugin="follow",
        value="sample_strategy:Follow",
    )
    build_wheel(
        folder,
        wheels,
        "sample-strategy-broken",
        "raise OSError('no such disk')",
        group="kungfu.strategies",
        plugin="broken",
        value="sample_strategy_broken:Follow",
    )
    target = folder / "site"
    # An environment that uv made has no pip of its own.
    pip = [sys.executable, "-m", "pip"] if find_spec("pip") else ["uv", "pip"]
    options = ["-q", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run(
        [*pip, "install", *options, *map(str, wheels.glob("*.whl"))],
        check=True,
        capture_output=True,
    )
    return target


@pytest.fixture
def samples(installed_samples, monkeypatch):
    """The samples on the import path, imported by nobody yet."""
    monkeypatch.syspath_prepend(str(installed_samples))
    importlib.invalidate_caches()
    yield installed_samples
    for name in [name for name in sys.modules if name.startswith("sample_")]:
        del sys.modules[name]
