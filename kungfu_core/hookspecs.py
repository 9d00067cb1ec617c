"""Every hook that a plugin can implement, with its types.

Hooks register specifications and are called once, while a session is put together; none is ever
called on a hot path. A plugin module says which hook API it was written for:

    KUNGFU_HOOK_API = ">=1.0,<2"
"""

from collections.abc import Iterable

import pluggy

from kungfu_core.interfaces import (
    AlgorithmSpec,
    DemoSpec,
    GatewaySpec,
    RecordingSpec,
    RiskCheckSpec,
    StrategySpec,
)
from kungfu_core.schema import EventType

HOOK_API = "1.1"
"""Minor rises when a hook or an argument is added, major when one goes or changes its meaning."""

PROJECT = "kungfu"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def kungfu_register_event_types() -> Iterable[EventType]:  # type: ignore[empty-body]
    """Give event types of the plugin's own; names must not clash, numbers are assigned."""


@hookspec
def kungfu_register_gateways() -> Iterable[GatewaySpec]:  # type: ignore[empty-body]
    """Give the gateways that this plugin brings."""


@hookspec
def kungfu_register_recordings() -> Iterable[RecordingSpec]:  # type: ignore[empty-body]
    """Give the formats of recorded raw streams that this plugin can read."""


@hookspec
def kungfu_register_risk_checks() -> Iterable[RiskCheckSpec]:  # type: ignore[empty-body]
    """Give the risk checks that this plugin brings."""


@hookspec
def kungfu_register_strategies() -> Iterable[StrategySpec]:  # type: ignore[empty-body]
    """Give strategies; the entry-point group `kungfu.strategies` does the same for bare classes."""


@hookspec
def kungfu_register_algorithms() -> Iterable[AlgorithmSpec]:  # type: ignore[empty-body]
    """Give the execution algorithms that this plugin brings."""


@hookspec
def kungfu_register_demos() -> Iterable[DemoSpec]:  # type: ignore[empty-body]
    """Give configurations that `kungfu demo` can run."""
