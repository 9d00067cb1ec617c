"""Wheels and environments for the packaging tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*command, **options):
    """Run a command; its output is the message if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class Environment:
    """A virtual environment with nothing in it, pip included."""

    def __init__(self, folder):
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        self.python = folder / "bin" / "python"

    def install(self, *arguments, **options):
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        run(*pip, "install", "--quiet", *arguments, **options)

    def run(self, program, *arguments):
        return run(self.folder / "bin" / program, *arguments, cwd=self.folder)


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """A folder with a wheel of each distribution: tox's, or else built now."""
    if "KUNGFU_WHEELS" in os.environ:
        return Path(os.environ["KUNGFU_WHEELS"])
    folder = tmp_path_factory.mktemp("wheels")
    sources = [".", *sorted(map(str, CHECKOUT.glob("plugins/*")))]
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, *sources, cwd=CHECKOUT)
    return folder


@pytest.fixture
def fresh_clone(tmp_path):
    """The checkout as git has it, and what is not committed yet; nothing that was built."""
    listed = run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=CHECKOUT
    )
    clone = tmp_path / "clone"
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, clone / name)
    return clone
