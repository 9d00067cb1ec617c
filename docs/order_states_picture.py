"""Draws the states of an order from the table of moves: fixed places, arrows that the table allows.

A frame stands for the states in it: an arrow from it leaves each, an arrow to it leads to each.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from kungfu_core.enums import OrderState as S
from kungfu_core.order_states import TRANSITIONS

Table = Mapping[S, Sequence[S]]
Box = tuple[int, int, int, int]
"""Left, top, width, height."""

_HEIGHT = 36
_STATES: dict[S, Box] = {
    S.CREATED: (24, 138, 128, _HEIGHT),
    S.RISK_REJECTED: (24, 262, 128, _HEIGHT),
    S.SUBMITTED: (234, 138, 104, _HEIGHT),
    S.ACCEPTED: (386, 138, 104, _HEIGHT),
    S.PARTIALLY_FILLED: (530, 138, 146, _HEIGHT),
    S.PENDING_AMEND: (330, 296, 128, _HEIGHT),
    S.PENDING_CANCEL: (496, 296, 136, _HEIGHT),
    S.UNKNOWN: (394, 420, 104, _HEIGHT),
    S.CANCELED: (790, 152, 104, _HEIGHT),
    S.EXPIRED: (790, 202, 104, _HEIGHT),
    S.REJECTED: (790, 270, 104, _HEIGHT),
    S.FILLED: (790, 320, 104, _HEIGHT),
}
_LIVE = (S.ACCEPTED, S.PARTIALLY_FILLED)
_TAKEN = (S.SUBMITTED, *_LIVE)
_PENDING = (S.PENDING_AMEND, S.PENDING_CANCEL)
_SENT = (*_TAKEN, *_PENDING, S.UNKNOWN)
_WITHDRAWN = (S.CANCELED, S.EXPIRED)
_OVER = (*_WITHDRAWN, S.REJECTED, S.FILLED)
_FRAMES: dict[tuple[S, ...], tuple[Box, str]] = {
    _SENT: ((200, 66, 522, 412), "sent, may fill"),
    _TAKEN: ((216, 96, 490, 108), ""),
    _LIVE: ((370, 104, 322, 88), ""),
    _PENDING: ((314, 262, 334, 88), ""),
    _OVER: ((758, 110, 168, 266), "over"),
    _WITHDRAWN: ((774, 140, 136, 110), ""),
}
# From, to, the way of the arrow, what it says, and where that stands.
_ARROWS: list[tuple[tuple[S, ...], tuple[S, ...], str, str, tuple[int, int]]] = [
    ((S.CREATED,), (S.RISK_REJECTED,), "M88 174 V260", "refused", (96, 222)),
    ((S.CREATED,), (S.SUBMITTED,), "M152 156 H232", "sent", (158, 150)),
    ((S.CREATED,), _WITHDRAWN, "M88 138 V50 Q88 42 96 42 H834 Q842 42 842 50 V138",
     "held by the broker, and never sent", (356, 34)),
    ((S.SUBMITTED,), _LIVE, "M338 156 H368", "", (0, 0)),
    ((S.ACCEPTED,), (S.PARTIALLY_FILLED,), "M490 156 H528", "", (0, 0)),
    ((S.PARTIALLY_FILLED,), (S.PARTIALLY_FILLED,),
     "M585 138 V126 Q585 118 593 118 H613 Q621 118 621 126 V136", "", (0, 0)),
    (_TAKEN, _PENDING, "M354 204 V260", "cancel or amend sent", (362, 237)),
    (_PENDING, _LIVE, "M590 262 V194", "answered", (596, 237)),
    ((S.PENDING_AMEND,), (S.PENDING_CANCEL,), "M458 314 H494", "", (0, 0)),
    ((S.PENDING_CANCEL,), (S.PENDING_CANCEL,),
     "M546 296 V284 Q546 276 554 276 H574 Q582 276 582 284 V294", "", (0, 0)),
    (_TAKEN, (S.UNKNOWN,), "M264 204 V430 Q264 438 272 438 H392", "no answer", (286, 455)),
    ((S.UNKNOWN,), (S.SUBMITTED,), "M394 426 H312 Q304 426 304 418 V176", "sent again", (312, 418)),
    (_PENDING, (S.UNKNOWN,), "M424 350 V418", "no answer", (430, 388)),
    ((S.UNKNOWN,), (S.PENDING_CANCEL,), "M498 430 H556 Q564 430 564 422 V334", "cancel sent",
     (570, 388)),
    ((S.UNKNOWN,), _LIVE, "M498 446 H660 Q668 446 668 438 V194", "found", (674, 388)),
    (_SENT, _OVER, "M722 264 H756", "", (0, 0)),
]  # fmt: skip

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 950 500" font-family="sans-serif">
  <title>The states of an order and the moves between them</title>
  <defs>
    <marker id="tip" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7"
            orient="auto"><path class="tip" d="M0 0 L10 5 L0 10 z"/></marker>
  </defs>
  <style>
    .paper { fill: #ffffff; }
    .frame { fill: #30507a; fill-opacity: 0.05; stroke: #7f8ea3; stroke-dasharray: 5 4; }
    .state { fill: #e7eefb; stroke: #2b4f8f; stroke-width: 1.5; }
    .over { fill: #fdf3d8; stroke: #a9791c; }
    .name { text-anchor: middle; font-size: 13px; fill: #1b2430; }
    .said { font-size: 12px; fill: #4a5563; }
    .arrow { fill: none; stroke: #445066; stroke-width: 1.6; marker-end: url(#tip); }
    .tip { fill: #445066; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #15191f; }
      .frame { fill: #9db4d6; fill-opacity: 0.06; stroke: #66748a; }
      .state { fill: #22324d; stroke: #7da2e3; }
      .over { fill: #3b3117; stroke: #d0a446; }
      .name { fill: #eef2f7; }
      .said { fill: #b4becb; }
      .arrow { stroke: #a9b5c6; }
      .tip { fill: #a9b5c6; }
    }
  </style>
  <rect class="paper" width="950" height="500" rx="8"/>
"""


