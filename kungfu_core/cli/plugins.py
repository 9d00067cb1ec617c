"""`kungfu plugins`: tell what is installed, what it brings, and what could not be loaded."""

import argparse
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, get_args

from kungfu_core.cli.options import add_json, add_no_plugin
from kungfu_core.cli.terminal import styled, table

if TYPE_CHECKING:
    from kungfu_core.plugins import PluginReport, Plugins

_EPILOG = """\
Plugins come with the distributions that pip installs beside kungfu-core.

examples:
  kungfu plugins                  what is installed
  kungfu plugins show NAME        one plugin: its hooks, and the keys that its parts can be given
  kungfu plugins check            exit with 1 if anything cannot be used
"""

_COLOURS = {"loaded": "green", "failed": "red", "incompatible": "red", "blocked": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "action", nargs="?", choices=["list", "show", "check"], default="list", help="default: list"
    )
    parser.add_argument(
        "name",
        nargs="?",
        help="what to show: a plugin, a distribution, or a part such as a gateway",
    )
    add_no_plugin(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if (arguments.action == "show") != (arguments.name is not None):
        arguments.usage_error("show takes the NAME of a plugin, list and check take none")
    from kungfu_core.plugins import Plugins  # noqa: PLC0415 - --help needs none of it

    plugins = Plugins(arguments.blocked)
    plugins.load_strategies()
    if arguments.action == "show":
        return _show(plugins, arguments.name, as_json=arguments.as_json)
    if arguments.as_json:
        _print_json(
            {"plugins": [_described(r) for r in plugins.reports], "clashes": plugins.clashes}
        )
    else:
        _list(plugins)
    troubled = bool(plugins.clashes) or any(report.refused for report in plugins.reports)
    return 1 if arguments.action == "check" and troubled else 0


def _list(plugins: "Plugins") -> None:
    if not plugins.reports:
        _print("No plugins are installed; they come with distributions installed beside this one.")
        return
    rows = [
        (
            r.name,
            r.distribution,
            r.version,
            styled(r.status, _COLOURS[r.status]),
            ", ".join(r.provides),
        )
        for r in plugins.reports
    ]
    _print(table(rows, ["plugin", "distribution", "version", "status", "brings"]))
    troubles = [str(report) for report in plugins.reports if report.cause] + list(plugins.clashes)
    if troubles:
        _print("\n" + "\n".join(troubles))


def _show(plugins: "Plugins", name: str, *, as_json: bool) -> int:
    from kungfu_core.errors import PluginError  # noqa: PLC0415 - --help needs none of it

    shown = [
        {**_described(r), "parts": list(_parts(plugins, r))}
        for r in plugins.reports
        if name in (r.name, r.distribution, f"{r.distribution}:{r.name}", *_brought(r))
    ]
    if not shown:
        known = ", ".join(dict.fromkeys(r.name for r in plugins.reports)) or "none"
        raise PluginError(f"there is no plugin {name!r}, and none brings it; installed: {known}")
    if as_json:
        _print_json(shown)
        return 0
    for plugin in shown:
        _print(f"{styled(plugin['name'], 'bold')}  {plugin['distribution']} {plugin['version']}")
        _print(f"  status    {styled(plugin['status'], _COLOURS[plugin['status']])}")
        for key in ("cause", "group", "hook_api"):
            if plugin[key]:
                _print(f"  {key.replace('_', ' '):<9} {plugin[key]}")
        if plugin["hooks"]:
            _print(f"  hooks     {', '.join(plugin['hooks'])}")
        for part in plugin["parts"]:
            _print(f"\n  {part['kind']} {styled(part['name'], 'bold')}: {part['title']}")
            for key in part["keys"]:
                _print(f"    {key['name']}: {key['type']}" + _default(key))
    return 0


def _brought(report: "PluginReport") -> list[str]:
    return [what.rpartition(" ")[2] for what in report.provides]


def _default(key: dict[str, Any]) -> str:
    if "default" not in key:
        return "  (required)"
    return f" = {key['default']}" if key["default"] else ""


def _described(report: "PluginReport") -> dict[str, Any]:
    import attrs  # noqa: PLC0415

    return attrs.asdict(
        report, value_serializer=lambda _, __, v: list(v) if isinstance(v, tuple) else v
    )


def _parts(plugins: "Plugins", report: "PluginReport") -> Iterator[dict[str, Any]]:
    """Describe what a plugin brings, with the keys that a configuration can give each part."""
    for registry in plugins.registries:
        for entry in registry.entries:
            origin = entry.origin
            if (origin.plugin, origin.distribution) == (report.name, report.distribution) and (
                report.status == "loaded"
            ):
                spec = entry.load()
                configured = getattr(spec, "strategy", None) or getattr(spec, "config", None)
                yield {
                    "kind": registry.kind,
                    "name": spec.name,
                    "title": spec.title,
                    "keys": list(config_keys(configured)),
                }


def config_keys(configured: object) -> Iterator[dict[str, str]]:
    """Describe the keys that a configuration class takes: name, type and default."""
    import attrs  # noqa: PLC0415

    if not isinstance(configured, type) or not attrs.has(configured):
        return
    for field in attrs.fields(configured):
        if field.init:
            key = {"name": field.alias or field.name, "type": _type_name(field.type)}
            if field.default is not attrs.NOTHING:
                key["default"] = _toml(field.default, key["type"])
            yield key


def _toml(default: object, type_name: str) -> str:
    """Write a default as it would stand in a configuration; empty if it cannot stand there."""
    from kungfu_core.values import duration_text  # noqa: PLC0415 - --help needs none of it

    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, int) and type_name.startswith("Duration"):
        return f'"{duration_text(default)}"'
    if isinstance(default, Enum):
        return f'"{default.name.lower()}"'
    if isinstance(default, int | float | Decimal):
        return str(default)
    return f'"{default}"' if isinstance(default, str) else ""


def _type_name(annotation: object) -> str:
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return re.sub(r"\b(?:\w+\.)+", "", str(annotation))


def _print_json(value: object) -> None:
    _print(json.dumps(value, indent=2))


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is what the command is for
