"""What a broker's journal says of orders, positions, balances and kill switches, as they stand.

Reads a running broker's journal as well as a finished one's; `update` goes on where the last one
ended.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from kungfu_core import events
from kungfu_core.enums import AccountState, OrderState, PositionSide, SwitchState
from kungfu_core.errors import JournalError
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader
from kungfu_core.order_states import TERMINAL
from kungfu_core.views import Event

_SOURCE, _NAME = "broker", "BROKER"


@attrs.frozen
class OrderRow:
    """An order: its last update, and what was asked for when it was sent (None if it never was)."""

    update: events.OrderUpdate
    request: events.OrderRequest | None
    since: int
    """When the broker first heard of it, ns."""

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.update.state not in TERMINAL


@attrs.define
class BrokerBooks:
    """The books of one broker.

    Attributes:
        journal: the broker's.
        orders: by order id, in the order in which they came.
        positions: by account, instrument, strategy (0: the whole account) and side.
        balances: by account and currency.
        accounts: whether orders of an account go out; accounts that were never compared are absent.
        switches: the kill switches that are thrown, by scope and subject.
        limits: the latest change of each limit that was changed.
        reconciliations: every difference that was found.
    """

    journal: Journal
    orders: dict[int, OrderRow] = attrs.field(factory=dict)
    positions: dict[tuple[int, int, int, PositionSide], events.Position] = attrs.field(factory=dict)
    balances: dict[tuple[int, str], events.Balance] = attrs.field(factory=dict)
    accounts: dict[int, events.AccountStatus] = attrs.field(factory=dict)
    switches: dict[tuple[int, int], events.KillSwitch] = attrs.field(factory=dict)
    limits: dict[tuple[int, int, str], events.LimitChange] = attrs.field(factory=dict)
    reconciliations: list[events.Reconciliation] = attrs.field(factory=list)
    names: dict[int, str] = attrs.field(factory=dict)
    _reader: Reader = attrs.field(init=False)
    _takers: dict[type, Callable[[Any], None]] = attrs.field(init=False, repr=False)

    @_reader.default
    def _open(self) -> Reader:
        return Reader(self.journal)

    @_takers.default
    def _by_type(self) -> dict[type, Callable[[Any], None]]:
        return {
            events.OrderUpdate: self._take_update,
            events.OrderRequest: self._take_request,
            events.Position: self._take_position,
            events.Balance: self._take_balance,
            events.NameDefinition: self._take_name,
            events.AccountStatus: self._take_account,
            events.KillSwitch: self._take_switch,
            events.LimitChange: self._take_limit,
            events.Reconciliation: self.reconciliations.append,
        }

    @classmethod
    def find(cls, home: Home, run: str | None) -> "BrokerBooks":
        """Open the books of a run, or else of the home's live node, or else of its latest run.

        Args:
            home: where to look.
            run: a run's id or folder.

        Raises:
            JournalError: there is no broker's journal there.
        """
        if run is not None:
            folders = [home.runs / run, Path(run)]
        else:
            runs = sorted(home.runs.iterdir(), reverse=True) if home.runs.is_dir() else []
            folders = [home.root, *runs]
        for folder in folders:
            journal = Journal(str(folder / "journal"), _SOURCE, _NAME)
            if journal.pages():
                return cls(journal)
        where = f"run {run!r}" if run is not None else str(home.root)
        raise JournalError(f"{where}: no broker has written a journal there")

    def update(self) -> bool:
        """Read what is new; whether anything was."""
        changed = False
        for event in self._reader:
            changed = True
            self._take(event)
        return changed

    def wait(self, seconds: float) -> bool:
        """Wait until there is more to read; False if there is not, after so many seconds."""
        return self._reader.wait(seconds)

    def _take(self, event: Event) -> None:
        take = self._takers.get(type(event))
        if take is not None:
            take(event)

    def _take_request(self, request: events.OrderRequest) -> None:
        row = self.orders.get(request.order_id)
        if row is not None:
            self.orders[request.order_id] = attrs.evolve(row, request=request)

    def _take_position(self, position: events.Position) -> None:
        key = (position.account, position.instrument, position.strategy, position.position_side)
        self.positions[key] = position

    def _take_balance(self, balance: events.Balance) -> None:
        self.balances[balance.account, balance.currency] = balance

    def _take_name(self, name: events.NameDefinition) -> None:
        self.names[name.named] = name.text

    def _take_account(self, status: events.AccountStatus) -> None:
        self.accounts[status.account] = status

    def _take_limit(self, change: events.LimitChange) -> None:
        self.limits[change.scope, change.subject, change.limit] = change

    def _take_update(self, update: events.OrderUpdate) -> None:
        row = self.orders.get(update.order_id)
        if row is None:
            self.orders[update.order_id] = OrderRow(update, None, update.gen_time)
        else:
            self.orders[update.order_id] = attrs.evolve(row, update=update)

    def _take_switch(self, switch: events.KillSwitch) -> None:
        if switch.state == SwitchState.THROWN:
            self.switches[switch.scope, switch.subject] = switch
        else:
            self.switches.pop((switch.scope, switch.subject), None)

    def name(self, number: int) -> str:
        """Give the name behind an id; the id in hexadecimal if there is none."""
        return self.names.get(number) or f"{number:016x}"

    @property
    def unknown_orders(self) -> list[OrderRow]:
        """The orders whose fate is not known."""
        return [row for row in self.orders.values() if row.update.state == OrderState.UNKNOWN]

    @property
    def unready_accounts(self) -> list[int]:
        """The accounts whose orders do not go out."""
        return [a for a, s in self.accounts.items() if s.state != AccountState.READY]


def plain(value: Decimal | None) -> str:
    """Give a number as people read it: no exponent, no zeros at the end; "-" for none."""
    if value is None:
        return "-"
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
