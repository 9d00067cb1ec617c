"""Gives every test here a stage."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def stage(tmp_path):
    from strategy_stage import Stage

    return Stage(tmp_path)
