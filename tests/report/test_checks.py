"""Books that do not add up are found and named, wherever the report is read."""

import io

import pytest
from scripted_run import ACCOUNT, PERP, SPOT, START, instrument

from kungfu_core import events
from kungfu_core._native import Clock, id_of
from kungfu_core.enums import CashKind, OrderState, Side
from kungfu_core.errors import JournalCorrupt
from kungfu_core.journal import Writer
from kungfu_core.report import print_summary, summarize, write_html

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
