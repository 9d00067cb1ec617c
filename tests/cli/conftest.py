"""Runs the command line as a user does: in a process of its own."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def kungfu(tmp_path):
    """Run `kungfu ARGUMENTS` in an empty folder."""

    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KF_")}

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "kungfu_core", *map(str, arguments)],
            cwd=tmp_path,
            env={**inherited, "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
