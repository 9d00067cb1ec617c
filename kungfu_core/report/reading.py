"""The pass over a run's journals: everything is read once, in the order of time."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import attrs

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.enums import ComponentKind, ComponentPhase, OrderState, Verdict
from kungfu_core.journal import Reader
from kungfu_core.report import latency
from kungfu_core.report.equity import DAY, grid_step
from kungfu_core.report.latency import Latencies
from kungfu_core.report.ledger import ZERO, Ledger, Purse
from kungfu_core.report.market import MarketFeed
from kungfu_core.report.run_folder import ALGORITHM, BROKER, GATEWAY, SESSION, STRATEGY, RunFolder
from kungfu_core.report.summary import EquityPoint, Fault, PluginFacts

_NUMBER = re.compile(r"(?<![A-Za-z])[-+]?\d[\d.,]*")


@attrs.define
class StrategyCounts:
    """One strategy's share so far."""

    orders: int = 0
    refused: int = 0
    fills: int = 0
    turnover: dict[str, Decimal] = attrs.field(factory=lambda: defaultdict(Decimal))
    faults: int = 0


class RunReading:
    """What the journals of a run say, as far as they were read."""

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
        self.parents: dict[int, int] = {}
        self.strategies: dict[int, StrategyCounts] = defaultdict(StrategyCounts)
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
        for journal in ordered:
            if journal.name == STRATEGY:
                self.strategies[id_of(journal.source)] = StrategyCounts()
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

    def on_verdict(self, verdict: events.RiskVerdict) -> None:
        """Note a risk check that failed, once; what it refused is counted among the refusals."""
        component = f"risk check {verdict.check}"
        known = any(fault.component == component for fault in self.faults)
        if verdict.verdict == Verdict.FAILED and not known:
            error = verdict.reason.removeprefix(f"{component} failed: ")
            self.faults.append(Fault(component, verdict.gen_time, error, ""))

    def on_fill(self, fill: events.Fill) -> None:
        """Count a booked fill."""
        self.fills += 1
        value = self.ledger.on_fill(fill)
        self.fill_sums[fill.order_id] += fill.size_exact
        if parent := self.parents.get(fill.order_id):
            self.fill_sums[parent] += fill.size_exact
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

    def on_slice(self, request: events.OrderRequest) -> None:
        """Take an order by which an algorithm works another one: its fills are that one's, too."""
        self.parents[request.order_id] = request.parent_id
        self.latencies.requested(request.order_id, request.gen_time)

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

    # --- names ---------------------------------------------------------------------------------

    def name(self, named: int) -> str:
        """Give the name behind an id; the id in hex if no journal tells."""
        if not named:
            return "external"
        definition = self.ledger.instruments.get(named)
        return definition.name if definition else self.names.get(named) or f"{named:016x}"


_PLACES = {SESSION: 0, STRATEGY: 1, ALGORITHM: 1, GATEWAY: 2, BROKER: 3}
"""Whose events come first among those of one moment."""

_REFUSED_BY = {OrderState.RISK_REJECTED: "risk", OrderState.REJECTED: "venue"}


def _handlers(reading: RunReading, journal: str) -> dict[type, Callable[[Any], None]]:
    """Give what is done with the events of a journal."""
    handlers: dict[type, Callable[[Any], None]] = {events.ComponentStatus: reading.on_component}
    if journal == SESSION:
        handlers[events.PluginStatus] = reading.on_plugin
    elif journal == STRATEGY:
        handlers[events.OrderRequest] = reading.on_request
    elif journal == ALGORITHM:
        handlers[events.OrderRequest] = reading.on_slice
    elif journal == GATEWAY:
        handlers[events.OrderUpdate] = reading.on_answer
        handlers[events.Fill] = reading.on_raw_fill
    elif journal == BROKER:
        handlers |= {
            events.OrderUpdate: reading.on_update,
            events.RiskVerdict: reading.on_verdict,
            events.Fill: reading.on_fill,
            events.CashMovement: reading.ledger.on_cash,
            events.Balance: reading.ledger.on_balance,
            events.Position: reading.on_position,
        }
    handlers[events.Instrument] = reading.on_instrument
    return handlers
