"""How an algorithm is run: what reaches it, what ends its order, and what its failures touch."""

import attrs
import pytest
from scripted_session import BTC, play_script

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.algorithm import Algorithm
from kungfu_core.config import ConfiguredAlgorithm
from kungfu_core.enums import OrderState
from kungfu_core.interfaces import AlgorithmSpec
from kungfu_core.journal import Journal, Reader

pytest.importorskip("kungfu_gateway_sim", reason="the runs take place on its venue")

SEEN: list[tuple[str, object]] = []


@attrs.define(eq=False)
class Probe(Algorithm):
    """Notes what reaches it, and does what its parameters say."""

    fails_on: str = ""
    finishes: bool = False

    def on_parent(self, context):
        self._note("parent", context.parent.size)
        context.subscribe(events.Trade)
        context.timer(after="1s")

    def on_timer(self, context, timer):
        self._note("timer", context.left)
        if self.finishes:
            context.place("0.1", price=context.instrument.round_price(1000))
            context.finish("enough")
        else:
            context.place("0.4")

    def on_trade(self, context, trade):
        if not SEEN or SEEN[-1][0] != "trade":
            self._note("trade", trade.instrument)

    def on_child(self, context, update):
        self._note("child", update.state)

    def on_child_fill(self, context, fill):
        self._note("fill", context.parent.filled > 0)

    def _note(self, what, value):
        SEEN.append((what, value))
        if what == self.fails_on:
            raise LookupError("broken on purpose")


def run(folder, *lines):
    """Give what the broker said."""
    SEEN.clear()
    probe = ConfiguredAlgorithm("probe", AlgorithmSpec("probe", "notes", Probe))
    done, said = play_script(folder, lines, after="2s", duration="20s", algorithms={"probe": probe})
    assert done.result.faults == ()
    return said


def updates(said, destination):
    return [
        e for e in said if isinstance(e, events.OrderUpdate) and e.destination == id_of(destination)
    ]


def test_an_algorithm_hears_of_its_order_of_the_market_and_of_its_orders(tmp_path):
    said = run(tmp_path, 'context.buy(BTC, 1, algorithm="probe")')
    assert SEEN[0] == ("parent", 1)
    assert ("trade", id_of(BTC)) in SEEN
    assert ("timer", 1) in SEEN
    assert ("child", OrderState.FILLED) in SEEN
    assert ("fill", True) in SEEN
    assert float(updates(said, "script")[-1].filled) == 0.4


def test_an_order_that_is_finished_ends_when_its_open_orders_have(tmp_path):
    said = run(tmp_path, 'context.buy(BTC, 1, algorithm="probe", parameters={"finishes": True})')
    last = updates(said, "script")[-1]
    assert (last.state, last.reason) == (OrderState.EXPIRED, "enough")
    ended = [u.state for u in updates(said, "probe")]
    assert ended[-1] is OrderState.CANCELED
    times = [e.gen_time for e in said if e in (last, updates(said, "probe")[-1])]
    assert times == sorted(times)


@pytest.mark.parametrize("where", ["parent", "timer", "fill"])
def test_a_failure_ends_its_order_and_no_other(tmp_path, where):
    """The strategy is told why; the second order is worked as if nothing had happened."""
    said = run(
        tmp_path,
        f'context.buy(BTC, 1, algorithm="probe", parameters={{"fails_on": "{where}"}}); '
        'context.sell(BTC, 1, algorithm="probe")',
    )
    bad, good = sorted({u.order_id for u in updates(said, "script")})
    last = {u.order_id: u for u in updates(said, "script")}
    assert last[bad].state is OrderState.CANCELED
    assert last[bad].reason == "its algorithm failed: LookupError: broken on purpose"
    assert float(last[good].filled) == 0.4


def test_an_algorithm_that_nobody_configured_is_an_error_where_it_is_named(tmp_path):
    run(
        tmp_path,
        "try:",
        "    context.buy(BTC, 1, algorithm='other')",
        "except ValueError as error:",
        "    context.log.info(str(error))",
    )
    (journal,) = (tmp_path / "home" / "runs").iterdir()
    with Reader(Journal(journal / "journal", "script", "STRATEGY")) as reader:
        (log,) = (e for e in reader if isinstance(e, events.Log))
    assert log.message == "unknown algorithm 'other'; configured: probe"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ('{"finish": True}', "finish: unknown key 'finish'; did you mean 'finishes'?"),
        ('{"finishes": "no"}', "parameters: finishes: expected"),
    ],
)
def test_parameters_that_do_not_fit_reject_the_order(tmp_path, parameters, reason):
    said = run(tmp_path, f'context.buy(BTC, 1, algorithm="probe", parameters={parameters})')
    last = updates(said, "script")[-1]
    assert last.state is OrderState.REJECTED
    assert reason in last.reason
