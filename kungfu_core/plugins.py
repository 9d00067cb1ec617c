"""Find, load and check plugins, and gather what they bring; a bad one is reported, never fatal.

Packaging entry points are the only way in: `kungfu.plugins` names modules with hook
implementations, `kungfu.strategies` names strategy classes. Hook modules are imported when a
session is put together, because only they know what they bring; a strategy class when asked for.
Nothing depends on the order in which the file system or the installer left the distributions.
"""

import difflib
import importlib
import importlib.metadata
import inspect
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import attr
import attrs
import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from kungfu_core import hookspecs
from kungfu_core.errors import PluginError
from kungfu_core.event_types import EVENT_TYPES
from kungfu_core.interfaces import (
    AlgorithmSpec,
    DemoSpec,
    GatewaySpec,
    RecordingSpec,
    RiskCheckSpec,
    StrategySpec,
)
from kungfu_core.registry import Origin, Registered, Registry
from kungfu_core.schema import EventType

HOOK_GROUP = "kungfu.plugins"
STRATEGY_GROUP = "kungfu.strategies"
FIRST_PLUGIN_EVENT_NUMBER = 1000

HOOKS: dict[str, tuple[str, type]] = {
    "kungfu_register_event_types": ("event type", EventType),
    "kungfu_register_gateways": ("gateway", GatewaySpec),
    "kungfu_register_recordings": ("recording format", RecordingSpec),
    "kungfu_register_risk_checks": ("risk check", RiskCheckSpec),
    "kungfu_register_strategies": ("strategy", StrategySpec),
    "kungfu_register_algorithms": ("algorithm", AlgorithmSpec),
    "kungfu_register_demos": ("demo", DemoSpec),
}
"""What each hook registers: the kind, as messages call it, and the type of its specification."""

_Spec = TypeVar("_Spec")


class Status(StrEnum):
    """What became of a plugin."""

    LOADED = "loaded"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    BLOCKED = "blocked"
    UNUSED = "unused"
    """A strategy class that nothing has asked for, so that it was not imported."""


@attrs.frozen
class PluginReport:
    """What is known about one installed plugin.

    Attributes:
        name: the entry point's name.
        group: the entry-point group, `kungfu.plugins` or `kungfu.strategies`.
        distribution: the installed distribution that it comes from.
        version: of the distribution.
        status: whether it can be used.
        hook_api: the range of hook API versions that it states; empty for a strategy class.
        hooks: the hooks that it implements, sorted.
        provides: what it brings, as "kind name", sorted.
        cause: why it cannot be used; empty if it can.
    """

    name: str
    group: str
    distribution: str
    version: str
    status: Status
    hook_api: str
    hooks: tuple[str, ...]
    provides: tuple[str, ...]
    cause: str

    @property
    def refused(self) -> bool:
        """Whether it was to be used and cannot be."""
        return self.status in (Status.FAILED, Status.INCOMPATIBLE)

    def __str__(self) -> str:
        """Say in one sentence what it is and what became of it."""
        origin = f"{self.distribution} {self.version}".rstrip()
        return f"plugin {self.name!r} of {origin} is {self.status}" + (
            f": {self.cause}" if self.cause else ""
        )


class _Refused(Exception):  # noqa: N818 - it carries a verdict
    def __init__(self, status: Status, cause: str) -> None:
        super().__init__(cause)
        self.status = status


