"""The home is made on demand, and one that cannot be written is told."""

import re

import pytest

from kungfu_core.errors import ConfigError
from kungfu_core.home import Home


def test_default_home_is_runtime(monkeypatch, tmp_path):
    """Without KF_HOME the home is ./runtime."""
    monkeypatch.delenv("KF_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Home.locate().root == tmp_path / "runtime"


def test_home_from_the_environment_or_the_command_line(monkeypatch, tmp_path):
    """KF_HOME says where, and what a command says goes first."""
    monkeypatch.setenv("KF_HOME", str(tmp_path / "a"))
    assert Home.locate().root == tmp_path / "a"
    assert Home.locate(tmp_path / "b").root == tmp_path / "b"


def test_locating_makes_nothing(tmp_path):
    """Looking at a home does not create it."""
    Home.locate(tmp_path / "home")
    assert list(tmp_path.iterdir()) == []


def test_folders(tmp_path):
    """A home has its six folders, and creating it again changes nothing."""
    home = Home(tmp_path / "deep" / "home")
    home.create()
    (home.data / "x").touch()
    home.create()
    names = {folder.name for folder in home.root.iterdir()}
    assert names == {"journal", "runs", "data", "log", "config", "cache"}
    assert (home.data / "x").exists()


def test_runs_have_folders_of_their_own(tmp_path):
    """A run's id is readable, sorts by time and is never given twice."""
    home = Home(tmp_path)
    folders = [home.new_run("backtest") for _ in range(20)]
    assert len(set(folders)) == 20
    for folder in folders:
        assert re.fullmatch(r"\d{8}-\d{6}-backtest-[0-9a-f]{4}", folder.name)
        assert folder.parent == home.runs


@pytest.mark.parametrize("where", ["file/home", "/proc/home"])
def test_home_that_cannot_be_written(tmp_path, where):
    """One message names the home, the reason and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot write in the home .*; set KF_HOME") as caught:
        Home(tmp_path / where).create()
    assert "\n" not in str(caught.value)
