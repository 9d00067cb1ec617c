import os
import subprocess
import sys
from pathlib import Path

import pytest

from kungfu_core import _native
from kungfu_core.journal import Writer

sys.path.insert(0, str(Path(__file__).parent))  # for format_reader


@pytest.fixture
def clock():
    return _native.Clock(1_000_000)


@pytest.fixture
def open_writer(tmp_path, clock):
    opened = []

    def open_one(name="MD", source="venue", **options):
        options = {"clock": clock, "page_size": _native.MIN_PAGE_SIZE} | options
        writer = Writer(tmp_path, source, name, **options)
        opened.append(writer)
        return writer

    yield open_one
    for writer in opened:
        writer.close()


@pytest.fixture
def kungfu(home):
    """Run `kungfu journal` on the home of the tests that ask for it."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "kungfu_core", "journal", *map(str, arguments)],
            cwd=home, env={**os.environ, "KF_HOME": str(home), "NO_COLOR": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run
