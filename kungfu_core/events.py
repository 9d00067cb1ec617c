"""The core's event classes, one for each type that `event_types.py` declares.

`events.pyi`, generated from the same declarations, has their attributes for type checkers.
"""

from kungfu_core import event_types
from kungfu_core.instruments import InstrumentEvent
from kungfu_core.views import Event, view_class

TypeDefinition = view_class(event_types.TYPE_DEFINITION)
NameDefinition = view_class(event_types.NAME_DEFINITION)
PageEnd = view_class(event_types.PAGE_END)
ComponentStatus = view_class(event_types.COMPONENT_STATUS)
PluginStatus = view_class(event_types.PLUGIN_STATUS)
ConsumedRun = view_class(event_types.CONSUMED_RUN)
Consumption = view_class(event_types.CONSUMPTION)
Log = view_class(event_types.LOG)
Timer = view_class(event_types.TIMER)
Subscription = view_class(event_types.SUBSCRIPTION)
State = view_class(event_types.STATE)
Connection = view_class(event_types.CONNECTION)
FeedStatus = view_class(event_types.FEED_STATUS)
Instrument = view_class(event_types.INSTRUMENT, InstrumentEvent)
Trade = view_class(event_types.TRADE)
Quote = view_class(event_types.QUOTE)
Level = view_class(event_types.LEVEL)
BookSnapshot = view_class(event_types.BOOK_SNAPSHOT)
BookDelta = view_class(event_types.BOOK_DELTA)
Bar = view_class(event_types.BAR)
MarkPrice = view_class(event_types.MARK_PRICE)
IndexPrice = view_class(event_types.INDEX_PRICE)
FundingRate = view_class(event_types.FUNDING_RATE)
OrderRequest = view_class(event_types.ORDER_REQUEST)
OrderCancel = view_class(event_types.ORDER_CANCEL)
OrderAmend = view_class(event_types.ORDER_AMEND)
OrderUpdate = view_class(event_types.ORDER_UPDATE)
Fill = view_class(event_types.FILL)
Position = view_class(event_types.POSITION)
Balance = view_class(event_types.BALANCE)
CashMovement = view_class(event_types.CASH_MOVEMENT)
VenueQuery = view_class(event_types.VENUE_QUERY)
VenueAnswer = view_class(event_types.VENUE_ANSWER)
Reconciliation = view_class(event_types.RECONCILIATION)
AccountStatus = view_class(event_types.ACCOUNT_STATUS)
RiskVerdict = view_class(event_types.RISK_VERDICT)
LimitChange = view_class(event_types.LIMIT_CHANGE)
KillSwitch = view_class(event_types.KILL_SWITCH)
OperatorCommand = view_class(event_types.OPERATOR_COMMAND)
ClockOffset = view_class(event_types.CLOCK_OFFSET)

EVENT_CLASSES: tuple[type[Event], ...] = (
    TypeDefinition,
    NameDefinition,
    PageEnd,
    ComponentStatus,
    PluginStatus,
    Consumption,
    Log,
    Timer,
    Subscription,
    State,
    Connection,
    FeedStatus,
    Instrument,
    Trade,
    Quote,
    BookSnapshot,
    BookDelta,
    Bar,
    MarkPrice,
    IndexPrice,
    FundingRate,
    OrderRequest,
    OrderCancel,
    OrderAmend,
    OrderUpdate,
    Fill,
    Position,
    Balance,
    CashMovement,
    VenueQuery,
    VenueAnswer,
    Reconciliation,
    AccountStatus,
    RiskVerdict,
    LimitChange,
    KillSwitch,
    OperatorCommand,
    ClockOffset,
)
"""All of the above that can stand in a journal."""
