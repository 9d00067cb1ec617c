"""A recorded market: prices of the run's own time, and instruments defined before it."""

import json
from decimal import Decimal

from scripted_run import ACCOUNT, PERP, SECOND, START, instrument

from kungfu_core import events
from kungfu_core._native import Clock, id_of
from kungfu_core.enums import Side
from kungfu_core.journal import Writer
from kungfu_core.report import summarize, write_html


def quote(bid, ask):
    return events.Quote(
        instrument=id_of(PERP), bid_price=bid, bid_size=1, ask_price=ask, ask_size=1
    )


def recording(folder):
    with Writer(folder, "binance", "MD", scope=folder.name, clock=Clock(START)) as market:
        for second, event in (
            (-100, instrument(PERP)),
            (-50, quote(1, 2)),
            (5, quote(90, 92)),
            (500, quote(1000, 1002)),
        ):
            time = START + second * SECOND
            market.at(time, time)
            market.append(event)
    return folder


def traded(folder, datasets):
    pair = {"account": id_of(ACCOUNT), "instrument": id_of(PERP)}
    with Writer(folder / "journal", "broker", "BROKER", clock=Clock(START)) as writer:
        for second, event in (
            (0, events.Fill(**pair, order_id=1, price=80, size=2, side=Side.BUY)),
            (0, events.OrderUpdate(**pair, order_id=1, size=2, filled=2)),
            (0, events.Position(**pair, size=2, cost=160, realized_pnl=0, currency="USDT")),
            (10, events.Log()),
        ):
            time = START + second * SECOND
            writer.at(time, time)
            writer.append(event)
    (folder / "run.json").write_text(json.dumps({"datasets": [str(d) for d in datasets]}))
    return folder


def test_prices_are_those_of_the_run_and_instruments_may_be_older(tmp_path):
    run = traded(tmp_path / "run", [recording(tmp_path / "btc")])
    summary = summarize(run)
    (result,) = summary.instruments
    assert (result.instrument, result.currency) == (PERP, "USDT")
    assert (result.price, result.price_time) == (Decimal(91), START + 5 * SECOND)
    assert result.unrealized == Decimal(22)
    before, after = summary.equity[0].curve[1], summary.equity[0].curve[-1]
    assert (before.equity, after.equity) == (Decimal(0), Decimal(22))
    assert summary.notes == ()


def test_without_the_recording_the_last_fill_is_the_price(tmp_path):
    run = traded(tmp_path / "run", [tmp_path / "gone"])
    summary = summarize(run)
    (result,) = summary.instruments
    assert (result.price, result.price_kind) == (Decimal(80), "fill")
    assert "gone" in summary.notes[0]
    write_html(run, summary, tmp_path / "report.html")
    assert "gone" in (tmp_path / "report.html").read_text()
