"""What the charts of a run show: prices, fills and positions, read from its journals as floats."""

import math
from collections import defaultdict

import attrs

from kungfu_core import events
from kungfu_core.enums import PositionSide, Side
from kungfu_core.journal import Reader
from kungfu_core.report.run_folder import BROKER, RunFolder
from kungfu_core.report.series import Series

COLUMNS = 1000
"""About one for each pixel that a chart is wide."""


@attrs.frozen
class FillMark:
    """A fill as it is drawn."""

    time: int
    price: float
    side: Side


@attrs.define
class ChartData:
    """Series by instrument id, or by account id and instrument id."""

    prices: dict[int, tuple[str, Series]]
    fills: dict[tuple[int, int], list[FillMark]]
    positions: dict[tuple[int, int], Series]


def read_chart_data(folder: RunFolder) -> ChartData:
    """Read the fills and positions of a run, and the prices of what it traded in."""
    start, end = folder.first_time, folder.last_time
    fills: dict[tuple[int, int], list[FillMark]] = defaultdict(list)
    positions: dict[tuple[int, int], Series] = {}
    sides: dict[tuple[int, int], dict[PositionSide, float]] = defaultdict(dict)
    for event in Reader(*(journal for journal in folder.own if journal.name == BROKER)):
        if type(event) is events.Fill:
            mark = FillMark(event.gen_time, event.price, event.side)
            fills[event.account, event.instrument].append(mark)
        elif type(event) is events.Position and not event.strategy:
            pair = event.account, event.instrument
            if pair not in positions:
                positions[pair] = Series(start, end, COLUMNS)
                positions[pair].add(start, 0.0)
            sides[pair][event.position_side] = event.size
            positions[pair].add(event.gen_time, sum(sides[pair].values()))
    traded = {instrument for _, instrument in (*fills, *positions)}
    return ChartData(_prices(folder, traded), fills, positions)


def _prices(folder: RunFolder, traded: set[int]) -> dict[int, tuple[str, Series]]:
    """Give the middle of best bid and offer of each instrument, else its trades or mark prices."""
    start, end = folder.first_time, folder.last_time
    kinds: tuple[tuple[str, type], ...] = (
        ("middle of best bid and offer", events.Quote),
        ("trades", events.Trade),
        ("mark price", events.MarkPrice),
    )
    series = {kind: {i: Series(start, end, COLUMNS) for i in traded} for _, kind in kinds}
    read = Reader(*folder.market, since=start).next
    while (event := read(end)) is not None:
        found = series.get(type(event))
        if found is None or event.instrument not in found:
            continue
        if type(event) is events.Quote:
            price = (event.bid_price + event.ask_price) / 2
        else:
            price = event.price
        if math.isfinite(price):
            found[event.instrument].add(event.gen_time, price)
    chosen = {}
    for instrument in traded:
        for title, kind in reversed(kinds):
            if series[kind][instrument]:
                chosen[instrument] = title, series[kind][instrument]
    return chosen
