"""Trade as the market does: parts as large as the volume of their time."""

from collections.abc import Sequence
from decimal import Decimal

import attrs

from kungfu_algos.schedule import Scheduled
from kungfu_core import Bar
from kungfu_core.algorithm import AlgorithmContext

_DAY = 86_400_000_000_000


def _weighs(
    _: object, attribute: "attrs.Attribute[tuple[Decimal, ...]]", value: tuple[Decimal, ...]
) -> None:
    if any(weight < 0 for weight in value) or (value and not sum(value)):
        raise ValueError(f"{attribute.name}: expected weights of 0 or more that are not all 0")


@attrs.define(eq=False, kw_only=True)
class Vwap(Scheduled):
    """Parts in proportion to a volume profile: the volume-weighted average price.

    Attributes:
        profile: the weights of the parts; left out, they are learnt.
        days: from the trades of how many days before they are learnt: those in the same stretch of
            the day. Where there are none, all parts are equal.
    """

    profile: tuple[Decimal, ...] = attrs.field(default=(), validator=_weighs)
    days: int = attrs.field(default=1, validator=attrs.validators.gt(0))

    def weights(self, context: AlgorithmContext) -> Sequence[Decimal]:
        """Give the profile, or what was traded in each part on the days before."""
        if self.profile:
            return self.profile
        length = max(self.duration // self.parts, 1)
        since = max(context.now - self.days * _DAY, 0)
        volumes = [Decimal(0)] * self.parts
        for bar in context.history(Bar, since=since, timeframe=length):
            part = (bar.time - since) % _DAY // length
            if part < self.parts:
                volumes[part] += bar.volume_exact or 0
        return volumes if any(volumes) else [Decimal(1)] * self.parts
