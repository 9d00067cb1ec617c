"""Both strategies in real sessions on the simulated venue, checked from what the journals say."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

from kungfu_core import events
from kungfu_core.config import parse_backtest_config
from kungfu_core.enums import Liquidity, OrderType, Side
from kungfu_core.journal import Reader, list_journals
from kungfu_core.order_states import TERMINAL
from kungfu_core.plugins import Plugins
from kungfu_core.session import SimulatedSession

pytest.importorskip("kungfu_gateway_sim", reason="the sessions run on its venue")

CONFIG = """
[market]
duration = "{duration}"

[gateways.venue]
plugin = "sim"
instruments = [{{ name = "{instrument}", tick = 0.1, lot = 0.001, start_price = 60000 }}]

[accounts.main]
balances = {{ USDT = "100000" }}

[limits]
{limits}

[strategies.mine]
strategy = "{strategy}"

[strategies.mine.params]
instrument = "{instrument}"
{params}
"""


@attrs.frozen
class Played:
    """The events of a session, by journal (source) and in order."""

    faults: tuple
    journals: dict

    def of(self, source, *kinds):
        return [e for e in self.journals[source] if isinstance(e, kinds)]

    def cause(self, event):
        """The market event that an order answers."""
        market = {e.sequence: e for e in self.journals["venue"]}
        return market[event.cause_sequence]


def play(folder: Path, strategy: str, params: str, **changes) -> Played:
    wanted = {
        "instrument": "sim:perpetual:BTC-USDT",
        "duration": "5m",
        "limits": 'max_order_notional = { USDT = "20000" }',
    } | changes
    text = CONFIG.format(strategy=strategy, params=params, **wanted)
    plugins = Plugins()
    config = parse_backtest_config(text, folder / "test.toml", plugins)
    result = SimulatedSession(config, plugins, (), folder).run()
    journals = {}
    for journal in list_journals(folder / "journal"):
        if journal.name != "TD":
            with Reader(journal) as reader:
                journals[journal.source] = list(reader)
    return Played(result.faults, journals)


# --- EMA cross ----------------------------------------------------------------------------------

EMA = 'notional = "3000"\nfast = 20\nslow = 100'


@pytest.fixture(scope="module")
def ema(tmp_path_factory):
    return play(tmp_path_factory.mktemp("ema"), "ema-cross", EMA)


def averages(trades, fast=20, slow=100):
    """Yield (trade, trades seen, fast average, slow average), straight from the definition."""
    quick = slowly = None
    for seen, trade in enumerate(trades, 1):
        quick = trade.price if quick is None else quick + (trade.price - quick) * 2 / (fast + 1)
        slowly = trade.price if slowly is None else slowly + (trade.price - slowly) * 2 / (slow + 1)
        yield trade, seen, quick, slowly


def test_ema_cross_trades_where_the_averages_stand(ema):
    """Every order answers a trade after the warm-up, and goes to the side of the fast average."""
    assert ema.faults == ()
    moments = {t.sequence: (n, f, s) for t, n, f, s in averages(ema.of("venue", events.Trade))}
    requests = ema.of("mine", events.OrderRequest)
    assert len(requests) > 4
    for request in requests:
        seen, fast, slow = moments[request.cause_sequence]
        assert seen >= 100
        assert request.side is (Side.BUY if fast > slow else Side.SELL)
        assert request.type is OrderType.MARKET


def test_ema_cross_holds_one_size_and_never_more(ema):
    """3000 USDT at about 60000 is 0.049 or 0.050; it turns from one side to the other."""
    positions = [p.size_exact for p in ema.of("broker", events.Position)]
    size = max(positions)
    assert size in (Decimal("0.049"), Decimal("0.050"))
    assert min(positions) == -size
    done = [r.size_exact for r in ema.of("mine", events.OrderRequest)]
    assert done[0] == size
    assert set(done[1:]) == {2 * size}


def test_ema_cross_waits_for_one_order_before_the_next(ema):
    open_orders = set()
    for update in ema.of("broker", events.OrderUpdate):
        (open_orders.discard if update.state in TERMINAL else open_orders.add)(update.order_id)
        assert len(open_orders) <= 1


def test_ema_cross_does_not_go_short_on_spot(tmp_path):
    played = play(tmp_path, "ema-cross", EMA, instrument="sim:spot:BTC-USDT")
    assert played.faults == ()
    positions = [p.size_exact for p in played.of("broker", events.Position)]
    assert max(positions) > 0
    assert min(positions) == 0


def test_ema_cross_asks_once_for_what_is_refused(tmp_path):
    """And again only after the averages have crossed."""
    played = play(tmp_path, "ema-cross", EMA, limits='max_order_notional = { USDT = "10" }')
    requests = played.of("mine", events.OrderRequest)
    assert 1 < len(requests) < 60
    sides = [r.side for r in requests]
    assert all(a is not b for a, b in pairwise(sides))
    warnings = [log.message for log in played.of("mine", events.Log)]
    assert len(warnings) == len(requests)
    assert "is above 10" in warnings[0]


def test_too_little_money_for_a_lot_says_so(tmp_path):
    played = play(tmp_path, "ema-cross", 'notional = "1"\nfast = 2\nslow = 5', duration="30s")
    (fault,) = played.faults
    assert "1 of USDT is less than one lot (0.001) of sim:perpetual:BTC-USDT" in str(
        fault.exception
    )


# --- quoter -------------------------------------------------------------------------------------

QUOTER = 'notional = "600"\nmax_notional = "1800"\ndistance = 1\nskew = 6'


@pytest.fixture(scope="module")
def quoter(tmp_path_factory):
    return play(tmp_path_factory.mktemp("quoter"), "quoter", QUOTER)


def test_quoter_only_makes(quoter):
    """Post-only orders, and every fill a maker's."""
    assert quoter.faults == ()
    assert {r.type for r in quoter.of("mine", events.OrderRequest)} == {OrderType.POST_ONLY}
    fills = quoter.of("broker", events.Fill)
    assert len(fills) > 20
    assert {f.liquidity for f in fills} == {Liquidity.MAKER}
    assert {f.side for f in fills} == {Side.BUY, Side.SELL}


