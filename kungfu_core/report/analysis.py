"""From the journals of a run to its summary."""

from collections import defaultdict
from decimal import Decimal, localcontext
from pathlib import Path

from kungfu_core.enums import OrderState, SizeUnit
from kungfu_core.report import checks
from kungfu_core.report.equity import DAY, drawdown, ratio, sharpe
from kungfu_core.report.ledger import EXACT, ZERO, Pair
from kungfu_core.report.reading import RunReading
from kungfu_core.report.run_folder import RunFolder
from kungfu_core.report.summary import (
    BalanceResult,
    EquityResult,
    InstrumentResult,
    OrderCounts,
    Refusals,
    RunFacts,
    RunSummary,
    StrategyResult,
)

PRICE_RULE = (
    "the venue's mark price, else the middle of best bid and offer, "
    "else the last trade, else the last fill"
)


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
        reading = RunReading(folder)
        reading.read()
        return _summary(reading)


def _summary(reading: RunReading) -> RunSummary:
    """Sum up what was read."""
    instruments = tuple(_instrument_result(reading, p) for p in sorted(reading.ledger.holdings))
    by_name = sorted(instruments, key=lambda r: (r.account, r.instrument))
    fees: dict[str, Decimal] = defaultdict(Decimal)
    turnover: dict[str, Decimal] = defaultdict(Decimal)
    for result in by_name:
        turnover[result.currency] += result.turnover
        for currency, amount in result.fees.items():
            fees[currency] += amount
    return RunSummary(
        run=_run_facts(reading),
        orders=_order_counts(reading),
        fills=reading.fills,
        turnover=_sorted(turnover),
        fees=_sorted(fees),
        strategies=_strategy_results(reading),
        instruments=tuple(by_name),
        balances=_balance_results(reading),
        equity=_equity_results(reading),
        equity_sampling=f"after every fill, and every {_duration(reading.step)}",
        price_rule=PRICE_RULE,
        latency=reading.latencies.results(),
        refusals=_refusal_results(reading),
        faults=tuple(reading.faults),
        plugins=tuple(reading.plugins[key] for key in sorted(reading.plugins)),
        checks=checks.run_checks(
            reading.ledger, reading.order_filled, reading.fill_sums, reading.name
        ),
        notes=_notes(reading),
    )


def _run_facts(reading: RunReading) -> RunFacts:
    """Say what is known of the run as a whole."""
    folder = reading.folder
    events_handled, wall = folder.number("events"), folder.number("wall_seconds")
    rate = ratio(events_handled, wall, 0) if events_handled and wall else None
    datasets = tuple(str(d) for d in folder.facts.get("datasets") or ())
    command = folder.text("command")
    return RunFacts(
        id=folder.text("id") or folder.path.resolve().name,
        command=command,
        simulated=folder.facts.get("simulated", command != "live") is not False,
        first_time=reading.start,
        last_time=reading.end,
        wall_seconds=wall,
        events=None if events_handled is None else int(events_handled),
        events_per_second=None if rate is None else int(rate),
        own_events=sum(found.events for found in folder.own.values()),
        config=reading.config or folder.text("config"),
        datasets=datasets,
    )


def _order_counts(reading: RunReading) -> OrderCounts:
    """Count the orders by their last state."""
    by_state: dict[str, int] = {}
    for state in OrderState:
        count = sum(1 for last in reading.order_states.values() if last == state)
        if count:
            by_state[state.name] = count
    return OrderCounts(len(reading.order_states), by_state, reading.anomalies)


def _strategy_results(reading: RunReading) -> tuple[StrategyResult, ...]:
    """Give each strategy's share, by name."""
    results = [
        StrategyResult(reading.name(i), c.orders, c.refused, c.fills, _sorted(c.turnover), c.faults)
        for i, c in reading.strategies.items()
    ]
    return tuple(sorted(results, key=lambda r: r.strategy))


def _instrument_result(reading: RunReading, pair: Pair) -> InstrumentResult:
    """Sum up one account's dealings in one instrument."""
    ledger, (account, instrument) = reading.ledger, pair
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
        account=reading.name(account),
        instrument=reading.name(instrument),
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


def _balance_results(reading: RunReading) -> tuple[BalanceResult, ...]:
    """Give each balance beside the sum of its causes."""
    results = []
    for purse in reading.ledger.totals.keys() | reading.ledger.movements.keys():
        movements = reading.ledger.movements.get(purse, {})
        total, found = reading.ledger.totals.get(purse), sum(movements.values(), ZERO)
        kinds = {kind.name: movements[kind] for kind in sorted(movements)}
        results.append(
            BalanceResult(reading.name(purse[0]), purse[1], total, kinds, found, total == found)
        )
    return tuple(sorted(results, key=lambda r: (r.account, r.currency)))


def _equity_results(reading: RunReading) -> tuple[EquityResult, ...]:
    """Sum up the equity curves."""
    results = []
    for purse in reading.purses():
        curve = reading.curves[purse]
        first = next((p for p in curve if p.equity or p.transfers), curve[0])
        in_market = reading.ledger.time_open(purse, reading.end)
        results.append(
            EquityResult(
                account=reading.name(purse[0]),
                currency=purse[1],
                first=first.equity,
                last=curve[-1].equity,
                transfers=curve[-1].transfers,
                profit=curve[-1].profit,
                returned=ratio(curve[-1].profit, first.equity, 6),
                drawdown=drawdown(curve),
                sharpe=sharpe(reading.daily[purse]),
                max_exposure=max(p.exposure for p in curve),
                time_in_market=ratio(in_market, reading.end - reading.start, 4) or ZERO,
                curve=tuple(curve),
            )
        )
    return tuple(sorted(results, key=lambda r: (r.account, r.currency)))


def _refusal_results(reading: RunReading) -> tuple[Refusals, ...]:
    """Give the reasons of refusals, the most frequent first."""
    results = [
        Refusals(by, reason, len(said), said[0]) for (by, reason), said in reading.refusals.items()
    ]
    return tuple(sorted(results, key=lambda r: (-r.count, r.by, r.reason)))


def _notes(reading: RunReading) -> tuple[str, ...]:
    """Say what the reader should know of the figures."""
    missing = (
        f"the dataset {path} is not there any more: prices come from what else is there"
        for path in reading.folder.missing
    )
    unpriced = (
        f"{reading.name(pair[1])} has no price: the position in it is not valued"
        for pair in sorted(reading.ledger.holdings)
        if reading.ledger.unrealized(pair) is None
    )
    return (*missing, *unpriced)


def _sorted(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {currency: amounts[currency] for currency in sorted(amounts)}


def _duration(nanoseconds: int) -> str:
    for unit, length in (("d", DAY), ("h", 3_600_000_000_000), ("min", 60_000_000_000),
                         ("s", 1_000_000_000), ("ms", 1_000_000)):  # fmt: skip
        if nanoseconds % length == 0:
            return f"{nanoseconds // length} {unit}"
    return f"{nanoseconds} ns"
