"""The demos: both strategies at work on a simulated venue, generated market or recording."""

from collections.abc import Iterable, Sequence

from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import DemoSpec

KUNGFU_HOOK_API = ">=1.0,<2"

_GENERATED = "sim:perpetual:BTC-USDT"
_QUOTES = ("USDT", "USDC", "FDUSD", "USD", "EUR", "BTC", "ETH")

_FLOW = f"""\
[market]
duration = "20m"

[[gateways.venue.instruments]]
name = "{_GENERATED}"
tick = 0.1
lot = 0.001
start_price = 60000
"""

_TRADING = """
[gateways.venue]
plugin = "sim"

[accounts.trend]
balances = {{ {currency} = "100000" }}

[accounts.maker]
balances = {{ {currency} = "100000" }}

[limits]
max_order_notional = {{ {currency} = "20000" }}
price_collar_last = "0.02"
max_order_rate = "100/1s"

[strategies.ema-cross]
strategy = "ema-cross"
account = "trend"

[strategies.ema-cross.params]
instrument = "{instrument}"
notional = "5000"
fast = 200
slow = 1000

[strategies.quoter]
strategy = "quoter"
account = "maker"

[strategies.quoter.params]
instrument = "{instrument}"
notional = "500"
max_notional = "5000"
"""


def flow(_: Sequence[str]) -> str:
    """Give the configuration of the demo on a generated market."""
    return _FLOW + _trading(_GENERATED)


def recording(instruments: Sequence[str]) -> str:
    """Give the configuration of the demo on a recording; its first instrument is traded."""
    return _trading(instruments[0])


def _trading(instrument: str) -> str:
    currency = next((c for c in _QUOTES if instrument.endswith(c)), "USDT")
    return _TRADING.format(instrument=instrument, currency=currency)


@hookimpl
def kungfu_register_demos() -> Iterable[DemoSpec]:
    """Give the demos "flow" and "recording"."""
    title = "A trend follower and a market maker, each with an account of its own"
    return (
        DemoSpec(name="flow", title=title, recorded=False, config=flow),
        DemoSpec(name="recording", title=title, recorded=True, config=recording),
    )
