"""What a broker's journal says of orders, positions, balances and kill switches, as they stand.

Reads a running broker's journal as well as a finished one's; `update` goes on where the last one
ended.
"""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from kungfu_core import events
from kungfu_core.enums import AccountState, OrderState, PositionSide, SwitchState, Verdict
from kungfu_core.errors import JournalError
from kungfu_core.home import Home
from kungfu_core.journal import Journal, Reader, list_journals
from kungfu_core.order_states import TERMINAL
from kungfu_core.views import Event

_SOURCE, _NAME = "broker", "BROKER"
_ASKERS = ("STRATEGY", "ALGORITHM")
_OF_A_LIMIT = re.compile(r"(limit \w+): ")
_VALUE = re.compile(r"\b[0-9a-f]{16}\b|(?<![A-Za-z])[-+]?\d[\d.,]*")
_AMEND = "amend: "
_TOO_LATE = ("amend: the order is ", "amend: order ")
"""Amends that no rule refused: they met an order that is over, on its way, or not known."""


@attrs.frozen
class OrderRow:
    """An order: its last update, and what was sent to the venue (None if it never was)."""

    update: events.OrderUpdate
    sent: events.OrderRequest | None
    placed: int
    """When the broker first heard of it, ns."""
    reason: str
    """Why it is over, or what the last update of an open one says."""
    cause: str = ""
    """Why the broker cancels it."""
    changes: tuple[tuple[int, int], ...] = ()
    """Journal and sequence of what changed it while the broker held it."""

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.update.state not in TERMINAL

    def after(self, update: events.OrderUpdate) -> "OrderRow":
        """Give the order as it stands after one more update."""
        if not self.is_open:  # a cancel that comes too late is not why it is over
            return attrs.evolve(self, update=update)
        cause, reason, changes = self.cause, update.reason, self.changes
        if update.state == OrderState.CREATED and not update.anomaly:
            changes += ((update.cause_journal, update.cause_sequence),)
        if update.state in (OrderState.CANCELED, OrderState.EXPIRED):
            reason = "; ".join(dict.fromkeys(text for text in (cause, reason) if text))
        elif update.state == OrderState.PENDING_CANCEL and not update.anomaly:
            cause = reason = reason or cause
        elif reason and not update.anomaly:  # the venue refused the cancel
            cause = ""
        return attrs.evolve(self, update=update, reason=reason, cause=cause, changes=changes)


@attrs.define
class Refusals:
    """What was refused by one limit, by one risk check, or else for one cause.

    Attributes:
        counts: how often, by verdict.
        amends: how many of them were amends.
        time: when it last did, ns.
        reason: what it said then.
    """

    counts: Counter[Verdict] = attrs.field(factory=Counter)
    amends: int = 0
    time: int = 0
    reason: str = ""