def test_quoter_stays_on_its_side_of_the_book(quoter):
    """Every price that it asks for is short of the other side of the quote that it answers."""
    sides = {r.order_id: r.side for r in quoter.of("mine", events.OrderRequest)}
    asked = quoter.of("mine", events.OrderRequest, events.OrderAmend)
    quotes = {q.sequence: q for q in quoter.of("venue", events.Quote)}
    for order in asked:
        quote = quotes[order.cause_sequence]
        if sides[order.order_id] is Side.BUY:
            assert order.price_exact < quote.ask_price_exact
        else:
            assert order.price_exact > quote.bid_price_exact


def test_quoter_has_one_order_a_side(quoter):
    resting = defaultdict(set)
    for update in quoter.of("broker", events.OrderUpdate):
        held = resting[update.side]
        (held.discard if update.state in TERMINAL else held.add)(update.order_id)
        assert len(held) <= 1


def test_quoter_amends_only_when_the_wanted_price_moved(quoter):
    """No two asks in a row for one order are the same."""
    last = {}
    amends = 0
    for order in quoter.of("mine", events.OrderRequest, events.OrderAmend):
        assert last.get(order.order_id) != order.price_exact
        last[order.order_id] = order.price_exact
        amends += isinstance(order, events.OrderAmend)
    assert amends > 20


def test_quoter_holds_no_more_than_it_may(quoter):
    """1800 USDT at about 60000 is 0.029 or 0.030."""
    positions = [p.size_exact for p in quoter.of("broker", events.Position)]
    assert Decimal("0.02") < max(abs(p) for p in positions) <= Decimal("0.030")


def test_quoter_leans_against_what_it_holds(quoter):
    """Bids placed while it is long stand lower than those while it is not."""
    quotes = {q.sequence: q for q in quoter.of("venue", events.Quote)}
    held, behind = Decimal(0), defaultdict(list)
    fills = iter(sorted(quoter.of("broker", events.Fill), key=lambda f: f.gen_time))
    fill = next(fills, None)
    for request in quoter.of("mine", events.OrderRequest):
        while fill is not None and fill.gen_time < request.gen_time:
            held += fill.size_exact if fill.side is Side.BUY else -fill.size_exact
            fill = next(fills, None)
        if request.side is Side.BUY:
            quote = quotes[request.cause_sequence]
            behind[held > 0].append(quote.bid_price - request.price)
    assert sum(behind[True]) / len(behind[True]) > sum(behind[False]) / len(behind[False])


def test_quoter_on_spot_sells_only_what_it_bought(tmp_path):
    played = play(tmp_path, "quoter", QUOTER, instrument="sim:spot:BTC-USDT")
    assert played.faults == ()
    positions = [p.size_exact for p in played.of("broker", events.Position)]
    assert max(positions) > 0
    assert min(positions) >= 0
    assert played.of("mine", events.OrderRequest)[0].side is Side.BUY


def test_quoter_pauses_after_a_refusal(tmp_path):
    """Two refusals at once (one a side), and then nothing for the pause."""
    params = QUOTER + '\npause = "10s"'
    played = play(
        tmp_path, "quoter", params, limits='max_order_notional = { USDT = "10" }', duration="2m"
    )
    times = sorted({r.gen_time for r in played.of("mine", events.OrderRequest)})
    assert 3 <= len(times) <= 12
    assert all(b - a >= 10_000_000_000 for a, b in pairwise(times))


def test_equal_sessions_give_equal_journals(tmp_path):
    """Byte by byte."""
    files = []
    for name in ("first", "second"):
        play(tmp_path / name, "quoter", QUOTER, duration="1m")
        root = tmp_path / name / "journal"
        files.append({p.relative_to(root): p.read_bytes() for p in root.rglob("*.journal")})
    assert files[0]
    assert files[0] == files[1]
