"""`kungfu init`: write a configuration and a first strategy that run as they are."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kungfu_core.cli.options import add_no_plugin

if TYPE_CHECKING:
    from kungfu_core.interfaces import GatewaySpec
    from kungfu_core.plugins import Plugins
    from kungfu_core.registry import Registry

CONFIG_NAME = "backtest.toml"
STRATEGY_NAME = "first_strategy.py"

_EPILOG = """\
Nothing that exists is overwritten.

examples:
  kungfu init                  into the folder where you are
  kungfu init my-project && cd my-project && kungfu backtest backtest.toml
"""

_CONFIG = """\
# A backtest. Run it with: kungfu backtest {config}
# A key that is not known is an error, with its line; `kungfu plugins show NAME` lists the keys.

[session]
seed = 1                  # everything random comes from here: equal seeds, equal runs

[market]                  # the simulated venue makes its own market...
duration = "1h"           # ...for so much simulated time

# [data]                  # ...or a recorded market instead (see `kungfu import --help`)
# datasets = ["NAME"]
# start = "2024-08-09T00:00:00Z"
# end = "2024-08-09T01:00:00Z"

[gateways.venue]          # `venue` is the name of this instance; it can be any
plugin = "{gateway}"
{gateway_keys}
[accounts.main]
gateway = "venue"
balances = {{ USDT = "100000" }}

[limits]                  # what every order is held to; a limit that is left out limits nothing
# max_order_notional = {{ USDT = "10000" }}
# max_order_rate = "10/1s"

[risk]                    # plugins' checks of every order, in the order of this list
checks = [{checks}]
{check_keys}
[strategies.first]
file = "{strategy}"  # or strategy = "NAME" for one that is installed

[strategies.first.params]
lots = 10
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, default=Path(), help="where (default: here)"
    )
    add_no_plugin(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from importlib.resources import files  # noqa: PLC0415 - --help needs none of it

    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    folder: Path = arguments.folder
    strategy = files("kungfu_core.templates").joinpath(STRATEGY_NAME).read_text()
    contents = {CONFIG_NAME: first_config(Plugins(arguments.blocked)), STRATEGY_NAME: strategy}
    _write(folder, contents)
    print(f"wrote {folder / CONFIG_NAME} and {folder / STRATEGY_NAME}")  # noqa: T201
    change = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    print(f"next: {change}kungfu backtest {CONFIG_NAME}")  # noqa: T201
    return 0


def _write(folder: Path, contents: dict[str, str]) -> None:
    """Write all of the files, or none of them if one exists."""
    from kungfu_core.errors import ConfigError  # noqa: PLC0415

    for name in contents:
        if (folder / name).exists():
            raise ConfigError(f"{folder / name} exists already: nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise ConfigError(f"cannot write in {folder}: {error.strerror}") from error


def first_config(plugins: "Plugins") -> str:
    """Give the text of a configuration that runs the first strategy with what is installed.

    Raises:
        PluginError: no installed gateway can be run without a venue.
    """
    gateway = _simulated_gateway(plugins)
    checks = _usable(plugins.risk_checks)
    sections = [f"\n# [risk.{_key(name)}]\n{_commented_keys(c)}" for name, c in checks.items()]
    return _CONFIG.format(
        config=CONFIG_NAME,
        strategy=STRATEGY_NAME,
        gateway=gateway.name,
        gateway_keys=_commented_keys(gateway.config, gateway.example),
        checks=", ".join(f'"{name}"' for name in checks),
        check_keys="".join(sections),
    )


def _simulated_gateway(plugins: "Plugins") -> "GatewaySpec":
    """Choose an installed gateway that needs no venue and no settings.

    Raises:
        PluginError: there is none; says what is installed and what did not load.
    """
    from kungfu_core.errors import PluginError  # noqa: PLC0415

    usable = _usable(plugins.gateways)
    for entry in plugins.gateways:
        spec = entry.load()
        if spec.capabilities.simulated and spec.name in usable:
            return spec
    refused = "".join(f"; {report}" for report in plugins.reports if report.refused)
    installed = ", ".join(plugins.gateways.names) or "none"
    raise PluginError(
        "no installed plugin brings a simulated gateway, which a first backtest needs: "
        f"install one and run this again; gateways installed: {installed}{refused}"
    )


def _usable(registry: "Registry[Any]") -> dict[str, type]:
    """Give the configuration classes, by name, of what can be used without setting anything."""
    import attrs  # noqa: PLC0415

    classes = {entry.name: entry.load().config for entry in registry}
    return {
        name: cl
        for name, cl in classes.items()
        if all(f.default is not attrs.NOTHING for f in attrs.fields(cl) if f.init)
    }


def _commented_keys(cl: type, example: str = "") -> str:
    """Give the example, and a configuration class's other keys as comments to be filled in."""
    from kungfu_core.cli.plugins import config_keys  # noqa: PLC0415

    lines = [*example.strip().splitlines()] if example else []
    for key in config_keys(cl):
        if not any(line.startswith(key["name"]) for line in lines):
            lines.append(f"# {key['name']} = {key['default']}".ljust(25) + f" # {key['type']}")
    return "".join(f"{line}\n" for line in lines)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "").isalnum()
    return name if bare else f'"{name}"'
