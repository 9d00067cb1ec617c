"""The configuration of a backtest: a TOML file, read into checked values, every problem at once.

Plugins are asked for what the file names, so that their own keys are checked in the same go.
"""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import attrs

from kungfu_core.day_zone import time_zone
from kungfu_core.errors import ConfigError, PluginError
from kungfu_core.interfaces import AlgorithmSpec, GatewaySpec, RiskCheckSpec
from kungfu_core.limits import LimitsConfig, LimitsSection
from kungfu_core.plugins import Plugins
from kungfu_core.registry import Registry
from kungfu_core.strategy import misdeclared_callbacks
from kungfu_core.strategy_file import load_strategy_file
from kungfu_core.structuring import Problem, structure, unknown_key
from kungfu_core.toml_lines import Path as KeyPath
from kungfu_core.toml_lines import key_lines
from kungfu_core.values import LAST_TIME, Duration, Time, duration_text, shown

DEFAULT_START = Time(1_767_225_600_000_000_000)
"""2026-01-01T00:00:00Z: when a venue's own market begins, unless the file says otherwise."""

_T = TypeVar("_T")
SECOND = 1_000_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LONGEST_CURRENCY = 16
_DIGITS_EACH_SIDE = 18
"""Of a starting balance; leaves its 128 bits room for exact fees and profits."""
_MOST_LEVERAGE, _LEVERAGE_DECIMALS = 1000, 8
_LIMITED = {"accounts": "account", "strategies": "strategy"}
"""Whom `[limits]` has sections for, and what one of them is called."""
RESERVED_NAMES = ("session", "broker")
"""Components of every session; others need other names."""

_COMPONENTS = {"gateways": "gateway", "strategies": "strategy", "algorithms": "algorithm"}


def _positive(_: object, __: "attrs.Attribute[Duration]", value: Duration) -> None:
    if value <= 0:
        raise ValueError(f"expected more than 0, got {duration_text(value)}")


@attrs.frozen
class SessionSection:
    """`[session]`: what holds for the whole run."""

    seed: int = attrs.field(default=1, validator=attrs.validators.ge(0))


@attrs.frozen
class OrdersSection:
    """`[orders]`: what the broker does with orders that it holds, and how long it waits for venues.

    Attributes:
        missed_trigger: what becomes of a stop whose trigger was crossed while the broker was down.
        day_zone: the time zone in which the day of a DAY order ends.
        answer_timeout: without an answer for so long, an order is unknown and asked about.
        order_deadline: a venue is to refuse an order that reaches it later; 0 for no deadline.
        clock_bound: how far a venue's clock may be off.
        fill_timeout: fills that a venue told of are asked for after so long.
        first_retry: from a query without an answer to the next; doubles each time.
        longest_retry: up to so long.
        alarm_after: an order that stays unknown for so long is alarmed.
        reconcile_interval: from one comparison of an account with its venue to the next.
        resend_max_age: an order that was lost on its way is sent again while it is younger than
            this, once the venue surely does not have it; 0 for never.
    """

    missed_trigger: str = attrs.field(
        default="ask", validator=attrs.validators.in_(("ask", "fire", "cancel"))
    )
    day_zone: str = attrs.field(default="UTC", validator=time_zone)
    answer_timeout: Duration = attrs.field(default=Duration(5 * SECOND), validator=_positive)
    order_deadline: Duration = attrs.field(default=Duration(5 * SECOND))
    clock_bound: Duration = attrs.field(default=Duration(SECOND))
    fill_timeout: Duration = attrs.field(default=Duration(SECOND), validator=_positive)
    first_retry: Duration = attrs.field(default=Duration(SECOND), validator=_positive)
    longest_retry: Duration = attrs.field(default=Duration(30 * SECOND), validator=_positive)
    alarm_after: Duration = attrs.field(default=Duration(60 * SECOND), validator=_positive)
    reconcile_interval: Duration = attrs.field(default=Duration(60 * SECOND), validator=_positive)
    resend_max_age: Duration = attrs.field(default=Duration(0))


@attrs.frozen
class DataSection:
    """`[data]`: which recorded market is played, and which part of it.

    Attributes:
        datasets: names of imported datasets, or paths.
        start: where to begin; the beginning if it is left out.
        end: where to stop (this moment is not played any more); the end if it is left out.
    """

    datasets: tuple[str, ...] = attrs.field(validator=attrs.validators.min_len(1))
    start: Time | None = None
    end: Time | None = None


@attrs.frozen
class MarketSection:
    """`[market]`: how long a simulated venue's own market runs, in simulated time."""

    duration: Duration = attrs.field(validator=_positive)
    start: Time = DEFAULT_START


