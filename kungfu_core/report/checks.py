"""What must hold of every run: balances, positions and orders are the sums of their causes."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from kungfu_core.report.ledger import ZERO, Ledger
from kungfu_core.report.summary import Check


def run_checks(
    ledger: Ledger,
    order_filled: Mapping[int, Decimal],
    fill_sums: Mapping[int, Decimal],
    name: Callable[[int], str],
) -> tuple[Check, ...]:
    """Check the books of a run against the events that they are made of."""
    return (
        Check(
            "each balance equals the sum of its cash movements",
            len(ledger.totals.keys() | ledger.cash.keys()),
            tuple(_unbalanced(ledger, name)),
        ),
        Check(
            "each position equals the sum of its fills",
            len(ledger.holdings),
            tuple(_misplaced(ledger, name)),
        ),
        Check(
            "each position's cost equals the value of its fills and what they realised",
            len(ledger.holdings),
            tuple(_miscosted(ledger, name)),
        ),
        Check(
            "each order's filled size equals the sum of its fills",
            len(order_filled.keys() | fill_sums.keys()),
            tuple(_misfilled(order_filled, fill_sums)),
        ),
    )


def _unbalanced(ledger: Ledger, name: Callable[[int], str]) -> list[str]:
    failures = []
    for purse in sorted(ledger.totals.keys() | ledger.cash.keys()):
        total, found = ledger.totals.get(purse), ledger.cash.get(purse, ZERO)
        if total != found:
            said = "was never told" if total is None else f"is {total}"
            failures.append(f"{name(purse[0])} {purse[1]}: the balance {said}, the sum is {found}")
    return failures


def _misplaced(ledger: Ledger, name: Callable[[int], str]) -> list[str]:
    return [
        f"{name(pair[0])} {name(pair[1])}: the position is {h.position}, "
        f"the fills sum up to {ledger.traded(pair)}"
        for pair, h in sorted(ledger.holdings.items(), key=lambda item: item[0])
        if h.position != ledger.traded(pair)
    ]


def _miscosted(ledger: Ledger, name: Callable[[int], str]) -> list[str]:
    return [
        f"{name(pair[0])} {name(pair[1])}: the cost is {h.cost}, "
        f"value and realised profit sum up to {ledger.cost_explained(pair)}"
        for pair, h in sorted(ledger.holdings.items(), key=lambda item: item[0])
        if h.cost != ledger.cost_explained(pair)
    ]


def _misfilled(order_filled: Mapping[int, Decimal], fill_sums: Mapping[int, Decimal]) -> list[str]:
    return [
        f"order {order:016x}: filled is {order_filled.get(order, ZERO)}, "
        f"the fills sum up to {fill_sums.get(order, ZERO)}"
        for order in sorted(order_filled.keys() | fill_sums.keys())
        if order_filled.get(order, ZERO) != fill_sums.get(order, ZERO)
    ]
