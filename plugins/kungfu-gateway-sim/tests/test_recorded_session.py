"""A whole backtest on a real recording: its journals are read back and every fill is checked.

Import, both strategies, broker, venue: what the venue answered must be what the slow model of the
fill rule says about the recorded market events and the broker's requests.
"""

import importlib.util
import os
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("KF_TEST_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "binance" / "usdm-btcusdt-20240808.gz"
LATENCY = 5_000_000
CONFIG = """
[data]
datasets = ["real"]
[gateways.venue]
plugin = "sim"
order_latency = "5ms"
report_latency = "0ns"
[accounts.main]
balances = { USDT = "100000" }
[strategies.trend]
strategy = "ema-cross"
params = { instrument = "binance:perpetual:BTCUSDT", notional = "5000", fast = 200, slow = 1000 }
[strategies.maker]
strategy = "quoter"
params = { instrument = "binance:perpetual:BTCUSDT", notional = "500", distance = 0 }
"""


def sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Reading:
    """Turns journaled events into the model's: prices in ticks, sizes in lots."""

    def __init__(self, tick: Decimal, lot: Decimal) -> None:
        self.tick, self.lot = tick, lot

    def price(self, value: Decimal | None) -> int | None:
        return None if value is None else int(value / self.tick)

    def size(self, value: Decimal | None) -> int | None:
        return None if value is None else int(value / self.lot)

    def levels(self, event: Any) -> list[tuple[str, int | None, int | None]]:
        return [
            (x.side.name, self.price(x.price_exact), self.size(x.size_exact)) for x in event.levels
        ]

    def market(self, event: Any) -> tuple[Any, ...] | None:
        kind = type(event).__name__
        if kind == "Quote":
            bid = (self.price(event.bid_price_exact), self.size(event.bid_size_exact))
            ask = (self.price(event.ask_price_exact), self.size(event.ask_size_exact))
            return ("quote", event.update_id, *bid, *ask)
        if kind == "BookSnapshot":
            return ("snapshot", event.update_id, self.levels(event))
        if kind == "BookDelta":
            return ("delta", event.update_id, event.previous_id, self.levels(event))
        if kind == "Trade":
            price, size = self.price(event.price_exact), self.size(event.size_exact)
            return ("trade", event.side.name, price, size, int(event.aggregate))
        return None

    def request(self, event: Any) -> tuple[Any, ...] | None:
        kind = type(event).__name__
        if kind == "OrderRequest":
            terms = (event.side.name, event.type.name, event.time_in_force.name)
            price, size = self.price(event.price_exact), self.size(event.size_exact)
            return ("order", event.order_id, *terms, price, size)
        if kind == "OrderCancel":
            return ("cancel", event.order_id)
        if kind == "OrderAmend":
            price, size = self.price(event.price_exact), self.size(event.size_exact)
            return ("amend", event.order_id, price, size)
        return None

    def answer(self, event: Any) -> tuple[Any, ...] | None:
        kind = type(event).__name__
        if kind == "Fill":
            price, size = self.price(event.price_exact), self.size(event.size_exact)
            return ("fill", event.order_id, price, size, event.liquidity.name)
        if kind == "OrderUpdate":
            return ("update", event.order_id, event.state.name, event.reason)
        return None


@pytest.mark.slow
@pytest.mark.skipif(not FILE.is_file(), reason=f"the recording {FILE} is not there")
def test_every_fill_of_a_backtest_is_within_its_moment(tmp_path: Path) -> None:
    """TD holds exactly the reports that the model makes of MD and of the requests in BROKER."""
    pytest.importorskip("kungfu_gateway_binance", reason="needs kungfu-gateway-binance")
    pytest.importorskip("kungfu_strategies", reason="needs kungfu-strategies")
    from kungfu_core._native import id_of
    from kungfu_core.backtesting import play
    from kungfu_core.config import parse_backtest_config
    from kungfu_core.home import Home
    from kungfu_core.importing import import_recordings
    from kungfu_core.journal import Reader, list_journals
    from kungfu_core.plugins import Plugins

    slow, real = sibling("test_recorded_fills"), sibling("test_recorded_data")
    plugins, home = Plugins(()), Home.locate(tmp_path)
    dataset = import_recordings(home, plugins.recordings, [FILE], name="real")
    run = play(
        parse_backtest_config(CONFIG, tmp_path / "c.toml", plugins), plugins, home, command="test"
    )
    journals = {j.name: j for j in list_journals(run.folder / "journal")}
    (recorded,) = list_journals(dataset.folder)

    reading = Reading(Decimal("0.1"), Decimal("0.001"))
    market = [(e.gen_time, m) for e in Reader(recorded) if (m := reading.market(e))]
    venue = id_of("venue")
    requests = [
        (e.gen_time, r)
        for e in Reader(journals["BROKER"])
        if e.destination == venue and (r := reading.request(e))
    ]
    said = [a for e in Reader(journals["TD"]) if (a := reading.answer(e))]
    # The sort is stable, and no request is at the book in the nanosecond in which it is sent.
    script = sorted([*market, *requests], key=lambda item: item[0])
    assert said == slow.play(script, LATENCY, real.RunningRecording())
    fills = [a for a in said if a[0] == "fill"]
    assert {a[4] for a in fills} == {"MAKER", "TAKER"}
