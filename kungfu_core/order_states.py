"""The order state machine, as one table; the native broker and the docs are derived from it.

A move that the table lacks is an anomaly: journaled, and without effect on the order.
Standard library only: the build reads this file before anything is installed.
"""

from kungfu_core.enums import OrderState as S

TRANSITIONS: dict[S, tuple[S, ...]] = {
    S.CREATED: (S.RISK_REJECTED, S.SUBMITTED, S.CANCELED, S.EXPIRED),
    S.SUBMITTED: (
        S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL, S.PENDING_AMEND,
        S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN,
    ),
    S.ACCEPTED: (
        S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL, S.PENDING_AMEND,
        S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN,
    ),
    S.PARTIALLY_FILLED: (
        S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL, S.PENDING_AMEND,
        S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN,
    ),
    S.PENDING_CANCEL: (
        S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL,
        S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN,
    ),
    S.PENDING_AMEND: (
        S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL,
        S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN,
    ),
    S.UNKNOWN: (
        S.SUBMITTED, S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL,
        S.CANCELED, S.REJECTED, S.EXPIRED,
    ),
    S.RISK_REJECTED: (),
    S.FILLED: (),
    S.CANCELED: (),
    S.REJECTED: (),
    S.EXPIRED: (),
}  # fmt: skip

TERMINAL = frozenset(state for state, moves in TRANSITIONS.items() if not moves)
