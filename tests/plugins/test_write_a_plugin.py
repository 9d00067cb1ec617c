"""The how-to on writing a plugin, followed literally in an environment of its own."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-plugin.md"
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(*command, cwd, **environment):
    result = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


class Desk:
    """The folder that the how-to makes, and an environment that it is installed in."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        for name, text in FILE.findall(HOW_TO.read_text()):
            path = folder / "my-desk" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def install(self):
        """Build the wheel here, and install it beside the core that is being tested."""
        run(sys.executable, "-m", "build", "-w", "--no-isolation", "my-desk", cwd=self.folder)
        venv.create(self.folder / "venv", with_pip=True)
        ours = self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        tested = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        Path(ours, "tested.pth").write_text("\n".join(dict.fromkeys(tested)))
        (wheel,) = (self.folder / "my-desk" / "dist").glob("*.whl")
        self.run("-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel)

    def run(self, *arguments):
        return run(self.python, *arguments, cwd=self.folder, KF_HOME=str(self.folder / "home"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.install()
    return desk


def test_text_lists_the_files_that_it_gives():
    """The tree at the top of the page has each file, and no other."""
    text = HOW_TO.read_text()
    tree = re.search(r"```text\nmy-desk/\n(.*?)```", text, re.DOTALL)[1].split()
    assert tree == sorted(tree, key=tree.index)
    assert set(tree) == {name for name, _ in FILE.findall(text)}


def test_installed_plugin_is_listed(desk):
    """What the page makes appears with both its parts, without a change to the core."""
    listed = json.loads(desk.run("-m", "kungfu_core", "plugins", "--json"))["plugins"]
    mine = {
        p["name"]: (p["status"], p["provides"]) for p in listed if p["distribution"] == "my-desk"
    }
    assert mine == {
        "breakout": ("loaded", ["strategy breakout"]),
        "my-desk": ("loaded", ["risk check cooldown"]),
    }
    assert 'wait: Duration = "1s"' in desk.run("-m", "kungfu_core", "plugins", "show", "my-desk")


def test_tests_of_the_text_pass(desk):
    """The page's own tests pass against the installed plugin."""
    output = desk.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "my-desk/tests")
    assert "2 passed" in output


def test_installed_plugin_runs(desk):
    """The page's backtest trades with the strategy, through the risk check."""
    if "kungfu-gateway-sim" not in {e.dist.name for e in entry_points(group="kungfu.plugins")}:
        pytest.skip("kungfu-gateway-sim is not installed")
    desk.run("-m", "kungfu_core", "backtest", "my-desk/backtest.toml", "--no-report")
    show = ("-m", "kungfu_core", "journal", "show", "--json")
    fills = desk.run(*show, "--type", "fill", "broker/BROKER").splitlines()
    assert len(fills) >= 2
    plugins = desk.run(*show, "--type", "plugin_status", "session/SESSION")
    assert plugins.count("my-desk") >= 2
