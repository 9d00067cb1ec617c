"""The figures of a summary, on runs that the real broker booked."""

import io
from decimal import Decimal

import pytest
from scripted_run import PERP, SECOND, SPOT, START

from kungfu_core.enums import OrderState, Side
from kungfu_core.errors import DataError
from kungfu_core.report import print_summary, summarize, summary_json


def long_and_half_out(script):
    script.define(PERP)
    script.deposit(0, "USDT", "10000")
    script.quote(1, PERP, "100", "102")
    script.trade_now(2, PERP, Side.BUY, "2", "102", fee=("0.2", "USDT"))
    script.quote(10, PERP, "110", "112")
    script.trade_now(12, PERP, Side.SELL, "1", "110", fee=("0.1", "USDT"))
    script.quote(20, PERP, "90", "91")


def test_profit_of_a_linear_contract(script):
    """Realised: 110 - 102 on one; unrealised: mid 90.5 - 102 on the other; fees 0.3."""
    long_and_half_out(script)
    summary = summarize(script.finish())
    (result,) = summary.instruments
    assert (result.realized, result.unrealized) == (Decimal(8), Decimal("-11.5"))
    assert (result.position, result.cost, result.price) == (
        Decimal(1),
        Decimal(102),
        Decimal("90.5"),
    )
    assert (result.price_kind, result.price_time) == ("mid", START + 20 * SECOND)
    assert result.fees == {"USDT": Decimal("0.3")}
    assert result.net == Decimal("-3.8")
    assert result.turnover == summary.turnover["USDT"] == Decimal(314)
    assert (result.bought, result.sold) == (Decimal(2), Decimal(1))


def test_equity_and_drawdown(script):
    """Peak: 2 held at mid 111 with 0.2 paid; end: 8 realised, 11.5 lost on paper, 0.3 paid."""
    long_and_half_out(script)
    (equity,) = summarize(script.finish()).equity
    assert (equity.first, equity.last, equity.profit) == (
        Decimal(10000),
        Decimal("9996.2"),
        Decimal("-3.8"),
    )
    assert equity.drawdown.amount == Decimal("17.8") - Decimal("-3.8")
    assert equity.drawdown.peak_time == START + 10 * SECOND
    assert equity.drawdown.trough_time == START + 20 * SECOND
    assert equity.drawdown.fraction == (Decimal("21.6") / Decimal("10017.8")).quantize(
        Decimal("0.000001")
    )
    assert equity.max_exposure == Decimal(222)
    assert equity.time_in_market == Decimal("0.8")
    assert equity.sharpe.value is None
    assert equity.sharpe.reason == "needs 30 daily returns, the run has 0"


def test_a_deposit_is_no_profit(script):
    script.deposit(0, "USDT", "100")
    script.deposit(5, "USDT", "50")
    script.deposit(6, "USDT", "-30")
    (equity,) = summarize(script.finish()).equity
    assert (equity.profit, equity.last, equity.transfers) == (
        Decimal(0),
        Decimal(120),
        Decimal(120),
    )
    assert equity.drawdown.amount == 0


def test_spot_equity_takes_fees_in_base_off(script):
    """Bought 2 for 200 with a fee of 0.01 ETH: 1.99 ETH at 110 and 800 in cash."""
    script.define(SPOT)
    script.deposit(0, "USDT", "1000")
    script.trade_now(1, SPOT, Side.BUY, "2", "100", fee=("0.01", "ETH"))
    script.trade(9, SPOT, "110")
    script.deposit(9, "USDT", "0.5")
    summary = summarize(script.finish())
    (equity,) = summary.equity
    assert (equity.currency, equity.last) == ("USDT", Decimal("800.5") + Decimal("1.99") * 110)
    (result,) = summary.instruments
    assert (result.price_kind, result.unrealized) == ("trade", Decimal("1.99") * 110 - 200)
    assert result.fees == summary.fees == {"ETH": Decimal("0.01")}
    assert result.net == Decimal("1.99") * 110 - 200


def test_the_mark_price_counts_before_the_middle(script):
    long_and_half_out(script)
    script.mark(21, PERP, "95")
    script.deposit(22, "USDT", "-1", name=PERP)
    (result,) = summarize(script.finish()).instruments
    assert (result.price_kind, result.price, result.unrealized) == (
        "mark",
        Decimal(95),
        Decimal(-7),
    )


def test_orders_by_final_state_and_refusals_by_reason(script):
    long_and_half_out(script)
    for size in ("0.0001", "0.0002"):
        script.request(30, PERP, Side.BUY, size)
    refused = script.request(31, PERP, Side.BUY, "1")
    script.report(32, refused, PERP, Side.BUY, OrderState.REJECTED, reason="margin is insufficient")
    summary = summarize(script.finish())
    assert summary.orders.by_state == {"RISK_REJECTED": 2, "FILLED": 2, "REJECTED": 1}
    assert (summary.orders.total, summary.orders.anomalies) == (5, 0)
    by_risk, by_venue = summary.refusals
    assert (by_risk.by, by_risk.count) == ("risk", 2)
    assert "0.0001" in by_risk.example
    assert (by_venue.by, by_venue.reason) == ("venue", "margin is insufficient")
    (strategy,) = summary.strategies
    assert (strategy.orders, strategy.refused, strategy.fills) == (5, 3, 2)


def test_latency_is_taken_from_the_journals(script):
    long_and_half_out(script)
    stages = {s.stage: s for s in summarize(script.finish()).latency}
    answer = stages["broker's verdict → venue's answer"]
    assert (answer.count, answer.min, answer.max) == (2, SECOND, SECOND)
    assert stages["order request → first fill"].median == 2 * SECOND
    assert stages["venue's fill → broker's fill"].max == 0


def test_events_a_second_come_from_the_wall_clock(script):
    script.deposit(0, "USDT", "1")
    run = summarize(script.finish(wall_seconds=0.25, events=1000)).run
    assert (run.events, run.events_per_second) == (1000, 4000)


def test_a_run_that_was_killed_has_a_report(script):
    long_and_half_out(script)
    folder = script.finish()
    (folder / "run.json").unlink()
    run = summarize(folder).run
    assert (run.id, run.events, run.wall_seconds) == ("run", None, None)


def test_a_missing_dataset_is_said(script):
    long_and_half_out(script)
    (note,) = summarize(script.finish(datasets=["/nowhere/data"])).notes
    assert "/nowhere/data" in note


@pytest.mark.parametrize("text", ["{", "[]", '{"datasets": "one"}'])
def test_a_broken_run_json_is_named(script, text):
    script.deposit(0, "USDT", "1")
    folder = script.finish()
    (folder / "run.json").write_text(text)
    with pytest.raises(DataError, match=r"run\.json"):
        summarize(folder)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DataError, match="not a run"):
        summarize(tmp_path)


def test_colour_only_where_it_is_asked_for(script):
    long_and_half_out(script)
    summary = summarize(script.finish())
    plain, coloured = io.StringIO(), io.StringIO()
    print_summary(summary, plain, colour=False)
    print_summary(summary, coloured, colour=True)
    assert "\033" not in plain.getvalue()
    assert "\033[31m-3.8" in coloured.getvalue()
    assert "exact: balances" in plain.getvalue()


def test_decimals_and_times_are_text_in_json(script):
    long_and_half_out(script)
    shown = summary_json(summarize(script.finish()))
    assert Decimal(shown["equity"][0]["profit"]) == Decimal("-3.8")
    assert shown["run"]["first_time"] == "2023-11-14T22:13:20.000000000Z"
