"""What a strategy does to a whole run, seen from the command line."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from kungfu_core import events
from kungfu_core.enums import OrderState
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


class Run:
    """`kungfu backtest` in a process of its own."""

    def __init__(self, folder: Path, deed: str) -> None:
        (folder / "backtest.toml").write_text(CONFIG)
        (folder / "good.py").write_text(GOOD)
        (folder / "bad.py").write_text(BAD.format(deed=deed))
        command = [Path(sysconfig.get_path("scripts"), "kungfu"), "backtest", "backtest.toml"]
        self.done = subprocess.run(
            [*command, "--no-report", "--json"],
            cwd=folder,
            env={**os.environ, "KF_HOME": str(folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
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
