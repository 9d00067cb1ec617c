"""Puts the scripted runs beside these tests on the path."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def script(tmp_path):
    from scripted_run import ScriptedRun

    return ScriptedRun(tmp_path / "run")
