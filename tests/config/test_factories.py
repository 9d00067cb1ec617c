"""A plugin's factory that fails is one message that names the part, whatever it does."""

import sys

import attrs
import pytest

from kungfu_core.config import ConfiguredRiskCheck
from kungfu_core.errors import ConfigError, PluginError
from kungfu_core.interfaces import RiskCheckSpec
from kungfu_core.session import _risk_check


@attrs.frozen
class NoKeys:
    pass


def refuses(config):
    raise OSError("no such list")


def leaves(config):
    sys.exit(0)


def test_a_factory_that_refuses_its_configuration_is_told_with_the_line():
    def wants_more(config):
        raise ConfigError("risk.guard: expected `most`")

    spec = RiskCheckSpec("guard", "guards", wants_more, NoKeys)
    with pytest.raises(ConfigError, match=r"^b\.toml:10: risk\.guard: expected `most`$"):
        _risk_check(ConfiguredRiskCheck("guard", spec, NoKeys()), "b.toml:10")


class Forgets:
    pass


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (
            refuses,
            "cannot be made: its factory raised OSError: no such list (test_factories.py, line 20)",
        ),
        (
            leaves,
            "cannot be made: its factory raised SystemExit: 0 (test_factories.py, line 24)",
        ),
        (lambda _: 5, "its factory gave int, expected an object with check()"),
        (
            lambda _: Forgets(),
            "its factory gave Forgets (test_factories.py), expected an object with check()",
        ),
    ],
)
def test_a_factory_that_fails_is_told_with_its_part(factory, message):
    spec = RiskCheckSpec("guard", "guards", factory, NoKeys)
    with pytest.raises(PluginError) as caught:
        _risk_check(ConfiguredRiskCheck("guard", spec, NoKeys()), "b.toml:10")
    said = str(caught.value).replace("'guard': its", "'guard' its")
    assert said == f"b.toml:10: risk check 'guard' {message}"
