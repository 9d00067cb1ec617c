"""A venue for the broker's kill trial: real sockets, its own exact ledger, which is the truth.

    python trading_venue.py SEED

It prints the port that it listens on (loopback), and ends when its standard input does; then it
prints its ledger as one line of JSON. Requests and answers are lines of JSON. It fills orders by
chance, when they come and at any later request, and forgets nothing that a killed client missed.
"""

import json
import random
import selectors
import socket
import sys
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import attrs

PRICES = [Decimal(n) for n in range(98, 103)]
FEE = Decimal("0.0005")


@attrs.define
class VenueOrder:
    """An order as the venue has it."""

    client_id: str
    venue_id: str
    side: str
    size: Decimal
    price: Decimal
    state: str = "live"
    filled: Decimal = Decimal(0)

    def as_dict(self) -> dict[str, str]:
        """As it is told."""
        return {k: str(v) for k, v in attrs.asdict(self).items()}


class Venue:
    """Orders, fills and balances; one client at a time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.orders: dict[str, VenueOrder] = {}
        self.fills: list[dict[str, str]] = []
        self.balances = {"BTC": Decimal(1000), "USDT": Decimal(1_000_000)}
        self.placed: Counter[str] = Counter()
        self.repeated: list[str] = []
        self.pushes: list[dict[str, Any]] = []

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a client asks; what happens besides goes to `pushes`."""
        answer: dict[str, Any] = getattr(self, f"on_{request['op']}")(request)
        self.trade()
        return answer | {"id": request["id"], "time": time.time_ns()}

    def on_place(self, request: dict[str, Any]) -> dict[str, Any]:
        client_id = request["client_id"]
        self.placed[client_id] += 1
        if request["deadline"] and time.time_ns() > request["deadline"]:
            return {"error": "too late"}
        if client_id in self.orders:
            self.repeated.append(client_id)
            return {"error": "duplicate client id"}
        if self.random.random() < 0.05:
            return {"error": "refused by chance"}
        order = VenueOrder(
            client_id,
            f"V{len(self.orders) + 1}",
            request["side"],
            Decimal(request["size"]),
            Decimal(request["price"]),
        )
        self.orders[client_id] = order
        return {"order": order.as_dict()}

    def on_cancel(self, request: dict[str, Any]) -> dict[str, Any]:
        order = self.orders.get(request["client_id"])
        if order is None or order.state != "live":
            return {"error": "no such live order", "order": order.as_dict() if order else None}
        order.state = "canceled"
        return {"order": order.as_dict()}

    def on_order(self, request: dict[str, Any]) -> dict[str, Any]:
        order = self.orders.get(request["client_id"])
        fills = [f for f in self.fills if f["client_id"] == request["client_id"]]
        return {"order": order.as_dict() if order else None, "fills": fills}

    def on_account(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "orders": [o.as_dict() for o in self.orders.values() if o.state == "live"],
            "fills": [f for f in self.fills if int(f["time"]) >= request["since"]],
            "balances": {c: str(total) for c, total in self.balances.items()},
        }

    def trade(self) -> None:
        """Fill a part or the rest of some live orders."""
        live = [o for o in self.orders.values() if o.state == "live"]
        for order in self.random.sample(live, min(len(live), self.random.randrange(3))):
            rest = order.size - order.filled
            size = rest if self.random.random() < 0.5 else (rest / 2).quantize(Decimal("0.001"))
            if size:
                self.fill(order, size)

    def fill(self, order: VenueOrder, size: Decimal) -> None:
        sign = 1 if order.side == "BUY" else -1
        fee = size * order.price * FEE
        self.balances["BTC"] += sign * size
        self.balances["USDT"] -= sign * size * order.price + fee
        order.filled += size
        if order.filled == order.size:
            order.state = "filled"
        fill = {
            "client_id": order.client_id,
            "venue_id": order.venue_id,
            "trade_id": str(len(self.fills) + 1),
            "side": order.side,
            "size": str(size),
            "price": str(order.price),
            "fee": str(fee),
            "time": str(time.time_ns()),
        }
        self.fills.append(fill)
        self.pushes.append({"fill": fill, "order": order.as_dict()})

    def ledger(self) -> dict[str, Any]:
        """Everything, for whoever compares."""
        return {
            "orders": [o.as_dict() for o in self.orders.values()],
            "fills": self.fills,
            "balances": {c: str(total) for c, total in self.balances.items()},
            "taken_and_repeated": self.repeated,
            "placed_twice": [c for c, times in self.placed.items() if times > 1],
        }


def serve(venue: Venue) -> None:
    """Answer until standard input ends."""
    server = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{server.getsockname()[1]}\n")
    sys.stdout.flush()
    selector = selectors.DefaultSelector()
    selector.register(server, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    buffers: dict[socket.socket, bytes] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is server:
                client, _ = server.accept()
                selector.register(client, selectors.EVENT_READ)
                buffers[client] = b""
                continue
            client = key.fileobj  # type: ignore[assignment]
            if not answer_client(venue, client, buffers):
                selector.unregister(client)
                del buffers[client]
                client.close()


def answer_client(venue: Venue, client: socket.socket, buffers: dict[socket.socket, bytes]) -> bool:
    """Answer what a client has sent; False if it is gone."""
    try:
        received = client.recv(1 << 16)
        *lines, buffers[client] = (buffers[client] + received).split(b"\n")
        for line in lines:
            answer = venue.handle(json.loads(line))
            # Answers and pushes come in either order.
            told = [answer, *venue.pushes]
            venue.random.shuffle(told)
            venue.pushes.clear()
            client.sendall(b"".join(json.dumps(t).encode() + b"\n" for t in told))
    except OSError:
        return False
    return bool(received)


if __name__ == "__main__":
    the_venue = Venue(int(sys.argv[1]))
    serve(the_venue)
    sys.stdout.write(json.dumps(the_venue.ledger()) + "\n")
