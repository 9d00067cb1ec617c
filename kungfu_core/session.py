"""Puts a simulated session together from its configuration, and runs it on one thread."""

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from kungfu_core import events
from kungfu_core._native import Clock, Runner, Wiring, id_of, make_broker, read_events
from kungfu_core.algorithm_runtime import AlgorithmRuntime
from kungfu_core.config import (
    BacktestConfig,
    ConfiguredAlgorithm,
    ConfiguredGateway,
    ConfiguredRiskCheck,
    ConfiguredStrategy,
    PositionMode,
)
from kungfu_core.context import StrategySetup
from kungfu_core.datasets import Dataset
from kungfu_core.day_zone import utc_offsets
from kungfu_core.enums import ComponentKind, ComponentPhase, NameKind
from kungfu_core.errors import ConfigError, KungfuError, PluginError, SessionError
from kungfu_core.events import EVENT_CLASSES
from kungfu_core.faults import exception_text, place
from kungfu_core.history import JournalHistory
from kungfu_core.interfaces import GatewaySetup, RiskCheck, RiskView
from kungfu_core.journal import Journal, list_journals
from kungfu_core.limits import LimitRow
from kungfu_core.order_ids import OrderIds
from kungfu_core.plugins import PluginReport, Plugins
from kungfu_core.strategy_runtime import StrategyRuntime
from kungfu_core.values import Duration
from kungfu_core.views import type_rows, view_class

SESSION, BROKER = "session", "broker"
"""Sources of the two components that every session has."""

_ABILITIES = ("amend", "reduce_only", "queries", "display_size", "position_sides", "oto", "oco")
_MARKET_PAGE, _TRADING_PAGE = 16 << 20, 4 << 20
_EVENTS_PER_STEP = 20_000
_MOST_INSTRUMENTS = 1 << 20

Progress = Callable[[int, int, int], None]
"""Told the simulated time reached, where it ends (both ns), and how many events were handled."""


@attrs.frozen
class Fault:
    """A strategy that an exception stopped."""

    strategy: str
    exception: BaseException


@attrs.frozen
class FailedCheck:
    """A risk check that raised, or gave what is no answer.

    Attributes:
        failures: how often.
        said: the first exception: its class and its text.
        place: where in the check's own file it was raised.
        traceback: of it.
    """

    name: str
    failures: int
    said: str
    place: str
    traceback: str


@attrs.frozen
class SessionResult:
    """What a session came to.

    Attributes:
        events: how many events its components handled, each component's counted.
        faults: strategies that an exception stopped.
        failed_checks: risk checks that failed.
    """

    events: int
    faults: tuple[Fault, ...]
    failed_checks: tuple[FailedCheck, ...] = ()


