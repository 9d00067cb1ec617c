"""What the how-to pages show runs as it stands, on what `kungfu demo` leaves."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from kungfu_core.journal import Journal
from kungfu_core.values import parse_time

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
RUN = re.compile(r"\d{8}-\d{6}-demo-[0-9a-f]{4}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A home with what the README's demo leaves."""
    if "kungfu-strategies" not in {e.dist.name for e in entry_points(group="kungfu.plugins")}:
        pytest.skip("kungfu-strategies is not installed")
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(**shell("kungfu demo --json", cwd=folder, capture_output=True), check=True)
    return folder / "runtime"


@pytest.fixture(autouse=True)
def run(demo, tmp_path, monkeypatch):
    """Work in a folder with a home of that kind; gives the run's name."""
    shutil.copytree(demo, tmp_path / "runtime")
    monkeypatch.chdir(tmp_path)
    (folder,) = (tmp_path / "runtime" / "runs").iterdir()
    return folder.name


@pytest.fixture
def market(run):
    return Journal(f"runtime/runs/{run}/journal", "venue", "MD")


def run_python(page, run):
    scope = {}
    for code in re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL):
        exec(code.replace("/ID/", f"/{run}/"), scope)
    return scope


def commands(page):
    for block in re.findall(r"```console\n(.*?)```", (PAGES / page).read_text(), re.DOTALL):
        yield from re.findall(r"^\$ (.*)$", block, re.MULTILINE)


def shell(command, **more):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KF_")}
    return {
        "args": ["bash", "-c", command], "text": True, "env": {**environment, "PATH": path},
    } | more  # fmt: skip


def run_commands(page):
    shown = []
    for command in commands(page):
        done = subprocess.run(**shell(command, capture_output=True), check=False)
        assert done.returncode == 0, command + done.stderr
        shown.append(done.stdout)
    return shown


def test_read_journals(market, run, capsys):
    scope = run_python("read-journals.md", run)
    trades = list(market.where("trade"))
    last = trades[-1]
    said = f"{last.gen_time} {last.price_exact} {last.size_exact} {last.side}\n"
    assert capsys.readouterr().out.endswith(said)
    assert scope["count"] == len(list(market))
    assert len(scope["prices"]) == len(trades)
    assert scope["prices"][-1] == pytest.approx(last.price)
    assert scope["table"]["price"].to_pylist()[-1] == last.price
    listed, *_ = run_commands("read-journals.md")
    shown = re.search(
        r"kungfu journal ls\n(.*?)\$ ", (PAGES / "read-journals.md").read_text(), re.DOTALL
    )

    def columns(text):
        return [(line.split()[0], line.split()[-1]) for line in RUN.sub("ID", text).splitlines()]

    assert columns(listed)[2:] == columns(shown[1])[2:]


def test_analyse_journals(market, run, capsys):
    scope = run_python("analyse-journals.md", run)
    assert "sim:perpetual:BTC-USDT" in capsys.readouterr().out
    trades = list(market.where("trade"))
    assert scope["trades"]["price"].tolist() == [trade.price for trade in trades]
    per_minute = scope["per_minute"]
    assert per_minute["close"].to_pylist()[-1] == trades[-1].price
    assert sum(per_minute["volume"].to_pylist()) == pytest.approx(sum(t.size for t in trades))
    assert 0 < len(list(scope["bitcoin"])) < len(trades)


def test_analysis_in_pandas_takes_three_lines():
    first = re.search(
        r"```python\n(.*?)```", (PAGES / "analyse-journals.md").read_text(), re.DOTALL
    )
    assert len(first[1].replace("\n\n", "\n").splitlines()) == 3


def test_ship_a_journal(market, tmp_path):
    shown = run_commands("ship-a-journal.md")
    trades = list(market.where("trade"))
    assert f"price={trades[0].price_exact}" in shown[2]
    assert (tmp_path / "trades.csv").read_text().count("\n") == len(trades) + 1
    unpack = re.search(r"`(tar xf .*?)`", (PAGES / "ship-a-journal.md").read_text())[1]
    subprocess.run(**shell(f"gunzip market.tar.gz && {unpack}"), check=True)


def test_follow_a_journal(market, run):
    broker = Journal(market.root, "broker", "BROKER")
    since = "2026-01-01 00:19:59"
    parts = (market[since:].where("trade"), broker[since:].where("fill"))
    expected = sorted(event.gen_time for part in parts for event in part)
    (command, piped) = commands("follow-a-journal.md")
    # Interrupts are let through though a shell's background job may run the tests.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from kungfu_core.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", program, *shlex.split(command)[1:]]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        shown = [process.stdout.readline().split() for _ in expected]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert {(line[1], line[2]) for line in shown} == {
        ("venue/MD", "trade"),
        ("broker/BROKER", "fill"),
    }
    assert [parse_time(line[0]) for line in shown] == expected
    with_head = piped.partition("|")[0] + "| head -1"
    done = subprocess.run(**shell(with_head, capture_output=True), check=True)
    assert '"journal": "broker/BROKER"' in done.stdout


def test_follow_a_journal_from_python(market, run, capsys):
    run_python("follow-a-journal.md", run)
    count = len(list(market))
    assert capsys.readouterr().out == f"{count} events, then a second of silence\n"


def test_look_after_journals(market, run, tmp_path, capsys):
    text = (PAGES / "look-after-journals.md").read_text()
    sound, damaged, repaired, pruned = re.findall(r"```console\n(.*?)```", text, re.DOTALL)

    def follow(block, status):
        """What is printed is what the page says, all but names of runs and numbers."""
        command, told = block.removeprefix("$ ").split("\n", 1)
        done = subprocess.run(**shell(command, capture_output=True), check=False)
        said = done.stdout.replace(f"{tmp_path}/", "")
        numbers = re.compile(r"\d+")
        assert numbers.sub("N", RUN.sub("ID", said)) == numbers.sub("N", RUN.sub("ID", told))
        assert done.returncode == status

    follow(sound, 0)
    (page,) = (tmp_path / "runtime" / "runs" / run / "journal").rglob("venue/MD.1.journal")
    data = bytearray(page.read_bytes())
    trade = next(iter(market["2026-01-01 00:10":].where("trade")))
    header = trade.sequence.to_bytes(8, "little") + trade.gen_time.to_bytes(8, "little")
    data[data.index(header) + 82] ^= 1
    page.write_bytes(data)
    follow(damaged, 1)
    follow(repaired, 0)
    for command in pruned.splitlines():
        done = subprocess.run(**shell(command[2:], capture_output=True), check=True)
        assert "no pages" in done.stdout
    run_python("look-after-journals.md", run)
    assert capsys.readouterr().out.startswith("loss ")


def test_look_at_orders_and_positions(run):
    """What the page shows is what is printed, but for the run's name."""
    page = "look-at-orders-and-positions.md"
    text = (PAGES / page).read_text()
    printed = run_commands(page)
    blocks = re.findall(r"```console\n\$ (.*?)```", text, re.DOTALL)
    shown = [part.partition("\n")[2] for block in blocks for part in block.split("\n$ ")]

    def lines(said):
        return [line.rstrip() for line in RUN.sub("ID", said).splitlines()]

    assert json.loads(printed.pop())[0]["account"] == "maker"
    assert not shown.pop()
    assert [lines(said) for said in printed] == [lines(said) for said in shown]
    orders = subprocess.run(**shell("kungfu orders --json", capture_output=True), check=True)
    first = json.loads(orders.stdout)[0]
    assert f"0x{first['order']}\n{first['order_id']}\n" in text
