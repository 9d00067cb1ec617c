"""Orders that the simulated venue does not have, in whole sessions."""

import json

import pytest
from scripted_session import play_script

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.cli import main
from kungfu_core.enums import OrderState, OrderType
from kungfu_core.order_states import TERMINAL

pytest.importorskip("kungfu_gateway_sim", reason="the runs take place on its venue")

PRICES = [
    "last = context.history(BTC, Trade, count=1)[0].price_exact",
    "near = context.instrument(BTC).round_price",
]


def run(folder, lines):
    """Give the last update of each order, and all that the broker said."""
    done, said = play_script(folder, PRICES + lines, after="5s", duration="10m")
    assert done.result.faults == ()
    last = {u.order_id: u for u in said if isinstance(u, events.OrderUpdate)}
    return [last[order] for order in sorted(last)], said


BRACKETS = [
    "for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):",
    "    context.bracket(side, BTC, '0.1', take_profit=near(last * (10000 + sign * 6) / 10000),",
    "                    stop=near(last * (10000 - sign * 5) / 10000))",
]


def test_each_bracket_ends_with_one_exit_and_no_position(tmp_path):
    orders, said = run(tmp_path, BRACKETS)
    assert len(orders) == 6
    for entry, winner, loser in (orders[:3], orders[3:]):
        assert entry.state is OrderState.FILLED
        assert {winner.state, loser.state} == {OrderState.FILLED, OrderState.CANCELED}
    positions = [e for e in said if isinstance(e, events.Position) and e.strategy]
    assert positions[-1].size_exact == 0


def test_equal_sessions_hold_and_let_out_the_same(tmp_path):
    first, second = (run(tmp_path / name, BRACKETS)[1] for name in ("one", "two"))
    assert [e.as_dict() for e in first] == [e.as_dict() for e in second]


def test_what_the_venue_lacks_reaches_it_as_something_that_it_has(tmp_path):
    orders, said = run(
        tmp_path,
        [
            "context.buy(BTC, '0.1', trigger_price=near(last * 10003 / 10000))",
            "context.sell(BTC, '0.1', trailing_offset=near(last * 3 / 10000))",
            "context.buy(BTC, '0.1', price=near(last / 2), expire_time=context.now + 10**9)",
        ],
    )
    assert [o.state for o in orders] == [OrderState.FILLED, OrderState.FILLED, OrderState.EXPIRED]
    sent = [
        e for e in said if isinstance(e, events.OrderRequest) and e.destination == id_of("venue")
    ]
    assert {(r.type, r.trigger_price_exact, r.expire_time) for r in sent} == {
        (OrderType.MARKET, None, 0),
        (OrderType.LIMIT, None, 0),
    }


def test_a_strategy_that_fails_leaves_no_held_order_behind(tmp_path):
    lines = [*PRICES, "context.sell(BTC, 1, trigger_price=near(last / 2))", "raise LookupError"]
    _, said = play_script(tmp_path, lines, after="5s", duration="10m")
    states = [e.state for e in said if isinstance(e, events.OrderUpdate)]
    assert states == [OrderState.CREATED, OrderState.CANCELED]
    assert states[-1] in TERMINAL


def test_the_table_of_orders_shows_what_was_asked_for(tmp_path, capsys):
    """Not what went to the venue, if anything did; a trigger as it was amended."""
    lines = [
        "far = context.sell(BTC, '0.1', trigger_price=near(last / 2), tag='exit')",
        "context.amend(far, trigger_price=near(last / 4))",
        "context.sell(BTC, '0.1', trailing_offset=near(last / 2))",
        "context.buy(BTC, '0.1', trigger_price=near(last / 2))",
        "context.buy(BTC, '0.1', price=near(last / 2), display_size='0.05')",
    ]
    _, said = play_script(tmp_path, PRICES + lines, after="5s", duration="1m")
    sent = [
        e for e in said if isinstance(e, events.OrderRequest) and e.destination == id_of("venue")
    ]
    assert [request.type for request in sent] == [OrderType.MARKET]

    def shown(*more):
        assert main(["orders", "--all", *more, "--home", str(tmp_path / "home")]) == 0
        return capsys.readouterr().out

    rows = json.loads(shown("--json"))
    assert [(row["type"], row["state"], row["tag"]) for row in rows] == [
        ("STOP_MARKET", "CREATED", "exit"),
        ("TRAILING_STOP", "CREATED", ""),
        ("STOP_MARKET", "FILLED", ""),
        ("LIMIT", "RISK_REJECTED", ""),
    ]
    quarter, trailing, half, none = (row["trigger_price"] for row in rows)
    assert float(quarter) == pytest.approx(float(half) / 2, rel=1e-4)
    assert (trailing, none) == (None, None)
    assert [bool(row["trailing_offset"]) for row in rows] == [False, True, False, False]
    assert f"  {quarter}  " in shown()
