"""Random trading, booked by the real broker: every figure equals that of the slow reference."""

import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_run import PERP, SECOND, SPOT, START, ScriptedRun
from slow_books import SlowBooks, deepest_fall

from kungfu_core.enums import Side
from kungfu_core.report import summarize


def decimals(low, high, places):
    number = st.integers(low * 10**places, high * 10**places)
    return number.map(lambda n: Decimal(n).scaleb(-places))


prices = decimals(1, 500, 2)
quotes = st.tuples(st.just("quote"), st.sampled_from([PERP, SPOT]), prices, decimals(0, 3, 2))
fills = st.tuples(
    st.just("fill"),
    st.sampled_from([PERP, SPOT]),
    st.sampled_from([Side.BUY, Side.SELL]),
    decimals(1, 9, 3),
    prices,
    decimals(-1, 2, 7),
    st.booleans(),
)
deposits = st.tuples(st.just("deposit"), decimals(-50, 500, 6))


def play(things, folder):
    """Script what happens, five seconds apart, for the journals and for the reference."""
    script, told = ScriptedRun(folder), []
    for name in (PERP, SPOT):
        script.define(name)
    for number, thing in enumerate(things):
        at, time = 5 * number, START + 5 * number * SECOND
        if thing[0] == "quote":
            _, name, bid, spread = thing
            script.quote(at, name, bid, bid + spread)
            told.append((time, "quote", name, Fraction(bid), Fraction(bid + spread)))
        elif thing[0] == "deposit" and thing[1]:
            script.deposit(at, "USDT", thing[1])
            told.append((time, "deposit", Fraction(thing[1])))
        elif thing[0] == "fill":
            _, name, side, size, price, fee, wants_base = thing
            spot = name == SPOT
            in_base = spot and wants_base
            script.trade_now(at, name, side, size, price, fee=(fee, "ETH" if in_base else "USDT"))
            signed = Fraction(size) * (1 if side == Side.BUY else -1)
            booked = time + 2 * SECOND
            told.append(
                (booked, "fill", name, spot, signed, Fraction(price), Fraction(fee), in_base)
            )
    script.say(5 * len(things), script.session, script.ending())
    return script.finish(), SlowBooks(told)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(quotes, fills, fills, deposits), max_size=14))
def test_every_figure_equals_the_reference(things):
    with tempfile.TemporaryDirectory() as folder:
        run, books = play([("deposit", Decimal(1000)), *things], Path(folder))
        summary = summarize(run)
    end = summary.run.last_time
    assert [failure for check in summary.checks for failure in check.failures] == []
    for result in summary.instruments:
        name = result.instrument
        cost, realized = books.cost_and_realized(end, name)
        held, price = books.position(end, name), books.price(end, name)
        assert (result.position, result.cost, result.realized) == (held, cost, realized)
        assert result.price == price
        assert result.unrealized == held * price - cost
        paid = books.fees(end, name, in_base=False)
        assert result.fees.get("USDT", 0) == paid
        assert result.fees.get("ETH", 0) == books.fees(end, name, in_base=True)
        assert result.net == realized + held * price - cost - paid
    (usdt,) = (b for b in summary.balances if b.currency == "USDT")
    assert usdt.exact
    assert usdt.total == books.cash(end)
    (equity,) = summary.equity
    assert equity.last == books.equity(end)
    known = {}
    for point in equity.curve:
        known.setdefault(len(books.until(point.time)), books.equity(point.time))
        assert point.equity == known[len(books.until(point.time))]
        assert point.transfers == books.deposits(point.time)
    assert equity.drawdown.amount == deepest_fall(
        [Fraction(p.profit) for p in _turns(equity.curve)]
    )


def _turns(curve):
    """The curve without repetitions, which cannot make a fall deeper."""
    kept = [curve[0]]
    for point in curve:
        if point.profit != kept[-1].profit:
            kept.append(point)
    return kept
