"""The ids of orders: whose an order is stands in the high bits, and no two writers share them."""

from kungfu_core.errors import ConfigError

_COUNT_BITS = 40
"""The low bits count up, from where no earlier session has been."""


class OrderIds:
    """Says for each writer of orders in a session where its ids begin."""

    def __init__(self) -> None:
        self._writers: dict[int, str] = {}

    def first(self, writer: str, named: int, sequence: int = 0) -> int:
        """Give the first id of a writer.

        Args:
            writer: its name.
            named: the id of its journal, or of itself, whose high 24 bits its orders get.
            sequence: of its journal's latest event.

        Raises:
            ConfigError: another writer's ids have the same high bits.
        """
        series = named >> _COUNT_BITS
        other = self._writers.setdefault(series, writer)
        if other != writer:
            raise ConfigError(
                f"{other!r} and {writer!r} would give their orders the same ids, as the ids that "
                "follow from their names begin alike: expected another name for one of them"
            )
        return series << _COUNT_BITS | (sequence & ((1 << _COUNT_BITS) - 1))
