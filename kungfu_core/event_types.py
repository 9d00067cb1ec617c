"""Every event type of the core, declared once: C++, NumPy, Python views and files derive from here.

Sizes count what the instrument's `size_unit` says: base units, or contracts. Times are nanoseconds
since 1970 UTC. Standard library only: the build reads this file before anything is installed.
"""

from enum import IntEnum

from kungfu_core import enums
from kungfu_core.schema import EventType, Field, Tail


def _u8(name: str, doc: str) -> Field:
    return Field(name, "u8", doc)


def _u32(name: str, doc: str) -> Field:
    return Field(name, "u32", doc)


def _u64(name: str, doc: str) -> Field:
    return Field(name, "u64", doc)


def _bool(name: str, doc: str) -> Field:
    return Field(name, "bool", doc)


def _id(name: str, doc: str) -> Field:
    return Field(name, "id", doc)


def _time(name: str, doc: str) -> Field:
    return Field(name, "time", doc)


def _number(name: str, doc: str) -> Field:
    return Field(name, "number", doc)


def _money(name: str, doc: str) -> Field:
    return Field(name, "money", doc)


def _text(name: str, width: int, doc: str) -> Field:
    return Field(name, "text", doc, width=width)


def _enum(name: str, vocabulary: type[IntEnum], doc: str) -> Field:
    return Field(name, "enum", doc, vocabulary=vocabulary)


_INSTRUMENT = _id("instrument", "The instrument's id.")
_TIME = _time("time", "The venue's own time of the event; 0 where the venue gives none.")
_POSITION_SIDE = _enum("position_side", enums.PositionSide, "Which position; NET but for hedging.")
_ORDER = (
    _u64("order_id", "The order, unique over all strategies and restarts."),
    _INSTRUMENT,
    _id("account", "The account that trades."),
    _id("strategy", "The strategy that owns the order; 0 for an external one."),
)

# --- what a journal says about itself ---------------------------------------------------------

TYPE_DEFINITION = EventType(
    "type_definition", 1, "Which number stands for which type in this journal, and its layout.",
    (_u32("type_number", "The number."), _u32("type_version", "The type's version.")),
    Tail("schema", "text", "The layout as canonical JSON."), number=1,
)  # fmt: skip

NAME_DEFINITION = EventType(
    "name_definition", 1, "The canonical name behind a hashed id.",
    (_id("named", "The id."), _enum("kind", enums.NameKind, "What it names.")),
    Tail("text", "text", "The canonical name."), number=2,
)  # fmt: skip

PAGE_END = EventType(
    "page_end", 1, "The last frame of a sealed page; the journal goes on in the next one.",
    (
        _u64("frame_count", "Frames in the page, this one not counted."),
        _u64("last_sequence", "Sequence of the page's last event."),
        _time("first_time", "Generation time of the page's first event."),
        _time("last_time", "Generation time of the page's last event."),
        _u64("next_page", "The page that follows."),
    ), number=3,
)  # fmt: skip

# --- the life of a session --------------------------------------------------------------------

COMPONENT_STATUS = EventType(
    "component_status", 1, "A component started, stopped or failed.",
    (
        _enum("kind", enums.ComponentKind, "What the component is."),
        _enum("phase", enums.ComponentPhase, "What happened to it."),
    ),
    Tail("detail", "text", "Configuration at start; the traceback of a fault."), number=10,
)  # fmt: skip

PLUGIN_STATUS = EventType(
    "plugin_status", 1, "A plugin that was loaded when the session started.",
    (_u8("loaded", "1 if it loaded, 0 if it was refused."),),
    Tail("detail", "text", "JSON: name, distribution, version, hook API range, status."), number=11,
)  # fmt: skip

CONSUMED_RUN = EventType(
    "consumed_run", 1, "Consecutive events read from one journal.",
    (
        _u64("journal", "The journal read from."),
        _u64("up_to", "Sequence of the last event of the run."),
    ),
)  # fmt: skip

CONSUMPTION = EventType(
    "consumption", 1, "What the writer of this journal had read, in order, since it last said so.",
    (_bool("skips", "The runs tell behind which events reading goes on; nothing was read."),),
    Tail("runs", "items", "The runs, in reading order.", CONSUMED_RUN), number=12,
)  # fmt: skip

LOG = EventType(
    "log", 1, "A log record.",
    (_enum("level", enums.LogLevel, "Severity."),),
    Tail("message", "text", "The message."), number=13,
)  # fmt: skip