def picture(table: Table = TRANSITIONS) -> str:
    """Give the picture of a table of moves as SVG.

    Arrows with a way of their own are drawn if the table has all their moves; every move that they
    do not tell is a straight line.
    """
    allowed = {(state, to) for state, after in table.items() for to in after}
    untold = set(allowed)
    lines = [_frame(*frame) for frame in _FRAMES.values()]
    for sources, targets, way, said, place in _ARROWS:
        told = {*product(sources, targets)}
        if told <= allowed:
            untold -= told
            lines.append(_arrow(sources, targets, way))
            lines += [_text("said", *place, said)] if said else []
    lines += [_arrow((state,), (to,), _straight(state, to)) for state, to in sorted(untold)]
    lines += [_state(state, over=not table[state]) for state in _STATES]
    return _HEAD + "".join(f"  {line}\n" for line in lines) + "</svg>\n"


def _frame(box: Box, said: str) -> str:
    left, top, width, height = box
    frame = f'<rect class="frame" x="{left}" y="{top}" width="{width}" height="{height}" rx="8"/>'
    return frame + (_text("said", left + 12, top + 20, said) if said else "")


def _state(state: S, *, over: bool) -> str:
    left, top, width, height = _STATES[state]
    kind = "state over" if over else "state"
    box = f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>'
    return box + _text("name", left + width // 2, top + height // 2 + 5, state.name)


def _arrow(sources: Sequence[S], targets: Sequence[S], way: str) -> str:
    leaves, leads = (" ".join(state.name for state in ends) for ends in (sources, targets))
    return f'<path class="arrow" data-from="{leaves}" data-to="{leads}" d="{way}"/>'


def _straight(state: S, to: S) -> str:
    begin, end = ((x + w // 2, y + h // 2) for x, y, w, h in (_STATES[state], _STATES[to]))
    return f"M{begin[0]} {begin[1]} L{end[0]} {end[1]}"


def _text(kind: str, x: int, y: int, said: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{said}</text>'
