"""Waiting for a journal to go on, without burning a core."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kungfu_core.journal import Reader

_SHORTEST = 0.001
_LONGEST = 0.05


def wait_for_more(reader: "Reader", seconds: float) -> bool:
    """Wait until there is a next event, at most so long; say whether there is one.

    Looks again and again, first after one millisecond, then ever later up to 50.

    Raises:
        JournalCorrupt: a file is damaged.
    """
    end = time.monotonic() + seconds
    pause = _SHORTEST
    while reader.peek_time() is None:
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST)
    return True
