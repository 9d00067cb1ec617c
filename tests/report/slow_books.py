"""The reference: a run's books in fractions, made anew from the whole script for every question."""

from fractions import Fraction

DECIMALS = 10**8
"""Cost taken out by closing a part is rounded half to even at the eighth decimal."""


class SlowBooks:
    """Trades and prices of one account, as (time, what, ...) in order of time.

    Things are ("deposit", amount), ("quote", name, bid, ask) and
    ("fill", name, spot, signed size, price, fee, fee in base).
    """

    def __init__(self, script):
        self.script = script

    def until(self, time):
        return [thing[1:] for thing in self.script if thing[0] <= time]

    def fills(self, time, name):
        return [thing[2:] for thing in self.until(time) if thing[:2] == ("fill", name)]

    def position(self, time, name):
        fills = self.fills(time, name)
        return sum((size - fee * in_base for _, size, _, fee, in_base in fills), Fraction(0))

    def cost_and_realized(self, time, name):
        size = cost = realized = Fraction(0)
        for _, signed, price, fee, in_base in self.fills(time, name):
            traded = signed
            if size * traded < 0:
                closed = min(abs(traded), abs(size))
                removed = (
                    cost
                    if closed == abs(size)
                    else Fraction(round(cost * closed / abs(size) * DECIMALS), DECIMALS)
                )
                direction = 1 if size > 0 else -1
                realized += closed * direction * price - removed
                cost -= removed
                size -= closed * direction
                traded += closed * direction
            size, cost = size + traded, cost + price * traded
            left = size - fee * in_base
            if fee * in_base and left * size <= 0:
                realized, cost = realized - cost, Fraction(0)
            size = left
        return cost, realized

    def price(self, time, name):
        quotes = [thing[2:] for thing in self.until(time) if thing[:2] == ("quote", name)]
        if quotes:
            return sum(quotes[-1]) / 2
        fills = self.fills(time, name)
        return fills[-1][2] if fills else Fraction(0)

    def fees(self, time, name, *, in_base):
        return sum((f[3] for f in self.fills(time, name) if f[4] == in_base), Fraction(0))

    def deposits(self, time):
        return sum((t[1] for t in self.until(time) if t[0] == "deposit"), Fraction(0))

    def cash(self, time):
        total = self.deposits(time)
        for name in self.names():
            spot = any(f[0] for f in self.fills(time, name))
            if spot:
                total -= sum((f[1] * f[2] for f in self.fills(time, name)), Fraction(0))
            else:
                total += self.cost_and_realized(time, name)[1]
            total -= self.fees(time, name, in_base=False)
        return total

    def equity(self, time):
        total = self.cash(time)
        for name in self.names():
            price, held = self.price(time, name), self.position(time, name)
            if any(f[0] for f in self.fills(time, name)):
                total += held * price
            else:
                total += held * price - self.cost_and_realized(time, name)[0]
        return total

    def names(self):
        return sorted({thing[2] for thing in self.script if thing[1] == "fill"})


def deepest_fall(profits):
    """The largest amount by which a later value lies below an earlier one."""
    falls = [a - b for i, a in enumerate(profits) for b in profits[i + 1 :]]
    return max([Fraction(0), *falls])
