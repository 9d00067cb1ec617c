"""What a report knows of a run; amounts are exact Decimals, times nanoseconds since 1970 UTC."""

from collections.abc import Mapping
from decimal import Decimal

import attrs


@attrs.frozen
class RunFacts:
    """The run itself.

    Attributes:
        id: name of the run's folder, unless `run.json` has another.
        command: what made it, e.g. "backtest"; empty if `run.json` does not say.
        simulated: times are simulated, not measured.
        first_time: of the first event that the run's own components wrote.
        last_time: of the last one.
        wall_seconds: how long it took; None if `run.json` does not say.
        events: events handled; None if unknown.
        events_per_second: by the wall clock, rounded to one; None if unknown.
        own_events: events in the run's own journals.
        config: the configuration as text.
        datasets: the recorded market that was played, by path.
    """

    id: str
    command: str
    simulated: bool
    first_time: int
    last_time: int
    wall_seconds: Decimal | None
    events: int | None
    events_per_second: int | None
    own_events: int
    config: str
    datasets: tuple[str, ...]


@attrs.frozen
class OrderCounts:
    """What became of the orders.

    Attributes:
        by_state: orders by the last state that the broker told; `CREATED` if it never answered.
        anomalies: reports and requests that did not fit their order.
    """

    total: int
    by_state: Mapping[str, int]
    anomalies: int


@attrs.frozen
class StrategyResult:
    """One strategy's share.

    Attributes:
        orders: that it asked for.
        refused: of these by risk or venue.
        turnover: value of its fills, by currency.
    """

    strategy: str
    orders: int
    refused: int
    fills: int
    turnover: Mapping[str, Decimal]
    faults: int


@attrs.frozen
class InstrumentResult:
    """What one account did with one instrument.

    Attributes:
        currency: the settlement currency: of turnover, cost and both profits.
        size_unit: what sizes count: the base currency, or "contracts".
        fills: how many; `maker_fills` of them made liquidity.
        bought: size bought.
        sold: size sold.
        turnover: sum of price times size times contract value.
        position: signed size at the end.
        cost: signed cost of it.
        price: what it is valued at; None if there never was a price.
        price_kind: "mark", "mid", "trade" or "fill"; empty without a price.
        price_time: when that price was told.
        realized: profit realised, fees not taken off.
        unrealized: position valued at `price`, less cost; None without a price.
        fees: paid, by currency; negative for rebates.
        funding: received, in `currency`; negative if paid.
        net: realised and unrealised profit and funding, less the fees in `currency`.
    """

    account: str
    instrument: str
    currency: str
    size_unit: str
    fills: int
    maker_fills: int
    bought: Decimal
    sold: Decimal
    turnover: Decimal
    position: Decimal
    cost: Decimal
    price: Decimal | None
    price_kind: str
    price_time: int
    realized: Decimal
    unrealized: Decimal | None
    fees: Mapping[str, Decimal]
    funding: Decimal
    net: Decimal | None


@attrs.frozen
class BalanceResult:
    """A balance and what it is the sum of.

    Attributes:
        total: as the broker last told it; None if it never did.
        movements: sums of the cash movements, by kind.
        sum_of_movements: of all kinds; equal to `total`, or `exact` is false.
    """

    account: str
    currency: str
    total: Decimal | None
    movements: Mapping[str, Decimal]
    sum_of_movements: Decimal
    exact: bool


@attrs.frozen
class EquityPoint:
    """An account's worth at one moment.

    Attributes:
        equity: balance plus what open positions are worth over their cost.
        transfers: sum of deposits less withdrawals until then.
        exposure: sum of the absolute values of the positions.
    """

    time: int
    equity: Decimal
    transfers: Decimal
    exposure: Decimal

    @property
    def profit(self) -> Decimal:
        """What was made since the start, deposits and withdrawals left out."""
        return self.equity - self.transfers


@attrs.frozen
class Drawdown:
    """The deepest fall of an equity curve from an earlier peak, transfers left out.

    Attributes:
        amount: how deep; 0 if it never fell.
        fraction: of the equity at the peak, rounded to 6 decimals; None if that was not positive.
    """

    amount: Decimal
    fraction: Decimal | None
    peak_time: int
    trough_time: int


@attrs.frozen
class Sharpe:
    """The Sharpe ratio, and what it was made of.

    Attributes:
        value: rounded to 4 decimals; None if it cannot be said.
        sampling: how returns were sampled.
        days: how many returns there are.
        reason: why there is no value; empty if there is one.
    """

    value: Decimal | None
    sampling: str
    days: int
    reason: str


@attrs.frozen
class EquityResult:
    """What one account made in one settlement currency."""

    account: str
    currency: str
    first: Decimal
    last: Decimal
    transfers: Decimal
    profit: Decimal
    returned: Decimal | None
    """Profit as a fraction of `first`, rounded to 6 decimals; None if that was not positive."""
    drawdown: Drawdown
    sharpe: Sharpe
    max_exposure: Decimal
    time_in_market: Decimal
    """Fraction of the run with an open position, rounded to 4 decimals."""
    curve: tuple[EquityPoint, ...] = attrs.field(repr=False)


@attrs.frozen
class StageLatency:
    """How long one step from market data to fill and back took, in ns; ranks are nearest-rank."""

    stage: str
    count: int
    min: int
    median: int
    p99: int
    max: int


@attrs.frozen
class Refusals:
    """Orders refused for one reason.

    Attributes:
        by: "risk" or "venue".
        reason: with its numbers as "#".
        example: the first one as it was said.
    """

    by: str
    reason: str
    count: int
    example: str


@attrs.frozen
class Fault:
    """A component that failed.

    Attributes:
        error: the last line of the traceback.
        traceback: all of it; empty for a risk check, whose first one the command printed.
    """

    component: str
    time: int
    error: str
    traceback: str


@attrs.frozen
class PluginFacts:
    """A plugin that was there when the run started."""

    name: str
    distribution: str
    version: str
    loaded: bool


@attrs.frozen
class Check:
    """Something that must hold of every run.

    Attributes:
        rule: what must hold.
        checked: for how many.
        failures: one sentence for each that does not hold.
    """

    rule: str
    checked: int
    failures: tuple[str, ...]


@attrs.frozen
class RunSummary:
    """Everything that a report says of a run.

    Attributes:
        equity_sampling: at which moments the equity curves were taken.
        price_rule: what positions are valued at.
        notes: what the reader should know of this run's figures, one sentence each.
    """

    run: RunFacts
    orders: OrderCounts
    fills: int
    turnover: Mapping[str, Decimal]
    fees: Mapping[str, Decimal]
    strategies: tuple[StrategyResult, ...]
    instruments: tuple[InstrumentResult, ...]
    balances: tuple[BalanceResult, ...]
    equity: tuple[EquityResult, ...]
    equity_sampling: str
    price_rule: str
    latency: tuple[StageLatency, ...]
    refusals: tuple[Refusals, ...]
    faults: tuple[Fault, ...]
    plugins: tuple[PluginFacts, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