@attrs.define
class BrokerBooks:
    """The books of one broker.

    Attributes:
        journal: the broker's.
        whose: the run or the live node that it belongs to.
        as_of: when the latest event that was read was written, ns.
        orders: by order id, in the order in which they came.
        positions: by account, instrument, strategy (0: the whole account) and side.
        balances: by account and currency.
        accounts: whether orders of an account go out; accounts that were never compared are absent.
        switches: the kill switches that are thrown, by scope and subject.
        limits: the latest change of each limit that was changed.
        refusals: by who refused: `limit NAME`, `check NAME`, or else `broker` with the cause, its
            numbers left out.
        reconciliations: every difference that was found.
    """

    journal: Journal
    whose: str
    as_of: int = 0
    orders: dict[int, OrderRow] = attrs.field(factory=dict)
    positions: dict[tuple[int, int, int, PositionSide], events.Position] = attrs.field(factory=dict)
    balances: dict[tuple[int, str], events.Balance] = attrs.field(factory=dict)
    accounts: dict[int, events.AccountStatus] = attrs.field(factory=dict)
    switches: dict[tuple[int, int], events.KillSwitch] = attrs.field(factory=dict)
    limits: dict[tuple[int, int, str], events.LimitChange] = attrs.field(factory=dict)
    refusals: dict[tuple[str, str], Refusals] = attrs.field(factory=dict)
    reconciliations: list[events.Reconciliation] = attrs.field(factory=list)
    names: dict[int, str] = attrs.field(factory=dict)
    _asked: dict[tuple[int, int], events.OrderRequest] = attrs.field(init=False, factory=dict)
    _amended: dict[tuple[int, int], Decimal] = attrs.field(init=False, factory=dict)
    _askers: dict[str, Reader] = attrs.field(init=False, factory=dict)
    _verdict: events.RiskVerdict | None = attrs.field(init=False, default=None)
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
            events.RiskVerdict: self._take_verdict,
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
        return cls(*_latest(home)) if run is None else cls._of_run(home, run)

    def latest(self, home: Home) -> "BrokerBooks":
        """Give the books that `find` opens where no run is named: these, unless newer ones came."""
        journal, whose = _latest(home)
        return self if journal == self.journal else type(self)(journal, whose)

    @classmethod
    def _of_run(cls, home: Home, run: str) -> "BrokerBooks":
        folders = [folder for folder in (home.runs / run, Path(run)) if folder.is_dir()]
        for folder in folders:
            journal = _journal(folder)
            if journal.pages():
                return cls(journal, f"run {folder.resolve().name}")
        if folders:
            raise JournalError(f"run {run!r}: no broker has written a journal there")
        runs = _runs(home)
        known = f"the latest of {len(runs)} is {runs[-1]}" if runs else "there is none"
        raise JournalError(f"there is no run {run!r} in {home.runs}; {known}")

    def update(self) -> bool:
        """Read what is new; whether anything was."""
        changed = False
        for event in self._reader:
            changed = True
            self.as_of = event.gen_time
            self._take(event)
        return changed

    def wait(self, seconds: float) -> bool:
        """Wait until there is more to read; False if there is not, after so many seconds."""
        return self._reader.wait(seconds)

    def read_requests(self) -> None:
        """Read what strategies and algorithms asked for, as far as their journals can be read."""
        for journal in list_journals(self.journal.root):
            if journal.name not in _ASKERS:
                continue
            with suppress(JournalError):
                if journal.label not in self._askers:
                    classes = (events.OrderRequest, events.OrderAmend)
                    self._askers[journal.label] = Reader(journal, event_classes=classes)
                for event in self._askers[journal.label]:
                    if isinstance(event, events.OrderRequest):
                        # An id is taken once: what comes later with the same one is refused.
                        self._asked.setdefault((event.source, event.order_id), event)
                    elif isinstance(event, events.OrderAmend) and event.trigger_price_exact:
                        amend = event.journal, event.sequence
                        self._amended[amend] = event.trigger_price_exact

    def request(self, row: OrderRow) -> events.OrderRequest | None:
        """Give what was asked for, after `read_requests`, or else what was sent, if any was."""
        return self._asked.get((row.update.strategy, row.update.order_id)) or row.sent

    def trigger_price(self, row: OrderRow) -> Decimal | None:
        """Give the trigger price of an order, after `read_requests`; None if it has none."""
        for change in reversed(row.changes):
            if change in self._amended:
                return self._amended[change]
        request = self.request(row)
        return request.trigger_price_exact if request is not None else None

    def _take(self, event: Event) -> None:
        take = self._takers.get(type(event))
        if take is not None:
            take(event)

    def _take_request(self, request: events.OrderRequest) -> None:
        row = self.orders.get(request.order_id)
        if row is not None:
            self.orders[request.order_id] = attrs.evolve(row, sent=request)

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
        if row is None and update.anomaly and update.state == OrderState.UNKNOWN:
            return  # the answer to a request, or a report, that names no order
        if row is None:
            self.orders[update.order_id] = OrderRow(update, None, update.gen_time, update.reason)
        else:
            self.orders[update.order_id] = row.after(update)
        self._count_refusal(update)

    def _take_verdict(self, said: events.RiskVerdict) -> None:
        self._verdict = said
        self._refuse((f"check {said.check}", ""), Verdict(said.verdict), said)

    def _count_refusal(self, update: events.OrderUpdate) -> None:
        amend = update.anomaly and update.reason.startswith(_AMEND)
        reason = update.reason.removeprefix(_AMEND) if amend else update.reason
        of_a_limit = _OF_A_LIMIT.match(reason)
        if amend:
            refused = not update.reason.startswith(_TOO_LATE)
        else:
            # `self_trade` cancels an order that it lets nobody see.
            stopped = update.state == OrderState.CANCELED and of_a_limit is not None
            refused = not update.anomaly and (update.state == OrderState.RISK_REJECTED or stopped)
        if not refused:
            return
        said = self._verdict
        if said is not None and (said.order_id, said.reason) == (update.order_id, reason):
            who = (f"check {said.check}", "")  # counted already
        else:
            who = (of_a_limit[1], "") if of_a_limit else ("broker", _VALUE.sub("#", reason))
            self._refuse(who, Verdict.REFUSED, update)
        self.refusals[who].amends += amend

    def _refuse(
        self,
        who: tuple[str, str],
        verdict: Verdict,
        said: events.RiskVerdict | events.OrderUpdate,
    ) -> None:
        refusals = self.refusals.setdefault(who, Refusals())
        refusals.counts[verdict] += 1
        refusals.time, refusals.reason = said.gen_time, said.reason

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


def _journal(folder: Path) -> Journal:
    return Journal(str(folder / "journal"), _SOURCE, _NAME)


def _latest(home: Home) -> tuple[Journal, str]:
    """Find the broker's journal of the home's live node, or else of its latest run, and say whose.

    Raises:
        JournalError: there is none.
    """
    if not home.root.is_dir():
        raise JournalError(
            f"there is no home {home.root}; `kungfu demo` makes one, and --home or KF_HOME names it"
        )
    live = _journal(home.root)
    if live.pages():
        return live, f"live node of {home.root}"
    for name in reversed(_runs(home)):
        journal = _journal(home.runs / name)
        if journal.pages():
            return journal, f"run {name}"
    raise JournalError(f"{home.root}: no broker has written a journal there")


def _runs(home: Home) -> list[str]:
    """The names of a home's runs, the latest last."""
    if not home.runs.is_dir():
        return []
    return sorted(folder.name for folder in home.runs.iterdir() if folder.is_dir())


def plain(value: Decimal | None) -> str | None:
    """Give a number as people read it: no exponent, no zeros at the end; None for none."""
    if value is None:
        return None
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
