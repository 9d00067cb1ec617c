"""The recorded futures stream through strategy, risk, broker and simulated venue, and back."""

import bisect
import filecmp
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core.enums import CashKind, Liquidity, OrderState, Side
from kungfu_core.events import (
    Balance,
    BookDelta,
    BookSnapshot,
    CashMovement,
    ComponentStatus,
    Fill,
    OrderRequest,
    OrderUpdate,
    PluginStatus,
    Position,
    Quote,
    Trade,
)

from .conftest import backtest, run_kungfu

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def broker(recorded_run):
    from kungfu_core.journal import Journal, Reader

    with Reader(Journal(recorded_run / "journal", "broker", "BROKER"), verify=True) as reader:
        return list(reader)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_both_strategies_traded(broker):
    traded = {fill.strategy for fill in of(broker, Fill)}
    assert len(traded) == 2


def test_every_order_was_accepted_by_risk_before_it_was_sent(broker):
    """A request goes to the gateway only behind its SUBMITTED update, and a refused one never."""
    submitted, refused = set(), set()
    for event in broker:
        if isinstance(event, OrderUpdate) and event.state == OrderState.SUBMITTED:
            submitted.add(event.order_id)
        if isinstance(event, OrderUpdate) and event.state == OrderState.RISK_REJECTED:
            refused.add(event.order_id)
        if isinstance(event, OrderRequest):
            assert event.order_id in submitted - refused
    assert submitted


def test_risk_limits_hold_at_every_fill(broker):
    """No position is ever larger than max_position allows."""
    sizes = [abs(p.size_exact) for p in of(broker, Position)]
    assert sizes
    assert max(sizes) <= Decimal("0.05")


def files(run):
    return sorted(p.relative_to(run) for p in (run / "journal").rglob("*.journal"))


def test_equal_runs_give_equal_files(home, recorded_run, tmp_path):
    """Generation time is simulated, so a second run leaves the same bytes."""
    before = set((home / "runs").glob("*"))
    backtest(home, tmp_path)
    (again,) = set((home / "runs").glob("*")) - before
    assert files(again) == files(recorded_run)
    for name in files(again):
        assert filecmp.cmp(again / name, recorded_run / name, shallow=False), name


def test_other_parameters_give_other_files(home, recorded_run, tmp_path):
    """Guards the test above: what the strategies wrote is compared, not just anything."""
    from .conftest import CONFIG

    before = set((home / "runs").glob("*"))
    changed = CONFIG.replace('notional = "600"', 'notional = "700"')
    backtest(home, tmp_path, changed)
    (other,) = set((home / "runs").glob("*")) - before
    differing = [n for n in files(other) if not filecmp.cmp(other / n, recorded_run / n, False)]
    assert Path("journal") in {p.parents[-2] for p in differing}


def test_a_dataset_that_travelled_as_an_archive_plays_the_same(home, recorded_run, tmp_path):
    """Under another name, in another home: the journal keeps its identity."""
    from .conftest import CONFIG

    there, archive = tmp_path / "home", tmp_path / "market.tar"
    exported = ("export", "usdm/binance/MD", "--format", "archive", "--output", archive)
    for place, arguments in ((home, exported), (there, ("import", archive, "--as", "theirs"))):
        done = run_kungfu(place, "journal", *arguments)
        assert done.returncode == 0, done.stderr
    backtest(there, tmp_path, CONFIG.replace('["usdm"]', '["theirs"]'))
    (run,) = (there / "runs").glob("*")
    broker = [n for n in files(recorded_run) if n.name.startswith("BROKER")]
    assert broker
    for name in broker:
        assert filecmp.cmp(run / name, recorded_run / name, shallow=False), name


class Account:
    """Cash and positions by Fractions of nothing: plain Decimals, one fill after the other."""

    def __init__(self, cash):
        self.cash = cash
        self.size = Decimal(0)
        self.cost = Decimal(0)

    def fill(self, side, price, size, fee):
        signed = size if side == Side.BUY else -size
        closing = min(abs(self.size), size) if self.size * signed < 0 else Decimal(0)
        if closing:
            share = (
                self.cost
                if closing == abs(self.size)
                else round(self.cost * closing / abs(self.size), 8)
            )
            direction = 1 if self.size > 0 else -1
            self.cash += direction * price * closing - share
            self.cost -= share
            self.size -= direction * closing
        rest = size - closing
        self.size += rest if side == Side.BUY else -rest
        self.cost += (rest if side == Side.BUY else -rest) * price
        self.cash -= fee


def test_the_final_balance_is_the_sum_of_fills_and_fees(broker):
    """An independent ledger over the fills alone arrives at the journaled balance, to the digit."""
    start = {}
    for movement in of(broker, CashMovement):
        if movement.kind == CashKind.TRANSFER:
            start[movement.account] = movement.amount_exact
    accounts = {number: Account(cash) for number, cash in start.items()}
    for fill in of(broker, Fill):
        accounts[fill.account].fill(fill.side, fill.price_exact, fill.size_exact, fill.fee_exact)
    final = {b.account: b.total_exact for b in of(broker, Balance)}
    assert len(final) == 2
    assert {n: a.cash for n, a in accounts.items()} == final
    last = {p.account: p for p in of(broker, Position)}
    assert {n: a.size for n, a in accounts.items()} == {n: p.size_exact for n, p in last.items()}
    assert {n: a.cost for n, a in accounts.items()} == {n: p.cost_exact for n, p in last.items()}