TIMER = EventType(
    "timer", 1, "A timer fired.",
    (_u64("timer_id", "The timer."), _time("due", "When it was to fire.")), number=14,
)  # fmt: skip

SUBSCRIPTION = EventType(
    "subscription", 1, "A strategy asks for, or gives up, a type of events of an instrument.",
    (
        _INSTRUMENT,
        _u32("event_type", "Number of the event type."),
        _enum("action", enums.SubscriptionAction, "Begin or end."),
        Field("timeframe", "i64", "Length of the bars asked for, in ns; 0 for other types."),
    ), number=15,
)  # fmt: skip

STATE = EventType(
    "state", 1, "A strategy saved its own state.",
    (), Tail("data", "bytes", "What the strategy gave to save()."), number=16,
)  # fmt: skip

CONNECTION = EventType(
    "connection", 1, "A gateway's link to its venue changed.",
    (_enum("state", enums.ConnectionState, "The new state."),),
    Tail("detail", "text", "Where to, or why."), number=17,
)  # fmt: skip

FEED_STATUS = EventType(
    "feed_status", 1, "A market-data feed became trustworthy, or stopped being so.",
    (
        _INSTRUMENT,
        _TIME,
        _u32("event_type", "Number of the event type concerned; 0 for all."),
        _enum("state", enums.FeedState, "The new state."),
    ),
    Tail("detail", "text", "Why."), number=18,
)  # fmt: skip

# --- market data ------------------------------------------------------------------------------

INSTRUMENT = EventType(
    "instrument", 1, "The definition of an instrument.",
    (
        _INSTRUMENT,
        _enum("product", enums.Product, "What it is."),
        _enum("contract_kind", enums.ContractKind, "How it pays, if it is a contract."),
        _enum("size_unit", enums.SizeUnit, "What sizes in its market data and orders count."),
        _enum("status", enums.InstrumentStatus, "Whether it trades."),
        _number("tick", "Smallest price step."),
        _number("lot", "Smallest size step."),
        _number("min_size", "Smallest order."),
        _number("max_size", "Largest order."),
        _number("min_notional", "Smallest order value in quote currency."),
        _number("contract_value", "What one contract is worth; absent if there are none."),
        _time("expiry", "When it expires; 0 for never."),
        _u8("settle_decimals", "Decimals of the settlement currency's smallest unit."),
        _bool("inferred", "Steps were inferred from recorded data, not told by the venue."),
        _text("venue", 16, "The venue, in lower case."),
        _text("symbol", 40, "The venue's own symbol."),
        _text("base", 16, "Base currency."),
        _text("quote", 16, "Quote currency."),
        _text("settle", 16, "Currency in which it settles."),
        _text("contract_currency", 16, "Currency of the contract value."),
    ),
    Tail("name", "text", "Canonical name, venue:product:symbol."), number=20,
)  # fmt: skip

TRADE = EventType(
    "trade", 1, "A trade that a venue printed.",
    (
        _INSTRUMENT,
        _TIME,
        _number("price", "Quote units per base unit."),
        _number("size", "What changed hands."),
        _u64("trade_id", "The venue's trade id; 0 where it gives none. Of an aggregate, the last."),
        _enum("side", enums.Side, "The side of the taker."),
        _bool("aggregate", "Several fills of one taker order, reported as one."),
    ), number=21,
)  # fmt: skip

QUOTE = EventType(
    "quote", 1, "The best bid and offer.",
    (
        _INSTRUMENT,
        _TIME,
        _u64("update_id", "The venue's sequence of the book at that moment; 0 where unknown."),
        _number("bid_price", "Best bid; absent if there is none."),
        _number("bid_size", "Size at the best bid."),
        _number("ask_price", "Best offer; absent if there is none."),
        _number("ask_size", "Size at the best offer."),
    ), number=22,
)  # fmt: skip

LEVEL = EventType(
    "level", 1, "One price level of a book; size zero removes it.",
    (
        _number("price", "The level's price."),
        _number("size", "The level's total size."),
        _enum("side", enums.Side, "BUY for bids, SELL for offers."),
    ),
)  # fmt: skip

BOOK_SNAPSHOT = EventType(
    "book_snapshot", 1, "A whole order book, bids first, best first.",
    (_INSTRUMENT, _TIME, _u64("update_id", "The venue's sequence of the book.")),
    Tail("levels", "items", "The levels.", LEVEL), number=23,
)  # fmt: skip