class SimulatedSession:
    """All components of a backtest, wired to journals in simulated time.

    Args:
        config: the checked configuration.
        plugins: what it was checked against.
        datasets: the recorded market; empty if a venue makes its own.
        folder: of the run; its journals go to `journal/` in it.

    Raises:
        ConfigError: the data does not cover the time that is asked for, or two names lead to the
            same order ids.
        KungfuError: a plugin's factory refused its configuration.
    """

    def __init__(
        self,
        config: BacktestConfig,
        plugins: Plugins,
        datasets: Sequence[Dataset],
        folder: Path,
    ) -> None:
        self._config = config
        self._datasets = tuple(datasets)
        self._root = str(folder / "journal")
        self._classes = [*EVENT_CLASSES, *(view_class(t) for t in plugins.event_types)]
        self._rows = type_rows(self._classes)
        self.start, self.end = _span(config, self._datasets)
        # One tick before the market begins everybody reads what stands at the start.
        self._clock = Clock(simulated_from=self.start - 1)
        self._runner = Runner(self._clock)
        self._runtimes: dict[str, StrategyRuntime] = {}
        self._order_ids = OrderIds()
        self._order_ids.first(BROKER, id_of(BROKER))
        self._session = self._open_session(plugins.reports)
        for gateway in config.gateways.values():
            self._add_gateway(gateway)
        self._add_broker()
        for strategy in config.strategies.values():
            self._add_strategy(strategy)
        for algorithm in config.algorithms.values():
            self._add_algorithm(algorithm)

    def run(self, progress: Progress | None = None) -> SessionResult:
        """Run to the end.

        Raises:
            SessionError: a component failed; its journals hold what happened until then.
            KeyboardInterrupt: somebody interrupted it; the journals are closed in order.
        """
        handled = 0
        try:
            self._runner.start()
            while done := self._runner.simulate(self.end, _EVENTS_PER_STEP):
                handled += done
                if progress is not None:
                    progress(self._clock.now(), self.end, handled)
            self._runner.stop()
            self._say(ComponentPhase.STOP, "")
        except RuntimeError as error:
            for runtime in self._runtimes.values():
                if runtime.host.interruption is not None:
                    raise runtime.host.interruption from None
            self._say(ComponentPhase.FAULT, str(error))
            raise SessionError(str(error)) from error
        finally:
            self._runner.close()
            self._session.close()
            for runtime in self._runtimes.values():
                runtime.host.release()
        faults = [Fault(n, r.fault) for n, r in self._runtimes.items() if r.fault is not None]
        failed = [check.failed for check in self._checks if check.failed is not None]
        return SessionResult(handled, tuple(faults), tuple(failed))

    # --- wiring --------------------------------------------------------------------------------

    def _wire(self, source: str) -> Wiring:
        return Wiring(source, self._clock, self._rows)

    def _output(self, wiring: Wiring, name: str, page_size: int = _TRADING_PAGE) -> None:
        wiring.open_output(self._clock, self._root, name, self._rows, page_size)
        for account in self._config.accounts:
            wiring.define_name(NameKind.ACCOUNT, id_of(account), account)
        config = self._config
        components = (*config.gateways, *config.strategies, *config.algorithms)
        for source in (SESSION, BROKER, *components):
            wiring.define_name(NameKind.SOURCE, id_of(source), source)

    def _join_market(self, wiring: Wiring) -> None:
        """Join what everybody reads first: how the session began, then the market."""
        wiring.join(self._root, SESSION, "SESSION")
        since = self.start if self._datasets else 0
        for journal in self._market():
            wiring.join(journal.root, journal.source, journal.name, journal.scope, since)

    def _market(self) -> list[Journal]:
        if self._datasets:
            return [_recorded(dataset) for dataset in self._datasets]
        return [Journal(self._root, name, "MD") for name in self._config.gateways]

    def _open_session(self, reports: Sequence[PluginReport]) -> Wiring:
        wiring = self._wire(SESSION)
        self._output(wiring, "SESSION")
        self._session = wiring
        self._say(ComponentPhase.START, self._config.text)
        for report in reports:
            detail = attrs.asdict(report) | {"status": str(report.status)}
            wiring.append(events.PluginStatus(report.status == "loaded", json.dumps(detail)))
        for definition in self._definitions():
            wiring.append(definition)
        return wiring

    def _definitions(self) -> list[events.Instrument]:
        """The instruments of the recorded market as they were defined when the session begins.

        Those of a dataset that begins later are known from the start, too.
        """
        found = [
            definition
            for dataset in self._datasets
            for j in [_recorded(dataset)]
            for definition in read_events(
                self._rows,
                [(j.root, j.source, j.name, j.scope, 0)],
                events.Instrument,
                instrument=0,
                since=0,
                before=max(self.start, dataset.first_time) + 1,
                count=_MOST_INSTRUMENTS,
            )
        ]
        return list({d.instrument: d for d in found}.values())

    def _say(self, phase: ComponentPhase, detail: str) -> None:
        self._session.append(events.ComponentStatus(ComponentKind.SESSION, phase, detail))

    # --- components ----------------------------------------------------------------------------

    def _add_gateway(self, gateway: ConfiguredGateway) -> None:
        wiring = self._wire(gateway.name)
        if self._datasets:
            self._join_market(wiring)
        else:
            wiring.join(self._root, SESSION, "SESSION")
        wiring.join(self._root, BROKER, "BROKER")
        self._output(wiring, "TD")
        self._output(wiring, "MD", _MARKET_PAGE)
        setup = GatewaySetup(
            source=gateway.name,
            accounts={
                name: {
                    currency: format(amount, "f") for currency, amount in account.balances.items()
                }
                for name, account in self._config.accounts.items()
                if account.gateway == gateway.name
            },
            seed=self._config.session.seed,
            recorded=bool(self._datasets),
            start_ns=self.start - 1,
        )
        make = partial(gateway.spec.factory, gateway.config, setup)
        where = self._config.place("gateways", gateway.name)
        self._runner.add(_made(f"gateway {gateway.name!r}", where, make), wiring)

    def _add_broker(self) -> None:
        wiring = self._wire(BROKER)
        self._join_market(wiring)
        for name in self._config.gateways:
            wiring.join(self._root, name, "TD")
        for name in self._config.strategies:
            wiring.join(self._root, name, "STRATEGY")
        for name in self._config.algorithms:
            wiring.join(self._root, name, "ALGORITHM")
        self._output(wiring, "BROKER")
        gateways = [
            (
                name,
                sorted(can.order_types),
                sorted(can.times_in_force),
                sorted(can.triggers),
                [ability for ability in _ABILITIES if getattr(can, ability)],
            )
            for name, gateway in self._config.gateways.items()
            for can in [gateway.spec.capabilities]
        ]
        routes = [
            (
                name,
                account.gateway,
                account.position_mode is PositionMode.HEDGE,
                format(account.leverage, "f"),
                [(named, format(own, "f")) for named, own in account.leverages.items()],
            )
            for name, account in self._config.accounts.items()
        ]
        where = self._config.place("risk", "checks")
        self._checks = [_risk_check(check, where) for check in self._config.risk_checks]
        orders = self._config.orders
        zone = utc_offsets(orders.day_zone, self.start, self.end)
        timing = attrs.asdict(orders, filter=lambda field, _: field.type is Duration)
        own = (self._root, BROKER, "BROKER", "")
        broker = make_broker(
            gateways,
            routes,
            [(check.name, check) for check in self._checks],
            timing,
            own,
            orders.missed_trigger,
            zone,
            self._limits(),
            [*self._config.algorithms],
            budget=0,  # time is simulated: no clock may be looked at
            most_faults=self._config.risk.most_faults,
        )
        self._runner.add(broker, wiring)

    def _limits(self) -> list[LimitRow]:
        """Give the limits that count where time is simulated: no clock can be off there."""
        return [
            (scope, name, [(n, text) for n, text in limits if n != "max_clock_offset"], zone)
            for scope, name, limits, zone in self._config.limits.rows(self.start, self.end)
        ]

    def _add_strategy(self, configured: ConfiguredStrategy) -> None:
        name = configured.name
        wiring = self._wire_trader(name, "STRATEGY")
        setup = self._setup(name, configured.account, wiring)
        self._add_runtime(StrategyRuntime(configured.create(), setup, self._classes), wiring)

    def _add_algorithm(self, configured: ConfiguredAlgorithm) -> None:
        wiring = self._wire_trader(configured.name, "ALGORITHM")
        setup = self._setup(configured.name, next(iter(self._config.accounts)), wiring)
        runtime = AlgorithmRuntime(configured.spec.algorithm, setup, self._classes)
        self._add_runtime(runtime, wiring)

    def _add_runtime(self, runtime: StrategyRuntime, wiring: Wiring) -> None:
        self._runtimes[wiring.source] = runtime
        self._runner.add(runtime.host.component(), wiring)

    def _wire_trader(self, name: str, journal: str) -> Wiring:
        wiring = self._wire(name)
        self._join_market(wiring)
        wiring.join(self._root, BROKER, "BROKER")
        self._output(wiring, journal)
        return wiring

    def _setup(self, name: str, account: str, wiring: Wiring) -> StrategySetup:
        names = [account, *(n for n in self._config.accounts if n != account)]
        history = JournalHistory(self._rows, self._market(), self.start, self._consumed(name))
        return StrategySetup(
            name=name,
            broker=id_of(BROKER),
            accounts={n: id_of(n) for n in names},
            first_order=self._order_ids.first(name, wiring.output_id(), wiring.output_sequence()),
            seed=self._config.session.seed,
            saved=None,
            history=history,
            algorithms=tuple(self._config.algorithms),
        )

    def _consumed(self, name: str) -> Callable[[int], int]:
        # The runtime is made after its history, which asks for this.
        return lambda journal: self._runtimes[name].host.consumed(journal)  # noqa: PLW0108


