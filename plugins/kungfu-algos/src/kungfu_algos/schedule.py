"""Trade along a schedule: how much is to be filled by when."""

from abc import abstractmethod
from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import accumulate

import attrs

from kungfu_core import TimeInForce
from kungfu_core.algorithm import Algorithm, AlgorithmContext
from kungfu_core.values import Duration

_DIGITS = 50


def _positive(_: object, attribute: "attrs.Attribute[Duration]", value: Duration) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0")


@attrs.define(eq=False, kw_only=True)
class Scheduled(Algorithm):
    """Works its order in parts; each brings what is filled to where it should be by then.

    A part is a market order, or one at the limit of the order that takes what is there (IOC). What
    a part did not get, the next one makes good; what is left after the last one gets one part more.

    Attributes:
        duration: over how long.
        parts: in how many parts, the first at once.
    """

    duration: Duration = attrs.field(validator=_positive)
    parts: int = attrs.field(default=10, validator=attrs.validators.gt(0))
    _shares: Sequence[Decimal] = attrs.field(factory=tuple, init=False)
    _begun: int = attrs.field(default=0, init=False)
    _done: int = attrs.field(default=0, init=False)

    @abstractmethod
    def weights(self, context: AlgorithmContext) -> Sequence[Decimal]:
        """Give how large the parts are to one another; at least one is positive."""

    def on_parent(self, context: AlgorithmContext) -> None:
        """Lay the schedule down and begin."""
        weights = self.weights(context)
        with localcontext(prec=_DIGITS):
            whole = sum(weights)
            self._shares = [share / whole for share in accumulate(weights)]
        self._begun = context.now
        self._trade(context)

    def on_timer(self, context: AlgorithmContext, timer: int) -> None:
        """Trade the next part."""
        if self._done > len(self._shares):
            context.finish("the time of its algorithm is over")
        else:
            self._trade(context)

    def _trade(self, context: AlgorithmContext) -> None:
        parent = context.parent
        share = self._shares[min(self._done, len(self._shares) - 1)]
        with localcontext(prec=_DIGITS):
            behind = parent.size * share - (parent.size - context.left)
        size = context.instrument.round_size(behind)
        least = context.instrument.min_size_exact or Decimal(0)
        if size > 0 and size >= least:
            limited = TimeInForce.GTC if parent.price is None else TimeInForce.IOC
            context.place(size, price=parent.price, time_in_force=limited)
        self._done += 1
        context.timer(at=self._begun + self.duration * self._done // len(self._shares))


@attrs.define(eq=False, kw_only=True)
class Twap(Scheduled):
    """Equal parts: the time-weighted average price."""

    def weights(self, context: AlgorithmContext) -> Sequence[Decimal]:
        """Give all the same."""
        return [Decimal(1)] * self.parts
