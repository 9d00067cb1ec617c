"""Orders worked on the simulated venue: what is sent, when, and what the strategy hears of it."""

from decimal import Decimal
from importlib.metadata import entry_points
from itertools import pairwise

import pytest

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.backtesting import play
from kungfu_core.config import parse_backtest_config
from kungfu_core.enums import OrderState, OrderType, TimeInForce
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader
from kungfu_core.plugins import Plugins
from kungfu_core.report import summarize

if "kungfu-gateway-sim" not in {e.dist.name for e in entry_points(group="kungfu.plugins")}:
    pytest.skip("kungfu-gateway-sim is not installed", allow_module_level=True)

SECOND = 10**9
CONFIG = """\
[market]
duration = "60s"

[gateways.venue]
plugin = "sim"
instruments = [{ name = "sim:perpetual:BTC-USDT", lot = 0.001 }]

[accounts.main]
balances = { USDT = "1000000" }

[algorithms.twap]
plugin = "twap"

[algorithms.vwap]
plugin = "vwap"

[algorithms.iceberg]
plugin = "iceberg"

[strategies.script]
file = "script.py"
"""
SCRIPT = """\
import attrs

from kungfu_core import Strategy, Trade

BTC = "sim:perpetual:BTC-USDT"


@attrs.define(eq=False)
class Script(Strategy):
    _order: object = attrs.field(default=None, init=False)

    def on_start(self, context):
        context.timer(after="{after}")

    def on_timer(self, context, timer):
        last = context.history(BTC, Trade, count=1)[0].price_exact
        low, high = (context.instrument(BTC).round_price(last * n / 2) for n in (1, 3))
        {deed}
"""


class Run:
    """One backtest of a strategy that does one thing after a while."""

    def __init__(self, folder, deed, after="5s", config=CONFIG):
        script = SCRIPT.replace("{deed}", deed).replace("{after}", after)
        (folder / "script.py").write_text(script)
        plugins = Plugins()
        config = parse_backtest_config(config, folder / "algos.toml", plugins)
        run = play(config, plugins, Home(folder / "home"), command="test")
        assert run.result.faults == ()
        self.folder = run.folder
        self.broker = self.read("broker", "BROKER")

    def read(self, source, name):
        with Reader(Journal(self.folder / "journal", source, name), verify=True) as reader:
            return list(reader)

    def updates(self, strategy="script"):
        return [
            e
            for e in self.broker
            if isinstance(e, events.OrderUpdate) and e.destination == id_of(strategy)
        ]

    @property
    def slices(self):
        """What went to the venue."""
        return [
            e
            for e in self.broker
            if isinstance(e, events.OrderRequest) and e.destination == id_of("venue")
        ]


def test_twap_trades_equal_parts_at_equal_times(tmp_path):
    run = Run(
        tmp_path,
        'context.buy(BTC, "1", algorithm="twap", parameters={"duration": "10s", "parts": 4})',
    )
    assert [(s.size_exact, s.type) for s in run.slices] == [(Decimal("0.25"), OrderType.MARKET)] * 4
    gaps = [later.gen_time - earlier.gen_time for earlier, later in pairwise(run.slices)]
    assert gaps == [2.5 * SECOND] * 3
    states = [(u.state, u.filled_exact) for u in run.updates()]
    assert states[0][0] is OrderState.SUBMITTED
    assert states[1][0] is OrderState.ACCEPTED
    assert states[-1] == (OrderState.FILLED, 1)
    positions = [
        e for e in run.broker if isinstance(e, events.Position) and e.strategy == id_of("script")
    ]
    assert positions[-1].size_exact == 1
    fills = [e for e in run.broker if isinstance(e, events.Fill)]
    assert {f.strategy for f in fills} == {id_of("script")}


def test_the_books_of_a_run_agree_with_its_fills(tmp_path):
    """The report's own checks: an order's fills are those of its parts."""
    run = Run(
        tmp_path,
        'context.buy(BTC, "1", algorithm="twap", parameters={"duration": "10s", "parts": 4})',
    )
    checks = summarize(run.folder).checks
    assert [failure for check in checks for failure in check.failures] == []


def test_equal_sessions_give_equal_orders(tmp_path):
    deed = 'context.buy(BTC, "1", algorithm="twap", parameters={"duration": "9s"})'
    said = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        said.append([e.as_dict() for e in Run(tmp_path / name, deed).broker])
    assert said[0] == said[1]


