"""The native limits as a configuration says them: `[limits]`, for an account or for a strategy.

What each limit takes is known to the native side alone, which is asked here: a command that sets a
limit while a session runs is held to the same.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from kungfu_core._native import check_limit
from kungfu_core.day_zone import time_zone, utc_offsets
from kungfu_core.enums import Scope
from kungfu_core.values import Duration

Table = Mapping[str, Decimal]
"""Amounts by currency."""

LimitRow = tuple[Scope, str, list[tuple[str, str]], list[tuple[int, int]]]
"""A scope's limits as `make_broker` takes them."""


def limit_text(value: Any) -> str:  # noqa: ANN401
    """Write a limit's value as the native side reads it; empty for one that limits nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return ",".join(f"{currency}={amount:f}" for currency, amount in value.items())
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def _check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    text = _text_of(attribute, value)
    if isinstance(value, Mapping | tuple) and not value:
        raise ValueError("expected at least one entry; leave it out to limit nothing")
    if isinstance(value, tuple) and any(not entry or "," in entry for entry in value):
        raise ValueError("expected names or patterns, each an entry of its own")
    if text or value == "":
        check_limit(attribute.name, text or '""')


def _text_of(attribute: "attrs.Attribute[Any]", value: object) -> str:
    text = limit_text(value)
    return f"{text}ns" if text and attribute.type == Duration | None else text


def _with_window(
    section: "LimitsSection", attribute: "attrs.Attribute[Any]", share: object
) -> None:
    _check(section, attribute, share)
    if share is not None and section.volume_window is None:
        raise ValueError("needs volume_window: the volume of no time at all refuses every order")


def _limit() -> Any:  # noqa: ANN401
    return attrs.field(default=None, validator=_check)


@attrs.frozen
class LimitsSection:
    """`[limits]`, `[limits.accounts.NAME]` and `[limits.strategies.NAME]`; see the reference.

    A limit that is left out limits nothing; docs/reference/limits.md says what each one does.
    """

    max_order_size: Decimal | None = _limit()
    max_order_notional: Table | None = _limit()
    max_position: Decimal | None = _limit()
    max_net_notional: Table | None = _limit()
    max_gross_notional: Table | None = _limit()
    max_leverage: Decimal | None = _limit()
    max_open_orders: int | None = _limit()
    max_order_rate: str | None = _limit()
    max_cancel_rate: str | None = _limit()
    price_collar_last: Decimal | None = _limit()
    price_collar_mid: Decimal | None = _limit()
    price_collar_mark: Decimal | None = _limit()
    max_slippage: Decimal | None = _limit()
    max_volume_share: Decimal | None = attrs.field(default=None, validator=_with_window)
    volume_window: Duration | None = _limit()
    duplicate_window: Duration | None = _limit()
    self_trade: str | None = _limit()
    check_funds: bool | None = _limit()
    max_data_age: Duration | None = _limit()
    max_clock_offset: Duration | None = _limit()
    instruments: tuple[str, ...] | None = _limit()
    trading_hours: str | None = _limit()
    max_daily_loss: Table | None = _limit()
    max_drawdown: Table | None = _limit()
    flatten: bool | None = _limit()
    timezone: str | None = attrs.field(default=None, validator=attrs.validators.optional(time_zone))

    def texts(self) -> list[tuple[str, str]]:
        """Give the limits that are set, as text by name."""
        fields = [f for f in attrs.fields(type(self)) if f.name != "timezone"]
        texts = [(f.name, _text_of(f, getattr(self, f.name))) for f in fields]
        return [(name, text) for name, text in texts if text]


@attrs.frozen
class LimitsConfig:
    """All limits of a session.

    Attributes:
        everything: what holds for the whole session.
        accounts: by the account's name.
        strategies: by the strategy's name.
    """

    everything: LimitsSection = LimitsSection()
    accounts: Mapping[str, LimitsSection] = attrs.field(factory=dict)
    strategies: Mapping[str, LimitsSection] = attrs.field(factory=dict)

    def rows(self, start: int, end: int) -> list[LimitRow]:
        """Give the limits as `make_broker` takes them.

        Args:
            start: when the session begins, in ns since 1970 UTC.
            end: when it ends at the latest.
        """
        zone = self.everything.timezone or "UTC"
        sections = [(Scope.GLOBAL, "", self.everything)]
        sections += [(Scope.ACCOUNT, name, own) for name, own in self.accounts.items()]
        sections += [(Scope.STRATEGY, name, own) for name, own in self.strategies.items()]
        return [
            (scope, name, own.texts(), utc_offsets(own.timezone or zone, start, end))
            for scope, name, own in sections
        ]
