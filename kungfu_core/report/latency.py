"""How long each step of an order's way took, from the times that its events carry."""

from collections import defaultdict

import attrs

from kungfu_core.report.summary import StageLatency

MARKET_TO_REQUEST = "market data → order request"
REQUEST_TO_BROKER = "order request → broker's verdict"
BROKER_TO_VENUE = "broker's verdict → venue's answer"
VENUE_TO_BROKER = "venue's answer → broker's report"
FILL_TO_BROKER = "venue's fill → broker's fill"
BROKER_TO_REQUEST = "broker's report → strategy's next request"
REQUEST_TO_FILL = "order request → first fill"

STAGES = (
    MARKET_TO_REQUEST,
    REQUEST_TO_BROKER,
    BROKER_TO_VENUE,
    VENUE_TO_BROKER,
    FILL_TO_BROKER,
    BROKER_TO_REQUEST,
    REQUEST_TO_FILL,
)


@attrs.define
class _OrderTimes:
    requested: int | None = None
    judged: int | None = None
    answered: int | None = None
    filled: int | None = None


@attrs.define
class Latencies:
    """Collects times, in any order within one moment, and sums them up at the end."""

    _orders: dict[int, _OrderTimes] = attrs.field(factory=lambda: defaultdict(_OrderTimes))
    _direct: dict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))

    def step(self, stage: str, nanoseconds: int) -> None:
        """Note a step whose length stands in one event."""
        self._direct[stage].append(nanoseconds)

    def requested(self, order: int, time: int) -> None:
        """Note when the strategy asked for the order."""
        times = self._orders[order]
        if times.requested is None:
            times.requested = time

    def judged(self, order: int, time: int) -> None:
        """Note when the broker took or refused it."""
        times = self._orders[order]
        if times.judged is None:
            times.judged = time

    def answered(self, order: int, time: int) -> None:
        """Note that the venue said something of it."""
        times = self._orders[order]
        if times.answered is None:
            times.answered = time

    def filled(self, order: int, time: int) -> None:
        """Note that the broker told a fill of it."""
        times = self._orders[order]
        if times.filled is None:
            times.filled = time

    def results(self) -> tuple[StageLatency, ...]:
        """Give the stages that happened at all, in the order of an order's way."""
        taken = {stage: list(steps) for stage, steps in self._direct.items()}
        between = (
            (REQUEST_TO_BROKER, "requested", "judged"),
            (BROKER_TO_VENUE, "judged", "answered"),
            (REQUEST_TO_FILL, "requested", "filled"),
        )
        for stage, begin, end in between:
            pairs = ((getattr(t, begin), getattr(t, end)) for t in self._orders.values())
            taken[stage] = [b - a for a, b in pairs if a is not None and b is not None]
        return tuple(_summed_up(stage, taken[stage]) for stage in STAGES if taken.get(stage))


def _summed_up(stage: str, steps: list[int]) -> StageLatency:
    steps.sort()
    return StageLatency(stage, len(steps), steps[0], _rank(steps, 50), _rank(steps, 99), steps[-1])


def _rank(ordered: list[int], percent: int) -> int:
    return ordered[-(-len(ordered) * percent // 100) - 1]
