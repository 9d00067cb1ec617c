"""`kungfu orders`, `positions`, `balances`, `risk` and `reconcile` over a broker's journal."""

import json
import os
import signal
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
    Verdict,
)
from kungfu_core.journal import Journal, Writer
from kungfu_core.journal_export import utc_text

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


def test_the_type_of_an_order_that_was_not_sent_is_that_of_its_request(broker, shown, tmp_path):
    request = events.OrderRequest(**ORDER, order_id=8, size="2.50", type=OrderType.LIMIT)
    write(broker, update(8, OrderState.RISK_REJECTED))
    with Writer(tmp_path / "journal", "trend", "STRATEGY") as strategy:
        write(strategy, request)
    assert shown("orders", "--all", "--json")[0]["type"] == "LIMIT"
    (page,) = tmp_path.glob("journal/*/trend/*.journal")
    page.write_bytes(b"damaged")
    assert shown("orders", "--all", "--json")[0]["type"] is None


def test_columns_that_no_order_needs_are_left_out(broker, shown):
    write(broker, update(7, OrderState.SUBMITTED))
    assert not {"trigger", "trailing", "tag"} & set(shown("orders").split())
    write(broker, events.OrderRequest(**ORDER, order_id=7, size="2.50", tag="exit"))
    assert {"tag", "exit"} <= set(shown("orders").split())
    (row,) = shown("orders", "--json")
    assert (row["order"], row["order_id"]) == (f"{7:016x}", 7)


def test_an_order_of_somebody_else_is_external(broker, shown):
    write(broker, update(7, OrderState.ACCEPTED, strategy=0))
    assert shown("orders", "--json")[0]["strategy"] == "(external)"


