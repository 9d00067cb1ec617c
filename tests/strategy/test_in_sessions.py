"""What a strategy does to a whole run, seen from the command line."""

import json
import os
import subprocess
import sysconfig
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.enums import OrderState, PositionSide
from kungfu_core.journal import Journal, Reader

pytest.importorskip("kungfu_gateway_sim", reason="the runs take place on its venue")

CONFIG = """
[market]
duration = "30s"

[gateways.venue]
plugin = "sim"
instruments = [{ name = "sim:perpetual:BTC-USDT" }]

[accounts.main]
balances = { USDT = "100000" }

[strategies.bad]
file = "bad.py"

[strategies.good]
file = "good.py"
"""

GOOD = """
import attrs
from kungfu_core import Strategy

@attrs.define(eq=False)
class Good(Strategy):
    def on_start(self, context):
        context.interval("10s")

    def on_timer(self, context, timer):
        context.buy(context.instruments[0], "0.001")
"""

BAD = """
import os
import signal
import attrs
from kungfu_core import Strategy

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

@attrs.define(eq=False)
class Bad(Strategy):
    def on_start(self, context):
        context.buy(context.instruments[0], "0.001", price=10000)
        context.timer(after="5s")

    def on_timer(self, context, timer):
        {deed}
"""


HEDGING = """
[market]
duration = "30s"

[gateways.venue]
plugin = "sim"
instruments = [{ name = "sim:perpetual:BTC-USDT" }]

[accounts.main]
balances = { USDT = "100000" }
position_mode = "hedge"

[strategies.hedger]
file = "hedger.py"
"""

HEDGER = """
import attrs
from kungfu_core import PositionSide, Strategy

@attrs.define(eq=False)
class Hedger(Strategy):
    def on_start(self, context):
        context.timer(after="5s")

    def on_timer(self, context, timer):
        context.buy(context.instruments[0], "0.002", position_side=PositionSide.LONG)
        context.sell(context.instruments[0], "0.001", position_side=PositionSide.SHORT)
        context.sell(context.instruments[0], "0.001")
"""


def run_backtest(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the configuration of a folder in a process of its own."""
    command = [Path(sysconfig.get_path("scripts"), "kungfu"), "backtest", "backtest.toml"]
    return subprocess.run(
        [*command, "--no-report", "--json"],
        cwd=folder,
        env={**os.environ, "KF_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


class Run:
    """`kungfu backtest` in a process of its own."""

    def __init__(self, folder: Path, deed: str) -> None:
        (folder / "backtest.toml").write_text(CONFIG)
        (folder / "good.py").write_text(GOOD)
        (folder / "bad.py").write_text(BAD.format(deed=deed))
        self.done = run_backtest(folder)
        (self.folder,) = (folder / "home" / "runs").iterdir()

    def read(self, source, name, *kinds):
        with Reader(Journal(self.folder / "journal", source, name), verify=True) as reader:
            return [e for e in reader if isinstance(e, kinds)]


def test_a_fault_stops_one_strategy_and_is_the_exit_code(tmp_path):
    """The other one trades on, the fault's orders are cancelled at the venue."""
    run = Run(tmp_path, 'raise LookupError("broken on purpose")')
    assert run.done.returncode == 1
    line = BAD[: BAD.index("{deed}")].count("\n") + 1
    assert (
        f"strategy 'bad' was stopped by LookupError: broken on purpose (bad.py, line {line})"
        in run.done.stderr
    )
    assert "Traceback" not in run.done.stderr
    json.loads(run.done.stdout)
    states = [u.state for u in run.read("broker", "BROKER", events.OrderUpdate) if u.price_exact]
    assert states[-1] is OrderState.CANCELED
    assert len(run.read("broker", "BROKER", events.Fill)) >= 2
    (fault,) = run.read("bad", "STRATEGY", events.ComponentStatus)
    assert "broken on purpose" in fault.detail


def test_an_interrupt_ends_the_run_with_whole_journals(tmp_path):
    """A real signal in the middle of a callback: status 130, and every journal is sound."""
    run = Run(tmp_path, "os.kill(os.getpid(), signal.SIGINT)")
    assert run.done.returncode == 130
    assert "Traceback" not in run.done.stderr
    assert run.read("bad", "STRATEGY", events.Timer)
    assert run.read("bad", "STRATEGY", events.ComponentStatus) == []
    assert run.read("broker", "BROKER", events.OrderRequest)


def test_an_account_in_hedging_mode_holds_long_and_short(tmp_path):
    """As the configuration says; an order that does not say which is refused."""
    (tmp_path / "backtest.toml").write_text(HEDGING)
    (tmp_path / "hedger.py").write_text(HEDGER)
    done = run_backtest(tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "home" / "runs").iterdir()
    with Reader(Journal(folder / "journal", "broker", "BROKER"), verify=True) as reader:
        told = list(reader)
    sizes = {
        p.position_side: p.size_exact
        for p in told
        if isinstance(p, events.Position) and not p.strategy
    }
    assert sizes == {PositionSide.LONG: Decimal("0.002"), PositionSide.SHORT: Decimal("-0.001")}
    (refused,) = (
        u for u in told if isinstance(u, events.OrderUpdate) and u.state == OrderState.RISK_REJECTED
    )
    assert "position side LONG or SHORT is missing" in refused.reason


ALONE = CONFIG.replace('[strategies.bad]\nfile = "bad.py"\n', "")


def test_two_strategies_whose_orders_would_share_ids_are_refused(tmp_path):
    """Before anything runs; such names are rare, but somebody has them one day."""
    first: dict[int, str] = {}
    for number in range(50_000):
        name = f"s{number}"
        other = first.setdefault(id_of(f"{name}/STRATEGY") >> 40, name)
        if other != name:
            break
    config = ALONE.replace("strategies.good", f"strategies.{other}")
    config += f'[strategies.{name}]\nfile = "good.py"\n'
    (tmp_path / "backtest.toml").write_text(config)
    (tmp_path / "good.py").write_text(GOOD)
    done = run_backtest(tmp_path)
    assert done.returncode != 0
    assert f"'{other}' and '{name}' would give their orders the same ids" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_clock_can_be_off_where_time_is_simulated(tmp_path):
    """The limit is for live sessions: a backtest has no measurement, and needs none."""
    (tmp_path / "backtest.toml").write_text(ALONE + '[limits]\nmax_clock_offset = "1ms"\n')
    (tmp_path / "good.py").write_text(GOOD)
    done = run_backtest(tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "home" / "runs").iterdir()
    with Reader(Journal(folder / "journal", "broker", "BROKER")) as reader:
        assert [e for e in reader if isinstance(e, events.Fill)]
