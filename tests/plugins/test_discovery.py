"""What is found does not depend on where and in which order distributions stand on the path."""

import importlib
import sys

import pytest

from kungfu_core.plugins import Plugins, Status

EMPTY = 'KUNGFU_HOOK_API = ">=1.0,<2"\n'
TYPES = """\
from kungfu_core.hookspecs import hookimpl
from kungfu_core.schema import EventType, Field
KUNGFU_HOOK_API = ">=1.0,<2"

@hookimpl
def kungfu_register_event_types():
    return [EventType(name, 1, "x", (Field("x", "u8", "x"),)) for name in NAMES]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Leave distributions as an installer does, each in a folder of its own on the path."""

    def put(distribution, source, plugins=("here",)):
        module = distribution.replace("-", "_")
        site = tmp_path / distribution
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = [f"{plugin} = {module}" for plugin in plugins]
        (metadata / "entry_points.txt").write_text("\n".join(["[kungfu.plugins]", *lines]))
        (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        return site

    yield put
    for name in [name for name in sys.modules if name.startswith("found_")]:
        del sys.modules[name]


def mine(plugins):
    return [r for r in plugins.reports if r.distribution.startswith("found-")]


def test_order_on_the_path_is_not_seen(install, monkeypatch):
    """Reports and numbers are the same whichever distribution comes first."""
    sites = [
        install("found-b", TYPES.replace("NAMES", "['beta', 'delta']")),
        install("found-a", TYPES.replace("NAMES", "['gamma', 'alpha']")),
    ]
    first = Plugins()
    monkeypatch.setattr(sys, "path", [*map(str, sites), *sys.path[2:]])
    importlib.invalidate_caches()
    second = Plugins()
    assert mine(first) == mine(second)
    assert [r.distribution for r in mine(first)] == ["found-a", "found-b"]
    assert first.event_types == second.event_types
    names = [t.name for t in first.event_types if t.name in ("alpha", "beta", "gamma", "delta")]
    assert names == sorted(names)


def test_event_type_of_two_distributions_is_registered_by_neither(install):
    """Nobody could say which one is meant, so none is; both are named."""
    install("found-a", TYPES.replace("NAMES", "['alpha', 'shared']"))
    install("found-b", TYPES.replace("NAMES", "['shared']"))
    plugins = Plugins()
    assert "shared" not in {t.name for t in plugins.event_types}
    assert "alpha" in {t.name for t in plugins.event_types}
    (clash,) = (c for c in plugins.clashes if "'shared'" in c)
    assert "found-a 1.0 and found-b 1.0" in clash


def test_module_is_registered_once(install):
    """A second entry point to the same module is refused, and the first is not harmed."""
    install("found-a", EMPTY, plugins=("one", "two"))
    one, two = mine(Plugins())
    assert (one.status, two.status) == (Status.LOADED, Status.FAILED)
    assert two.cause == "its module is registered already, by found-a:one"


def test_plugins_of_one_name_are_told_apart_by_distribution(install):
    """Two distributions may both call their plugin `here`; each can be blocked by itself."""
    install("found-a", EMPTY)
    install("found-b", EMPTY)
    blocked = mine(Plugins(["found-b:here"]))
    assert [report.status for report in blocked] == [Status.LOADED, Status.BLOCKED]
    both = mine(Plugins(["here"]))
    assert [report.status for report in both] == [Status.BLOCKED, Status.BLOCKED]


def test_managers_share_nothing(install):
    """What one session blocks, another loads."""
    install("found-a", EMPTY)
    assert mine(Plugins(["here"]))[0].status == Status.BLOCKED
    assert mine(Plugins())[0].status == Status.LOADED


def test_interrupt_is_not_a_plugins_fault(install):
    """Ctrl-C while plugins load ends the command, it is not reported as a failed plugin."""
    install("found-a", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Plugins()
