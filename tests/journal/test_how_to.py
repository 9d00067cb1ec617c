"""What the how-to pages show runs as it stands."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kungfu_core import _native, events
from kungfu_core.enums import Side
from kungfu_core.journal import Writer

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
EVENING = 1_723_161_540_000_000_000  # 2024-08-08 23:59


@pytest.fixture(autouse=True)
def recorded(tmp_path, monkeypatch):
    """Work in a folder whose home has what the pages read."""
    home = tmp_path / "runtime"
    name = "binance:spot:BTCUSDT"
    for root, scope in ((home / "data" / "fut", "fut"), (home / "journal", "")):
        with Writer(root, "binance", "MD", scope=scope, clock=_native.Clock(EVENING)) as writer:
            writer.append(events.Instrument(instrument=_native.id_of(name), name=name))
            writer.append(events.Quote(instrument=_native.id_of(name)))
            writer.at(EVENING, EVENING - 70)
            trade = events.Trade(
                instrument=_native.id_of(name), price="1.50", size="2", side=Side.BUY
            )
            writer.append(trade)
    with Writer(home / "journal", "broker", "BROKER") as writer:
        writer.append(events.Fill(price="1.50"))
    monkeypatch.chdir(tmp_path)


def run_python(page):
    scope = {}
    for code in re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL):
        exec(code, scope)
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


def test_read_journals(capsys):
    scope = run_python("read-journals.md")
    assert capsys.readouterr().out.endswith("1.50 2 BUY\n")
    assert scope["count"] == 3
    assert scope["prices"].tolist() == [1.5]
    assert scope["table"]["price"].to_pylist() == [1.5]
    assert "data/fut/binance/MD" in run_commands("read-journals.md")[0]


def test_analyse_journals(capsys):
    scope = run_python("analyse-journals.md")
    assert "binance:spot:BTCUSDT" in capsys.readouterr().out
    assert scope["trades"]["price"].tolist() == [1.5]
    assert scope["per_minute"]["close"].to_pylist() == [1.5]
    assert scope["per_minute"]["volume"].to_pylist() == [2.0]
    assert len(list(scope["bitcoin"])) == 1


def test_analysis_in_pandas_takes_three_lines():
    first = re.search(
        r"```python\n(.*?)```", (PAGES / "analyse-journals.md").read_text(), re.DOTALL
    )
    assert len(first[1].replace("\n\n", "\n").splitlines()) == 3


def test_ship_a_journal(tmp_path):
    shown = run_commands("ship-a-journal.md")
    assert "price=1.50" in shown[2]
    assert (tmp_path / "trades.csv").read_text().count("\n") == 2
    unpack = re.search(r"`(tar xf .*?)`", (PAGES / "ship-a-journal.md").read_text())[1]
    subprocess.run(**shell(f"gunzip market.tar.gz && {unpack}"), check=True)


def test_follow_a_journal():
    (command, piped) = commands("follow-a-journal.md")
    # Interrupts are let through though a shell's background job may run the tests.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from kungfu_core.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", program, *command.split()[1:]]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        shown = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert [line.split()[2] for line in shown] == ["trade", "fill"]
    with_head = piped.partition("|")[0] + "| head -1"
    done = subprocess.run(**shell(with_head, capture_output=True), check=True)
    assert '"type": "fill"' in done.stdout


def test_follow_a_journal_from_python(capsys):
    run_python("follow-a-journal.md")
    assert capsys.readouterr().out == "3 events, then a second of silence\n"


def test_look_after_journals(tmp_path, capsys):
    (page,) = (tmp_path / "runtime" / "data").rglob("*.journal")
    blocks = re.findall(
        r"```console\n(.*?)```", (PAGES / "look-after-journals.md").read_text(), re.DOTALL
    )
    data = bytearray(page.read_bytes())
    offset = data.index((2).to_bytes(8, "little") + EVENING.to_bytes(8, "little")) - 8
    data[offset + 90] ^= 1
    page.write_bytes(data)
    for block, status in zip(blocks[:2], (1, 0), strict=True):
        command, told = block.removeprefix("$ ").split("\n", 1)
        done = subprocess.run(**shell(command, capture_output=True), check=False)
        said = done.stdout.replace(f"{tmp_path}/", "").replace(str(offset), "12544")
        assert (done.returncode, said) == (status, told)
    for command in blocks[2].splitlines():
        done = subprocess.run(**shell(command[2:], capture_output=True), check=True)
        assert "no pages" in done.stdout
    run_python("look-after-journals.md")
    assert capsys.readouterr().out.startswith("loss ")