BOOK_DELTA = EventType(
    "book_delta", 1, "Changed levels of an order book, with their new absolute sizes.",
    (
        _INSTRUMENT,
        _TIME,
        _u64("update_id", "Sequence of the book after the change."),
        _u64("previous_id", "A book at this sequence, or past it, can take the change."),
    ),
    Tail("levels", "items", "The changed levels.", LEVEL), number=24,
)  # fmt: skip

BAR = EventType(
    "bar", 1, "Trades of a stretch of time, summed up.",
    (
        _INSTRUMENT,
        _time("time", "Start of the stretch."),
        Field("timeframe", "i64", "Length of the stretch in ns."),
        _number("open", "First price."),
        _number("high", "Highest price."),
        _number("low", "Lowest price."),
        _number("close", "Last price."),
        _number("volume", "Sum of the sizes."),
        _u64("trade_count", "Trades in the bar."),
    ), number=25,
)  # fmt: skip

MARK_PRICE = EventType(
    "mark_price", 1, "The price at which a venue marks positions.",
    (_INSTRUMENT, _TIME, _number("price", "The mark price.")), number=26,
)  # fmt: skip

INDEX_PRICE = EventType(
    "index_price", 1, "The price of what a contract refers to.",
    (_INSTRUMENT, _TIME, _number("price", "The index price.")), number=27,
)  # fmt: skip

FUNDING_RATE = EventType(
    "funding_rate", 1, "The rate that the next funding will have, as far as the venue knows.",
    (
        _INSTRUMENT,
        _TIME,
        _number("rate", "Fraction of notional; longs pay shorts if positive."),
        _time("funding_time", "When it will be paid."),
    ), number=28,
)  # fmt: skip

# --- trading ----------------------------------------------------------------------------------

ORDER_REQUEST = EventType(
    "order_request", 1, "An order to be placed.",
    (
        *_ORDER,
        _number("price", "Limit price; absent for a market order."),
        _number("size", "What to trade, in the instrument's size unit."),
        _number("trigger_price", "Stop price; absent if there is none."),
        _number("trailing_offset", "Distance of a trailing stop; absent if there is none."),
        _number("display_size", "Visible part of an iceberg; absent if all is shown."),
        _time("expire_time", "When a GTD order ends; 0 if it does not."),
        _time("deadline", "After this the venue is to refuse it; 0 for no deadline."),
        _u64("parent_id", "The order whose fills let this one out; 0 if it needs none."),
        _u64("group_id", "A fill of one order of a group cancels the others; 0 for no group."),
        _id("algorithm", "The execution algorithm that works it; 0 if it goes to the venue."),
        _enum("side", enums.Side, "Which way."),
        _enum("type", enums.OrderType, "How it meets the book."),
        _enum("time_in_force", enums.TimeInForce, "How long it may rest."),
        _enum("trigger_by", enums.PriceKind, "Which price the trigger watches."),
        _POSITION_SIDE,
        _bool("reduce_only", "May only make a position smaller."),
        _text("tag", 32, "The strategy's own label."),
    ),
    Tail("parameters", "text", "Of the algorithm, as JSON; empty without one."), number=40,
)  # fmt: skip

ORDER_CANCEL = EventType(
    "order_cancel", 1, "An order to be cancelled.", _ORDER, number=41,
)  # fmt: skip

ORDER_AMEND = EventType(
    "order_amend", 1, "An order to be changed in place.",
    (
        *_ORDER,
        _number("price", "New limit price; absent to keep it."),
        _number("size", "New total size; absent to keep it."),
        _number("trigger_price", "New stop price; absent to keep it."),
    ), number=42,
)  # fmt: skip

ORDER_UPDATE = EventType(
    "order_update", 1, "What became of an order: from a gateway raw, from the broker settled.",
    (
        *_ORDER,
        _TIME,
        _number("price", "Limit price in force; absent if there is none."),
        _number("size", "Total size in force."),
        _number("filled", "Sum of its fills so far."),
        _enum("side", enums.Side, "Which way."),
        _POSITION_SIDE,
        _enum("state", enums.OrderState, "Where it stands now."),
        _bool("anomaly", "What was asked for or reported does not fit the order; see the reason."),
        _text("venue_order_id", 40, "The venue's own order id."),
    ),
    Tail("reason", "text", "Why it was refused, cancelled or is anomalous."), number=43,
)  # fmt: skip

