"""`kungfu orders`, `positions`, `balances`, `risk` and `reconcile` over a broker's journal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.cli import main
from kungfu_core.enums import (
    AccountState,
    Difference,
    NameKind,
    OrderState,
    OrderType,
    Scope,
    Side,
    SwitchState,
)
from kungfu_core.journal import Writer

NAME = "venue:perpetual:BTCUSDT"
ACCOUNT, STRATEGY, INSTRUMENT = id_of("main"), id_of("trend"), id_of(NAME)
ORDER = {"instrument": INSTRUMENT, "account": ACCOUNT, "strategy": STRATEGY, "side": Side.BUY}


def update(number, state, **more):
    values = ORDER | {"order_id": number, "size": "2.50", "filled": "0", "price": "100"} | more
    return events.OrderUpdate(state=state, **values)


def position(size, account=ACCOUNT, **more):
    return events.Position(
        account=account,
        instrument=INSTRUMENT,
        size=size,
        cost="150.00",
        realized_pnl="-1.5",
        unrealized_pnl="2",
        mark="101",
        currency="USDT",
        **more,
    )


def write(writer, *said):
    for event in said:
        writer.append(event)


@pytest.fixture
def broker(tmp_path):
    """The journal of a live node's broker, open for writing."""
    with Writer(tmp_path / "journal", "broker", "BROKER") as writer:
        for kind, name in (
            (NameKind.ACCOUNT, "main"),
            (NameKind.SOURCE, "trend"),
            (NameKind.INSTRUMENT, NAME),
        ):
            writer.append(events.NameDefinition(id_of(name), kind, name))
        yield writer


@pytest.fixture
def shown(tmp_path, capsys):
    """Run a command on the home; gives what it printed, read as JSON with `--json`."""

    def run(*command):
        assert main([*command, "--home", str(tmp_path)]) == 0
        said = capsys.readouterr().out
        return json.loads(said) if "--json" in command else said

    return run


def test_orders_that_may_still_fill(broker, shown):
    request = events.OrderRequest(**ORDER, order_id=7, size="2.50", type=OrderType.LIMIT, tag="x")
    write(broker, update(7, OrderState.SUBMITTED), request, update(8, OrderState.RISK_REJECTED))
    write(broker, update(7, OrderState.PARTIALLY_FILLED, filled="0.50"))
    (row,) = shown("orders", "--json")
    assert row == row | {
        "order": f"{7:016x}",
        "strategy": "trend",
        "account": "main",
        "instrument": NAME,
        "type": "LIMIT",
        "size": "2.5",
        "filled": "0.5",
        "state": "PARTIALLY_FILLED",
        "tag": "x",
    }
    assert len(shown("orders", "--all", "--json")) == 2
    assert "PARTIALLY_FILLED" in shown("orders")


def test_an_order_of_somebody_else_is_external(broker, shown):
    write(broker, update(7, OrderState.ACCEPTED, strategy=0))
    assert shown("orders", "--json")[0]["strategy"] == "(external)"


def test_positions_of_the_account_or_of_strategies(broker, shown):
    write(broker, position("1.5"), position("1", strategy=STRATEGY), position("0", account=1))
    (row,) = shown("positions", "--json")
    assert (row["account"], row["strategy"], row["size"], row["cost"]) == (
        "main",
        "-",
        "1.5",
        "150",
    )
    (part,) = shown("positions", "--strategies", "--json")
    assert (part["strategy"], part["size"]) == ("trend", "1")
    assert len(shown("positions", "--all", "--json")) == 2


def test_the_last_word_on_a_balance_counts(broker, shown):
    for total in ("10", "1200.50"):
        write(broker, events.Balance(ACCOUNT, total, "USDT"))
    (row,) = shown("balances", "--json")
    assert (row["account"], row["currency"], row["total"]) == ("main", "USDT", "1200.5")


def test_what_holds_orders_up(broker, shown):
    assert shown("risk", "--json") == []
    write(
        broker,
        events.KillSwitch(0, Scope.GLOBAL, SwitchState.THROWN, "max_daily_loss"),
        events.AccountStatus(ACCOUNT, AccountState.RECONCILING, "the gateway connected"),
        update(9, OrderState.UNKNOWN, reason="no answer"),
        events.LimitChange(STRATEGY, Scope.STRATEGY, "max_order_size", "1", "2", "anna: test"),
    )
    rows = shown("risk", "--json")
    assert [(row["what"], row["whose"]) for row in rows] == [
        ("kill switch", "everything"),
        ("account", "main"),
        ("order", f"{9:016x}"),
        ("limit", "trend"),
    ]
    write(
        broker,
        events.KillSwitch(0, Scope.GLOBAL, SwitchState.RESET, "anna"),
        events.AccountStatus(ACCOUNT, AccountState.READY, ""),
        update(9, OrderState.EXPIRED),
    )
    assert [row["what"] for row in shown("risk", "--json")] == ["limit"]


def test_differences_and_their_rules(broker, shown):
    write(
        broker,
        events.Reconciliation(
            account=ACCOUNT,
            ours="1",
            theirs="2",
            difference=Difference.BALANCE,
            adjusted=True,
            currency="USDT",
            detail="taken over",
        ),
    )
    (row,) = shown("reconcile", "--json")
    assert (row["concerns"], row["ours"], row["theirs"], row["adjusted"], row["rule"]) == (
        "USDT",
        "1",
        "2",
        True,
        "taken over",
    )


def test_the_latest_run_where_nothing_runs_live(tmp_path, shown):
    for run, total in (("20260101-a", "1"), ("20260102-b", "2")):
        with Writer(tmp_path / "runs" / run / "journal", "broker", "BROKER") as writer:
            write(writer, events.Balance(ACCOUNT, total, "USDT"))
    assert shown("balances", "--json")[0]["total"] == "2"
    assert shown("balances", "20260101-a", "--json")[0]["total"] == "1"
    assert shown("balances", str(tmp_path / "runs" / "20260101-a"), "--json")[0]["total"] == "1"


def test_no_books_is_an_error_that_names_where(tmp_path, capsys):
    assert main(["orders", "--home", str(tmp_path)]) == 1
    assert f"{tmp_path}: no broker has written a journal there" in capsys.readouterr().err
    assert main(["orders", "nothing", "--home", str(tmp_path)]) == 1
    assert "run 'nothing': no broker" in capsys.readouterr().err


def test_watching_shows_it_again_when_it_changes(tmp_path, broker):
    """A line of JSON for each state, as long as somebody looks on."""
    write(broker, events.Balance(ACCOUNT, "1", "USDT"))
    command = [sys.executable, "-m", "kungfu_core", "balances", "--watch", "--json"]
    environment = os.environ | {"PYTHONPATH": str(Path(events.__file__).parents[1])}
    with subprocess.Popen(
        [*command, "--home", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    ) as watching:
        assert watching.stdout is not None
        try:
            assert json.loads(watching.stdout.readline())[0]["total"] == "1"
            write(broker, events.Balance(ACCOUNT, "2", "USDT"))
            assert json.loads(watching.stdout.readline())[0]["total"] == "2"
        finally:
            watching.kill()
