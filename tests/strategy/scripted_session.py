"""A whole session on the simulated venue whose one strategy does one thing after a while."""

import attrs

from kungfu_core.backtesting import play
from kungfu_core.config import parse_backtest_config
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader
from kungfu_core.plugins import Plugins

BTC = "sim:perpetual:BTC-USDT"
CONFIG = """\
[market]
duration = "{duration}"

[gateways.venue]
plugin = "sim"
instruments = [{{ name = "{btc}", lot = 0.001 }}]

[accounts.main]
balances = {{ USDT = "1000000" }}

[strategies.script]
file = "script.py"
"""
SCRIPT = """\
import attrs
from kungfu_core import OrderState, OrderType, Side, Strategy, Trade

BTC = "{btc}"

@attrs.define(eq=False)
class Script(Strategy):
    def on_start(self, context):
        context.timer(after="{after}")

    def on_timer(self, context, timer):
{lines}
"""


def play_script(folder, lines, *, after, duration, algorithms=None):
    """Play it; give the session, and all that its broker said.

    Args:
        folder: where the strategy and its home are put.
        lines: of the strategy's one callback, which comes `after` so long.
        after: a duration, as text.
        duration: of the market, as text.
        algorithms: configured ones, by name.
    """
    folder.mkdir(exist_ok=True)
    indented = "\n".join(f"        {line}" for line in lines)
    (folder / "script.py").write_text(SCRIPT.format(btc=BTC, after=after, lines=indented))
    plugins = Plugins()
    text = CONFIG.format(btc=BTC, duration=duration)
    config = parse_backtest_config(text, folder / "run.toml", plugins)
    config = attrs.evolve(config, algorithms=algorithms or {})
    done = play(config, plugins, Home(folder / "home"), command="test")
    with Reader(Journal(done.folder / "journal", "broker", "BROKER")) as reader:
        return done, list(reader)
