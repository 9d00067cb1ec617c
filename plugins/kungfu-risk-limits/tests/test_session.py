"""In a session, the broker refuses by these limits, and always lets one out."""

from importlib.metadata import entry_points

import pytest

from kungfu_core.config import parse_backtest_config
from kungfu_core.events import OrderUpdate
from kungfu_core.home import Home
from kungfu_core.plugins import Plugins

if "kungfu-gateway-sim" not in {e.dist.name for e in entry_points(group="kungfu.plugins")}:
    pytest.skip("kungfu-gateway-sim is not installed", allow_module_level=True)

CONFIG = """\
[market]
duration = "30s"

[gateways.venue]
plugin = "sim"
instruments = [{ name = "sim:perpetual:BTC-USDT", lot = 0.001 }]

[accounts.main]
balances = { USDT = "1000000" }

[risk]
checks = ["limits"]

[risk.limits]
max_order_size = 1
max_position = "1.5"
max_notional = 90_000
price_collar = 0.1
max_order_rate = "5/1h"

[strategies.script]
file = "script.py"
"""

SCRIPT = '''\
import attrs

from kungfu_core import Context, OrderUpdate, Strategy, Trade

BTC = "sim:perpetual:BTC-USDT"


@attrs.define(eq=False)
class Script(Strategy):
    """Place one order after the other, each when the one before is over."""

    _step: int = attrs.field(default=0, init=False)

    def on_start(self, context: Context) -> None:
        context.subscribe(BTC, Trade)

    def on_trade(self, context: Context, trade: Trade) -> None:
        if self._step == 0:
            self._next(context)

    def on_order(self, context: Context, update: OrderUpdate) -> None:
        if update.state.name in ("RISK_REJECTED", "FILLED"):
            self._next(context)

    def _next(self, context: Context) -> None:
        self._step += 1
        match self._step:
            case 1:
                context.buy(BTC, "1.001")
            case 2:
                context.buy(BTC, "0.9", price=80000)
            case 3 | 4 | 5 | 6:
                context.buy(BTC, "0.5")
            case 7:
                context.sell(BTC, "3")
            case 8 | 9 | 10 | 11 | 12:
                context.sell(BTC, "0.3")
            case 13:
                context.buy(BTC, "0.1")
'''


@pytest.fixture
def updates(tmp_path):
    """What became of each order of the script: its state, and the reason if it was refused."""
    from kungfu_core.backtesting import play
    from kungfu_core.journal import Reader, list_journals

    (tmp_path / "script.py").write_text(SCRIPT)
    plugins = Plugins()
    config = parse_backtest_config(CONFIG, tmp_path / "limits.toml", plugins)
    run = play(config, plugins, Home(tmp_path / "home"), command="test")
    assert run.result.faults == ()
    (journal,) = (j for j in list_journals(run.folder / "journal") if j.name == "BROKER")
    with Reader(journal) as reader:
        updates = [event for event in reader if isinstance(event, OrderUpdate)]
    over = [u for u in updates if u.state.name in ("RISK_REJECTED", "FILLED")]
    return [u.reason or u.state.name for u in over]


def test_orders_of_a_session(updates):
    """Too large, too far off, too much and too many are refused; every way out is open."""
    assert "order size 1.001 is above the limit of 1" in updates[0]
    assert "is further from" in updates[1]
    assert updates[2:5] == ["FILLED"] * 3
    assert "position 2.0" in updates[5]
    assert "beyond the limit of 1.5" in updates[5]
    assert "order size 3 is above the limit of 1" in updates[6]
    assert updates[7:12] == ["FILLED"] * 5
    assert "order rate is above the limit of 5 in 3600 s" in updates[12]
