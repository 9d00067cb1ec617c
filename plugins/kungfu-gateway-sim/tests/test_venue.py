"""Balances, fees, latency, refusals and the venue's own market, through the C ABI."""

from collections.abc import Callable
from decimal import Decimal

import pytest

RunVenue = Callable[[str], list[dict[str, str]]]

SPOT = "v:spot:BTC-USDT"
PERPETUAL = "v:perpetual:BTC-USDT"
HEAD = f"""recorded 1
fees 0.0002 0.0005
latency 10 5
account main
account empty
balance main USDT 1000
balance main BTC 0.5
go 0
0 instrument {SPOT} spot 0.01 0.001
0 instrument {PERPETUAL} perpetual 0.1 0.001
0 instrument v:inverse:X inverse 0.1 1
1 quote {SPOT} 1 99.99 3 100.01 2
1 quote {PERPETUAL} 1 99.9 3 100.1 2
"""


def reports(said: list[dict[str, str]], kind: str = "update") -> list[dict[str, str]]:
    return [event for event in said if event["kind"] == kind]


def test_announces_starting_balances_as_transfers(run_venue: RunVenue) -> None:
    cash = reports(run_venue(HEAD), "cash")
    assert [(c["account"], c["currency"], c["amount"], c["why"]) for c in cash] == [
        ("main", "USDT", "1000", "TRANSFER"),
        ("main", "BTC", "0.5", "TRANSFER"),
    ]


def test_latency_runs_before_the_book_and_after_it(run_venue: RunVenue) -> None:
    """Received at 20, at the book at 30, told at 35; caused by the request all the while."""
    said = run_venue(HEAD + f"20 order 1 main {SPOT} BUY LIMIT GTC 100.01 1\n")
    update, fill = reports(said)[0], reports(said, "fill")[0]
    assert (update["at"], update["time"], fill["at"], fill["time"]) == ("35", "30", "35", "30")
    assert update["cause"] == fill["cause"] == "6"
    assert update["to"] == fill["to"] == "77"


def test_an_order_meets_the_book_of_the_moment_of_its_arrival(run_venue: RunVenue) -> None:
    said = run_venue(
        HEAD
        + f"20 order 1 main {PERPETUAL} BUY MARKET IOC - 5\n25 quote {PERPETUAL} 2 89.9 3 90.1 2\n"
    )
    assert [(f["price"], f["size"]) for f in reports(said, "fill")] == [("90.1", "2")]
    assert reports(said)[-1]["reason"] == "no_liquidity_for_the_rest_of_the_market_order"


@pytest.mark.parametrize(
    ("order", "fee"),
    [
        (f"{SPOT} BUY LIMIT GTC 100.01 1.234", "0.0617061700"),  # 100.01 * 1.234 * 0.0005
        (f"{PERPETUAL} SELL MARKET IOC - 0.007", "0.00034965"),  # 99.9 * 0.007 * 0.0005
    ],
)
def test_fees_are_exact_and_in_the_currency_that_pays(
    run_venue: RunVenue, order: str, fee: str
) -> None:
    fill = reports(run_venue(HEAD + f"20 order 1 main {order}\n"), "fill")[0]
    assert Decimal(fill["fee"]) == Decimal(fee)
    assert fill["currency"] == "USDT"


def test_makers_pay_the_maker_fee(run_venue: RunVenue) -> None:
    said = run_venue(
        HEAD + f"20 order 1 main {SPOT} BUY LIMIT GTC 99.5 1\n40 trade {SPOT} SELL 99.4 0.25 0\n"
    )
    fill = reports(said, "fill")[0]
    assert (fill["price"], fill["size"], fill["liquidity"]) == ("99.5", "0.25", "MAKER")
    assert Decimal(fill["fee"]) == Decimal("99.5") * Decimal("0.25") * Decimal("0.0002")


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (f"nobody {SPOT} BUY LIMIT GTC 100 1", "unknown account"),
        ("main v:spot:NO BUY LIMIT GTC 100 1", "unknown instrument"),
        ("main v:inverse:X BUY LIMIT GTC 100 1", "inverse contracts are not simulated"),
        (f"main {SPOT} BUY STOP_LIMIT GTC 100 1", "order type is not supported"),
        (f"main {SPOT} BUY LIMIT DAY 100 1", "time in force is not supported"),
        (f"main {SPOT} BUY POST_ONLY IOC 100 1", "a post-only order must be good till cancelled"),
        (f"main {SPOT} BUY LIMIT GTC - 1", "a limit order needs a price"),
        (f"main {SPOT} BUY LIMIT GTC 100 0", "size must be positive"),
        (f"main {SPOT} BUY LIMIT GTC 100 -1", "size must be positive"),
        (f"main {SPOT} BUY LIMIT GTC 100 0.0001", "size is not a multiple of the lot"),
        (f"main {SPOT} BUY LIMIT GTC 100.001 1", "price is not a multiple of the tick"),
        (f"main {SPOT} BUY LIMIT GTC 0 1", "price must be positive"),
        (f"main {PERPETUAL} BUY LIMIT GTC {2**63 - 7} {2**63 - 7}", "order value is out of range"),
        (f"main {SPOT} BUY POST_ONLY GTC 100.01 1", "post-only order would take liquidity"),
        (f"empty {SPOT} BUY LIMIT GTC 100 0.001", "insufficient balance"),
        (f"main {SPOT} SELL LIMIT GTC 100 0.501", "insufficient balance"),
        (f"main {SPOT} SELL MARKET IOC - 0.501", "insufficient balance"),
        (f"main {SPOT} BUY LIMIT GTC 100 10", "insufficient balance"),  # the fee is missing
    ],
)
def test_an_order_that_cannot_be_taken_is_refused_with_the_reason(
    run_venue: RunVenue, order: str, reason: str
) -> None:
    said = run_venue(HEAD + f"20 order 1 {order}\n")
    (update,) = reports(said)
    assert (update["state"], update["reason"].replace("_", " ")) == ("REJECTED", reason)
    assert not reports(said, "fill")