def _made(what: str, where: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Make what a plugin's factory gives; `where` is the file and line that ask for it.

    Raises:
        ConfigError: it refused its configuration.
        PluginError: it raised; sys.exit() in it would look like success, and is a failure too.
    """
    try:
        return make()
    except KeyboardInterrupt:
        raise
    except KungfuError as error:
        raise ConfigError(f"{where}: {error}") from error
    except BaseException as error:
        said = f"{exception_text(error)}{place(error)}"
        raise PluginError(f"{where}: {what} cannot be made: its factory raised {said}") from error


class _RunningCheck:
    """A plugin's check; notes that it failed, and adds to the reason where in its own file.

    Attributes:
        failed: None while it never has.
    """

    def __init__(self, name: str, check: RiskCheck) -> None:
        self.name = name
        self.failed: FailedCheck | None = None
        self._check = check.check

    def check(self, order: events.OrderRequest, view: RiskView) -> str | None:
        """Ask the check."""
        try:
            return self._answer(self._check(order, view))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            where, kind = place(error), type(error).__name__
            said = exception_text(error)
            if self.failed is None:
                self.failed = FailedCheck(
                    self.name, 0, said, where, "".join(traceback.format_exception(error))
                )
            self.failed = attrs.evolve(self.failed, failures=self.failed.failures + 1)
            # The broker makes the reason of the exception's class and text.
            text = said.removeprefix(kind).removeprefix(": ")
            raise type(kind, (Exception,), {})(f"{text}{where}".strip()) from error

    def _answer(self, answer: object) -> str | None:
        if answer is None or isinstance(answer, str):
            return answer
        raise TypeError(f"check() gave {type(answer).__name__}, expected a reason or None")


def _risk_check(configured: ConfiguredRiskCheck, where: str) -> _RunningCheck:
    """Make a check that the configuration names; `where` is its file and line.

    Raises:
        PluginError: its factory raised, or gave no check.
    """
    what = f"risk check {configured.name!r}"
    check: RiskCheck = _made(what, where, partial(configured.spec.factory, configured.config))
    if not callable(getattr(check, "check", None)):
        kind = type(check)
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        gave = kind.__qualname__ + (f" ({Path(file).name})" if file else "")
        raise PluginError(
            f"{where}: {what}: its factory gave {gave}, expected an object with check()"
        )
    return _RunningCheck(configured.name, check)


def _recorded(dataset: Dataset) -> Journal:
    """Give a dataset's journal, whose scope is the dataset's first name, not a later one."""
    there = list_journals(dataset.folder)
    named = [j for j in there if (j.source, j.name) == (dataset.source, "MD")]
    return (named or [Journal(str(dataset.folder), dataset.source, "MD", dataset.name)])[0]


def _span(config: BacktestConfig, datasets: Sequence[Dataset]) -> tuple[int, int]:
    """Give the first and the last time of the session, in ns."""
    if config.market is not None:
        return config.market.start, config.market.start + config.market.duration
    if config.data is None or not datasets:
        raise KungfuError(f"{config.path}: expected datasets to play")
    first = min(d.first_time for d in datasets)
    last = max(d.last_time for d in datasets)
    start = first if config.data.start is None else max(first, config.data.start)
    end = last if config.data.end is None else min(last, config.data.end - 1)
    if start > end:
        raise ConfigError(
            f"{config.path}: the datasets go from {first} to {last} ns; nothing of it lies in the "
            "time that [data] asks for"
        )
    return start, end
