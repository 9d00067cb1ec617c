"""When equity is sampled, and what its curve says: drawdown and Sharpe ratio."""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from itertools import pairwise

from kungfu_core.report.summary import Drawdown, EquityPoint, Sharpe

DAY = 86_400_000_000_000
MOST_GRID_POINTS = 2000
LEAST_DAYS = 30
_ROUNDING = Context(prec=60)
SHARPE_SAMPLING = (
    "daily returns, a day being 24 hours from the start of the run; "
    "annualised by the square root of 365, no risk-free rate"
)

_MS, _S, _M, _H = 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000
_STEPS = (
    *(n * _MS for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * _S for n in (1, 2, 5, 10, 15, 30)),
    *(n * _M for n in (1, 2, 5, 10, 15, 30)),
    *(n * _H for n in (1, 2, 4, 6, 12)),
    DAY,
)
"""All divide a day, so that the grid has every end of a day."""


def grid_step(span: int) -> int:
    """Give the interval (ns) of the regular samples of a run that lasts so long."""
    return next((step for step in _STEPS if span <= step * MOST_GRID_POINTS), DAY)


def drawdown(curve: Sequence[EquityPoint]) -> Drawdown:
    """Find the deepest fall from an earlier peak; transfers are no fall and no rise."""
    peak = curve[0]
    deepest = Drawdown(Decimal(0), None, peak.time, peak.time)
    at_peak = peak
    for point in curve:
        if point.profit > peak.profit:
            peak = point
        elif peak.profit - point.profit > deepest.amount:
            deepest = Drawdown(peak.profit - point.profit, None, peak.time, point.time)
            at_peak = peak
    fraction = Decimal(0) if not deepest.amount else ratio(deepest.amount, at_peak.equity, 6)
    return Drawdown(deepest.amount, fraction, deepest.peak_time, deepest.trough_time)


def ratio(part: Decimal | int, whole: Decimal | int, decimals: int) -> Decimal | None:
    """Divide, rounded half to even; None if the whole is not positive."""
    if whole <= 0:
        return None
    with localcontext(_ROUNDING):
        return (Decimal(part) / Decimal(whole)).quantize(Decimal(1).scaleb(-decimals))


def sharpe(daily: Sequence[EquityPoint]) -> Sharpe:
    """Say the Sharpe ratio of samples that are a day apart (mean return over its deviation).

    Source: Sharpe, The Sharpe Ratio (1994), with the sample standard deviation.
    """
    days = max(len(daily) - 1, 0)
    if days < LEAST_DAYS:
        return _unsaid(days, f"needs {LEAST_DAYS} daily returns, the run has {days}")
    if any(point.equity <= 0 for point in daily[:-1]):
        return _unsaid(days, "equity was not positive at the start of every day")
    with localcontext(_ROUNDING):
        returns = [
            (after.profit - before.profit) / before.equity for before, after in pairwise(daily)
        ]
        mean = sum(returns, Decimal(0)) / days
        variance = sum(((r - mean) ** 2 for r in returns), Decimal(0)) / (days - 1)
        if not variance:
            return _unsaid(days, "all returns are equal")
        value = mean / variance.sqrt() * Decimal(365).sqrt()
        return Sharpe(value.quantize(Decimal("0.0001")), SHARPE_SAMPLING, days, "")


def _unsaid(days: int, reason: str) -> Sharpe:
    return Sharpe(None, SHARPE_SAMPLING, days, reason)
