"""Follows the update ids of one instrument's book stream and says when the book is usable."""

from kungfu_core.enums import FeedState
from kungfu_gateway_binance.wire import DepthUpdate, Snapshot


class BookFeed:
    """Where a consumer of the book can have come, by the venue's documented rules of sequence.

    A book begins with a snapshot L. A change to u fits a book at an id if its predecessor (spot
    U - 1, USD-M pu) is at or before that id; a change with u at or before the id is old. That is
    the venue's rule, except that USD-M asks for pu to equal the u before: a pu before it repeats
    what is known, as two streams of one book do, and loses nothing. Sources: "How to manage a
    local order book correctly", spot and USD-M.
    """

    def __init__(self) -> None:
        self.state: FeedState | None = None
        """None before anything is known."""
        self._reached = 0
        """The id up to which a consumer that kept every change can have followed the book."""
        self._chain_start: int | None = None
        """Where the unbroken run of changes begins; None before the first change."""

    def change(self, update: DepthUpdate) -> str | None:
        """Take a change; tell of the changes that were lost before it, if any were."""
        lost = None
        if self._chain_start is None:
            self._chain_start = update.previous
            self._reached = self._reached or update.previous
        if update.u > self._reached:
            if update.previous > self._reached:
                lost = f"expected to go on from {self._reached}, got {update.previous}"
                self.state = FeedState.GAP
                self._chain_start = update.previous
            self._reached = update.u
        return lost

    def has_passed(self, snapshot: Snapshot) -> bool:
        """Whether a usable book is already where the snapshot is, or further."""
        return self.state is FeedState.LIVE and snapshot.lastUpdateId <= self._reached

    def snapshot(self, snapshot: Snapshot) -> str | None:
        """Begin anew with a snapshot; tell why that fails if it comes too early to be used."""
        at = snapshot.lastUpdateId
        if self._chain_start is not None and at < self._chain_start:
            self.state = FeedState.GAP
            return f"snapshot {at} is older than the changes at hand, from {self._chain_start}"
        self._reached = max(self._reached, at)
        self.state = FeedState.LIVE
        return None
