"""The hooks of this plugin."""

from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import RecordingSpec
from kungfu_gateway_binance.recording import Recording, looks_like_binance

KUNGFU_HOOK_API = ">=1.0,<2"


@hookimpl
def kungfu_register_recordings() -> list[RecordingSpec]:
    """Give the reader of recorded raw streams."""
    return [
        RecordingSpec(
            name="binance",
            title="Binance spot and USD-M futures market streams and depth snapshots",
            source="binance",
            matches=looks_like_binance,
            reader=Recording,
        )
    ]