FILL = EventType(
    "fill", 1, "A part of an order that traded.",
    (
        *_ORDER,
        _TIME,
        _number("price", "Price of the fill."),
        _number("size", "Size of the fill."),
        _money("fee", "Fee paid; negative for a rebate."),
        _money("realized_pnl", "As the venue reports it; absent if it does not."),
        _enum("side", enums.Side, "Which way."),
        _POSITION_SIDE,
        _enum("liquidity", enums.Liquidity, "Made or taken."),
        _text("fee_currency", 16, "Currency of the fee."),
        _text("trade_id", 32, "The venue's id of the trade."),
        _text("venue_order_id", 40, "The venue's own order id."),
    ), number=44,
)  # fmt: skip

POSITION = EventType(
    "position", 1, "What is held of an instrument: from a gateway raw, from the broker settled.",
    (
        _id("account", "The account."),
        _INSTRUMENT,
        _id("strategy", "Whose part of it; 0 for the whole account."),
        _number("size", "Signed: negative when short. For spot, the net amount bought."),
        _money("cost", "Signed cost of what is held, in settlement currency."),
        _money("realized_pnl", "Sum of what was realised so far, in settlement currency."),
        _money("unrealized_pnl", "What closing at the mark would realise; absent without a mark."),
        _number("mark", "Price last used for marking; absent before the first."),
        _POSITION_SIDE,
        _text("currency", 16, "The settlement currency."),
    ), number=45,
)  # fmt: skip

BALANCE = EventType(
    "balance", 1, "What an account has of a currency: from a gateway raw, from the broker settled.",
    (
        _id("account", "The account."),
        _money("total", "All of it."),
        _text("currency", 16, "The currency."),
    ), number=46,
)  # fmt: skip

CASH_MOVEMENT = EventType(
    "cash_movement", 1, "A change of a balance, with its reason.",
    (
        _id("account", "The account."),
        _INSTRUMENT,
        _u64("order_id", "The order behind it; 0 if there is none."),
        _TIME,
        _money("amount", "Signed: what the balance gained."),
        _enum("kind", enums.CashKind, "Why."),
        _text("currency", 16, "The currency."),
        _text("trade_id", 32, "The venue's id of the trade behind it; empty if there is none."),
    ), number=47,
)  # fmt: skip

# --- asking venues ----------------------------------------------------------------------------

VENUE_QUERY = EventType(
    "venue_query", 1, "The broker asks a gateway what its venue knows.",
    (
        _u64("query_id", "Counts up; the answer carries it."),
        _id("account", "The account."),
        _INSTRUMENT,
        _u64("order_id", "The order, if one is asked for."),
        _time("since", "Fills from here on are asked for."),
        _enum("kind", enums.QueryKind, "What is asked for."),
        _text("venue_order_id", 40, "The venue's own order id, as far as it is known."),
    ), number=48,
)  # fmt: skip

VENUE_ANSWER = EventType(
    "venue_answer", 1, "What was asked for has been reported before this, or could not be.",
    (
        _u64("query_id", "The query."),
        _id("account", "The account."),
        _u64("order_id", "The order that was asked for; 0 if it was the account."),
        _time("as_of", "The venue's time up to which the answer holds."),
        _time("history_since", "How far back the venue's own history goes; 0 if all the way."),
        _enum("outcome", enums.QueryOutcome, "How it ended."),
    ),
    Tail("detail", "text", "Why it failed."), number=49,
)  # fmt: skip

RECONCILIATION = EventType(
    "reconciliation", 1, "A difference between broker and venue, and what was done about it.",
    (
        _u64("query_id", "The query that showed it."),
        _id("account", "The account."),
        _INSTRUMENT,
        _u64("order_id", "The order concerned; 0 if none is."),
        _money("ours", "What the broker had; absent if it is no amount."),
        _money("theirs", "What the venue tells; absent if it is no amount."),
        _enum("difference", enums.Difference, "What differs."),
        _bool("adjusted", "Booked without a cause that the venue could name."),
        _text("currency", 16, "Currency of a balance; empty for other differences."),
    ),
    Tail("detail", "text", "The rule that was applied."), number=50,
)  # fmt: skip

