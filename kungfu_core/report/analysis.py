"""From the journals of a run to its summary, in one pass over them in the order of time."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import attrs

from kungfu_core import events
from kungfu_core.enums import ComponentKind, ComponentPhase, OrderState, SizeUnit
from kungfu_core.journal import Reader
from kungfu_core.report import checks, latency
from kungfu_core.report.equity import DAY, drawdown, grid_step, ratio, sharpe
from kungfu_core.report.latency import Latencies
from kungfu_core.report.ledger import EXACT, ZERO, Ledger, Pair, Purse
from kungfu_core.report.market import MarketFeed
from kungfu_core.report.run_folder import BROKER, GATEWAY, SESSION, STRATEGY, RunFolder
from kungfu_core.report.summary import (
    BalanceResult,
    EquityPoint,
    EquityResult,
    Fault,
    InstrumentResult,
    OrderCounts,
    PluginFacts,
    Refusals,
    RunFacts,
    RunSummary,
    StrategyResult,
)

PRICE_RULE = (
    "the venue's mark price; without one the middle of best bid and offer, "
    "else the last trade, else the last fill"
)
_NUMBER = re.compile(r"(?<![A-Za-z])[-+]?\d[\d.,]*")


def summarize(run: Path) -> RunSummary:
    """Sum up a run from what it left in its folder.

    Args:
        run: the folder, with `journal/` and, if the run got that far, `run.json`.

    Raises:
        DataError: the folder is no run, or its `run.json` is not what a run writes.
        JournalCorrupt: a journal is damaged; names file and offset.
    """
    folder = RunFolder.open(run)
    with localcontext(EXACT):
        reading = _Reading(folder)
        reading.read()
        return reading.summary()


@attrs.define
class _StrategyCounts:
    orders: int = 0
    refused: int = 0
    fills: int = 0
    turnover: dict[str, Decimal] = attrs.field(factory=lambda: defaultdict(Decimal))
    faults: int = 0


class _Reading:
    """The pass over a run's journals, and what has been seen so far."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.names = folder.names()
        self.ledger = Ledger()
        self.latencies = Latencies()
        self.start, self.end = folder.first_time, folder.last_time
        self.step = grid_step(self.end - self.start)
        self.market = MarketFeed(folder.market, self.ledger, since=self.start)
        self.curves: dict[Purse, list[EquityPoint]] = defaultdict(list)
        self.daily: dict[Purse, list[EquityPoint]] = defaultdict(list)
        self.order_states: dict[int, OrderState] = {}
        self.order_filled: dict[int, Decimal] = {}
        self.fill_sums: dict[int, Decimal] = defaultdict(Decimal)
        self.strategies: dict[int, _StrategyCounts] = defaultdict(_StrategyCounts)
        self.refusals: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.faults: list[Fault] = []
        self.plugins: dict[str, PluginFacts] = {}
        self.config = ""
        self.anomalies = 0
        self.fills = 0

    # --- the pass ------------------------------------------------------------------------------

    def read(self) -> None:
        """Go through everything in the order of time."""
        ordered = sorted(self.folder.own, key=lambda j: (_PLACES.get(j.name, 0), j.source))
        by_journal = {j.id: _handlers(self, j.name) for j in ordered}
        self.broker_ids = {j.id for j in ordered if j.name == BROKER}
        grid = self.start
        for event in Reader(*ordered):
            handler = by_journal[event.journal].get(type(event))
            if handler is None:
                continue
            time = event.gen_time
            while grid < time:
                self.market.advance(grid)
                self.sample(grid)
                grid += self.step
            self.market.advance(time)
            handler(event)
        while grid < self.end:
            self.market.advance(grid)
            self.sample(grid)
            grid += self.step
        self.market.advance(self.end)
        self.sample(self.end)

    def sample(self, time: int) -> None:
        """Take a point of every equity curve."""
        for purse in self.purses():
            point = self.take(purse, time)
            if (time - self.start) % DAY == 0:
                self.daily[purse].append(point)

    def purses(self) -> Iterable[Purse]:
        """Give every account's settlement currencies, and what else it has money in."""
        settled = {(a, self.ledger.currency(i)) for a, i in self.ledger.holdings}
        bases = {
            (a, self.ledger.instruments[i].base)
            for a, i in self.ledger.holdings
            if self.ledger.is_spot(i)
        }
        return sorted(settled | (self.ledger.cash.keys() - bases))

    def take(self, purse: Purse, time: int) -> EquityPoint:
        """Take a point of one equity curve."""
        equity, exposure = self.ledger.equity(purse)
        point = EquityPoint(time, equity, self.ledger.transfers[purse], exposure)
        self.curves[purse].append(point)
        return point

    # --- what the broker says ------------------------------------------------------------------

    def on_update(self, update: events.OrderUpdate) -> None:
        """Follow an order."""
        order, state = update.order_id, update.state
        before = self.order_states.get(order)
        if update.anomaly:
            self.anomalies += 1
            if before is None:
                return
        self.order_states[order] = state
        self.order_filled[order] = update.filled_exact or ZERO
        if before in (None, OrderState.CREATED):
            self.latencies.judged(order, update.gen_time)
        elif state in (OrderState.ACCEPTED, OrderState.REJECTED) and update.cause_journal:
            self.latencies.step(latency.VENUE_TO_BROKER, update.gen_time - update.trigger_time)
        refused_by = _REFUSED_BY.get(state)
        if refused_by and before != state:
            self.strategies[update.strategy].refused += 1
            reason = update.reason or "no reason given"
            self.refusals[refused_by, _NUMBER.sub("#", reason)].append(reason)

    def on_fill(self, fill: events.Fill) -> None:
        """Count a booked fill."""
        self.fills += 1
        value = self.ledger.on_fill(fill)
        self.fill_sums[fill.order_id] += fill.size_exact
        strategy = self.strategies[fill.strategy]
        strategy.fills += 1
        strategy.turnover[self.ledger.currency(fill.instrument)] += value
        self.latencies.filled(fill.order_id, fill.gen_time)
        if fill.cause_journal:
            self.latencies.step(latency.FILL_TO_BROKER, fill.gen_time - fill.trigger_time)

    def on_position(self, position: events.Position) -> None:
        """Take a position, which ends the booking of a fill: the moment to sample."""
        self.ledger.on_position(position)
        purse = position.account, self.ledger.currency(position.instrument)
        self.take(purse, position.gen_time)

    # --- what the others say -------------------------------------------------------------------

    def on_request(self, request: events.OrderRequest) -> None:
        """Take a strategy's order."""
        self.order_states.setdefault(request.order_id, OrderState.CREATED)
        self.strategies[request.source].orders += 1
        self.latencies.requested(request.order_id, request.gen_time)
        if request.cause_journal:
            answer = request.cause_journal in self.broker_ids
            stage = latency.BROKER_TO_REQUEST if answer else latency.MARKET_TO_REQUEST
            self.latencies.step(stage, request.gen_time - request.trigger_time)

    def on_answer(self, update: events.OrderUpdate) -> None:
        """Take a venue's raw report of an order."""
        self.latencies.answered(update.order_id, update.gen_time)

    def on_raw_fill(self, fill: events.Fill) -> None:
        """Take a venue's raw fill: it answers the order too."""
        self.latencies.answered(fill.order_id, fill.gen_time)

    def on_component(self, status: events.ComponentStatus) -> None:
        """Note faults, and the configuration that the session started with."""
        if status.phase == ComponentPhase.FAULT:
            lines = status.detail.strip().splitlines() or ["no detail given"]
            name = self.name(status.source)
            self.faults.append(Fault(name, status.gen_time, lines[-1], status.detail))
            if status.kind == ComponentKind.STRATEGY:
                self.strategies[status.source].faults += 1
        elif status.kind == ComponentKind.SESSION and status.phase == ComponentPhase.START:
            self.config = status.detail

    def on_plugin(self, status: events.PluginStatus) -> None:
        """Note a plugin."""
        try:
            detail = json.loads(status.detail)
        except ValueError:
            detail = {"name": status.detail}
        get: Callable[[str], str] = lambda key: str(detail.get(key) or "")  # noqa: E731
        plugin = PluginFacts(get("name"), get("distribution"), get("version"), bool(status.loaded))
        self.plugins[f"{plugin.distribution} {plugin.name}"] = plugin

    def on_instrument(self, definition: events.Instrument) -> None:
        """Take an instrument's definition."""
        self.market.on_instrument(definition)

    # --- the summary ---------------------------------------------------------------------------

    def name(self, named: int) -> str:
        """Give the name behind an id; the id in hex if no journal tells."""
        if not named:
            return "external"
        definition = self.ledger.instruments.get(named)
        return definition.name if definition else self.names.get(named) or f"{named:016x}"

    def summary(self) -> RunSummary:
        """Sum up what was read."""
        instruments = tuple(self.instrument_result(p) for p in sorted(self.ledger.holdings))
        by_name = sorted(instruments, key=lambda r: (r.account, r.instrument))
        fees: dict[str, Decimal] = defaultdict(Decimal)
        turnover: dict[str, Decimal] = defaultdict(Decimal)
        for result in by_name:
            turnover[result.currency] += result.turnover
            for currency, amount in result.fees.items():
                fees[currency] += amount
        return RunSummary(
            run=self.run_facts(),
            orders=self.order_counts(),
            fills=self.fills,
            turnover=_sorted(turnover),
            fees=_sorted(fees),
            strategies=self.strategy_results(),
            instruments=tuple(by_name),
            balances=self.balance_results(),
            equity=self.equity_results(),
            equity_sampling=f"after every fill, and every {_duration(self.step)}",
            price_rule=PRICE_RULE,
            latency=self.latencies.results(),
            refusals=self.refusal_results(),
            faults=tuple(self.faults),
            plugins=tuple(self.plugins[key] for key in sorted(self.plugins)),
            checks=checks.run_checks(self.ledger, self.order_filled, self.fill_sums, self.name),
            notes=self.notes(),
        )

    def run_facts(self) -> RunFacts:
        """Say what is known of the run as a whole."""
        folder = self.folder
        events_handled, wall = folder.number("events"), folder.number("wall_seconds")
        rate = ratio(events_handled, wall, 0) if events_handled and wall else None
        datasets = tuple(str(d) for d in folder.facts.get("datasets") or ())
        command = folder.text("command")
        return RunFacts(
            id=folder.text("id") or folder.path.resolve().name,
            command=command,
            simulated=folder.facts.get("simulated", command != "live") is not False,
            first_time=self.start,
            last_time=self.end,
            wall_seconds=wall,
            events=None if events_handled is None else int(events_handled),
            events_per_second=None if rate is None else int(rate),
            own_events=sum(found.events for found in folder.own.values()),
            config=self.config or folder.text("config"),
            datasets=datasets,
        )

    def order_counts(self) -> OrderCounts:
        """Count the orders by their last state."""
        by_state: dict[str, int] = {}
        for state in OrderState:
            count = sum(1 for last in self.order_states.values() if last == state)
            if count:
                by_state[state.name] = count
        return OrderCounts(len(self.order_states), by_state, self.anomalies)

    def strategy_results(self) -> tuple[StrategyResult, ...]:
        """Give each strategy's share, by name."""
        results = [
            StrategyResult(
                self.name(i), c.orders, c.refused, c.fills, _sorted(c.turnover), c.faults
            )
            for i, c in self.strategies.items()
        ]
        return tuple(sorted(results, key=lambda r: r.strategy))

    def instrument_result(self, pair: Pair) -> InstrumentResult:
        """Sum up one account's dealings in one instrument."""
        ledger, (account, instrument) = self.ledger, pair
        holding, currency = ledger.holdings[pair], ledger.currency(instrument)
        definition = ledger.instruments.get(instrument)
        contracts = definition is not None and definition.size_unit == SizeUnit.CONTRACTS
        price, price_kind, price_time = ledger.prices[instrument].valuation()
        unrealized = ledger.unrealized(pair)
        net = None
        if unrealized is not None:
            fee = holding.fees.get(currency, ZERO)
            net = holding.realized + unrealized + holding.funding - fee
        base = definition.base if definition else ""
        return InstrumentResult(
            account=self.name(account),
            instrument=self.name(instrument),
            currency=currency,
            size_unit="contracts" if contracts else base,
            fills=holding.fills,
            maker_fills=holding.maker_fills,
            bought=holding.bought,
            sold=holding.sold,
            turnover=holding.turnover,
            position=holding.position,
            cost=holding.cost,
            price=price,
            price_kind=price_kind,
            price_time=price_time,
            realized=holding.realized,
            unrealized=unrealized,
            fees=_sorted(holding.fees),
            funding=holding.funding,
            net=net,
        )

    def balance_results(self) -> tuple[BalanceResult, ...]:
        """Give each balance beside the sum of its causes."""
        results = []
        for purse in self.ledger.totals.keys() | self.ledger.movements.keys():
            movements = self.ledger.movements.get(purse, {})
            total, found = self.ledger.totals.get(purse), sum(movements.values(), ZERO)
            kinds = {kind.name: movements[kind] for kind in sorted(movements)}
            results.append(
                BalanceResult(self.name(purse[0]), purse[1], total, kinds, found, total == found)
            )
        return tuple(sorted(results, key=lambda r: (r.account, r.currency)))

    def equity_results(self) -> tuple[EquityResult, ...]:
        """Sum up the equity curves."""
        results = []
        for purse in self.purses():
            curve = self.curves[purse]
            first = next((p for p in curve if p.equity or p.transfers), curve[0])
            in_market = self.ledger.time_open(purse, self.end)
            results.append(
                EquityResult(
                    account=self.name(purse[0]),
                    currency=purse[1],
                    first=first.equity,
                    last=curve[-1].equity,
                    transfers=curve[-1].transfers,
                    profit=curve[-1].profit,
                    drawdown=drawdown(curve),
                    sharpe=sharpe(self.daily[purse]),
                    max_exposure=max(p.exposure for p in curve),
                    time_in_market=ratio(in_market, self.end - self.start, 4) or ZERO,
                    curve=tuple(curve),
                )
            )
        return tuple(sorted(results, key=lambda r: (r.account, r.currency)))

    def refusal_results(self) -> tuple[Refusals, ...]:
        """Give the reasons of refusals, the most frequent first."""
        results = [
            Refusals(by, reason, len(said), said[0]) for (by, reason), said in self.refusals.items()
        ]
        return tuple(sorted(results, key=lambda r: (-r.count, r.by, r.reason)))

    def notes(self) -> tuple[str, ...]:
        """Say what the reader should know of the figures."""
        missing = (
            f"the dataset {path} is not there any more: prices come from what else is there"
            for path in self.folder.missing
        )
        unpriced = (
            f"{self.name(pair[1])} has no price: the position in it is not valued"
            for pair in sorted(self.ledger.holdings)
            if self.ledger.unrealized(pair) is None
        )
        return (*missing, *unpriced)


