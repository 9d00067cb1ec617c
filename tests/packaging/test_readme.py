"""The README says nothing that does not work."""

import re
import subprocess
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


def test_links_into_the_tree_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
