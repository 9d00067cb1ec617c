"""The README says nothing that does not work."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def blocks(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_command_is_one_line_to_paste(heading):
    (command,) = blocks(heading)
    assert command.count("\n") == 1


@pytest.mark.slow
def test_first_command_installs_everything_and_runs_the_demo(fresh_clone, tmp_path):
    (command,) = blocks("Run it")
    done = subprocess.run(
        ["bash", "-c", command], cwd=fresh_clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (fresh_clone / "runtime" / "runs").glob("*/report.html")
    assert report.stat().st_size > 10_000


def test_strategy_of_20_lines_trades(tmp_path):
    """Put in the place of the strategy that `kungfu init` writes, it runs and trades."""
    kungfu = [sys.executable, "-m", "kungfu_core"]
    in_folder = {"cwd": tmp_path, "capture_output": True, "text": True}
    subprocess.run([*kungfu, "init"], check=True, **in_folder)
    (source,) = blocks("A strategy in 20 lines")
    (tmp_path / "first_strategy.py").write_text(source)
    run = [*kungfu, "backtest", "backtest.toml", "--no-report", "--json"]
    said = json.loads(subprocess.run(run, check=True, **in_folder).stdout)
    assert said["fills"] > 0


def test_links_into_the_tree_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