_PLACES = {SESSION: 0, STRATEGY: 1, GATEWAY: 2, BROKER: 3}
"""Whose events come first among those of one moment."""

_REFUSED_BY = {OrderState.RISK_REJECTED: "risk", OrderState.REJECTED: "venue"}


def _handlers(reading: _Reading, journal: str) -> dict[type, Callable[[Any], None]]:
    """Give what is done with the events of a journal."""
    handlers: dict[type, Callable[[Any], None]] = {events.ComponentStatus: reading.on_component}
    if journal == SESSION:
        handlers[events.PluginStatus] = reading.on_plugin
    elif journal == STRATEGY:
        handlers[events.OrderRequest] = reading.on_request
    elif journal == GATEWAY:
        handlers[events.OrderUpdate] = reading.on_answer
        handlers[events.Fill] = reading.on_raw_fill
    elif journal == BROKER:
        handlers |= {
            events.OrderUpdate: reading.on_update,
            events.Fill: reading.on_fill,
            events.CashMovement: reading.ledger.on_cash,
            events.Balance: reading.ledger.on_balance,
            events.Position: reading.on_position,
        }
    handlers[events.Instrument] = reading.on_instrument
    return handlers


def _sorted(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {currency: amounts[currency] for currency in sorted(amounts)}


def _duration(nanoseconds: int) -> str:
    for unit, length in (("d", DAY), ("h", 3_600_000_000_000), ("min", 60_000_000_000),
                         ("s", 1_000_000_000), ("ms", 1_000_000)):  # fmt: skip
        if nanoseconds % length == 0:
            return f"{nanoseconds // length} {unit}"
    return f"{nanoseconds} ns"
