"""When a time zone changes its clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kungfu_core.day_zone import utc_offsets

HOUR = 3600 * 10**9


def ns(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 10**9


def test_utc_is_never_ahead():
    assert utc_offsets("UTC", 0, ns(2026, 1, 1)) == [(0, 0)]


def test_changes_of_the_clocks_are_found_to_the_second():
    assert utc_offsets("Europe/Berlin", ns(2026, 1, 1), ns(2026, 12, 1)) == [
        (ns(2026, 1, 1), HOUR),
        (ns(2026, 3, 29, 1), 2 * HOUR),
        (ns(2026, 10, 25, 1), HOUR),
    ]


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_offsets_against_the_zone_itself_every_few_hours(zone):
    start, end = ns(2025, 1, 1), ns(2026, 6, 1)
    offsets = utc_offsets(zone, start, end)
    for moment in range(start, end, 5 * HOUR):
        ahead = [offset for since, offset in offsets if since <= moment][-1]
        here = datetime.fromtimestamp(moment // 10**9, ZoneInfo(zone)).utcoffset()
        assert timedelta(microseconds=ahead // 1000) == here