class _Plugin:
    """One entry point on its way from found to loaded or refused."""

    def __init__(self, entry_point: importlib.metadata.EntryPoint) -> None:
        distribution = entry_point.dist
        self.entry_point = entry_point
        self.origin = Origin(
            distribution=distribution.name if distribution else "",
            version=distribution.version if distribution else "",
            plugin=entry_point.name,
        )
        self.name = f"{self.origin.distribution}:{self.origin.plugin}"
        self.status = Status.UNUSED
        self.cause = ""
        self.hook_api = ""
        self.specs: dict[str, tuple[Any, ...]] = {}

    def answers_to(self, name: str) -> bool:
        """Whether an operator who says `name` means this plugin."""
        return name in (self.name, self.origin.plugin, self.origin.distribution)

    def attempt(self, load: Callable[[], _Spec]) -> _Spec | None:
        """Run a plugin's code; whatever it raises becomes this plugin's verdict."""
        try:
            result = load()
        except KeyboardInterrupt:
            raise
        except _Refused as refusal:
            self.status, self.cause = refusal.status, str(refusal)
        except BaseException as error:  # noqa: BLE001 - even sys.exit() in a plugin is its own failure
            self.status, self.cause = Status.FAILED, _cause(error)
        else:
            self.status = Status.LOADED
            return result
        return None

    def report(self) -> PluginReport:
        """Say what is known by now."""
        return PluginReport(
            name=self.origin.plugin,
            group=self.entry_point.group,
            distribution=self.origin.distribution,
            version=self.origin.version,
            status=self.status,
            hook_api=self.hook_api,
            hooks=tuple(sorted(self.specs)) if self.entry_point.group == HOOK_GROUP else (),
            provides=self._provides(),
            cause=self.cause,
        )

    def _provides(self) -> tuple[str, ...]:
        if self.status is Status.UNUSED:
            return (f"strategy {self.origin.plugin}",)
        named = {f"{HOOKS[hook][0]} {s.name}" for hook, specs in self.specs.items() for s in specs}
        return tuple(sorted(named))


class Plugins:
    """The plugins of one session, and what they bring.

    Args:
        blocked: plugins or distributions, by name, that are not to be loaded.

    Raises:
        PluginError: something to be blocked is not installed.
    """

    def __init__(self, blocked: Iterable[str] = ()) -> None:
        self._plugins = [_Plugin(entry_point) for entry_point in _entry_points()]
        self._block(tuple(blocked))
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for plugin in self._plugins:
            if plugin.entry_point.group == HOOK_GROUP and plugin.status is not Status.BLOCKED:
                self._load_hooks(plugin)
        absent = tuple(str(p.report()) for p in self._plugins if p.cause)
        self.gateways: Registry[GatewaySpec] = self._registry("gateways", absent)
        self.recordings: Registry[RecordingSpec] = self._registry("recordings", absent)
        self.risk_checks: Registry[RiskCheckSpec] = self._registry("risk_checks", absent)
        self.algorithms: Registry[AlgorithmSpec] = self._registry("algorithms", absent)
        self.demos: Registry[DemoSpec] = self._registry("demos", absent)
        self.strategies: Registry[StrategySpec] = Registry(
            "strategy", [*self._registered("strategies"), *self._strategy_classes()], absent
        )
        self.event_types, self._event_type_clashes = _number_event_types(
            self._registered("event_types")
        )

    @property
    def reports(self) -> tuple[PluginReport, ...]:
        """What is known about every installed plugin, sorted by name and distribution."""
        return tuple(plugin.report() for plugin in self._plugins)

    @property
    def registries(self) -> tuple[Registry[Any], ...]:
        """Every registry of named specifications, one a kind."""
        return (
            self.gateways, self.recordings, self.risk_checks, self.strategies, self.algorithms,
            self.demos,
        )  # fmt: skip

    @property
    def clashes(self) -> tuple[str, ...]:
        """One sentence for each name that several distributions bring."""
        named = (clash for registry in self.registries for clash in registry.clashes)
        return (*named, *self._event_type_clashes)

    def load_strategies(self) -> None:
        """Import every strategy class too, so that the reports say whether each can be used."""
        for entry in self.strategies.entries:
            try:
                entry.load()
            except PluginError:
                continue  # its report says so

    def _block(self, names: tuple[str, ...]) -> None:
        for name in names:
            meant = [plugin for plugin in self._plugins if plugin.answers_to(name)]
            if not meant:
                known = [p.origin.plugin for p in self._plugins]
                raise PluginError(
                    f"cannot block plugin {name!r}: it is not installed{_suggest(name, known)}"
                )
            for plugin in meant:
                plugin.status = Status.BLOCKED
                plugin.cause = "--no-plugin names it"

    def _load_hooks(self, plugin: _Plugin) -> None:
        module = plugin.attempt(plugin.entry_point.load)
        if plugin.status is not Status.LOADED:
            return
        plugin.attempt(lambda: self._admit(plugin, module))
        if plugin.status is not Status.LOADED:
            plugin.specs = {}
            if self._manager.get_name(module) == plugin.name:
                self._manager.unregister(module)

    def _admit(self, plugin: _Plugin, module: object) -> None:
        """Check a plugin module, register it and take its specifications."""
        _check_hook_api(plugin, module)
        _check_hook_names(self._manager, module)
        if self._manager.is_registered(module):
            owner = self._manager.get_name(module)
            raise _Refused(Status.FAILED, f"its module is registered already, by {owner}")
        self._manager.register(module, plugin.name)
        others = [other for other in self._manager.get_plugins() if other is not module]
        for caller in self._manager.get_hookcallers(module) or ():
            results = self._manager.subset_hook_caller(caller.name, others)()
            plugin.specs[caller.name] = _checked_specs(caller.name, results)

    def _registry(self, kind: str, absent: tuple[str, ...]) -> Registry[Any]:
        return Registry(HOOKS[f"kungfu_register_{kind}"][0], self._registered(kind), absent)

    def _registered(self, kind: str) -> list[Registered[Any]]:
        return [
            Registered(spec.name, plugin.origin, partial(_itself, spec))
            for plugin in self._plugins
            for spec in plugin.specs.get(f"kungfu_register_{kind}", ())
        ]

    def _strategy_classes(self) -> list[Registered[StrategySpec]]:
        return [
            Registered(plugin.origin.plugin, plugin.origin, partial(_load_strategy, plugin))
            for plugin in self._plugins
            if plugin.entry_point.group == STRATEGY_GROUP and plugin.status is not Status.BLOCKED
        ]


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    """Give the entry points of both groups, in an order that installing does not change."""
    found = importlib.metadata.entry_points()
    both = [*found.select(group=HOOK_GROUP), *found.select(group=STRATEGY_GROUP)]
    return sorted(both, key=lambda e: (e.name, e.dist.name if e.dist else "", e.group, e.value))


