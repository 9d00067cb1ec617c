"""What this distribution brings to kungfu: the risk check `limits`."""

from collections.abc import Iterable

from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import RiskCheckSpec
from kungfu_risk_limits.limits import Limits, LimitsConfig

KUNGFU_HOOK_API = ">=1.0,<2"


@hookimpl
def kungfu_register_risk_checks() -> Iterable[RiskCheckSpec]:
    """Give the check `limits`."""
    return [
        RiskCheckSpec(
            name="limits",
            title="limits on size, notional, position, price and rate of orders",
            factory=Limits,
            config=LimitsConfig,
        )
    ]
