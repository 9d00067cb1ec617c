"""The first tutorial, followed literally: its files written, its commands run in order."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-strategy.md"
BLOCK = re.compile(r"(?:^`([\w.]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

pytest.importorskip("matplotlib", reason="the report needs it")
pytest.importorskip("kungfu_gateway_sim", reason="the tutorial installs it")
pytest.importorskip("kungfu_strategies", reason="the tutorial installs it")


class Reader:
    """Somebody who does what the page says; `cd` lasts, as it does in a shell."""

    def __init__(self, folder):
        self.folder = self.home = folder
        self.said = {}

    def follow(self):
        for name, language, text in BLOCK.findall(PAGE.read_text()):
            if name:
                (self.folder / name).write_text(text)
            elif language == "sh":
                for line in text.splitlines():
                    self.do(line)

    def do(self, line):
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
            return
        result = self.run(line)
        assert result.returncode == 0, f"{line}:\n{result.stdout}\n{result.stderr}"
        self.said[line] = result.stdout

    def run(self, line):
        scripts = sysconfig.get_path("scripts")
        environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
        environment["KF_HOME"] = str(self.home / "runtime")
        return subprocess.run(
            line, shell=True, cwd=self.folder, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    reader = Reader(tmp_path_factory.mktemp("tutorial"))
    reader.follow()
    return reader


def test_the_demo_trades_and_says_what_it_shows(reader):
    said = reader.said["kungfu demo"]
    assert re.search(r"^The market is a generated one, seed 1\.", said, re.MULTILINE)
    assert re.search(r"ema-cross +\d+", said)
    assert re.search(r"quoter +\d+", said)


def test_the_strategy_of_the_page_trades(reader):
    """Both ways, and the books are right to the last digit."""
    said = reader.said["kungfu backtest dip.toml"]
    filled = re.search(r"^Orders +(\d+): (\d+) filled$", said, re.MULTILINE)
    assert int(filled[1]) == int(filled[2]) >= 2
    for heading in ("Result", "Profit by instrument", "Orders", "Balances", "Books"):
        assert re.search(rf"^{heading}\b", said, re.MULTILINE), heading
        assert f"**{heading}**" in PAGE.read_text()
    assert "exact: balances, positions, costs and orders all equal" in said


def test_the_log_of_the_strategy_is_in_its_journal(reader):
    said = reader.said["kungfu journal show dip/STRATEGY --type log --limit 5"]
    assert "BUY 0.01" in said


def test_the_mistake_is_told_as_the_page_says(reader):
    """Before anything runs."""
    (told,) = re.findall(r"^```text\n(dip\.toml:.*)\n```$", PAGE.read_text(), re.MULTILINE)
    config = reader.folder / "dip.toml"
    right = config.read_text()
    config.write_text(right.replace("fall =", "fal ="))
    result = reader.run("kungfu backtest dip.toml")
    config.write_text(right)
    assert result.returncode == 1
    assert told in result.stderr


def test_running_again_gives_equal_journals(reader):
    """Byte by byte, as the page promises."""
    reader.do("kungfu backtest dip.toml")
    runs = sorted((reader.home / "runtime" / "runs").glob("*-backtest-*"))[-2:]
    first, second = (
        {p.relative_to(run): p.read_bytes() for p in run.rglob("*.journal")} for run in runs
    )
    assert first
    assert first == second
