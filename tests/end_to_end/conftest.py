"""A home with the recorded futures stream imported, and runs of it, by the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kungfu_core.journal import Journal, Reader

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KF_TEST_DATA", ROOT.parent / "shared" / "data"))

CONFIG = """\
[session]
seed = 11

[data]
datasets = ["usdm"]

[gateways.sim]
plugin = "sim"
maker_fee = "0.0002"
taker_fee = "0.0005"
order_latency = "2ms"
report_latency = "3ms"

[accounts.main]
gateway = "sim"
balances = { USDT = "100000" }

[accounts.second]
gateway = "sim"
balances = { USDT = "50000" }

[limits]
max_order_size = "1"

[limits.accounts.main]
max_position = "0.05"

[limits.accounts.second]
max_position = "0.05"

[strategies.ema]
strategy = "ema-cross"
account = "main"

[strategies.ema.params]
instrument = "binance:perpetual:BTCUSDT"
notional = "600"
fast = 20
slow = 100

[strategies.quoter]
strategy = "quoter"
account = "second"

[strategies.quoter.params]
instrument = "binance:perpetual:BTCUSDT"
notional = "600"
max_notional = "2400"
distance = 0
"""


def run_kungfu(home, *arguments, cwd=None):
    """Run `kungfu` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kungfu_core", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "KF_HOME": str(home), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def recording(name):
    path = DATA / "binance" / name
    if not path.exists():
        pytest.skip(f"recorded data is not here: {path} (set KF_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home with the futures recording as dataset `usdm`."""
    folder = tmp_path_factory.mktemp("home")
    done = run_kungfu(
        folder, "import", recording("usdm-btcusdt-20240808.gz"), "--name", "usdm", "--json"
    )
    assert done.returncode == 0, done.stderr
    return folder


def backtest(home, folder, config=CONFIG):
    path = folder / "backtest.toml"
    path.write_text(config)
    done = run_kungfu(home, "backtest", path, "--json", "--no-report")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def recorded_run(home, tmp_path_factory):
    """The run folder of both shipped strategies on the recording."""
    before = set((home / "runs").glob("*")) if (home / "runs").exists() else set()
    backtest(home, tmp_path_factory.mktemp("config"))
    (folder,) = set((home / "runs").glob("*")) - before
    return folder


@pytest.fixture
def read():
    """Read all events of one journal, or of one class in it."""

    def events(root, source, name, kind=None, scope=""):
        with Reader(Journal(root, source, name, scope)) as reader:
            return [event for event in reader if kind is None or isinstance(event, kind)]

    return events
