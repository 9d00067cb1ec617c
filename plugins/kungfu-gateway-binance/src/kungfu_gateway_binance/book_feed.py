"""Follows the update ids of one instrument's book stream and says when the book is usable."""

from kungfu_core.enums import FeedState
from kungfu_gateway_binance.wire import DepthUpdate, Snapshot


class BookFeed:
    """What a consumer of the book can know, by the venue's documented rules of sequence.

    A book begins with a snapshot L. Spot: a change (U, u) fits a book at id if U - 1 <= id. USD-M:
    the first change after the snapshot likewise (U <= L <= u); from then on `pu` must equal the
    `u` before. Sources: "How to manage a local order book correctly", spot and USD-M.
    """

    def __init__(self) -> None:
        self.state: FeedState | None = None
        """None before anything is known."""
        self._reached = 0
        """The id up to which a consumer that kept every change can have followed the book."""
        self._chained = False
        """The last change reached that id, so that the next must follow it."""
        self._chain_start: int | None = None
        """Where the unbroken run of changes begins; None before the first change."""

    def change(self, update: DepthUpdate) -> str | None:
        """Take a change; tell the break in the sequence if there is one."""
        previous, final = update.previous, update.u
        if self._chain_start is None:
            self._chain_start = previous
            if self.state is None:
                self._reach(final)
                return None
        if final <= self._reached:
            return None
        strict = self._chained and update.is_chained
        broken = previous != self._reached if strict else previous > self._reached
        said = None
        if broken:
            said = f"changes lost: expected to go on from {self._reached}, got {previous}"
            self.state = FeedState.GAP
            self._chain_start = previous
        self._reach(final)
        return said

    def has_passed(self, snapshot: Snapshot) -> bool:
        """Whether a usable book is already where the snapshot is, or further."""
        return self.state is FeedState.LIVE and snapshot.lastUpdateId <= self._reached

    def snapshot(self, snapshot: Snapshot) -> str | None:
        """Begin anew with a snapshot; tell why that fails if it comes too early to be used."""
        at = snapshot.lastUpdateId
        if self._chain_start is not None and at < self._chain_start:
            self.state = FeedState.GAP
            return f"snapshot {at} is older than the changes at hand, from {self._chain_start}"
        if at > self._reached:
            self._reached, self._chained = at, False
        self.state = FeedState.LIVE
        return None

    def _reach(self, final: int) -> None:
        self._reached, self._chained = final, True
