"""The closed vocabularies of the event types; C++ gets the same numbers from `native/generate.py`.

Standard library only: the build reads this file before anything is installed.
"""

from enum import IntEnum


class Vocabulary(IntEnum):
    """A number that shows its name: `f"{order.side}"` is "BUY"."""

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


class Side(Vocabulary):
    """Which way a trade or an order goes."""

    BUY = 1
    SELL = 2


class Product(Vocabulary):
    """What kind of thing an instrument is."""

    SPOT = 1
    PERPETUAL = 2
    FUTURE = 3
    OPTION = 4


class ContractKind(Vocabulary):
    """How a contract pays: in quote currency (linear) or in base currency (inverse)."""

    NONE = 0
    LINEAR = 1
    INVERSE = 2


class SizeUnit(Vocabulary):
    """What the number in a size counts."""

    BASE = 1
    CONTRACTS = 2


class InstrumentStatus(Vocabulary):
    """Whether a venue accepts orders for an instrument."""

    TRADING = 1
    CANCEL_ONLY = 2
    HALTED = 3
    DELISTED = 4


class OrderType(Vocabulary):
    """How an order meets the book."""

    MARKET = 1
    LIMIT = 2
    POST_ONLY = 3
    STOP_MARKET = 4
    STOP_LIMIT = 5
    TRAILING_STOP = 6


class TimeInForce(Vocabulary):
    """How long an order may rest."""

    GTC = 1
    IOC = 2
    FOK = 3
    GTD = 4
    DAY = 5


class PriceKind(Vocabulary):
    """Which price of an instrument a stop watches."""

    LAST = 0
    MARK = 1


class PositionSide(Vocabulary):
    """Which position of an instrument is meant: the only one, or one of two in hedging mode."""

    NET = 0
    LONG = 1
    SHORT = 2


class OrderState(Vocabulary):
    """Where an order stands; `order_states.py` has the moves between these."""

    CREATED = 1
    RISK_REJECTED = 2
    SUBMITTED = 3
    ACCEPTED = 4
    PARTIALLY_FILLED = 5
    FILLED = 6
    PENDING_CANCEL = 7
    CANCELED = 8
    PENDING_AMEND = 9
    REJECTED = 10
    EXPIRED = 11
    UNKNOWN = 12


class Liquidity(Vocabulary):
    """Whether a fill made or took liquidity."""

    UNKNOWN = 0
    MAKER = 1
    TAKER = 2


class CashKind(Vocabulary):
    """Why a balance changed."""

    TRANSFER = 1
    PRINCIPAL = 2
    FEE = 3
    REALIZED_PNL = 4
    FUNDING = 5
    INTEREST = 6
    CONVERSION = 7
    LIQUIDATION = 8
    SETTLEMENT = 9
    ADJUSTMENT = 10


class QueryKind(Vocabulary):
    """What the broker asks a venue for: one order, or all that an account holds."""

    ORDER = 1
    ACCOUNT = 2


class QueryOutcome(Vocabulary):
    """How a venue's answer ended."""

    COMPLETE = 1
    NOT_FOUND = 2
    FAILED = 3


class AccountState(Vocabulary):
    """Whether orders of an account go out."""

    RECONCILING = 1
    READY = 2


class Difference(Vocabulary):
    """What a reconciliation found the broker and a venue to differ in."""

    ORDER_MISSING = 1
    ORDER_ADOPTED = 2
    ORDER_STATE = 3
    FILL_MISSED = 4
    POSITION = 5
    BALANCE = 6


class Scope(Vocabulary):
    """Whom a limit or a kill switch concerns."""

    GLOBAL = 1
    ACCOUNT = 2
    STRATEGY = 3


class SwitchState(Vocabulary):
    """Whether a kill switch has been thrown."""

    RESET = 1
    THROWN = 2


class Verdict(Vocabulary):
    """What a risk check said of an order."""

    ALLOWED = 1
    REFUSED = 2
    FAILED = 3
    OVERRAN = 4


class CommandKind(Vocabulary):
    """What a person asks of the broker."""

    KILL = 1
    RESET = 2
    SET_LIMIT = 3
    CANCEL_ORDER = 4
    CANCEL_ALL = 5
    FLATTEN = 6
    FIRE_TRIGGER = 7
    RECONCILE = 8


class ComponentKind(Vocabulary):
    """What a component is."""

    GATEWAY = 1
    BROKER = 2
    STRATEGY = 3
    SESSION = 4


class ComponentPhase(Vocabulary):
    """A step in a component's life."""

    START = 1
    STOP = 2
    FAULT = 3


class ConnectionState(Vocabulary):
    """A gateway's link to its venue."""

    CONNECTING = 1
    CONNECTED = 2
    DISCONNECTED = 3


class FeedState(Vocabulary):
    """Whether a market-data feed can be trusted."""

    LIVE = 1
    STALE = 2
    GAP = 3
    ENDED = 4


class SubscriptionAction(Vocabulary):
    """Whether a subscription begins or ends."""

    SUBSCRIBE = 1
    UNSUBSCRIBE = 2


class NameKind(Vocabulary):
    """What a hashed 64-bit id stands for."""

    SOURCE = 1
    ACCOUNT = 2
    INSTRUMENT = 3
    JOURNAL = 4


class LogLevel(Vocabulary):
    """Severity, numbered as in Python's `logging`."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50
