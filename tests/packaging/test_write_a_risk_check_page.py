"""The how-to on writing a risk check, followed literally from an empty folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-risk-check.md"
TEXT = PAGE.read_text()
FILES = dict(
    re.findall(r"^`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
)
RUN = re.compile(r"\d{8}-\d{6}-backtest-[0-9a-f]{4}")


def commands(heading):
    """Each command under a heading, and what the page says that it prints."""
    section = TEXT.split(f"\n## {heading}")[1].split("\n## ")[0]
    for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL):
        for part in block.removeprefix("$ ").split("\n$ "):
            command, _, printed = part.partition("\n")
            yield command, printed.rstrip()


class Newcomer:
    """Somebody at a shell in an empty folder, with wheels of kungfu."""

    def __init__(self, folder, wheels):
        self.folder = folder
        shutil.copytree(wheels, folder / "wheels")
        self.environment = {k: v for k, v in os.environ.items() if k[:3] not in ("KF_", "TOX")}
        bin_folder = folder / ".venv" / "bin"
        self.environment["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"

    def type(self, command, status=0):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, heading, *, backtest_status=0):
        """Type what stands under a heading; what is printed is what the page says."""
        for command, said in commands(heading):
            backtest = command.startswith("kungfu backtest ")
            printed = self.type(command, backtest_status if backtest else 0)
            if said:
                lines = [line.rstrip() for line in printed.rstrip().splitlines()]
                assert RUN.sub("ID", "\n".join(lines)) == RUN.sub("ID", said)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory, wheels):
    """Before the clock starts: all but the compiling, which the wheels are the result of."""
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer"), wheels)
    (venv, _), (wheel, _), (install, _) = commands("Before the clock starts")
    newcomer.type(venv.replace("python3", sys.executable))
    assert wheel == "pip wheel --quiet --no-deps --wheel-dir wheels CLONE CLONE/plugins/*"
    newcomer.type(install)
    for name, text in FILES.items():
        path = newcomer.folder / "desk-risk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return newcomer


def test_tree_has_each_file_of_the_page():
    tree = re.search(r"```text\ndesk-risk/\n(.*?)```", TEXT, re.DOTALL)[1].split()
    assert set(tree) == set(FILES)


def test_from_the_check_to_what_one_sees_of_it(newcomer):
    """The check is installed and found, its tests pass here and under tox, and it refuses."""
    newcomer.follow("Minutes 1 to 4")
    newcomer.follow("Minutes 5 to 7")
    newcomer.follow("Minutes 8 to 10")


def test_a_check_that_breaks_refuses(newcomer):
    newcomer.type("pip install --quiet --editable ./desk-risk")
    source = newcomer.folder / "desk-risk" / "src" / "desk_risk.py"
    (statement,) = re.findall(r"Put `(.*?)` in the first line", TEXT)
    begin = '        """Give the reason to refuse the order, or None."""\n'
    source.write_text(FILES["src/desk_risk.py"].replace(begin, f"{begin}        {statement}\n"))
    newcomer.follow("When it breaks", backtest_status=1)