def _amounts(
    _: object, attribute: "attrs.Attribute[Mapping[str, Decimal]]", value: Mapping[str, Decimal]
) -> None:
    for currency, amount in value.items():
        said = f"{attribute.name}.{currency}"
        nameable = currency.isprintable() and not any(map(str.isspace, currency))
        if not nameable or not 1 <= len(currency.encode()) <= _LONGEST_CURRENCY:
            raise ValueError(
                f"expected a currency of 1 to {_LONGEST_CURRENCY} bytes without "
                f"blanks, got {currency!r}"
            )
        if amount < 0:
            raise ValueError(f"{said} must not be negative: {amount}")
        exponent = amount.as_tuple().exponent
        if amount.adjusted() >= _DIGITS_EACH_SIDE or int(exponent) < -_DIGITS_EACH_SIDE:
            raise ValueError(
                f"{said} has more than {_DIGITS_EACH_SIDE} digits before or after the point: "
                f"{amount}"
            )


class PositionMode(Enum):
    """How an account holds contracts: one position of each, or a long and a short side by side."""

    NET = "net"
    HEDGE = "hedge"


def _leverage(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    _check_leverage(attribute.name, value)


def _leverages(
    _: object, attribute: "attrs.Attribute[Mapping[str, Decimal]]", value: Mapping[str, Decimal]
) -> None:
    for instrument, leverage in value.items():
        _check_leverage(f"{attribute.name}.{instrument}", leverage)


def _check_leverage(said: str, value: Decimal) -> None:
    if not 0 < value <= _MOST_LEVERAGE:
        raise ValueError(f"{said} must be above 0 and at most {_MOST_LEVERAGE}: {value}")
    if int(value.as_tuple().exponent) < -_LEVERAGE_DECIMALS:
        raise ValueError(f"{said} has more than {_LEVERAGE_DECIMALS} decimals: {value}")


@attrs.frozen
class AccountSection:
    """`[accounts.NAME]`: an account, the gateway that it is with, and what is in it.

    Attributes:
        gateway: the configured instance; may be left out where there is only one.
        balances: amounts by currency.
        position_mode: how the venue keeps its positions in contracts.
        leverage: what a position's value is divided by for its margin.
        leverages: the same for single instruments, by canonical name.
    """

    gateway: str = ""
    balances: Mapping[str, Decimal] = attrs.field(factory=dict, validator=_amounts)
    position_mode: PositionMode = PositionMode.NET
    leverage: Decimal = attrs.field(default=Decimal(1), validator=_leverage)
    leverages: Mapping[str, Decimal] = attrs.field(factory=dict, validator=_leverages)


@attrs.frozen
class RiskSection:
    """`[risk]`, the checks apart: how plugins' checks are held to account.

    Attributes:
        budget: what one check may take of the wall clock for one order; a check that overruns it
            refuses. Backtests look at no clock.
        most_faults: a check that failed or overran so often is reported as unhealthy.
    """

    budget: Duration = attrs.field(default=Duration(10_000_000), validator=_positive)
    most_faults: int = attrs.field(default=3, validator=attrs.validators.ge(1))


@attrs.frozen
class ConfiguredGateway:
    """`[gateways.NAME]`: a gateway's specification and its checked configuration."""

    name: str
    spec: GatewaySpec
    config: Any


@attrs.frozen
class ConfiguredRiskCheck:
    """A check that `[risk]` names, and its checked configuration."""

    name: str
    spec: RiskCheckSpec
    config: Any


@attrs.frozen
class ConfiguredAlgorithm:
    """`[algorithms.NAME]`: an execution algorithm that orders can name."""

    name: str
    spec: AlgorithmSpec


@attrs.frozen
class ConfiguredStrategy:
    """`[strategies.NAME]`: a strategy class with its checked parameters.

    Attributes:
        name: of this instance.
        account: the account that it trades on unless an order says otherwise.
        strategy: the class.
        params: the parameters as they stand in the file.
        title: where the class comes from: its registered name or its file.
    """

    name: str
    account: str
    strategy: type
    params: Mapping[str, Any]
    title: str

    def create(self) -> Any:  # noqa: ANN401
        """Make a fresh instance with these parameters."""
        instance, problems = structure(self.params, self.strategy, ())
        if problems:
            raise ConfigError(problems[0].message)
        return instance


@attrs.frozen
class BacktestConfig:
    """A whole backtest, checked; exactly one of `data` and `market` is given.

    Attributes:
        path: the file that it was read from.
        text: the file as it stands, for the journal.
        session: of the whole run.
        data: the recorded market, if one is played.
        market: the venue's own market, if that is what runs.
        gateways: by source name.
        accounts: by name.
        orders: what the broker does with orders that it holds, and how long it waits for venues.
        limits: what the broker itself holds every order to.
        risk: how the checks of plugins are held to account.
        risk_checks: in the order in which they run: by their own `order`, then as listed.
        strategies: by name.
        algorithms: by name.
    """

    path: Path
    text: str
    session: SessionSection
    data: DataSection | None
    market: MarketSection | None
    gateways: Mapping[str, ConfiguredGateway]
    accounts: Mapping[str, AccountSection]
    orders: OrdersSection
    limits: LimitsConfig
    risk: RiskSection
    risk_checks: tuple[ConfiguredRiskCheck, ...]
    strategies: Mapping[str, ConfiguredStrategy]
    algorithms: Mapping[str, ConfiguredAlgorithm]

    def place(self, *key: str) -> str:
        """Give the file and the line of a key, as messages begin."""
        return f"{self.path}:{_line_of(key, key_lines(self.text))}"


def read_backtest_config(path: Path, plugins: Plugins) -> BacktestConfig:
    """Read and check a backtest's configuration.

    Args:
        path: the file; a strategy's file is looked for beside it.
        plugins: what is installed.

    Raises:
        ConfigError: the file cannot be read, or has problems: all of them, one a line, each with
            file and line.
    """
    return parse_backtest_config(_text_of(path), path, plugins)


def parse_backtest_config(text: str, path: Path, plugins: Plugins) -> BacktestConfig:
    """Check a backtest's configuration that is at hand as text; `path` is what messages call it.

    Raises:
        ConfigError: as `read_backtest_config`.
    """
    reader = _Reader(_table_of(text, path), path.parent, plugins)
    config = reader.read(path, text)
    reader.refuse_problems(path, text)
    return config


def read_account_gateway(path: Path, account: str, plugins: Plugins) -> ConfiguredGateway:
    """Read the gateway of one account; the rest of the file may be in whatever state it is.

    Args:
        path: the configuration.
        account: the account's name in it.
        plugins: what is installed.

    Raises:
        ConfigError: the file cannot be read, or says no such account or gateway; names the line.
    """
    text = _text_of(path)
    reader = _Reader(_table_of(text, path), path.parent, plugins)
    gateways, accounts = reader.gateways_and_accounts()
    reader.refuse_problems(path, text)
    if account not in accounts:
        raise ConfigError(f"{path}: {unknown_key(account, list(accounts), 'account')}")
    return gateways[accounts[account].gateway]


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason}") from error


