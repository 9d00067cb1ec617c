"""`kungfu panic` through a plugin's access to a venue, which is another process behind a socket."""

import importlib
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core.cli import main
from kungfu_core.interfaces import OpenOrder, OpenPosition
from kungfu_core.panicking import panic

VENUE = """\
import json, socket, sys

orders = {str(n): {"id": str(n), "algo": n % 2 == 0, "refusals": n % 3} for n in range(1, 7)}
positions = {"BTCUSDT": "1.5", "ETHUSDT": "-2"}
stubborn = sys.argv[1] == "stubborn"
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
client, _ = server.accept()
for line in client.makefile():
    op, what = json.loads(line)
    error = None
    if op == "cancel" and what in orders:
        if orders[what]["refusals"] or (stubborn and what == "4"):
            orders[what]["refusals"] = max(0, orders[what]["refusals"] - 1)
            error = "try again"
        else:
            del orders[what]
    elif op == "close":
        del positions[what]
    said = {"orders": list(orders.values()), "positions": positions, "error": error}
    client.sendall(json.dumps(said).encode() + b"\\n")
"""

PLUGIN = """\
import json
import socket
from decimal import Decimal

import attrs

from kungfu_core.enums import OrderType, TimeInForce
from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import Capabilities, GatewaySpec, OpenOrder, OpenPosition

KUNGFU_HOOK_API = ">=1.0,<2"


@attrs.frozen
class Config:
    port: int


class Access:
    def __init__(self, config, account):
        self.socket = socket.create_connection(("127.0.0.1", config.port))
        self.lines = self.socket.makefile("rw")

    def ask(self, op, what=""):
        self.lines.write(json.dumps([op, what]) + "\\n")
        self.lines.flush()
        said = json.loads(self.lines.readline())
        if said["error"]:
            raise RuntimeError(said["error"])
        return said

    def open_orders(self):
        return [OpenOrder(o["id"], "BTCUSDT", "BUY", Decimal(1), algo=o["algo"])
                for o in self.ask("list")["orders"]]

    def cancel(self, order):
        self.ask("cancel", order.venue_order_id)

    def open_positions(self):
        return [OpenPosition(i, Decimal(s)) for i, s in self.ask("list")["positions"].items()]

    def close_position(self, position):
        self.ask("close", position.instrument)

    def close(self):
        self.lines.close()
        self.socket.close()


@hookimpl
def kungfu_register_gateways():
    can = Capabilities(frozenset(OrderType), frozenset(TimeInForce))
    return [
        GatewaySpec("reachable", "a venue", print, Config, can, access=Access),
        GatewaySpec("unreachable", "a venue", print, Config, can),
    ]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The plugin, as an installer leaves it."""
    site = tmp_path / "site"
    metadata = site / "sample_reach-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-reach\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kungfu.plugins]\nreach = sample_reach\n")
    (site / "sample_reach.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("sample_reach", None)


@pytest.fixture(params=["willing"])
def venue(request):
    """A venue in a process of its own; gives its port."""
    command = [sys.executable, "-c", VENUE, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


@pytest.fixture
def config(tmp_path, venue):
    """A configuration of which the rest is in no state to run."""
    path = tmp_path / "node.toml"
    path.write_text(
        f"""\
[gateways.one]
plugin = "reachable"
port = {venue}

[gateways.other]
plugin = "unreachable"
port = {venue}

[accounts.main]
gateway = "one"

[accounts.second]
gateway = "other"

[strategies.broken]
strategy = "is not installed"
"""
    )
    return str(path)


def test_everything_is_cancelled_and_closed(plugin, config, capsys):
    """Orders that are refused at first are asked for again; the rest of the file may be broken."""
    assert main(["panic", "main", "--config", config, "--flatten", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["done"], said["left"]) == (8, [])
    assert len(said["failures"]) == 6
    assert "cannot cancel algo order 2 (BUY 1 BTCUSDT): try again" in said["failures"]


def test_positions_stay_unless_asked_for(plugin, config, capsys):
    assert main(["panic", "main", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "cancel algo order 4 (BUY 1 BTCUSDT)" in said
    assert said.endswith("Nothing is left; 6 requests were needed.\n")
    assert "close" not in said


@pytest.mark.parametrize("venue", ["stubborn"], indirect=True)
def test_what_is_left_is_told_and_is_a_failure(plugin, config, capsys, monkeypatch):
    monkeypatch.setattr("kungfu_core.panicking._MOST_ROUNDS", 4)
    assert main(["panic", "main", "--config", config, "--flatten", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["left"] == ["algo order 4 (BUY 1 BTCUSDT)"]
    assert said["done"] == 5 + 2


@pytest.mark.parametrize(
    ("account", "message"),
    [
        ("second", "gateway 'unreachable' has no venue that could be reached without a session"),
        ("mian", "unknown account 'mian'"),
    ],
)
def test_what_cannot_be_reached_is_told(plugin, config, capsys, account, message):
    assert main(["panic", account, "--config", config]) == 1
    assert message in capsys.readouterr().err


def test_a_venue_that_is_not_there_is_told(plugin, tmp_path, capsys):
    path = tmp_path / "node.toml"
    path.write_text('[gateways.one]\nplugin = "reachable"\nport = 1\n[accounts.main]\n')
    assert main(["panic", "main", "--config", str(path)]) == 1
    assert "gateway 'one' cannot reach its venue: [Errno" in capsys.readouterr().err


class Silent:
    """A venue that never answers a question."""

    def open_orders(self):
        raise TimeoutError

    def cancel(self, order: OpenOrder) -> None:
        raise AssertionError(order)

    def open_positions(self):
        return [] if self.closed else [OpenPosition("BTCUSDT", Decimal(1))]

    closed = False

    def close_position(self, position: OpenPosition) -> None:
        self.closed = True


def test_positions_are_closed_even_if_orders_cannot_be_asked_for(monkeypatch):
    monkeypatch.setattr("kungfu_core.panicking._MOST_ROUNDS", 3)
    steps: list[str] = []
    outcome = panic(Silent(), flatten=True, note=steps.append)
    assert outcome.left == ["unknown: nothing tells what to cancel"]
    assert outcome.failures == ["cannot ask what is there to cancel: TimeoutError"] * 3
    assert steps[-1] == "close position of 1 BTCUSDT"


def test_help_says_what_it_does_not_do():
    result = subprocess.run(
        [sys.executable, "-m", "kungfu_core", "panic", "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(sys.executable).parent,
    )
    assert "A running node is not stopped by it" in result.stdout
