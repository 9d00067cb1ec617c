"""What this distribution brings to kungfu: the algorithms `twap`, `vwap` and `iceberg`."""

from collections.abc import Iterable

from kungfu_algos.iceberg import Iceberg
from kungfu_algos.schedule import Twap
from kungfu_algos.vwap import Vwap
from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import AlgorithmSpec

KUNGFU_HOOK_API = ">=1.1,<2"


@hookimpl
def kungfu_register_algorithms() -> Iterable[AlgorithmSpec]:
    """Give the three algorithms."""
    return [
        AlgorithmSpec("twap", "equal parts over a stretch of time", Twap),
        AlgorithmSpec("vwap", "parts over a stretch of time as large as its volume is", Vwap),
        AlgorithmSpec("iceberg", "a limit order of which little is shown at a time", Iceberg),
    ]
