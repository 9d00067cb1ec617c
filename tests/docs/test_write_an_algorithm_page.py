"""The algorithm of the page works an order, and the page names what the classes have."""

import inspect
import re
from pathlib import Path

import attrs
import pytest

from kungfu_core import events
from kungfu_core._native import id_of
from kungfu_core.algorithm import Algorithm, AlgorithmContext
from kungfu_core.backtesting import play
from kungfu_core.config import ConfiguredAlgorithm, parse_backtest_config
from kungfu_core.enums import OrderState
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader
from kungfu_core.plugins import Plugins

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "write-an-algorithm.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)

CONFIG = """\
[market]
duration = "5m"

[gateways.venue]
plugin = "sim"
instruments = [{ name = "sim:perpetual:BTC-USDT" }]

[accounts.main]
balances = { USDT = "100000" }

[strategies.script]
file = "script.py"
"""
SCRIPT = """\
import attrs
from kungfu_core import Strategy

@attrs.define(eq=False)
class Script(Strategy):
    def on_start(self, context):
        context.timer(after="5s")

    def on_timer(self, context, timer):
        context.buy(
            context.instruments[0], "0.1", algorithm="patient", parameters={"pause": "5s"}
        )
"""


def test_the_algorithm_of_the_page_fills_an_order(tmp_path):
    pytest.importorskip("kungfu_gateway_sim", reason="the run takes place on its venue")
    names = {}
    for block in BLOCKS[1:]:
        exec(compile(block, "page", "exec"), names)
    (spec,) = names["kungfu_register_algorithms"]()
    (tmp_path / "script.py").write_text(SCRIPT)
    plugins = Plugins()
    config = parse_backtest_config(CONFIG, tmp_path / "run.toml", plugins)
    config = attrs.evolve(config, algorithms={"patient": ConfiguredAlgorithm("patient", spec)})
    done = play(config, plugins, Home(tmp_path / "home"), command="test")
    assert done.result.faults == ()
    with Reader(Journal(done.folder / "journal", "broker", "BROKER")) as reader:
        updates = [e for e in reader if isinstance(e, events.OrderUpdate)]
    mine = [u for u in updates if u.destination == id_of("script")]
    assert mine[-1].state is OrderState.FILLED


@pytest.mark.parametrize("cls", [Algorithm, AlgorithmContext])
def test_every_public_name_is_on_the_page(cls):
    for name, member in vars(cls).items():
        if not name.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, property)
        ):
            assert re.search(rf"`{name}[`(]", TEXT), name
