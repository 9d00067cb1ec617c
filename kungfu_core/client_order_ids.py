"""The order id that a venue is given: an order's number, and whose it is, in letters and digits.

23 characters of `a` to `z` and `2` to `7`: "kf", eight of the home's own random number
(`Home.number`), thirteen of the order's id, which no restart gives again. The narrowest rule of a
venue that is known is 1 to 32 letters and digits. Two homes on one account do not take each other's
orders for their own, and a backtest, whose home is 0, gives the same ids each time.
"""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_PREFIX = "kf"
_HOME, _ORDER = 8, 13
"""Letters, of five bits each, for 40 and 64 bits."""


def client_order_id(order_id: int, home: int) -> str:
    """Give an order's id as its venue gets it.

    Args:
        order_id: 64 bits.
        home: the home's number, 40 bits.

    Raises:
        ValueError: one of them is out of range.
    """
    if not 0 <= order_id < 1 << 64 or not 0 <= home < 1 << 40:
        raise ValueError(f"order {order_id} of home {home}: expected 64 and 40 bits")
    return _PREFIX + _letters(home, _HOME) + _letters(order_id, _ORDER)


def order_id_of(client_id: str, home: int) -> int | None:
    """Give the order that an id from a venue means; None if it is not one of this home's."""
    own = _PREFIX + _letters(home, _HOME)
    letters = client_id.removeprefix(own)
    if len(client_id) != len(own) + _ORDER or len(letters) != _ORDER:
        return None
    order_id = 0
    for letter in letters:
        if letter not in _VALUES:
            return None
        order_id = order_id << 5 | _VALUES[letter]
    return order_id if order_id < 1 << 64 else None


def _letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 5 * i & 31] for i in reversed(range(count)))