def _table_of(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        # Too long a number and too deep an array are no TOMLDecodeError.
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _sentence(problem: Problem) -> str:
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in problem.path)
    return f"{key.lstrip('.')}: {problem.message}" if key else problem.message


class _Reader:
    """Goes through the file section by section and notes every problem."""

    SECTIONS = (
        "session",
        "orders",
        "data",
        "market",
        "gateways",
        "accounts",
        "limits",
        "risk",
        "strategies",
        "algorithms",
    )

    def __init__(self, table: dict[str, Any], folder: Path, plugins: Plugins) -> None:
        self.problems: list[Problem] = []
        self._table = table
        self._folder = folder
        self._plugins = plugins

    def read(self, path: Path, text: str) -> BacktestConfig:
        for key in self._table:
            if key not in self.SECTIONS:
                self._problem((key,), unknown_key(key, self.SECTIONS, "section"))
        session = self._structure(self._table.get("session", {}), SessionSection, ("session",))
        orders = self._structure(self._table.get("orders", {}), OrdersSection, ("orders",))
        data, market = self._market()
        self._check_component_names()
        gateways, accounts = self.gateways_and_accounts()
        return BacktestConfig(
            path=path,
            text=text,
            session=session or SessionSection(),
            data=data,
            market=market,
            gateways=gateways,
            accounts=accounts,
            orders=orders or OrdersSection(),
            limits=self._limits(),
            risk=self._risk(),
            risk_checks=self._risk_checks(),
            strategies=self._strategies(list(self._section("accounts"))),
            algorithms=self._algorithms(),
        )

    def gateways_and_accounts(
        self,
    ) -> tuple[dict[str, ConfiguredGateway], dict[str, AccountSection]]:
        """Read both, as far as they can be read."""
        gateways = self._gateways()
        return gateways, self._accounts(list(self._section("gateways", required=True)))

    def refuse_problems(self, path: Path, text: str) -> None:
        """Raise what was noted so far.

        Raises:
            ConfigError: there are problems: all of them, one a line, each with file and line.
        """
        if self.problems:
            lines = key_lines(text)
            located = sorted((_line_of(p.path, lines), i, p) for i, p in enumerate(self.problems))
            raise ConfigError("\n".join(f"{path}:{line}: {_sentence(p)}" for line, _, p in located))

    def _problem(self, path: KeyPath, message: str) -> None:
        problem = Problem(path, message)
        if problem not in self.problems:
            self.problems.append(problem)

    def _structure(self, table: object, wanted: type[_T], path: KeyPath) -> _T | None:
        made, problems = structure(table, wanted, path)
        self.problems += problems
        return made

    def _section(self, name: str, *, required: bool = False) -> dict[str, dict[str, Any]]:
        """Give the named tables of a section; what is not a table is a problem."""
        section = self._table.get(name, {})
        if not isinstance(section, dict):
            self._problem((name,), f"expected tables [{name}.NAME], got {shown(section)}")
            return {}
        if required and not section:
            self._problem((), f"missing section [{name}.NAME]")
        tables = {}
        for key, value in section.items():
            if not isinstance(value, dict):
                self._problem((name, key), f"expected a table, got {shown(value)}")
            elif not _NAME.fullmatch(key):
                # It becomes the name of a folder.
                self._problem((name, key), "expected a name of letters, digits, '.', '_' and '-'")
            else:
                tables[key] = value
        return tables

    def _check_component_names(self) -> None:
        taken = dict.fromkeys(RESERVED_NAMES, "part of the core")
        for section, kind in _COMPONENTS.items():
            for name in self._section(section):
                if name in taken:
                    too = "" if name in RESERVED_NAMES else ", too"
                    self._problem((section, name), f"{name!r} is the name of a {taken[name]}{too}")
            taken |= dict.fromkeys(self._section(section), kind)

    def _market(self) -> tuple[DataSection | None, MarketSection | None]:
        data = market = None
        if "data" in self._table:
            data = self._structure(self._table["data"], DataSection, ("data",))
            if data and data.start and data.end and data.end <= data.start:
                self._problem(("data", "end"), "expected a time after start")
        if "market" in self._table:
            market = self._structure(self._table["market"], MarketSection, ("market",))
            if market and market.start + market.duration > LAST_TIME:
                self._problem(("market", "duration"), "expected to end before the year 2262")
        if "data" in self._table and "market" in self._table:
            self._problem(("market",), "expected either [data] or [market], not both")
        if "data" not in self._table and "market" not in self._table:
            self._problem(
                (), "missing section [data] (a recorded market) or [market] (the venue's own)"
            )
        return data, market

    def _gateways(self) -> dict[str, ConfiguredGateway]:
        gateways: dict[str, ConfiguredGateway] = {}
        for name, table in self._section("gateways", required=True).items():
            path = ("gateways", name)
            options = {key: value for key, value in table.items() if key != "plugin"}
            spec = self._find(self._plugins.gateways, table.get("plugin"), (*path, "plugin"))
            config = self._structure(options, spec.config, path) if spec else None
            if spec and config is not None:
                gateways[name] = ConfiguredGateway(name, spec, config)
        return gateways

    def _find(self, registry: Registry[_T], name: object, path: KeyPath) -> _T | None:
        """Look a name from the file up; what is wrong with it is a problem at its place."""
        if name is None:
            self._problem(path[:-1], f"missing key {path[-1]!r}")
        elif not isinstance(name, str):
            self._problem(path, f"expected text in quotes, got {shown(name)}")
        else:
            try:
                return registry.get(name)
            except PluginError as error:
                self._problem(path, str(error))
        return None

    def _algorithms(self) -> dict[str, ConfiguredAlgorithm]:
        algorithms = {}
        for name, table in self._section("algorithms").items():
            path = ("algorithms", name)
            for key in table:
                if key != "plugin":
                    self._problem((*path, key), unknown_key(key, ["plugin"]))
            spec = self._find(self._plugins.algorithms, table.get("plugin"), (*path, "plugin"))
            if spec:
                algorithms[name] = ConfiguredAlgorithm(name, spec)
        return algorithms

    def _accounts(self, gateways: list[str]) -> dict[str, AccountSection]:
        accounts = {}
        for name, table in self._section("accounts", required=True).items():
            path = ("accounts", name)
            account = self._structure(table, AccountSection, path)
            if account:
                gateway = self._choose(account.gateway, gateways, "gateway", path)
                accounts[name] = attrs.evolve(account, gateway=gateway)
        return accounts

    def _choose(self, chosen: str, configured: list[str], what: str, path: KeyPath) -> str:
        """Give the configured instance that is meant; the only one need not be named."""
        if not chosen and len(configured) == 1:
            return configured[0]
        if not chosen and configured:
            self._problem(path, f"missing key {what!r}: one of {', '.join(configured)}")
        if chosen and chosen not in configured:
            self._problem((*path, what), unknown_key(chosen, configured, what))
        return chosen

    def _limits(self) -> LimitsConfig:
        table = self._table.get("limits", {})
        if not isinstance(table, dict):
            self._problem(("limits",), f"expected a table, got {shown(table)}")
            return LimitsConfig()
        own = {key: value for key, value in table.items() if key not in _LIMITED}
        everything = self._structure(own, LimitsSection, ("limits",))
        parts: dict[str, dict[str, LimitsSection]] = {}
        for kind, one in _LIMITED.items():
            parts[kind] = {}
            named = table.get(kind, {})
            if not isinstance(named, dict):
                self._problem(("limits", kind), f"expected a table, got {shown(named)}")
                continue
            configured = list(self._section(kind))
            for name, values in named.items():
                path = ("limits", kind, name)
                if name not in configured:
                    self._problem(path, unknown_key(name, configured, one))
                section = self._structure(values, LimitsSection, path)
                if section is not None:
                    parts[kind][name] = section
        return LimitsConfig(everything or LimitsSection(), **parts)

    def _risk(self) -> RiskSection:
        table = self._table.get("risk", {})
        own = table if isinstance(table, dict) else {}
        section = {key: own[key] for key in _keys(RiskSection) if key in own}
        return self._structure(section, RiskSection, ("risk",)) or RiskSection()

    def _risk_checks(self) -> tuple[ConfiguredRiskCheck, ...]:
        table = self._table.get("risk", {})
        if not isinstance(table, dict):
            self._problem(("risk",), f"expected a table, got {shown(table)}")
            return ()
        names = self._structure(table.get("checks", []), tuple[str, ...], ("risk", "checks")) or ()
        keys = ["checks", *_keys(RiskSection)]
        for key in table:
            if key not in keys and key not in names:
                hint = "" if not isinstance(table[key], dict) else "; is it missing from checks?"
                self._problem(("risk", key), unknown_key(key, [*keys, *names]) + hint)
        checks: list[ConfiguredRiskCheck] = []
        for index, name in enumerate(names):
            if name in names[:index]:
                self._problem(("risk", "checks", index), f"{name!r} stands there twice")
                continue
            spec = self._find(self._plugins.risk_checks, name, ("risk", "checks", index))
            config = (
                self._structure(table.get(name, {}), spec.config, ("risk", name)) if spec else None
            )
            if spec and config is not None:
                checks.append(ConfiguredRiskCheck(name, spec, config))
        return tuple(sorted(checks, key=lambda check: check.spec.order))

    def _strategies(self, accounts: list[str]) -> dict[str, ConfiguredStrategy]:
        strategies = {}
        for name, table in self._section("strategies", required=True).items():
            path = ("strategies", name)
            # No attrs field can be called `class`.
            options = {key: value for key, value in table.items() if key != "class"}
            class_name = self._structure(table.get("class", ""), str, (*path, "class"))
            section = self._structure(options, _StrategySection, path)
            if section is None:
                continue
            account = self._choose(section.account, accounts, "account", path)
            found = self._strategy_class(section, class_name, path)
            if found is None:
                continue
            strategy, title = found
            if not attrs.has(strategy):
                self._problem(path, f"{strategy.__name__} is not an attrs class: add @attrs.define")
                continue
            for fault in misdeclared_callbacks(strategy):
                self._problem(path, fault)
            if self._structure(section.params, strategy, (*path, "params")) is not None:
                strategies[name] = ConfiguredStrategy(
                    name, account, strategy, section.params, title
                )
        return strategies

    def _strategy_class(
        self, section: "_StrategySection", class_name: str | None, path: KeyPath
    ) -> tuple[type, str] | None:
        if bool(section.strategy) == bool(section.file):
            self._problem(path, "expected either strategy = NAME or file = PATH")
        elif section.strategy:
            spec = self._find(self._plugins.strategies, section.strategy, (*path, "strategy"))
            return (spec.strategy, section.strategy) if spec else None
        else:
            file = self._folder / section.file
            try:
                return load_strategy_file(file, class_name or None), str(section.file)
            except ConfigError as error:
                self._problem((*path, "file"), str(error))
        return None


def _keys(section: type) -> list[str]:
    return [field.name for field in attrs.fields(section)]


@attrs.frozen
class _StrategySection:
    strategy: str = ""
    file: str = ""
    account: str = ""
    params: dict[str, Any] = attrs.field(factory=dict)
