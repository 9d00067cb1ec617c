"""The report as one HTML page that needs nothing else: no network, no other file, no script."""

from collections.abc import Mapping
from decimal import Decimal
from html import escape
from importlib.resources import files
from pathlib import Path

from kungfu_core._native import id_of
from kungfu_core.errors import DataError
from kungfu_core.report import figures
from kungfu_core.report.chart_data import ChartData, read_chart_data
from kungfu_core.report.charts import equity_chart, price_chart, require_matplotlib
from kungfu_core.report.figures import amount, amounts, column, exact
from kungfu_core.report.html_pieces import (
    card_list,
    html_figure,
    html_gain,
    html_gains,
    html_name,
    html_table,
    html_verdict,
    maker_share,
)
from kungfu_core.report.run_folder import RunFolder
from kungfu_core.report.summary import InstrumentResult, RunSummary


def write_html(run: Path, summary: RunSummary, output: Path) -> None:
    """Write the report of a run as a page.

    Args:
        run: the run's folder, which the charts are drawn from.
        summary: of that run.
        output: the file; what stands there is replaced when the page is complete.

    Raises:
        KungfuError: matplotlib is not installed.
        DataError: the folder is no run, or the file cannot be written.
        JournalCorrupt: a journal is damaged; names file and offset.
    """
    require_matplotlib()
    page = _page(summary, read_chart_data(RunFolder.open(run)))
    part = output.with_name(f"{output.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(output)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"cannot write {output}: {error.strerror}") from error


def _page(summary: RunSummary, data: ChartData) -> str:
    title = escape(summary.run.id)
    style = files("kungfu_core.report").joinpath("page.css").read_text(encoding="utf-8")
    sections = (
        _headline(summary),
        _notices(summary),
        _cards(summary),
        _equity(summary),
        _instruments(summary, data),
        _orders(summary),
        _balances(summary),
        _latency(summary),
        _setting(summary),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{''.join(sections)}</main>\n</body>\n</html>\n"
    )


# --- sections ------------------------------------------------------------------------------------


def _headline(summary: RunSummary) -> str:
    run = summary.run
    clock = "simulated time" if run.simulated else "system time"
    period = f"{figures.moment(run.first_time)} to {figures.moment(run.last_time)} UTC"
    lines = [f"{period}, {figures.span(run.last_time - run.first_time)} of {clock}"]
    if run.events is not None and run.wall_seconds is not None:
        rate = f" ({run.events_per_second:,} a second)" if run.events_per_second else ""
        lines.append(f"{run.events:,} events handled in {run.wall_seconds:.2f} s{rate}")
    told = "".join(f'<p class="faint">{escape(line)}</p>\n' for line in lines)
    return f"<header>\n<h1>{escape(run.id)}</h1>\n{told}</header>\n"


def _notices(summary: RunSummary) -> str:
    parts = [f'<p class="notice">{escape(note)}</p>\n' for note in summary.notes]
    parts += [
        f'<p class="notice bad"><strong>The books are wrong.</strong> {escape(failure)}</p>\n'
        for check in summary.checks
        for failure in check.failures
    ]
    parts += [
        f'<div class="notice bad"><strong>{escape(fault.component)} failed</strong> at '
        f"{figures.moment(fault.time)} UTC: {escape(fault.error)}"
        + (
            f"<details><summary>Traceback</summary><pre>{escape(fault.traceback)}</pre></details>"
            if fault.traceback
            else ""
        )
        + "</div>\n"
        for fault in summary.faults
    ]
    return "".join(parts)


def _cards(summary: RunSummary) -> str:
    parts = []
    for result in summary.equity:
        sharpe = result.sharpe
        cards = [
            (
                "Profit",
                html_gain(result.profit, amount(result.profit, signed=True)),
                f"{result.currency}, {figures.percent(result.returned)}",
            ),
            ("Equity at the end", escape(amount(result.last)), result.currency),
            (
                "Max drawdown",
                escape(amount(result.drawdown.amount)),
                f"{result.currency}, {figures.percent(result.drawdown.fraction)} of the peak",
            ),
            ("Max exposure", escape(amount(result.max_exposure)), result.currency),
            ("Time in the market", figures.percent(result.time_in_market), ""),
            (
                "Sharpe ratio",
                "n/a" if sharpe.value is None else f"{sharpe.value:.2f}",
                sharpe.reason or f"{sharpe.days} daily returns",
            ),
        ]
        heading = f"<h2>{escape(result.account)}, {escape(result.currency)}</h2>\n"
        parts.append(heading + card_list(cards))
    counts = summary.orders
    cards = [
        ("Orders", f"{counts.total:,}", ""),
        ("Fills", f"{summary.fills:,}", ""),
        ("Refused", f"{sum(r.count for r in summary.refusals):,}", "by risk or venue"),
        ("Fees", *_money(summary.fees)),
        ("Turnover", *_money(summary.turnover)),
    ]
    return "".join(parts) + card_list(cards)


def _money(by_currency: Mapping[str, Decimal]) -> tuple[str, str]:
    """Give figure and remark of an amount: the currency is the remark if there is one only."""
    if len(by_currency) != 1:
        return escape(amounts(by_currency.items())), ""
    ((currency, value),) = by_currency.items()
    return escape(amount(value)), currency


def _equity(summary: RunSummary) -> str:
    parts = []
    for number, result in enumerate(summary.equity):
        if len(result.curve) < 2:
            continue
        name = f"{result.account}, {result.currency}"
        chart = equity_chart(
            f"equity{number}", f"Equity and drawdown of {name}", result.curve, result.currency
        )
        caption = f"<strong>{escape(name)}</strong>"
        parts.append(html_figure(caption, chart))
    if not parts:
        return ""
    sampling = escape(
        f"Balance plus open positions, sampled {summary.equity_sampling}; positions are valued at "
        f"{summary.price_rule}. Sharpe: {summary.equity[0].sharpe.sampling}."
    )
    return f'<h2>Equity and drawdown</h2>\n<p class="faint small">{sampling}</p>\n{"".join(parts)}'


def _instruments(summary: RunSummary, data: ChartData) -> str:
    results = summary.instruments
    if not results:
        return ""
    profits = zip(
        results,
        html_gains([r.realized for r in results]),
        html_gains([r.unrealized for r in results]),
        html_gains([r.net for r in results]),
        strict=True,
    )
    profit_rows = [
        [
            html_name(r.account),
            html_name(r.instrument),
            f"{exact(r.position)} {escape(r.size_unit)}",
            exact(r.price),
            realized,
            unrealized,
            escape(amounts(r.fees.items())),
            f"{net} {escape(r.currency)}",
        ]
        for r, realized, unrealized, net in profits
    ]
    trading_rows = [
        [
            html_name(r.account),
            html_name(r.instrument),
            f"{r.fills:,}",
            maker_share(r),
            f"{exact(r.bought)} {escape(r.size_unit)}",
            f"{exact(r.sold)} {escape(r.size_unit)}",
            f"{turnover} {escape(r.currency)}",
        ]
        for r, turnover in zip(results, column([r.turnover for r in results]), strict=True)
    ]
    place = ["Account", "Instrument"]
    profit = html_table(
        [*place, "Position", "Price", "Realised", "Unrealised", "Fees", "Net"], profit_rows, 2
    )
    trading = html_table([*place, "Fills", "Maker", "Bought", "Sold", "Turnover"], trading_rows, 2)
    span = summary.run.first_time, summary.run.last_time
    charts = "".join(_price_figure(r, n, data, span) for n, r in enumerate(results))
    return (
        f"<h2>Profit by instrument</h2>\n{profit}<h2>Trading by instrument</h2>\n{trading}{charts}"
    )


def _price_figure(
    result: InstrumentResult, number: int, data: ChartData, span: tuple[int, int]
) -> str:
    instrument = id_of(result.instrument)
    pair = id_of(result.account), instrument
    fills = data.fills.get(pair, [])
    kind, price = data.prices.get(instrument, ("", ()))
    if not fills and not price:
        return ""
    units = result.currency, result.size_unit
    chart = price_chart(
        f"price{number}",
        f"Price of {result.instrument} with the fills of {result.account}, and its position",
        price,
        fills,
        data.positions.get(pair, ()),
        span=span,
        units=units,
    )
    buys = sum(1 for fill in fills if fill.side == 1)
    caption = (
        f"<strong>{escape(result.instrument)}, {escape(result.account)}</strong>"
        f'<span class="key"><span class="gain">▲</span> {buys:,} bought</span>'
        f'<span class="key"><span class="loss">▼</span> {len(fills) - buys:,} sold</span>'
        f'<span class="key">line: {escape(kind or "no market data")}</span>'
    )
    return html_figure(caption, chart)


def _orders(summary: RunSummary) -> str:
    states = ", ".join(
        f"{count:,} {state.lower().replace('_', ' ')}"
        for state, count in summary.orders.by_state.items()
    )
    anomalies = summary.orders.anomalies
    odd = f" {anomalies:,} reports or requests did not fit their order." if anomalies else ""
    rows = [
        [
            escape(s.strategy),
            f"{s.orders:,}",
            f"{s.refused:,}",
            f"{s.fills:,}",
            escape(amounts(s.turnover.items())),
            f"{s.faults:,}",
        ]
        for s in summary.strategies
    ]
    headers = ["Strategy", "Orders", "Refused", "Fills", "Turnover", "Faults"]
    parts = [f"<h2>Orders</h2>\n<p>{summary.orders.total:,} orders"]
    parts.append(f": {escape(states)}." if states else ".")
    parts.append(f"{odd}</p>\n{html_table(headers, rows, 1)}")
    if summary.refusals:
        rows = [[escape(r.by), escape(r.example), f"{r.count:,}"] for r in summary.refusals]
        table = html_table(["Refused by", "Reason (as first said)", "Orders"], rows, 2)
        parts.append(f"<h3>Refusals</h3>\n{table}")
    return "".join(parts)


def _balances(summary: RunSummary) -> str:
    if not summary.balances:
        return ""
    rows = []
    for b in summary.balances:
        causes = ", ".join(
            f"{kind.lower().replace('_', ' ')} {amount(value, signed=True)}"
            for kind, value in b.movements.items()
        )
        verdict = (
            '<span class="gain">exact</span>' if b.exact else '<span class="loss">WRONG</span>'
        )
        rows.append(
            [escape(b.account), escape(b.currency), escape(causes), verdict, exact(b.total)]
        )
    headers = ["Account", "Currency", "Sum of", "Check", "Balance"]
    return f"<h2>Balances</h2>\n{html_table(headers, rows, 3)}"


def _latency(summary: RunSummary) -> str:
    if not summary.latency:
        return ""
    kind = (
        "Simulated times, as the venue was configured; not a measurement."
        if summary.run.simulated
        else "Measured from the times in the journals."
    )
    rows = [
        [escape(s.stage), f"{s.count:,}"]
        + [figures.duration(ns) for ns in (s.min, s.median, s.p99, s.max)]
        for s in summary.latency
    ]
    headers = ["Stage", "Count", "Min", "Median", "p99", "Max"]
    stages = html_table(headers, rows, 1)
    return f'<h2>Latency by stage</h2>\n<p class="faint small">{kind}</p>\n{stages}'


def _setting(summary: RunSummary) -> str:
    parts = ["<h2>How it was run</h2>\n"]
    if summary.run.datasets:
        played = "<br>".join(escape(d) for d in summary.run.datasets)
        parts.append(f"<h3>Recorded market</h3>\n<p>{played}</p>\n")
    if summary.plugins:
        rows = [
            [
                escape(p.name),
                escape(p.distribution),
                escape(p.version),
                "loaded" if p.loaded else '<span class="loss">not loaded</span>',
            ]
            for p in summary.plugins
        ]
        table = html_table(["Plugin", "Distribution", "Version", "Status"], rows, 4)
        parts.append(f"<h3>Plugins</h3>\n{table}")
    if summary.run.config:
        config = escape(summary.run.config)
        parts.append(f"<h3>Configuration</h3>\n<pre>{config}</pre>\n")
    rows = [[escape(c.rule), f"{c.checked:,}", html_verdict(c.failures)] for c in summary.checks]
    table = html_table(["Rule", "Checked", "Holds"], rows, 1)
    parts.append(f"<h3>Checks of the books</h3>\n{table}")
    return "".join(parts)