def _itself(spec: _Spec) -> _Spec:
    return spec


def _load_strategy(plugin: _Plugin) -> StrategySpec:
    """Import the class behind a strategy entry point, once.

    Raises:
        PluginError: it cannot be imported or is no class.
    """
    hook = "kungfu_register_strategies"
    if plugin.status is Status.UNUSED:
        plugin.attempt(lambda: plugin.specs.update({hook: (_strategy_spec(plugin),)}))
    if plugin.status is not Status.LOADED:
        raise PluginError(str(plugin.report()))
    spec: StrategySpec = plugin.specs[hook][0]
    return spec


def _strategy_spec(plugin: _Plugin) -> StrategySpec:
    strategy = plugin.entry_point.load()
    if not isinstance(strategy, type):
        raise _Refused(
            Status.FAILED,
            f"entry point {plugin.entry_point.value!r} is {strategy!r}, expected a class",
        )
    title = inspect.getdoc(strategy) or strategy.__name__
    return StrategySpec(plugin.origin.plugin, title.partition("\n")[0], strategy)


def _check_hook_api(plugin: _Plugin, module: object) -> None:
    stated = getattr(module, "KUNGFU_HOOK_API", None)
    if not isinstance(stated, str):
        raise _Refused(
            Status.FAILED,
            'it does not state KUNGFU_HOOK_API, e.g. KUNGFU_HOOK_API = ">=1.0,<2"',
        )
    plugin.hook_api = stated
    try:
        compatible = SpecifierSet(stated).contains(hookspecs.HOOK_API)
    except InvalidSpecifier:
        raise _Refused(
            Status.FAILED, f'KUNGFU_HOOK_API {stated!r}: expected a version range, e.g. ">=1.0,<2"'
        ) from None
    if not compatible:
        raise _Refused(
            Status.INCOMPATIBLE,
            f"it is written for hook API {stated}, this kungfu has {hookspecs.HOOK_API}",
        )


