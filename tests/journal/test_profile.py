"""Rates and latencies are what counting one by one gives."""

from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.journal import Writer
from kungfu_core.journal_profile import profile

LATENCY = st.integers(0, 2**40) | st.sampled_from([2**n - 1 for n in range(40)])


@given(st.lists(st.tuples(st.integers(1, 10**9), LATENCY), min_size=1, max_size=40), st.data())
def test_rates_and_latencies_are_those_of_the_events(tmp_path_factory, steps, data):
    times, now = [], 2**41
    with Writer(
        tmp_path_factory.mktemp("profile"), "venue", "MD", clock=_native.Clock(1),
        page_size=_native.MIN_PAGE_SIZE,
    ) as writer:  # fmt: skip
        for step, latency in steps:
            now += step
            times.append(now)
            writer.at(now, now - latency)
            writer.append(events.Trade(price="1"))
    journal = writer.journal
    measured = profile(journal, journal.statistics(), 7)
    counts = measured.counts["trade"]
    assert (len(counts), sum(counts)) == (7, len(times))
    for n, count in enumerate(counts):
        begin = times[0] + n * measured.stretch
        assert count == sum(begin <= t < begin + measured.stretch for t in times)
    found = measured.latencies["trade"]
    latencies = sorted(latency for _, latency in steps)
    assert (found.count, found.largest) == (len(latencies), latencies[-1])
    rank = data.draw(st.integers(1, len(latencies)))
    exact = latencies[rank - 1]
    assert exact <= found.quantile((rank - 0.5) / len(latencies)) <= exact + exact // 8


def test_a_trigger_later_than_its_event_counts_as_no_time(open_writer):
    writer = open_writer()
    writer.at(2_000_000, 3_000_000)
    writer.append(events.Trade(price="1"))
    measured = profile(writer.journal, writer.journal.statistics(), 3)
    assert measured.latencies["trade"].buckets == {0: 1}