ACCOUNT_STATUS = EventType(
    "account_status", 1, "Orders of an account go out from now on, or no longer.",
    (
        _id("account", "The account."),
        _enum("state", enums.AccountState, "Whether they do."),
    ),
    Tail("detail", "text", "Why."), number=51,
)  # fmt: skip

# --- risk -------------------------------------------------------------------------------------

RISK_VERDICT = EventType(
    "risk_verdict", 1, "What a risk check said of an order; replay takes it from here.",
    (
        _u64("order_id", "The order."),
        Field("elapsed", "i64", "How long the check took on the wall clock, in ns."),
        _enum("verdict", enums.Verdict, "What it said."),
        _text("check", 32, "The check's name."),
    ),
    Tail("reason", "text", "Why, unless it was allowed."), number=52,
)  # fmt: skip

LIMIT_CHANGE = EventType(
    "limit_change", 1, "A limit has another value from now on.",
    (
        _id("subject", "The account or strategy; 0 for the global limit."),
        _enum("scope", enums.Scope, "Whom it limits."),
        _text("limit", 32, "The limit's name."),
        _text("before", 64, "Its value before; empty if there was none."),
        _text("after", 64, "Its value now; empty if it is lifted."),
    ),
    Tail("who", "text", "Who changed it, and why."), number=53,
)  # fmt: skip

KILL_SWITCH = EventType(
    "kill_switch", 1, "A kill switch was thrown or reset.",
    (
        _id("subject", "The account or strategy; 0 for everything."),
        _enum("scope", enums.Scope, "Whom it stops."),
        _enum("state", enums.SwitchState, "Whether it is thrown."),
    ),
    Tail("reason", "text", "The limit that broke, or who did it and why."), number=54,
)  # fmt: skip

OPERATOR_COMMAND = EventType(
    "operator_command", 1, "A person asks something of the broker.",
    (
        _id("subject", "The account or strategy; 0 for everything."),
        _u64("order_id", "The order, if one is meant."),
        _enum("kind", enums.CommandKind, "What is asked."),
        _enum("scope", enums.Scope, "Whom it concerns."),
        _text("limit", 32, "The limit to be set."),
        _text("setting", 64, "Its new value; empty lifts it."),
    ),
    Tail("who", "text", "Who asks, and why."), number=55,
)  # fmt: skip

CLOCK_OFFSET = EventType(
    "clock_offset", 1, "How far this machine's clock is off, as a time service measured it.",
    (
        Field("offset", "i64", "What to add to this clock, in ns."),
        Field("error", "i64", "How far the offset itself may be off, in ns."),
    ), number=56,
)  # fmt: skip

HEADER = EventType(
    "frame", 1, "The header of every frame.",
    (
        _u64("commit", "Low half: bytes of header and payload; high half: CRC32C, keyed by place."),
        _u64("sequence", "Number of the event in its journal, from 1; 0 in a page's tables."),
        _time("gen_time", "When it was written."),
        _time("trigger_time", "When what caused it happened."),
        _u64("cause_journal", "Journal of the event that caused it; 0 if none did."),
        _u64("cause_sequence", "Sequence of the event that caused it."),
        _id("source", "Who wrote it."),
        _id("destination", "For whom; 0 for everybody."),
        _u32("type", "Number of the event type in this journal's table."),
        _u32("flags", "1: repeated at the start of a page for reading it alone; not an event."),
    ),
)  # fmt: skip

EVENT_TYPES = (
    TYPE_DEFINITION, NAME_DEFINITION, PAGE_END,
    COMPONENT_STATUS, PLUGIN_STATUS, CONSUMPTION, LOG, TIMER, SUBSCRIPTION, STATE, CONNECTION,
    FEED_STATUS,
    INSTRUMENT, TRADE, QUOTE, BOOK_SNAPSHOT, BOOK_DELTA, BAR,
    MARK_PRICE, INDEX_PRICE, FUNDING_RATE,
    ORDER_REQUEST, ORDER_CANCEL, ORDER_AMEND, ORDER_UPDATE, FILL,
    POSITION, BALANCE, CASH_MOVEMENT,
    VENUE_QUERY, VENUE_ANSWER, RECONCILIATION, ACCOUNT_STATUS,
    RISK_VERDICT, LIMIT_CHANGE, KILL_SWITCH, OPERATOR_COMMAND, CLOCK_OFFSET,
)  # fmt: skip
"""All of the above that can stand in a journal."""