def test_twap_with_a_limit_takes_what_is_there_and_expires_with_the_rest(tmp_path):
    run = Run(
        tmp_path,
        'context.buy(BTC, "1", price=low, algorithm="twap", parameters={"duration": "4s", '
        '"parts": 2})',
    )
    assert {(s.type, s.time_in_force) for s in run.slices} == {(OrderType.LIMIT, TimeInForce.IOC)}
    # What the first part did not get, the later ones ask for, too.
    assert [s.size_exact for s in run.slices] == [Decimal("0.5"), 1, 1]
    last = run.updates()[-1]
    assert (last.state, last.filled_exact) == (OrderState.EXPIRED, 0)
    assert last.reason == "the time of its algorithm is over"


def test_vwap_follows_a_profile(tmp_path):
    run = Run(
        tmp_path,
        'context.sell(BTC, "1", algorithm="vwap", parameters={"duration": "8s", '
        '"profile": [3, 0, 1, 4]})',
    )
    assert [s.size_exact for s in run.slices] == [
        Decimal("0.375"),
        Decimal("0.125"),
        Decimal("0.5"),
    ]
    assert run.updates()[-1].state is OrderState.FILLED


def test_vwap_without_a_history_of_that_time_of_day_trades_equal_parts(tmp_path):
    run = Run(
        tmp_path,
        'context.sell(BTC, "1", algorithm="vwap", parameters={"duration": "8s", "parts": 4})',
    )
    assert [s.size_exact for s in run.slices] == [Decimal("0.25")] * 4


def test_vwap_learns_from_the_same_time_of_the_day_before(tmp_path):
    """Against the trades of that time, summed up by hand."""
    slow = CONFIG.replace(
        "lot = 0.001", "lot = 0.001, orders_per_second = 0.2, trades_per_second = 0.05"
    )
    run = Run(
        tmp_path,
        'context.buy(BTC, "0.4", algorithm="vwap", parameters={"duration": "40m", "parts": 4})',
        after="24h",
        config=slow.replace('"60s"', '"25h"'),
    )
    begun = run.slices[0].gen_time - 24 * 3600 * SECOND
    volumes = [Decimal(0)] * 4
    for trade in run.read("venue", "MD"):
        if isinstance(trade, events.Trade):
            part = (trade.gen_time - begun) // (600 * SECOND)
            if 0 <= part < 4:
                volumes[part] += trade.size_exact
    assert len(set(volumes)) == 4
    wanted = [sum(volumes[: n + 1]) / sum(volumes) * Decimal("0.4") for n in range(4)]
    sizes = [s.size_exact for s in run.slices[:4]]
    for share, size in zip(wanted, (sum(sizes[: n + 1]) for n in range(4)), strict=True):
        assert 0 <= share - size < Decimal("0.001")


def test_iceberg_shows_one_part_after_the_other(tmp_path):
    run = Run(
        tmp_path,
        'context.buy(BTC, "0.5", price=high, algorithm="iceberg", '
        'parameters={"display_size": "0.2"})',
    )
    assert [s.size_exact for s in run.slices] == [Decimal("0.2"), Decimal("0.2"), Decimal("0.1")]
    assert {s.type for s in run.slices} == {OrderType.LIMIT}
    assert run.updates()[-1].state is OrderState.FILLED


def test_a_cancel_ends_the_parts_and_then_the_order(tmp_path):
    run = Run(
        tmp_path,
        "self._order and context.cancel(self._order); "
        'self._order = self._order or context.buy(BTC, "0.5", price=low, algorithm="iceberg", '
        'parameters={"display_size": "0.2"}); context.timer(after="5s")',
    )
    states = [u.state for u in run.updates()]
    assert states[:4] == [
        OrderState.SUBMITTED,
        OrderState.ACCEPTED,
        OrderState.PENDING_CANCEL,
        OrderState.CANCELED,
    ]
    assert run.updates("iceberg")[-1].state is OrderState.CANCELED


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("{}", "parameters: missing key 'display_size'"),
        ('{"display_size": "0.2"}', "an iceberg rests in the book: its order needs a price"),
    ],
)
def test_an_order_that_cannot_be_worked_ends_with_the_reason(tmp_path, parameters, reason):
    run = Run(tmp_path, f'context.buy(BTC, "1", algorithm="iceberg", parameters={parameters})')
    assert run.slices == []
    assert reason in run.updates()[-1].reason
    assert run.updates()[-1].state in (OrderState.REJECTED, OrderState.EXPIRED)
