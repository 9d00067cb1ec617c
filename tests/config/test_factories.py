"""A plugin's factory that fails is one message that names the part, whatever it does."""

import sys

import attrs
import pytest

from kungfu_core.config import ConfiguredRiskCheck
from kungfu_core.errors import PluginError
from kungfu_core.interfaces import RiskCheckSpec
from kungfu_core.session import _risk_check


@attrs.frozen
class NoKeys:
    pass


def refuses(config):
    raise OSError("no such list")


def leaves(config):
    sys.exit(0)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (refuses, "risk check 'guard' cannot be made: its factory raised OSError: no such list"),
        (leaves, "risk check 'guard' cannot be made: its factory raised SystemExit: 0"),
        (lambda _: 5, "risk check 'guard': its factory gave 5, expected an object with check()"),
    ],
)
def test_a_factory_that_fails_is_told_with_its_part(factory, message):
    spec = RiskCheckSpec("guard", "guards", factory, NoKeys)
    with pytest.raises(PluginError) as caught:
        _risk_check(ConfiguredRiskCheck("guard", spec, NoKeys()))
    assert str(caught.value) == message
