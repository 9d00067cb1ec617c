"""Sampling, drawdown and Sharpe ratio of given curves."""

import statistics
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.report.equity import DAY, MOST_GRID_POINTS, drawdown, grid_step, sharpe
from kungfu_core.report.series import Series
from kungfu_core.report.summary import EquityPoint


def points(equities, transfers=None):
    transfers = transfers or [0] * len(equities)
    return [
        EquityPoint(i * DAY, Decimal(e), Decimal(t), Decimal(0))
        for i, (e, t) in enumerate(zip(equities, transfers, strict=True))
    ]


@given(st.integers(0, 20 * 365 * DAY))
def test_the_grid_is_bounded_and_has_every_end_of_a_day(span):
    step = grid_step(span)
    assert DAY % step == 0
    assert span / step <= MOST_GRID_POINTS or step == DAY


def test_sharpe_equals_the_textbook_formula():
    equities = [1000 + 3 * i + (i * 7919) % 23 for i in range(40)]
    returns = [b / a - 1 for a, b in pairwise(equities)]
    expected = statistics.mean(returns) / statistics.stdev(returns) * 365**0.5
    result = sharpe(points(equities))
    assert float(result.value) == pytest.approx(expected, abs=1e-4)
    assert (result.days, result.reason) == (39, "")


def test_a_deposit_is_no_return():
    equities = [1000 + (i * 7919) % 23 for i in range(40)]
    later = [e + (500 if i >= 20 else 0) for i, e in enumerate(equities)]
    transfers = [500 if i >= 20 else 0 for i in range(40)]
    held = [(later[i], equities[i + 1] - equities[i]) for i in range(39)]
    returns = [gain / before for before, gain in held]
    expected = statistics.mean(returns) / statistics.stdev(returns) * 365**0.5
    assert float(sharpe(points(later, transfers)).value) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("equities", "reason"),
    [
        ([100] * 30, "needs 30 daily returns, the run has 29"),
        ([100] * 31, "all returns are equal"),
        ([0] + [100] * 30, "equity was not positive at the start of every day"),
        ([], "needs 30 daily returns, the run has 0"),
    ],
)
def test_sharpe_says_why_it_is_not_there(equities, reason):
    result = sharpe(points(equities))
    assert (result.value, result.reason) == (None, reason)


def test_drawdown_is_the_deepest_fall_not_the_lowest_point():
    found = drawdown(points([100, 90, 300, 200, 310, 250]))
    assert (found.amount, found.peak_time, found.trough_time) == (100, 2 * DAY, 3 * DAY)
    assert found.fraction == Decimal("0.333333")


def test_a_withdrawal_is_no_drawdown():
    assert drawdown(points([100, 40], [100, 40])).amount == 0


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.floats(-1e9, 1e9)), min_size=1),
    st.integers(1, 50),
)
def test_thinning_keeps_every_extreme_of_every_column(drawn, columns):
    """First, last, lowest and highest of each column stay; points stay in order and are real."""
    drawn.sort(key=lambda point: point[0])
    series = Series(0, 10_000, columns)
    for time, value in drawn:
        series.add(time, value)
    kept = list(series)
    assert len(kept) <= 4 * columns
    assert set(kept) <= set(drawn)
    assert [t for t, _ in kept] == sorted(t for t, _ in kept)
    assert (kept[0], kept[-1]) == (drawn[0], drawn[-1])
    width = -(-10_001 // columns)
    for column in {t // width for t, _ in drawn}:
        whole = [v for t, v in drawn if t // width == column]
        thin = [v for t, v in kept if t // width == column]
        assert (min(thin), max(thin)) == (min(whole), max(whole))
