"""How the events of a journal spread over time, and how long after its trigger each was written.

The time from trigger to event is a latency: `gen_time - trigger_time`. Events without a trigger
have none; where clocks disagree, and the trigger seems later, it counts as 0.
"""

from collections import Counter, defaultdict

import attrs

from kungfu_core.journal import Journal, Statistics
from kungfu_core.selection import Selection

_FINE = 3  # bits of a latency that count after its leading one: buckets are at most 1/8 wide


@attrs.frozen
class Latencies:
    """Latencies of one event type in buckets.

    Attributes:
        largest: the largest one, ns.
        buckets: how many are at most so long (ns) and longer than the bucket before says.
    """

    largest: int
    buckets: dict[int, int]

    @property
    def count(self) -> int:
        """How many events had a trigger."""
        return sum(self.buckets.values())

    def quantile(self, share: float) -> int:
        """Give what this share of them does not exceed, in ns, up to 1/8 too high."""
        left = share * self.count
        for upper, count in self.buckets.items():
            left -= count
            if left <= 0:
                return min(upper, self.largest)
        return self.largest


@attrs.frozen
class Profile:
    """Rates and latencies of a journal's events, by the names of their types.

    Attributes:
        begin: where the first stretch begins, ns.
        stretch: length of each, ns.
        counts: events in each stretch.
        latencies: of the types whose events have triggers.
    """

    begin: int
    stretch: int
    counts: dict[str, list[int]]
    latencies: dict[str, Latencies]

    def rate(self, events: int) -> float:
        """Give the rate of so many events in one stretch, per second."""
        return events * 1e9 / self.stretch


def profile(journal: Journal, counted: Statistics, stretches: int) -> Profile:
    """Read a journal through once more and measure it.

    Args:
        journal: what to read.
        counted: says from when to when; what was written since is left out.
        stretches: into how many equal stretches of time it is divided.

    Raises:
        JournalCorrupt: a file is damaged; names file and offset.
    """
    begin = counted.first_time
    stretch = (counted.last_time - begin) // stretches + 1
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * stretches)
    buckets: dict[str, Counter[int]] = defaultdict(Counter)
    largest: dict[str, int] = {}
    names = {c: c.__event_type__.name for c in journal.event_classes()}
    for event in Selection(journal, until=counted.last_time + 1):
        name = names.get(type(event), "?")
        time, trigger = event.gen_time, event.trigger_time
        counts[name][(time - begin) // stretch] += 1
        if trigger:
            latency = max(time - trigger, 0)
            buckets[name][_upper_bound(latency)] += 1
            if latency > largest.get(name, -1):
                largest[name] = latency
    latencies = {
        name: Latencies(largest[name], dict(sorted(found.items())))
        for name, found in buckets.items()
    }
    return Profile(begin, stretch, dict(counts), latencies)


def _upper_bound(latency: int) -> int:
    """Give the largest latency that shares a bucket with this one."""
    shift = max(latency.bit_length() - 1 - _FINE, 0)
    return ((latency >> shift) + 1 << shift) - 1
