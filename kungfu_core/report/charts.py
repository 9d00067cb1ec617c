"""Draws the charts of a report as SVG that stands in a page and takes its colours from it."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from kungfu_core.enums import Side
from kungfu_core.errors import KungfuError
from kungfu_core.report.chart_data import COLUMNS, FillMark
from kungfu_core.report.series import Point, Series
from kungfu_core.report.summary import EquityPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 960, 380
_FEW_MARKS = 200
_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--faint)",
    "#030303": "var(--line)",
    "#040404": "var(--gain)",
    "#050505": "var(--loss)",
    "#060606": "var(--accent)",
}
"""What stands for which of the page's colours while matplotlib draws."""
_INK, _FAINT, _LINE, _GAIN, _LOSS, _ACCENT = _COLOURS

_SECOND, _MINUTE, _HOUR, _DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
_TICKS = (
    *(n * 10**6 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


def require_matplotlib() -> None:
    """Say what is missing before anything is drawn.

    Raises:
        KungfuError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415 - only the page needs it
    except ImportError as error:
        raise KungfuError(
            "the HTML report needs matplotlib: pip install 'kungfu-core[report]'"
        ) from error


def equity_chart(chart: str, title: str, curve: Sequence[EquityPoint], currency: str) -> str:
    """Draw an equity curve over its drawdown.

    Args:
        chart: an id of letters and digits, unique in the page.
        title: what a screen reader says.
        curve: in order of time.
        currency: of the amounts.
    """
    start, end = curve[0].time, curve[-1].time
    equity, below = Series(start, end, COLUMNS), Series(start, end, COLUMNS)
    peak = curve[0].profit
    for point in curve:
        peak = max(peak, point.profit)
        equity.add(point.time, float(point.equity))
        below.add(point.time, float(point.profit - peak))
    figure, (upper, lower) = _figure(start, end)
    xs, ys = _coordinates(equity, start)
    upper.plot(xs, ys, color=_ACCENT, linewidth=1.4)
    upper.set_ylabel(f"equity, {currency}")
    xs, ys = _coordinates(below, start)
    lower.fill_between(xs, ys, 0, color=_LOSS, alpha=0.25, linewidth=0)
    lower.plot(xs, ys, color=_LOSS, linewidth=1)
    lower.set_ylabel("drawdown")
    return _svg(figure, chart, title)


def price_chart(
    chart: str,
    title: str,
    price: Iterable[Point],
    fills: Sequence[FillMark],
    position: Iterable[Point],
    *,
    span: tuple[int, int],
    units: tuple[str, str],
) -> str:
    """Draw an instrument's price with every fill on it, over the position.

    Args:
        chart: an id of letters and digits, unique in the page.
        title: what a screen reader says.
        price: thinned for the chart's width.
        fills: all of them; those that would cover each other exactly are drawn once.
        position: thinned likewise.
        span: start and end of the run, ns.
        units: of price and position.
    """
    start, end = span
    figure, (upper, lower) = _figure(start, end)
    xs, ys = _coordinates(price, start)
    upper.plot(xs, ys, color=_FAINT, linewidth=1)
    if fills:
        low, high = min(f.price for f in fills), max(f.price for f in fills)
        upper.update_datalim([(0, low), (0, high)], updatex=False)
        upper.autoscale_view(scalex=False)
    upper.set_ylim(*upper.get_ylim())
    upper.set_ylabel(f"price, {units[0]}")
    for side, colour, up in ((Side.BUY, _GAIN, 1), (Side.SELL, _LOSS, -1)):
        _mark(upper, [f for f in fills if f.side == side], start, colour, up)
    points = [*position]
    if points:
        points.append((end, points[-1][1]))
    xs, ys = _coordinates(points, start)
    lower.axhline(0, color=_LINE, linewidth=1)
    lower.step(xs, ys, where="post", color=_ACCENT, linewidth=1.2)
    lower.set_ylabel(f"position, {units[1]}")
    return _svg(figure, chart, title)


def _mark(axes: "Axes", fills: Sequence[FillMark], start: int, colour: str, up: int) -> None:
    """Draw a triangle for each fill, its tip at the price."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415
    from matplotlib.path import Path  # noqa: PLC0415

    if not fills:
        return
    places = axes.transData.transform([((f.time - start) / 1e9, f.price) for f in fills])
    tips = dict.fromkeys((round(x, 1), round(y, 1)) for x, y in places.tolist())
    few = len(tips) <= _FEW_MARKS
    half = 3.8 if few else 2.2
    vertices, codes = [], []
    for x, y in tips:
        base = y - up * 1.8 * half
        vertices += [(x, y), (x + half, base), (x - half, base), (x, y)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    patch = PathPatch(
        Path(vertices, codes),
        facecolor=colour,
        linewidth=0,
        alpha=0.9 if few else 0.7,
        transform=None,
    )
    patch.set_gid("buys" if up > 0 else "sells")
    patch.set_clip_on(False)
    patch.set_zorder(5)
    axes.add_artist(patch)


# --- what all charts have in common --------------------------------------------------------------


def _coordinates(points: Iterable[Point], start: int) -> tuple[list[float], list[float]]:
    pairs = [((time - start) / 1e9, value) for time, value in points]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _figure(start: int, end: int) -> "tuple[Figure, tuple[Axes, Axes]]":
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), dpi=72, facecolor="none")
    upper, lower = figure.subplots(
        2, 1, sharex=True,
        gridspec_kw={"height_ratios": [2.4, 1], "left": 0.085, "right": 0.99,
                     "top": 0.97, "bottom": 0.075, "hspace": 0.1},
    )  # fmt: skip
    ticks = _ticks(start, end)
    for axes, most in ((upper, 6), (lower, 3)):
        axes.set_facecolor("none")
        axes.grid(color=_LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_FAINT, labelcolor=_INK, labelsize=10, length=3)
        axes.yaxis.label.set(color=_INK, size=10)
        axes.yaxis.set_major_locator(MaxNLocator(most))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xticks([(tick - start) / 1e9 for tick, _ in ticks], [text for _, text in ticks])
        axes.set_xlim(0, max((end - start) / 1e9, 1e-6))
    return figure, (upper, lower)


def _ticks(start: int, end: int) -> list[tuple[int, str]]:
    """Give round UTC times of the run, and how they are written."""
    step = next((s for s in _TICKS if end - start <= 12 * s), _TICKS[-1])
    first = -(-start // step) * step
    texts = [(tick, _tick_text(tick, step)) for tick in range(first, end + 1, step)]
    # A date at either end of the axis would be cut off.
    room = (end - start) // 25
    return [
        (tick, "" if len(text) > 8 and not start + room < tick < end - room else text)
        for tick, text in texts
    ]


def _tick_text(tick: int, step: int) -> str:
    seconds, nanoseconds = divmod(tick, _SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    if step >= _DAY or (step >= _HOUR and tick % _DAY == 0):
        return f"{moment:%Y-%m-%d}"
    if step >= _MINUTE:
        return f"{moment:%H:%M}"
    text = f"{moment:%H:%M:%S}"
    return text if step >= _SECOND else f"{text}.{nanoseconds // 10**6:03d}"


def _svg(figure: "Figure", chart: str, title: str) -> str:
    from matplotlib import rc_context  # noqa: PLC0415

    figure.align_ylabels()
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": chart, "path.simplify": False}):
        figure.savefig(file, format="svg", metadata=nothing)
    return _embed(file.getvalue(), chart, title)


def _embed(svg: str, chart: str, title: str) -> str:
    """Make an SVG file a part of a page: own ids, no namespaces, the page's colours and font."""
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{chart}-', body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{chart}-', body)
    body = re.sub(r"url\(#", f"url(#{chart}-", body)
    body = re.sub(r"font: (?:[\w-]+ )*?([\d.]+px) [^;\"]+", r"font-size: \1", body)
    for drawn, shown in _COLOURS.items():
        body = body.replace(drawn, shown)
    body = re.sub(r"\n\s*", "\n", body)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="{chart}-title">'
        f'<title id="{chart}-title">{escape(title)}</title>{body}</svg>'
    )