def test_positions_of_the_account_or_of_strategies(broker, shown):
    write(broker, position("1.5"), position("1", strategy=STRATEGY), position("0", account=1))
    (row,) = shown("positions", "--json")
    assert (row["account"], row["strategy"], row["size"], row["cost"]) == (
        "main",
        None,
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


BOOKS = ("orders", "positions", "balances", "risk", "reconcile")


@pytest.mark.parametrize("command", BOOKS)
def test_what_is_not_there_does_not_read_as_empty(command, tmp_path, capsys):
    """One line that says what is missing and where, and an exit status for scripts."""

    def complaint(*arguments):
        assert main([command, *arguments]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err

    nowhere = tmp_path / "nowhere"
    assert f"there is no home {nowhere}; `kungfu demo` makes one" in complaint(
        "--home", str(nowhere)
    )
    a_file = tmp_path / "file"
    a_file.touch()
    assert f"there is no home {a_file}" in complaint("--home", str(a_file))
    home = ("--home", str(tmp_path))
    assert f"{tmp_path}: no broker has written a journal there" in complaint(*home)
    runs = tmp_path / "runs"
    assert f"there is no run 'x' in {runs}; there is none" in complaint("x", *home)
    (runs / "20260101-a").mkdir(parents=True)
    assert "there is no run 'x' in" in complaint("x", *home)
    (runs / "20260102-b").mkdir()
    assert "the latest of 2 is 20260102-b" in complaint("x", *home)
    assert "run '20260101-a': no broker has written" in complaint("20260101-a", *home)


@pytest.mark.parametrize("command", BOOKS)
def test_a_table_says_whose_it_is_and_as_of_when(command, broker, tmp_path, capsys):
    """So nobody takes an old run for what stands now."""
    assert main([command, "--home", str(tmp_path)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"live node of {tmp_path}, as of 20")
    with Writer(tmp_path / "runs" / "20260101-a" / "journal", "broker", "BROKER") as run:
        write(run, events.AccountStatus(ACCOUNT, AccountState.READY, ""))
    assert main([command, "20260101-a", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("run 20260101-a, as of 20")


@pytest.mark.parametrize("command", BOOKS)
def test_nothing_to_show_is_said(command, broker, shown):
    """In words for people, as an empty list for programs."""
    _, blank, *said = shown(command).splitlines()
    assert (blank, len(said)) == ("", 1)
    assert shown(command, "--json") == []


def test_no_difference_is_not_no_comparison(broker, shown):
    assert "No account was compared" in shown("reconcile")
    write(broker, events.AccountStatus(ACCOUNT, AccountState.READY, ""))
    assert "No difference was found." in shown("reconcile")


def test_what_is_absent_is_null_for_programs_and_a_dash_for_people(broker, shown):
    write(broker, update(7, OrderState.ACCEPTED, price=None), position("1"))
    (row,) = shown("orders", "--json")
    assert (row["price"], row["type"]) == (None, None)
    assert shown("positions", "--json")[0]["strategy"] is None
    assert " -  " in shown("orders")
    assert " -  " in shown("positions")


def test_a_refused_order_has_its_reason_in_the_table(broker, shown):
    write(
        broker,
        update(8, OrderState.RISK_REJECTED, reason="limit max_order_size: size 3 is above 2"),
    )
    assert "limit max_order_size: size 3 is above 2" in shown("orders", "--all")


@pytest.mark.parametrize(
    ("state", "reason", "late"),
    [
        (OrderState.RISK_REJECTED, "limit max_position: beyond 2", "cancel: the order is already"),
        (OrderState.FILLED, "", "amend: the order is FILLED"),
        (OrderState.CANCELED, "canceled on request", "fill of an order that is CANCELED"),
    ],
)
def test_what_does_not_fit_an_order_that_is_over_is_not_its_reason(
    state, reason, late, broker, shown
):
    write(broker, update(8, state, reason=reason), update(8, state, reason=late, anomaly=True))
    (row,) = shown("orders", "--all", "--json")
    assert (row["state"], row["reason"]) == (str(state), reason)


def test_an_open_order_shows_what_did_not_fit_it(broker, shown):
    write(broker, update(8, OrderState.ACCEPTED))
    write(broker, update(8, OrderState.ACCEPTED, reason="amend: no", anomaly=True))
    assert shown("orders", "--json")[0]["reason"] == "amend: no"


def test_what_names_no_order_is_no_order(broker, shown):
    write(broker, update(8, OrderState.UNKNOWN, reason="amend: order 8 is not known", anomaly=True))
    assert shown("orders", "--all", "--json") == []


CAUSE = "kill switch: a loss"


@pytest.mark.parametrize(
    ("then", "shows"),
    [
        ([(OrderState.CANCELED, "on request")], f"{CAUSE}; on request"),
        ([(OrderState.EXPIRED, CAUSE)], CAUSE),
        ([(OrderState.FILLED, "")], ""),
        ([(OrderState.PARTIALLY_FILLED, ""), (OrderState.CANCELED, "")], CAUSE),
        ([(OrderState.PENDING_CANCEL, ""), (OrderState.CANCELED, "")], CAUSE),
        ([(OrderState.ACCEPTED, "too late"), (OrderState.CANCELED, "delisted")], "delisted"),
    ],
)
def test_what_the_broker_cancelled_an_order_for_stays(then, shows, broker, shown):
    """Though the venue, which only hears of a cancel, says nothing of it."""
    write(broker, update(8, OrderState.ACCEPTED))
    write(broker, update(8, OrderState.PENDING_CANCEL, reason=CAUSE))
    write(broker, *(update(8, state, reason=reason) for state, reason in then))
    assert shown("orders", "--all", "--json")[0]["reason"] == shows


def test_refusals_are_counted_by_limit_and_by_check(broker, shown):
    """Of a check by what it did, so that one that is broken is seen."""

    def verdict(order, said, reason):
        return events.RiskVerdict(order, 0, said, "cooldown", reason)

    write(
        broker,
        update(1, OrderState.RISK_REJECTED, reason="limit max_order_size: size 3 is above 2"),
        update(2, OrderState.RISK_REJECTED, reason="limit max_order_size: size 4 is above 2"),
        update(3, OrderState.ACCEPTED, reason="limit max_cancel_rate: the cancel waits"),
        verdict(4, Verdict.REFUSED, "cooldown: too soon"),
        update(4, OrderState.RISK_REJECTED, reason="cooldown: too soon"),
        verdict(5, Verdict.FAILED, "risk check cooldown failed: KeyError: 5"),
        verdict(6, Verdict.FAILED, "risk check cooldown failed: KeyError: 6"),
    )
    rows = shown("risk", "--json")
    assert [(row["what"], row["whose"], row["state"], row["reason"]) for row in rows] == [
        (
            "refusals",
            "limit max_order_size",
            "REFUSED 2",
            "limit max_order_size: size 4 is above 2",
        ),
        (
            "refusals",
            "check cooldown",
            "REFUSED 1, FAILED 2",
            "risk check cooldown failed: KeyError: 6",
        ),
    ]


def refusals(shown):
    rows = shown("risk", "--json")
    return [(row["whose"], row["state"], row["reason"]) for row in rows]


def test_other_refusals_are_counted_by_cause(broker, shown):
    display = "gateway venue takes no display size"

    def tick(price):
        return f"price {price} is not a multiple of the tick 0.1 of {NAME}"

    for number, reason in enumerate((display, tick("100.05"), display, tick("100.07")), start=1):
        write(broker, update(number, OrderState.RISK_REJECTED, reason=reason))
    late = {"reason": "cancel: the order is already RISK_REJECTED", "anomaly": True}
    write(broker, update(1, OrderState.RISK_REJECTED, **late))
    assert refusals(shown) == [
        ("broker", "REFUSED 2", display),
        ("broker", "REFUSED 2", tick("100.07")),
    ]


def test_an_order_that_self_trade_stops_is_a_refusal(broker, shown):
    """One that is cancelled for a newer one is not: it had been let out."""
    reason = "limit self_trade: it would trade with our order 0000000000000001"
    write(
        broker,
        update(2, OrderState.SUBMITTED),
        update(2, OrderState.CANCELED, reason=reason),
        update(1, OrderState.PENDING_CANCEL, reason="limit self_trade: order 3 would trade"),
        update(1, OrderState.CANCELED, reason="canceled on request"),
    )
    assert refusals(shown) == [("limit self_trade", "REFUSED 1", reason)]


def test_refused_amends_are_told_apart(broker, shown):
    def amend(order, reason):
        return update(order, OrderState.ACCEPTED, reason=f"amend: {reason}", anomaly=True)

    write(
        broker,
        update(1, OrderState.RISK_REJECTED, reason="limit max_position: 3"),
        amend(2, "limit max_position: 4"),
        events.RiskVerdict(2, 0, Verdict.REFUSED, "cooldown", "too soon"),
        amend(2, "too soon"),
        amend(2, "the order is PENDING_CANCEL"),
        amend(2, "order 0000000000000007 is not known"),
        amend(2, "gateway venue cannot amend orders"),
    )
    assert refusals(shown) == [
        ("limit max_position", "REFUSED 2 (1 amend)", "amend: limit max_position: 4"),
        ("check cooldown", "REFUSED 1 (1 amend)", "too soon"),
        ("broker", "REFUSED 1 (1 amend)", "amend: gateway venue cannot amend orders"),
    ]


def test_times_are_of_what_their_column_says(broker, shown, tmp_path):
    """An order's is when it was placed; a refusal's is that of the reason beside it."""
    write(broker, update(1, OrderState.SUBMITTED), update(1, OrderState.ACCEPTED))
    for number in (2, 3):
        refused = update(number, OrderState.RISK_REJECTED, reason=f"limit max_position: {number}")
        write(broker, refused)
    times = [
        utc_text(event.gen_time)
        for event in Journal(tmp_path / "journal", "broker", "BROKER").where("order_update")
    ]
    assert shown("orders", "--json")[0]["placed"] == times[0]
    (row,) = shown("risk", "--json")
    assert (row["time"], row["reason"]) == (times[-1], "limit max_position: 3")


def watch(home, *more):
    """Watch balances in a process of its own, in which an interrupt is one."""
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from kungfu_core.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": str(Path(events.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", program, "balances", "--watch", "--home", str(home), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=environment,
    )


def test_watching_shows_it_again_when_it_changes(tmp_path, broker):
    """A line of JSON for each state, as long as somebody looks on."""
    write(broker, events.Balance(ACCOUNT, "1", "USDT"))
    with watch(tmp_path, "--json") as watching:
        try:
            assert json.loads(watching.stdout.readline())[0]["total"] == "1"
            write(broker, events.Balance(ACCOUNT, "2", "USDT"))
            assert json.loads(watching.stdout.readline())[0]["total"] == "2"
        finally:
            watching.kill()


def test_watching_goes_on_with_a_newer_run(tmp_path):
    """But not where a run was named."""

    def run(name, total):
        with Writer(tmp_path / "runs" / name / "journal", "broker", "BROKER") as writer:
            write(writer, events.Balance(ACCOUNT, total, "USDT"))

    run("20260101-a", "1")
    with watch(tmp_path, "--json") as watching, watch(tmp_path, "--json", "20260101-a") as named:
        try:
            assert json.loads(watching.stdout.readline())[0]["total"] == "1"
            assert json.loads(named.stdout.readline())[0]["total"] == "1"
            run("20260102-b", "2")
            assert json.loads(watching.stdout.readline())[0]["total"] == "2"
            run("20260101-a", "3")
            assert json.loads(named.stdout.readline())[0]["total"] == "3"
        finally:
            watching.kill()
            named.kill()


def test_watching_ends_with_an_interrupt(tmp_path, broker):
    """Without a traceback, and with the status that shells give an interrupt."""
    write(broker, events.Balance(ACCOUNT, "1", "USDT"))
    with watch(tmp_path, "--json") as watching:
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        said, complaint = watching.communicate(timeout=60)
    assert (said, complaint, watching.returncode) == ("", "", 130)


def test_watching_ends_when_nobody_reads_any_more(tmp_path, broker):
    """As in `kungfu balances --watch --json | head -1`, though nothing more is written."""
    write(broker, events.Balance(ACCOUNT, "1", "USDT"))
    with watch(tmp_path, "--json") as watching:
        watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(timeout=60) == 1
        assert watching.stderr.read() == ""
