"""Kills a trading node again and again, and compares what it knows with its venue's own ledger.

    python broker_kill.py KILLS SEED [RESEND]

Prints "kills N", "orders N", "fills N" and so on; ends with 1, and says why on stderr, if an order
was sent twice or forgotten, if one's fate is not known, or if a balance is off by a digit. With
RESEND, the node's `resend_max_age` in seconds, an order is sent twice only if the venue has it
already.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading_node import SALT

from kungfu_core import events
from kungfu_core.client_order_ids import client_order_id
from kungfu_core.enums import OrderState
from kungfu_core.journal import Journal, Reader

HERE = Path(__file__).resolve().parent
FAULTS = ("before-send", "after-send", "before-ack", "none", "none")
PATIENCE = 60
"""Seconds that any one step may take; far more than it does."""


def start(program: str, *arguments: object, **pipes: Any) -> "subprocess.Popen[str]":
    """Start one of the programs beside this one."""
    command = [sys.executable, str(HERE / program), *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **pipes)


def kill_once(folder: Path, port: int, chance: random.Random, resend: str) -> str:
    """Let a node run until it is killed; gives what was wrong with how it ended, if anything."""
    fault = chance.choice(FAULTS)
    node = start(
        "trading_node.py",
        folder,
        port,
        fault,
        chance.randrange(1, 40),
        resend,
        stderr=subprocess.PIPE,
    )
    assert node.stdout is not None
    if fault == "none":
        for _ in range(chance.randrange(1, 40)):
            if not node.stdout.readline():
                break
        node.kill()
    _, said = node.communicate(timeout=PATIENCE)
    return "" if node.returncode == -9 else f"the node ended with {node.returncode}: {said}"


def settled(node: "subprocess.Popen[str]") -> list[str]:
    """Wait for a node that settles; gives what was wrong."""
    try:
        _, said = node.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        node.kill()
        return [f"orders were not settled within {PATIENCE} s: {node.communicate()[1]}"]
    return [f"settling ended with {node.returncode}: {said}"] if node.returncode else []


class Known:
    """What the broker's journal says at the end."""

    def __init__(self, root: Path) -> None:
        self.orders: dict[str, events.OrderUpdate] = {}
        self.sent: Counter[int] = Counter()
        self.fills: Counter[str] = Counter()
        self.balances: dict[str, Decimal] = {}
        self.adjusted = 0
        for event in Reader(Journal(root, "broker", "BROKER")):
            if isinstance(event, events.OrderUpdate) and event.order_id:
                self.orders[client_order_id(event.order_id, SALT)] = event
            elif isinstance(event, events.OrderRequest):
                self.sent[event.order_id] += 1
            elif isinstance(event, events.Fill):
                self.fills[event.trade_id] += 1
            elif isinstance(event, events.Balance):
                self.balances[event.currency] = event.total_exact
            elif isinstance(event, events.Reconciliation):
                self.adjusted += event.adjusted


def differences(known: Known, ledger: dict[str, Any], resend: str) -> list[str]:
    """Compare the broker's journal with the venue's ledger."""
    twice = ledger["placed_twice" if resend == "0" else "taken_and_repeated"]
    wrong = [f"{client_id} was sent twice" for client_id in twice]
    wrong += order_differences(known.orders, {o["client_id"]: o for o in ledger["orders"]})
    if known.fills != Counter(f["trade_id"] for f in ledger["fills"]):
        wrong.append("the fills are not those of the venue")
    if known.balances != {c: Decimal(total) for c, total in ledger["balances"].items()}:
        wrong.append(f"balances are {known.balances}, the venue has {ledger['balances']}")
    if known.adjusted != len(known.balances):
        wrong.append(f"{known.adjusted} adjustments, expected only those of the first comparison")
    return wrong


def order_differences(
    ours: dict[str, events.OrderUpdate], theirs: dict[str, dict[str, str]]
) -> list[str]:
    """Compare each order with what the venue has of it."""
    states = {"filled": OrderState.FILLED, "canceled": OrderState.CANCELED}
    never_there = (OrderState.EXPIRED, OrderState.REJECTED, OrderState.RISK_REJECTED)
    wrong = [f"{client_id} was forgotten" for client_id in theirs.keys() - ours.keys()]
    for client_id, update in ours.items():
        order = theirs.get(client_id)
        if order is None:
            fits = update.state in never_there
        else:
            told = (states.get(order["state"]), Decimal(order["filled"]))
            fits = (update.state, update.filled_exact) == told
        if not fits:
            said = f"{client_id} is {update.state} with {update.filled_exact}"
            wrong.append(f"{said}, the venue has {order}")
    return wrong


def main() -> int:
    """Kill so many times, then settle and compare."""
    kills, seed = map(int, sys.argv[1:3])
    resend = "".join(sys.argv[3:]) or "0"
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kungfu-torture-") as name:
        folder = Path(name)
        venue = start("trading_venue.py", seed, stdin=subprocess.PIPE)
        assert venue.stdout is not None
        port = int(venue.stdout.readline())
        wrong = [said for _ in range(kills) if (said := kill_once(folder, port, chance, resend))]
        settling = start(
            "trading_node.py", folder, port, "settle", 1, resend, stderr=subprocess.PIPE
        )
        wrong += settled(settling)
        ledger = json.loads(venue.communicate(timeout=PATIENCE)[0])
        known = Known(folder / "journal")
        wrong += differences(known, ledger, resend)
    again = sum(times > 1 for times in known.sent.values())
    sys.stdout.write(
        f"kills {kills}\norders {len(ledger['orders'])}\nfills {len(ledger['fills'])}\n"
        f"sent_again {again}\n"
    )
    sys.stderr.write("".join(f"{line}\n" for line in wrong[:6]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
