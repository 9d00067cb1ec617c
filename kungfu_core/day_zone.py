"""How far a time zone is ahead of UTC, and when that changes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    import attrs

_DAY = timedelta(days=1)
_LAST_YEAR = 2262


def time_zone(_: object, __: "attrs.Attribute[str]", value: str) -> None:
    """Refuse, as a field's validator, what is no time zone."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f'expected a time zone such as "Europe/Berlin", got {value!r}') from None


def utc_offsets(zone: str, start: int, end: int) -> list[tuple[int, int]]:
    """Give each time from which on an offset holds, and the offset, both in ns; the earliest first.

    Args:
        zone: a name of the time zone database, such as "Europe/Berlin".
        start: the time at which the first offset holds, in ns since 1970 UTC.
        end: changes are looked for until two days after this time.
    """
    found: list[tuple[int, int]] = []
    for moment in _changes(ZoneInfo(zone), start, end):
        ahead = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
        found.append((int(moment.timestamp()) * 10**9, int(ahead.total_seconds()) * 10**9))
    return found


def _changes(zone: ZoneInfo, start: int, end: int) -> Iterator[datetime]:
    """Give the start, and each whole second at which the offset changes."""
    moment = datetime.fromtimestamp(start // 10**9, UTC)
    last = datetime.fromtimestamp(end // 10**9, UTC) + 2 * _DAY
    yield moment
    while moment < last and moment.year < _LAST_YEAR:
        offset, later = moment.astimezone(zone).utcoffset(), moment + _DAY
        if later.astimezone(zone).utcoffset() != offset:
            before, after = moment, later
            while after - before > timedelta(seconds=1):
                middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
                same = middle.astimezone(zone).utcoffset() == offset
                before, after = (middle, after) if same else (before, middle)
            yield after
            later = after
        moment = later
