"""What an instrument can do: round values to its steps, and refuse what is off them."""

import operator
from decimal import Context, Decimal, localcontext

from kungfu_core.errors import OrderError
from kungfu_core.views import Event

Exact = Decimal | str | int | float
"""What a price or a size may be given as; a float stands for its shortest decimal text."""

_WIDE = Context(prec=100)
"""More digits than any product or quotient of prices and sizes that fit an event."""


def exact(value: Exact, what: str) -> Decimal:
    """Read a price or size as a Decimal.

    Raises:
        OrderError: it is not a finite decimal number.
    """
    try:
        if isinstance(value, float):
            number = Decimal(float.__repr__(value))  # a subclass (NumPy's) may print its name
        elif isinstance(value, Decimal | str):
            number = Decimal(value)
        else:
            number = Decimal(operator.index(value))
    except (ArithmeticError, TypeError, ValueError):
        raise OrderError(f"{what}: expected a decimal number, got {value!r}") from None
    if not number.is_finite():
        raise OrderError(f"{what}: expected a finite number, got {value!r}")
    return number


def steps(number: Decimal, step: Decimal, what: str) -> tuple[Decimal, Decimal]:
    """Give how many whole steps lie below a number, rounded down, and what is left over.

    Raises:
        OrderError: the number has more digits than a price or a size can have.
    """
    with localcontext(_WIDE):
        try:
            count, rest = divmod(number, step)
        except ArithmeticError:
            raise OrderError(f"{what}: {number} is out of range") from None
        return (count - 1, rest + step) if rest < 0 else (count, rest)


class InstrumentEvent(Event):
    """Base of the `Instrument` view: the arithmetic on its steps."""

    __slots__ = ()
    name: str
    tick_exact: Decimal
    lot_exact: Decimal

    def round_price(self, price: Exact) -> Decimal:
        """Give the nearest price on the tick; halfway between two, the even multiple.

        Raises:
            OrderError: it is not a number, or out of range.
        """
        number, tick = exact(price, "price"), self.tick_exact
        if not tick:
            return number
        count, rest = steps(number, tick, "price")
        with localcontext(_WIDE):
            up = rest * 2 > tick or (rest * 2 == tick and count % 2 != 0)
            return (count + up) * tick

    def round_size(self, size: Exact) -> Decimal:
        """Give the largest size on the lot that is not larger.

        Raises:
            OrderError: it is not a number, or out of range.
        """
        number, lot = exact(size, "size"), self.lot_exact
        with localcontext(_WIDE):
            return steps(number, lot, "size")[0] * lot if lot else number

    def check_price(self, price: Exact, what: str = "price") -> Decimal:
        """Give the price as a Decimal that lies on the tick; `what` names it in errors.

        Raises:
            OrderError: it does not; names both neighbours.
        """
        return self._check(price, what, "tick", self.tick_exact)

    def check_size(self, size: Exact) -> Decimal:
        """Give the size as a Decimal that is positive and lies on the lot.

        Raises:
            OrderError: it does not; names both neighbours.
        """
        number = self._check(size, "size", "lot", self.lot_exact)
        if number <= 0:
            raise OrderError(f"size: expected more than 0, got {size}")
        return number

    def _check(self, value: Exact, what: str, step_name: str, step: Decimal) -> Decimal:
        number = exact(value, what)
        if not step:
            return number
        count, rest = steps(number, step, what)
        if rest:
            with localcontext(_WIDE):
                low, high = count * step, (count + 1) * step
            raise OrderError(
                f"{what} {value} is off the {step_name} {step} of {self.name}: "
                f"expected {low} or {high}"
            )
        return number
