"""Rest in the book with little to be seen, for venues that have no icebergs of their own."""

from decimal import Decimal

import attrs

from kungfu_core import OrderState, OrderUpdate
from kungfu_core.algorithm import Algorithm, AlgorithmContext


def _positive(_: object, attribute: "attrs.Attribute[Decimal]", value: Decimal) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0")


@attrs.define(eq=False, kw_only=True)
class Iceberg(Algorithm):
    """Shows a part of its order at the order's limit; when that has filled, the next.

    Attributes:
        display_size: what is shown, in the instrument's unit.
    """

    display_size: Decimal = attrs.field(validator=_positive)

    def on_parent(self, context: AlgorithmContext) -> None:
        """Show the first part."""
        if context.parent.price is None:
            context.finish("an iceberg rests in the book: its order needs a price")
        else:
            self._show(context)

    def on_child(self, context: AlgorithmContext, update: OrderUpdate) -> None:
        """Show the next part; give up if the venue or the broker would not have the last one."""
        if update.state is OrderState.FILLED:
            self._show(context)
        elif not context.open_orders:
            context.finish(f"a part was {update.state}: {update.reason}")

    def _show(self, context: AlgorithmContext) -> None:
        size = context.instrument.round_size(min(self.display_size, context.left))
        if size > 0:
            context.place(size, price=context.parent.price)
        else:
            context.finish("what is left is less than can be shown")