def _check_hook_names(manager: pluggy.PluginManager, module: object) -> None:
    """Refuse implementations of no hook, and hooks that were not marked as implemented."""
    for name in dir(module):
        options = manager.parse_hookimpl_opts(module, name)
        if options is not None:
            hook = options.get("specname") or name
            if hook not in HOOKS and not options.get("optionalhook"):
                raise _Refused(Status.FAILED, f"there is no hook {hook!r}{_suggest(hook, HOOKS)}")
        elif name in HOOKS and inspect.isroutine(getattr(module, name)):
            raise _Refused(Status.FAILED, f"{name} is not marked with @hookimpl")


def _checked_specs(hook: str, results: Sequence[Any]) -> tuple[Any, ...]:
    """Take what a plugin's implementation of a hook gave, if it is what the hook asks for."""
    _, wanted = HOOKS[hook]
    expected = f"expected an iterable of {wanted.__name__}"
    if not results:
        raise _Refused(Status.FAILED, f"{hook} gave None, {expected}")
    specs: list[Any] = []
    for result in results:
        if not isinstance(result, Iterable):
            raise _Refused(Status.FAILED, f"{hook} gave {result!r}, {expected}")
        specs.extend(result)
    for spec in specs:
        if not isinstance(spec, wanted):
            raise _Refused(Status.FAILED, f"{hook} gave an item {spec!r}, {expected}")
        if isinstance(spec, EventType):
            _check_event_type(spec)
    names = [_spec_key(spec) for spec in specs]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise _Refused(Status.FAILED, f"{hook} gave the name {twice[0]!r} more than once")
    return tuple(specs)


def _spec_key(spec: EventType | StrategySpec) -> str:
    """Give what must be unique among the specifications of one plugin and kind."""
    return f"{spec.name} version {spec.version}" if isinstance(spec, EventType) else str(spec.name)


def _check_event_type(event_type: EventType) -> None:
    label = f"event type {event_type.name!r}"
    if not event_type.name.isidentifier():
        raise _Refused(Status.FAILED, f"{label}: the name is not an identifier")
    if event_type.name in {core.name for core in EVENT_TYPES}:
        raise _Refused(Status.FAILED, f"{label}: the name belongs to the core")
    if event_type.number != 0:
        raise _Refused(Status.FAILED, f"{label}: leave the number 0, it is assigned")
    if event_type.version < 1:
        raise _Refused(Status.FAILED, f"{label}: the version counts from 1")


def _number_event_types(
    entries: Sequence[Registered[EventType]],
) -> tuple[tuple[EventType, ...], tuple[str, ...]]:
    """Number the event types of plugins by name and version; leave out names with two owners."""
    owners: dict[str, set[Origin]] = {}
    for entry in entries:
        owners.setdefault(entry.name, set()).add(entry.origin)
    clashes = tuple(
        f"event type {name!r} is brought by {' and '.join(map(str, sorted(brought)))}: "
        "neither is registered; block one of the plugins with --no-plugin"
        for name, brought in sorted(owners.items())
        if len(brought) > 1
    )
    types = [entry.load() for entry in entries if len(owners[entry.name]) == 1]
    types.sort(key=lambda event_type: (event_type.name, event_type.version))
    numbered = tuple(
        replace(event_type, number=number)
        for number, event_type in enumerate(types, FIRST_PLUGIN_EVENT_NUMBER)
    )
    return numbered, clashes


def _suggest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _cause(error: BaseException) -> str:
    """Describe an exception of a plugin in one line, with the place in the plugin's code."""
    text = " ".join(str(error).split())
    described = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = [
        (Path(frame.filename), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")
    ]
    foreign = {Path(__file__).parent, *map(_folder, (pluggy, attrs, attr, importlib))}
    places = [(path, line) for path, line in frames if not foreign & set(path.parents)]
    if not places:
        return described
    path, line = places[-1]
    return f"{described} (in {path.parent.name}/{path.name}, line {line})"


def _folder(package: ModuleType) -> Path:
    return Path(package.__file__ or "").parent
