"""Books that do not add up are found and named, wherever the report is read."""

import io
from decimal import Decimal

import pytest
from scripted_run import ACCOUNT, PERP, SECOND, SPOT, START, instrument

from kungfu_core import events
from kungfu_core._native import Clock, id_of
from kungfu_core.enums import CashKind, ContractKind, OrderState, PositionSide, Side, SizeUnit
from kungfu_core.errors import JournalCorrupt
from kungfu_core.journal import Writer
from kungfu_core.report import print_summary, summarize, write_html
from kungfu_core.report.chart_data import read_chart_data
from kungfu_core.report.run_folder import RunFolder

NOBODY = {"account": id_of(ACCOUNT), "instrument": id_of(PERP)}


def books(folder, *, total="-0.1", size="1", cost="10", filled="1"):
    """A run of one fill of 1 at 10 with a fee of 0.1, as a broker might have told it."""
    order = NOBODY | {"order_id": 1}
    with Writer(folder / "journal", "broker", "BROKER", clock=Clock(START)) as writer:
        for event in (
            instrument(PERP),
            events.Fill(**order, price=10, size=1, fee="0.1", side=Side.BUY, fee_currency="USDT"),
            events.OrderUpdate(**order, size=1, filled=filled, state=OrderState.FILLED),
            events.CashMovement(**order, amount="-0.1", kind=CashKind.FEE, currency="USDT"),
            events.Balance(account=id_of(ACCOUNT), total=total, currency="USDT"),
            events.Position(**NOBODY, size=size, cost=cost, realized_pnl=0, currency="USDT"),
        ):
            writer.append(event)
    return folder


def failures(run):
    return [failure for check in summarize(run).checks for failure in check.failures]


def test_a_run_still_going_has_a_report(tmp_path):
    books(tmp_path)
    with Writer(tmp_path / "journal", "broker", "BROKER", clock=Clock(START)) as writer:
        writer.append(events.Balance(account=id_of(ACCOUNT), total="-0.1", currency="USDT"))
        assert failures(tmp_path) == []
        writer.append(events.Balance(account=id_of(ACCOUNT), total="7", currency="USDT"))
        assert len(failures(tmp_path)) == 1


def test_books_that_add_up_have_no_failures(tmp_path):
    assert failures(books(tmp_path)) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"total": "-0.10000001"}, "USDT: the balance is -0.10000001, the sum is -0.1"),
        ({"size": "2"}, "the position is 2, the fills sum up to 1"),
        ({"cost": "10.1"}, "the cost is 10.1, value and realised profit sum up to 10"),
        ({"filled": "0.5"}, "filled is 0.5, the fills sum up to 1"),
    ],
)
def test_what_does_not_add_up_is_named(tmp_path, wrong, sentence):
    (failure,) = failures(books(tmp_path, **wrong))
    assert sentence in failure


def test_wrong_books_stand_out_in_every_form(tmp_path):
    run = books(tmp_path, total="5")
    summary = summarize(run)
    text = io.StringIO()
    print_summary(summary, text, colour=False)
    assert "WRONG: " in text.getvalue()
    write_html(run, summary, tmp_path / "report.html")
    assert "The books are wrong." in (tmp_path / "report.html").read_text()


def test_a_damaged_journal_is_named(script):
    script.define(SPOT)
    script.deposit(0, "USDT", "1")
    run = script.finish()
    (page,) = (run / "journal").rglob("BROKER.*.journal")
    content = bytearray(page.read_bytes())
    place = content.index(b"USDT")
    content[place] ^= 1
    page.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="BROKER"):
        summarize(run)


INVERSE = "sim:perpetual:BTC-USD"


def define_inverse(script):
    script.define(
        INVERSE,
        contract_kind=ContractKind.INVERSE,
        size_unit=SizeUnit.CONTRACTS,
        contract_value="100",
        contract_currency="USD",
        settle="BTC",
        lot="1",
    )


def test_books_of_an_inverse_contract_add_up(script):
    """Through zero, where every value is a rounded quotient; profit is in base currency."""
    define_inverse(script)
    script.trade_now(1, INVERSE, Side.BUY, "3", "30000.7", fee=("0.00001", "BTC"))
    script.trade_now(5, INVERSE, Side.SELL, "7", "31000.3")
    script.trade_now(9, INVERSE, Side.BUY, "1", "29000.1")
    script.mark(12, INVERSE, "28000")
    script.deposit(13, "BTC", "1")
    summary = summarize(script.finish())
    assert [f for check in summary.checks for f in check.failures] == []
    (result,) = summary.instruments
    assert (result.position, result.currency) == (Decimal(-3), "BTC")
    quarter = Decimal("0.00322578")  # of what the short cost, 0.003225775, rounded to even
    assert result.cost == quarter - Decimal("0.01290310")
    long_won = Decimal("0.00999977") - Decimal("0.00967733")
    assert result.realized == long_won + Decimal("0.00344826") - quarter
    assert result.unrealized == result.cost + Decimal("0.01071429")


def test_books_add_up_after_a_settlement(script):
    script.define(PERP)
    script.trade_now(1, PERP, Side.BUY, "2", "100")
    script.deposit(5, "USDT", "7.5", CashKind.SETTLEMENT, PERP)
    script.trade_now(6, PERP, Side.SELL, "1", "100")
    summary = summarize(script.finish())
    assert [f for check in summary.checks for f in check.failures] == []
    (result,) = summary.instruments
    assert (result.position, result.cost, result.realized) == (-1, -100, Decimal("7.5"))


def test_a_profit_that_the_venue_worked_out_is_checked_by_what_was_paid(script):
    script.define(PERP)
    script.trade_now(1, PERP, Side.BUY, "2", "100")
    order = script.request(5, PERP, Side.SELL, "1")
    script.fill(6, order, PERP, Side.SELL, size="1", price="110", realized_pnl="9.99")
    summary = summarize(script.finish())
    assert [f for check in summary.checks for f in check.failures] == []
    assert summary.instruments[0].realized == Decimal("9.99")


def test_the_chart_of_a_position_shows_the_account_and_both_sides(tmp_path):
    """Not the part of a strategy; a long and a short one cancel out as they do in the market."""
    held = NOBODY | {"cost": 0, "realized_pnl": 0, "currency": "USDT"}
    with Writer(tmp_path / "journal", "broker", "BROKER", clock=Clock(START)) as writer:
        writer.append(instrument(PERP))
        for at, told in enumerate(
            (
                {"size": 5, "position_side": PositionSide.LONG},
                {"size": 1, "position_side": PositionSide.LONG, "strategy": 7},
                {"size": -3, "position_side": PositionSide.SHORT},
            )
        ):
            writer.at(START + at * SECOND, START + at * SECOND)
            writer.append(events.Position(**held, **told))
    (series,) = read_chart_data(RunFolder.open(tmp_path)).positions.values()
    assert list(dict.fromkeys(value for _, value in series)) == [0, 5, 2]
