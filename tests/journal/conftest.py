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
