"""Ids that venues are given: they fit each venue's rules, and lead back to the order."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.client_order_ids import client_order_id, order_id_of

orders = st.integers(0, 2**64 - 1)
homes = st.integers(0, 2**40 - 1)
OKX = re.compile(r"[A-Za-z0-9]{1,32}")
BINANCE = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")


@given(orders, homes)
def test_an_id_leads_back_to_its_order(order, home):
    text = client_order_id(order, home)
    assert order_id_of(text, home) == order
    assert OKX.fullmatch(text)
    assert BINANCE.fullmatch(text)


@given(orders, homes, homes)
def test_an_order_of_another_home_is_not_taken_for_ours(order, home, other):
    """Nor is there an id that two homes could both give."""
    found = order_id_of(client_order_id(order, home), other)
    assert found == (order if home == other else None)


@given(st.text(max_size=40), homes)
def test_no_text_is_an_order_but_what_was_given(text, home):
    found = order_id_of(text, home)
    assert found is None or client_order_id(found, home) == text


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected 64 and 40 bits"):
        client_order_id(2**64, 0)
    assert order_id_of("kf" + "a" * 8 + "7" * 13, 0) is None