def test_every_balance_is_the_sum_of_its_movements(broker):
    """At every single balance event, not only at the end."""
    sums = defaultdict(Decimal)
    checked = 0
    for event in broker:
        if isinstance(event, CashMovement):
            sums[event.account, event.currency] += event.amount_exact
        if isinstance(event, Balance):
            assert event.total_exact == sums[event.account, event.currency]
            checked += 1
    assert checked > 10


class Market:
    """What the recording showed, by its own times: best quotes, trades, and the whole book."""

    def __init__(self, events):
        self.times, self.quotes = [], []
        self.trades = defaultdict(list)
        for event in events:
            if isinstance(event, Quote):
                self.times.append(event.gen_time)
                self.quotes.append(
                    (event.bid_price_exact, event.bid_size_exact,
                     event.ask_price_exact, event.ask_size_exact)
                )  # fmt: skip
            if isinstance(event, Trade):
                self.trades[event.gen_time].append((event.price_exact, event.size_exact))

    def printed_beyond(self, time, side, price):
        """What printed at a moment at a price or worse for the taker."""
        worse = (lambda p: p <= price) if side == Side.BUY else (lambda p: p >= price)
        return sum((size for p, size in self.trades[time] if worse(p)), Decimal(0))

    def around(self, time, slack):
        """Every quote in force at some moment within `slack` before `time`."""
        first = max(0, bisect.bisect_right(self.times, time - slack) - 1)
        last = bisect.bisect_right(self.times, time)
        return self.quotes[first:last]


@pytest.fixture(scope="module")
def market(home):
    from kungfu_core.journal import Reader, list_journals

    journals = list_journals(home / "data" / "usdm")
    with Reader(*journals) as reader:
        kinds = (Quote, Trade, BookSnapshot, BookDelta)
        return Market([event for event in reader if isinstance(event, kinds)])


def test_every_fill_lies_within_the_recorded_spread_of_its_moment(broker, market):
    """No fill is better or worse than what the recording showed when it happened.

    The fill is reported 3 ms after it happened. A taker pays at least the best opposite price that
    was shown. A maker is filled by a trade that printed at its price or beyond at that very moment
    (prints can reach the recorder before the quotes that follow from them), or at a price between
    the best bid and offer shown just before, inclusive.
    """
    report, checked = 3_000_000, 0
    for fill in of(broker, Fill):
        moment = fill.gen_time - report
        shown = market.around(moment, slack=200_000_000)
        price = fill.price_exact
        low = min(bid for bid, _, _, _ in shown)
        high = max(ask for _, _, ask, _ in shown)
        if fill.liquidity == Liquidity.MAKER:
            beyond = market.printed_beyond(moment, fill.side, price)
            assert beyond >= fill.size_exact or low <= price <= high, fill
        elif fill.side == Side.BUY:
            assert price >= min(ask for _, _, ask, _ in shown), fill
        else:
            assert price <= max(bid for bid, _, _, _ in shown), fill
        checked += 1
    assert checked > 20


def test_every_taker_fill_at_the_touch_is_no_larger_than_the_recording_showed(broker, market):
    """The sum of what one order took at the best price fits into what stood there."""
    taken = defaultdict(Decimal)
    for fill in of(broker, Fill):
        if fill.liquidity == Liquidity.TAKER:
            taken[fill.order_id, fill.gen_time, fill.side, fill.price_exact] += fill.size_exact
    checked = 0
    for (_, time, side, price), size in taken.items():
        shown = market.around(time - 3_000_000, slack=200_000_000)
        at = [
            (quote[3] if side == Side.BUY else quote[1])
            for quote in shown
            if price == (quote[2] if side == Side.BUY else quote[0])
        ]
        if at:
            assert size <= max(at)
            checked += 1
    assert checked > 10


def test_the_session_journal_says_what_ran(recorded_run, read):
    """Configuration, every plugin with its version, and an orderly end."""
    from kungfu_core.enums import ComponentPhase

    events = read(recorded_run / "journal", "session", "SESSION")
    phases = [e.phase for e in of(events, ComponentStatus)]
    assert phases == [ComponentPhase.START, ComponentPhase.STOP]
    assert "[strategies.ema]" in of(events, ComponentStatus)[0].detail
    plugins = of(events, PluginStatus)
    assert {"kungfu-gateway-sim", "kungfu-strategies"} <= {
        name for p in plugins for name in [__import__("json").loads(p.detail)["distribution"]]
    }
    assert all(p.loaded for p in plugins)


def test_every_journal_names_what_it_mentions(recorded_run):
    """Each journal reads by itself: instrument, account and components have their names in it."""
    from kungfu_core.journal import Journal

    for source, name in (("broker", "BROKER"), ("ema", "STRATEGY"), ("sim", "TD")):
        names = set(Journal(recorded_run / "journal", source, name).names().values())
        assert {"binance:perpetual:BTCUSDT", "main", "broker", "ema", "sim"} <= names, source


def test_every_output_follows_from_what_was_consumed(recorded_run, read):
    """A frame's cause has been said to be consumed before the frame, in its own journal."""
    from kungfu_core.events import Consumption

    for source, name in (("broker", "BROKER"), ("ema", "STRATEGY"), ("sim", "TD")):
        consumed = {}
        checked = 0
        for event in read(recorded_run / "journal", source, name):
            if isinstance(event, Consumption):
                for run in event.runs:
                    assert run.up_to > consumed.get(run.journal, 0)
                    consumed[run.journal] = run.up_to
            elif event.cause_journal:
                assert event.cause_sequence <= consumed[event.cause_journal], (source, event)
                checked += 1
        assert checked > 5, (source, name)
