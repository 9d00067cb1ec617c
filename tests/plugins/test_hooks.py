"""Every hook registers what it says, and the reference page says what every hook registers."""

import inspect
import re
from pathlib import Path

import pytest

from kungfu_core import hookspecs
from kungfu_core.event_types import EVENT_TYPES
from kungfu_core.plugins import HOOKS, Plugins

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"


@pytest.fixture
def plugins(samples):
    return Plugins()


def test_kungfu_register_event_types(plugins):
    """Types are numbered from 1000 by name and version, whatever order the plugin gave them in."""
    numbers = {(t.name, t.version): t.number for t in plugins.event_types}
    assert numbers == {("alpha", 1): 1000, ("signal", 1): 1001, ("signal", 2): 1002}
    assert max(event_type.number for event_type in EVENT_TYPES) < 1000


def test_kungfu_register_gateways(plugins):
    """A gateway can be had by name."""
    assert plugins.gateways.get("venue").title == "a venue"


def test_kungfu_register_recordings(plugins):
    """A recording format can be had by name."""
    assert plugins.recordings.get("lines").source == "venue"


def test_kungfu_register_risk_checks(plugins):
    """A risk check can be had by name, and runs at the usual place in the order."""
    assert plugins.risk_checks.get("depth").order == 100


def test_kungfu_register_strategies(plugins):
    """A strategy can be had by name, as if it had an entry point."""
    assert plugins.strategies.get("idle").strategy.__name__ == "Strategy"


def test_kungfu_register_algorithms(plugins):
    """An execution algorithm can be had by name."""
    assert plugins.algorithms.get("slow").title == "takes its time"


def test_kungfu_register_demos(plugins):
    """A demo can be had by name."""
    assert plugins.demos.get("show").recorded is False


def hooks():
    return {
        name: function
        for name, function in vars(hookspecs).items()
        if name.startswith("kungfu_") and inspect.isfunction(function)
    }


def test_every_hook_is_known_to_the_loader():
    """A hook that is declared and not loaded would be silently ignored."""
    assert set(hooks()) == set(HOOKS)


@pytest.mark.parametrize("hook", sorted(hooks()))
def test_hook_is_tested(hook):
    """Each hook has a test of its own in this file."""
    assert callable(globals().get(f"test_{hook}"))


@pytest.mark.parametrize("hook", sorted(hooks()))
def test_hook_is_documented(hook):
    """Each hook has a heading with its exact signature, and its docstring's sentence below."""
    text = REFERENCE.read_text()
    function = hooks()[hook]
    signature = re.sub(r"\b(?:\w+\.)+", "", str(inspect.signature(function)))
    assert f"### `{hook}{signature}`\n" in text
    assert inspect.getdoc(function).partition("\n")[0] in text


def test_reference_documents_no_other_hook():
    """A hook that went has no heading any more."""
    assert set(re.findall(r"### `(kungfu_\w+)\(", REFERENCE.read_text())) == set(hooks())


@pytest.mark.parametrize("hook", sorted(hooks()))
def test_hook_returns_what_the_loader_checks(hook):
    """The declared return type and the type that the loader insists on are one."""
    annotation = hooks()[hook].__annotations__["return"]
    assert annotation.__args__ == (HOOKS[hook][1],)


def test_reference_states_the_hook_api():
    """The page is about the version that this kungfu has."""
    assert f"hook API {hookspecs.HOOK_API}" in REFERENCE.read_text()
