"""kungfu: event-sourced trading. The public names of the core.

Names are loaded when they are first used, so that `kungfu --help` stays fast.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kungfu_core._native import OrderBook as OrderBook
    from kungfu_core.algorithm import Algorithm as Algorithm
    from kungfu_core.algorithm import AlgorithmContext as AlgorithmContext
    from kungfu_core.context import Context as Context
    from kungfu_core.enums import CashKind as CashKind
    from kungfu_core.enums import Liquidity as Liquidity
    from kungfu_core.enums import OrderState as OrderState
    from kungfu_core.enums import OrderType as OrderType
    from kungfu_core.enums import PositionSide as PositionSide
    from kungfu_core.enums import PriceKind as PriceKind
    from kungfu_core.enums import Scope as Scope
    from kungfu_core.enums import Side as Side
    from kungfu_core.enums import TimeInForce as TimeInForce
    from kungfu_core.errors import KungfuError as KungfuError
    from kungfu_core.errors import OrderError as OrderError
    from kungfu_core.events import Balance as Balance
    from kungfu_core.events import Bar as Bar
    from kungfu_core.events import Connection as Connection
    from kungfu_core.events import FeedStatus as FeedStatus
    from kungfu_core.events import Fill as Fill
    from kungfu_core.events import FundingRate as FundingRate
    from kungfu_core.events import IndexPrice as IndexPrice
    from kungfu_core.events import Instrument as Instrument
    from kungfu_core.events import MarkPrice as MarkPrice
    from kungfu_core.events import OrderRequest as OrderRequest
    from kungfu_core.events import OrderUpdate as OrderUpdate
    from kungfu_core.events import Position as Position
    from kungfu_core.events import Quote as Quote
    from kungfu_core.events import Trade as Trade
    from kungfu_core.hookspecs import hookimpl as hookimpl
    from kungfu_core.interfaces import AlgorithmSpec as AlgorithmSpec
    from kungfu_core.interfaces import RiskCheckSpec as RiskCheckSpec
    from kungfu_core.interfaces import RiskView as RiskView
    from kungfu_core.orders import Bracket as Bracket
    from kungfu_core.orders import Order as Order
    from kungfu_core.strategy import Strategy as Strategy

_HOMES = {
    "_native": ("OrderBook",),
    "algorithm": ("Algorithm", "AlgorithmContext"),
    "context": ("Context",),
    "enums": (
        "CashKind", "Liquidity", "OrderState", "OrderType", "PositionSide", "PriceKind", "Scope",
        "Side",
        "TimeInForce",
    ),
    "errors": ("KungfuError", "OrderError"),
    "events": (
        "Balance", "Bar", "Connection", "FeedStatus", "Fill", "FundingRate", "IndexPrice",
        "Instrument", "MarkPrice", "OrderRequest", "OrderUpdate", "Position", "Quote", "Trade",
    ),
    "hookspecs": ("hookimpl",),
    "interfaces": ("AlgorithmSpec", "RiskCheckSpec", "RiskView"),
    "orders": ("Bracket", "Order"),
    "strategy": ("Strategy",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["get_cmake_dir", "get_include", *sorted(_HOME_OF)]


def __getattr__(name: str) -> object:
    if name == "_native" and importlib.util.find_spec(f"{__name__}._native") is None:
        raise ImportError(
            f"{__path__[0]} is kungfu's source, without its compiled core: start Python in another "
            f"folder, or install this one with `pip install -e`"
        )
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def get_include() -> str:
    """Give the folder with the headers that native plugins compile against."""
    return _beside("include")


def get_cmake_dir() -> str:
    """Give the folder in which CMake's `find_package(kungfu_core CONFIG)` has to look."""
    return _beside("cmake")


def _beside(folder: str) -> str:
    from pathlib import Path  # noqa: PLC0415 - importing the core should cost next to nothing

    return str(Path(__file__).parent / folder)
