"""Order ids: whose an order is stands in its id, in every session and every home."""

import pytest

from kungfu_core.errors import ConfigError
from kungfu_core.home import Home
from kungfu_core.order_ids import OrderIds


def test_ids_begin_with_24_bits_of_the_writer_and_go_on_where_its_journal_is():
    ids = OrderIds()
    assert ids.first("ema", 0xABCDEF_0000000007, 5) == 0xABCDEF_0000000005
    assert ids.first("ema", 0xABCDEF_0000000007, 9) == 0xABCDEF_0000000009
    assert ids.first("rsi", 0xABCDEE_0000000007) == 0xABCDEE_0000000000


def test_two_writers_whose_ids_begin_alike_are_refused():
    ids = OrderIds()
    ids.first("ema", 0xABCDEF_0000000007)
    with pytest.raises(ConfigError, match="'ema' and 'rsi' would give their orders the same ids"):
        ids.first("rsi", 0xABCDEF_0000000008)


def test_a_home_keeps_the_number_that_it_once_got(tmp_path):
    first, second = Home(tmp_path / "first"), Home(tmp_path / "second")
    number = first.number()
    assert 0 <= number < 1 << 40
    assert Home(tmp_path / "first").number() == number
    assert second.number() != number
    assert (tmp_path / "first" / "number").read_text() == f"{number:010x}\n"
    assert [f.name for f in (tmp_path / "first").iterdir() if f.is_file()] == ["number"]


def test_a_number_that_is_none_is_refused(tmp_path):
    home = Home(tmp_path)
    home.number()
    (tmp_path / "number").write_text("many")
    with pytest.raises(ConfigError, match="number: expected ten hexadecimal digits, got 'many'"):
        home.number()
