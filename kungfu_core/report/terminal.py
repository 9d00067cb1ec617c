"""The summary for people: compact tables, coloured where a terminal shows them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TextIO

from tabulate import tabulate

from kungfu_core.report import figures
from kungfu_core.report.equity import SHARPE_SAMPLING
from kungfu_core.report.figures import amount, amounts, column, exact
from kungfu_core.report.summary import RunSummary

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}

Rows = list[list[str]]


def print_summary(summary: RunSummary, file: TextIO, colour: bool) -> None:
    """Write the summary to a text stream.

    Amounts are rounded for reading where they are long; the JSON form has every digit.
    """
    printer = _Printer(file, colour)
    printer.headline(summary)
    printer.equity(summary)
    printer.instruments(summary)
    printer.orders(summary)
    printer.balances(summary)
    printer.latency(summary)
    printer.troubles(summary)
    printer.checks(summary)


class _Printer:
    def __init__(self, file: TextIO, colour: bool) -> None:
        self.file = file
        self.colour = colour

    # --- writing -------------------------------------------------------------------------------

    def style(self, text: str, style: str) -> str:
        return f"\033[{_CODES[style]}m{text}\033[0m" if self.colour and text else text

    def line(self, text: str = "") -> None:
        self.file.write(f"{text}\n")

    def title(self, text: str, remark: str = "") -> None:
        self.line()
        self.line(self.style(text, "bold") + (self.style(f"  {remark}", "dim") if remark else ""))

    def remark(self, text: str) -> None:
        self.line(self.style(f"  {text}", "dim"))

    def table(self, headers: Sequence[str], rows: Rows, left: int, right: int = 0) -> None:
        """Lay out rows; the first (`left`) columns are text, and the last (`right`) are too."""
        last = len(headers) - right
        align = ["right" if left <= i < last else "left" for i in range(len(headers))]
        shown = tabulate(
            rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=align
        )
        for text in shown.splitlines():
            self.line(f"  {text}")

    def gains(self, values: Sequence[Decimal | None]) -> list[str]:
        """Write signed amounts, gains green and losses red."""
        texts = column(values, signed=True)
        return [self.gain(v, text) for v, text in zip(values, texts, strict=True)]

    def gain(self, value: Decimal | None, text: str) -> str:
        return self.style(text, "green" if value > 0 else "red") if value else text

    # --- sections ------------------------------------------------------------------------------

    def headline(self, summary: RunSummary) -> None:
        run = summary.run
        self.line(f"{self.style('Run', 'bold')} {run.id}")
        times = "simulated time" if run.simulated else "system time"
        self.line(
            f"  {figures.moment(run.first_time)} to {figures.moment(run.last_time)} UTC, "
            f"{figures.span(run.last_time - run.first_time)} of {times}"
        )
        if run.events is not None and run.wall_seconds is not None:
            rate = f", {run.events_per_second:,} a second" if run.events_per_second else ""
            self.line(f"  {run.events:,} events in {run.wall_seconds:.2f} s{rate}")
        for note in summary.notes:
            self.line(self.style(f"  note: {note}", "yellow"))

    def equity(self, summary: RunSummary) -> None:
        if not summary.equity:
            return
        self.title("Result")
        equity = summary.equity
        columns = zip(
            equity,
            column([e.first for e in equity]),
            column([e.last for e in equity]),
            self.gains([e.profit for e in equity]),
            self.gains([-e.drawdown.amount for e in equity]),
            strict=True,
        )
        rows = [
            [
                e.account,
                e.currency,
                first,
                last,
                profit,
                figures.percent(e.returned),
                fall,
                figures.percent(e.drawdown.fraction),
                figures.ABSENT if e.sharpe.value is None else f"{e.sharpe.value:.2f}",
            ]
            for e, first, last, profit, fall in columns
        ]
        headers = ["account", "currency", "first", "last", "profit", "return", "max drawdown",
                   "of peak", "Sharpe"]  # fmt: skip
        self.table(headers, rows, 2)
        self.remark(f"equity: balance plus open positions, sampled {summary.equity_sampling}")
        self.remark("profit: deposits and withdrawals left out, fees taken off")
        reasons = sorted({e.sharpe.reason for e in equity})
        for reason in reasons:
            self.remark(f"Sharpe: n/a, {reason}" if reason else f"Sharpe: {SHARPE_SAMPLING}")

    def instruments(self, summary: RunSummary) -> None:
        if not summary.instruments:
            return
        results = summary.instruments
        self.title("Profit by instrument")
        rows = [
            [r.account, r.instrument, f"{r.fills:,}", exact(r.position), exact(r.price), *texts]
            for r, *texts in zip(
                results,
                self.gains([r.realized for r in results]),
                self.gains([r.unrealized for r in results]),
                [amounts(r.fees.items()) for r in results],
                self.gains([r.net for r in results]),
                strict=True,
            )
        ]
        headers = ["account", "instrument", "fills", "position", "price", "realised",
                   "unrealised", "fees", "net"]  # fmt: skip
        self.table(headers, rows, 2)
        self.remark(f"price: {summary.price_rule}")

    def orders(self, summary: RunSummary) -> None:
        orders = summary.orders
        states = ", ".join(
            f"{count:,} {state.lower().replace('_', ' ')}"
            for state, count in orders.by_state.items()
        )
        self.title("Orders", f"{orders.total:,}" + (f": {states}" if states else ""))
        rows = [
            [
                s.strategy,
                f"{s.orders:,}",
                f"{s.refused:,}",
                f"{s.fills:,}",
                amounts(s.turnover.items()),
            ]
            for s in summary.strategies
        ]
        if rows:
            self.table(["strategy", "orders", "refused", "fills", "turnover"], rows, 1)
        rows = [[r.by, f"{r.count:,}", r.example] for r in summary.refusals]
        if rows:
            self.title("Refusals")
            self.table(["by", "orders", "reason (the first one)"], rows, 3)

    def balances(self, summary: RunSummary) -> None:
        if not summary.balances:
            return
        self.title("Balances")
        rows = []
        for b in summary.balances:
            causes = ", ".join(
                f"{kind.lower().replace('_', ' ')} {amount(value, signed=True)}"
                for kind, value in b.movements.items()
            )
            verdict = self.style("exact", "green") if b.exact else self.style("WRONG", "red")
            rows.append([b.account, b.currency, exact(b.total), verdict, causes])
        self.table(["account", "currency", "balance", "check", "sum of"], rows, 2, 2)
        self.line(f"  fees paid: {amounts(summary.fees.items())}")

    def latency(self, summary: RunSummary) -> None:
        if not summary.latency:
            return
        kind = "simulated, as configured; not a measurement" if summary.run.simulated else ""
        self.title("Latency by stage", kind)
        rows = [
            [s.stage, f"{s.count:,}", *map(figures.duration, (s.min, s.median, s.p99, s.max))]
            for s in summary.latency
        ]
        self.table(["stage", "count", "min", "median", "p99", "max"], rows, 1)

    def troubles(self, summary: RunSummary) -> None:
        if summary.orders.anomalies:
            self.title("Anomalies")
            self.line(
                f"  {summary.orders.anomalies:,} reports or requests did not fit their order; "
                "the BROKER journal has each with its reason"
            )
        if not summary.faults:
            return
        self.title(self.style("Faults", "red"))
        for fault in summary.faults:
            self.line(f"  {fault.component} at {figures.moment(fault.time)} UTC: {fault.error}")

    def checks(self, summary: RunSummary) -> None:
        failures = [f for check in summary.checks for f in check.failures]
        self.title("Books")
        if not failures:
            rules = "balances, positions, costs and orders all equal the sums of their causes"
            self.line(f"  {self.style('exact', 'green')}: {rules}")
        for failure in failures:
            self.line(f"  {self.style('WRONG', 'red')}: {failure}")
