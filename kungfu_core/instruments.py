"""What an instrument's definition can do: round values to its steps, and refuse what is off them."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from kungfu_core.errors import OrderError
from kungfu_core.views import Event

Exact = Decimal | str | int | float
"""What a price or a size may be given as; a float stands for its shortest decimal text."""


def exact(value: Exact, what: str) -> Decimal:
    """Read a price or size as a Decimal.

    Raises:
        OrderError: it is not a finite decimal number.
    """
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (ArithmeticError, TypeError, ValueError):
        raise OrderError(f"{what}: expected a decimal number, got {value!r}") from None
    if not number.is_finite():
        raise OrderError(f"{what}: expected a finite number, got {value!r}")
    return number


class InstrumentEvent(Event):
    """Base of the `Instrument` view: the arithmetic on its steps."""

    __slots__ = ()
    name: str
    tick_exact: Decimal
    lot_exact: Decimal

    def round_price(self, price: Exact) -> Decimal:
        """Give the nearest price on the tick; halves go to the even one."""
        return _round(exact(price, "price"), self.tick_exact)

    def round_size(self, size: Exact) -> Decimal:
        """Give the largest size on the lot that is not larger."""
        return _step(exact(size, "size"), self.lot_exact, ROUND_FLOOR)

    def check_price(self, price: Exact) -> Decimal:
        """Give the price as a Decimal that lies on the tick.

        Raises:
            OrderError: it does not; names both neighbours.
        """
        return self._check(price, "price", "tick", self.tick_exact)

    def check_size(self, size: Exact) -> Decimal:
        """Give the size as a Decimal that is positive and lies on the lot.

        Raises:
            OrderError: it does not; names both neighbours.
        """
        number = self._check(size, "size", "lot", self.lot_exact)
        if number <= 0:
            raise OrderError(f"size: expected more than 0, got {size!r}")
        return number

    def _check(self, value: Exact, what: str, step_name: str, step: Decimal) -> Decimal:
        number = exact(value, what)
        if step and number % step:
            low, high = _step(number, step, ROUND_FLOOR), _step(number, step, ROUND_CEILING)
            raise OrderError(
                f"{what} {value} is off the {step_name} {step} of {self.name}: "
                f"expected {low} or {high}"
            )
        return number


def _round(number: Decimal, step: Decimal) -> Decimal:
    return _step(number, step, ROUND_HALF_EVEN)


def _step(number: Decimal, step: Decimal, rounding: Any) -> Decimal:
    if not step:
        return number
    return ((number / step).quantize(Decimal(1), rounding=rounding) * step).quantize(step)