def test_what_open_orders_may_cost_is_not_available_twice(run_venue: RunVenue) -> None:
    """1000 USDT: 99 * 6 rest; another 99 * 6 is refused, and taken once the first is cancelled."""
    order = f"main {SPOT} BUY LIMIT GTC 99 6"
    said = run_venue(
        HEAD
        + f"20 order 1 {order}\n21 order 2 {order}\n22 cancel 1 main {SPOT}\n23 order 3 {order}\n"
    )
    assert [(u["order"], u["state"]) for u in reports(said)] == [
        ("1", "ACCEPTED"),
        ("2", "REJECTED"),
        ("1", "CANCELED"),
        ("3", "ACCEPTED"),
    ]


def test_what_was_bought_can_be_sold(run_venue: RunVenue) -> None:
    said = run_venue(
        HEAD
        + f"20 order 1 main {SPOT} BUY LIMIT GTC 100.01 1\n"
        + f"40 order 2 main {SPOT} SELL MARKET IOC - 1.5\n"
        + f"60 order 3 main {SPOT} SELL MARKET IOC - 0.001\n"
    )
    sold = [f for f in reports(said, "fill") if f["order"] == "2"]
    assert sum(Decimal(f["size"]) for f in sold) == Decimal("1.5")
    assert reports(said)[-1]["reason"] == "insufficient_balance"


def test_orders_for_other_venues_are_left_alone(run_venue: RunVenue) -> None:
    said = run_venue(HEAD + f"20 foreign_order 1 main {SPOT} BUY LIMIT GTC 100.01 1\n")
    assert {event["kind"] for event in said} == {"cash"}


def test_a_repeated_order_id_changes_nothing(run_venue: RunVenue) -> None:
    order = f"order 1 main {SPOT} BUY LIMIT GTC 99 1"
    said = run_venue(HEAD + f"20 {order}\n30 {order}\n40 cancel 1 main {SPOT}\n50 {order}\n")
    assert [(u["state"], u["reason"]) for u in reports(said)] == [
        ("ACCEPTED", ""),
        ("ACCEPTED", "duplicate_order_id:_the_first_stands"),
        ("CANCELED", "canceled_on_request"),
    ]


# --- the venue's own market -------------------------------------------------------------------

OWN = "sim:spot:BTC-USDT"


def own_market(seed: int, requests: str = "") -> str:
    return f"""recorded 0
seed {seed}
fees 0.0002 0.0005
latency 1000000 1000000
account main
balance main USDT 1000000
balance main BTC 10
market {OWN} 0.1 0.0001 60000 0.05 600000 50000000 500000000 100
go 1000000000
{requests}until 61000000000
"""


def test_equal_seeds_make_equal_markets_and_others_do_not(run_venue: RunVenue) -> None:
    assert run_venue(own_market(7)) == run_venue(own_market(7))
    assert run_venue(own_market(7)) != run_venue(own_market(8))


def test_published_deltas_keep_the_book_that_the_quotes_show(run_venue: RunVenue) -> None:
    """A reader of snapshot and deltas sees each quote, never crossed, and every sequence chains."""
    books: dict[str, dict[Decimal, Decimal]] = {"B": {}, "S": {}}
    last, quotes, trades = 0, 0, 0
    for event in run_venue(own_market(3)):
        if event["kind"] in ("snapshot", "delta"):
            assert event["kind"] == "snapshot" or int(event["previous"]) == last
            last = int(event["id"])
            for level in event["levels"].split(","):
                side, price, size = level.split(":")
                books[side][Decimal(price)] = Decimal(size)
        elif event["kind"] == "quote":
            quotes += 1
            bid = max(p for p, s in books["B"].items() if s)
            ask = min(p for p, s in books["S"].items() if s)
            assert int(event["id"]) == last
            assert bid < ask
            assert (Decimal(event["bid"]), Decimal(event["bid_size"])) == (bid, books["B"][bid])
            assert (Decimal(event["ask"]), Decimal(event["ask_size"])) == (ask, books["S"][ask])
        elif event["kind"] == "trade":
            trades += 1
    assert quotes > 50
    assert trades > 50


def test_our_orders_stand_in_the_published_book_and_trade_in_public(run_venue: RunVenue) -> None:
    requests = (
        f"2000000000 order 1 main {OWN} BUY LIMIT GTC 58000 0.1234\n"
        f"3000000000 amend 1 main {OWN} - 0.1\n"
        f"4000000000 order 2 main {OWN} BUY MARKET IOC - 0.5\n"
        f"5000000000 cancel 1 main {OWN}\n"
    )
    said = run_venue(own_market(5, requests))
    at_58000 = [
        level.split(":")[2]
        for event in said
        if event["kind"] == "delta"
        for level in event["levels"].split(",")
        if level.startswith("B:58000.0:")
    ]
    assert [Decimal(size) for size in at_58000] == [Decimal("0.1234"), Decimal("0.1"), 0]
    at_market = {
        (e["price"], e["size"]) for e in said if e["kind"] == "trade" and e["at"] == "4001000000"
    }
    fills = {(f["price"], f["size"]) for f in reports(said, "fill")}
    assert fills
    assert fills == at_market
    assert sum(Decimal(size) for _, size in fills) == Decimal("0.5")
    assert [(u["order"], u["state"]) for u in reports(said)] == [
        ("1", "ACCEPTED"),
        ("1", "ACCEPTED"),
        ("2", "ACCEPTED"),
        ("1", "CANCELED"),
    ]
