"""How figures are drawn."""

import pytest

from kungfu_core.cli.terminal import bars, size_text


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [([], ""), ([0, 0], "··"), ([1], "█"), ([0, 1, 1000], "·▁█"), ([1, 2, 4, 8], "▁▂▄█")],
)
def test_bars_grow_with_what_they_stand_for_and_nothing_is_a_dot(counts, drawn):
    assert bars(counts) == drawn


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 50, "1024.0 TiB")]
)
def test_sizes_have_the_unit_that_fits(count, text):
    assert size_text(count) == text
