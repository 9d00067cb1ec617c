"""Limits in a configuration: what the sections say, and how a mistake in one is told."""

import attrs
import pytest

from kungfu_core._native import check_limit
from kungfu_core.config import parse_backtest_config
from kungfu_core.enums import Scope
from kungfu_core.errors import ConfigError
from kungfu_core.limits import LimitsSection

LIMITS = """
[limits]
max_order_size = 1.50
max_order_notional = { USDT = "10000", EUR = 500 }
max_order_rate = "10/1s"
duplicate_window = "1m30s"
check_funds = true
instruments = ["venue:*", "other:spot:BTC"]
timezone = "Europe/Berlin"

[limits.accounts.main]
max_open_orders = 5

[limits.strategies.ema]
trading_hours = "Mon-Fri 08:00-20:00"
timezone = "Asia/Tokyo"
"""


def test_the_sections_become_what_the_broker_takes(good, path, installed):
    config = parse_backtest_config(good + LIMITS, path, installed)
    july = 1_782_864_000_000_000_000
    everything, account, strategy = config.limits.rows(july, july)
    assert everything[:2] == (Scope.GLOBAL, "")
    assert everything[2] == [
        ("max_order_size", "1.50"),
        ("max_order_notional", "USDT=10000,EUR=500"),
        ("max_order_rate", "10/1s"),
        ("duplicate_window", "90000000000ns"),
        ("check_funds", "true"),
        ("instruments", "venue:*,other:spot:BTC"),
    ]
    assert account[:3] == (Scope.ACCOUNT, "main", [("max_open_orders", "5")])
    assert strategy[:3] == (Scope.STRATEGY, "ema", [("trading_hours", "Mon-Fri 08:00-20:00")])
    hour = 3_600_000_000_000
    assert [row[3][0][1] // hour for row in (everything, account, strategy)] == [2, 2, 9]


def test_without_the_section_nothing_is_limited(good, path, installed):
    config = parse_backtest_config(good, path, installed)
    assert config.limits.rows(0, 0) == [(Scope.GLOBAL, "", [], [(0, 0)])]
    assert (config.risk.budget, config.risk.most_faults) == (10_000_000, 3)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "[limits]\nmax_order_sise = 1",
            "limits.max_order_sise: unknown key 'max_order_sise'; did you mean 'max_order_size'?",
        ),
        (
            "[limits]\nmax_order_size = -1",
            'limits.max_order_size: expected a number above 0, got "-1"',
        ),
        (
            '[limits]\nmax_order_rate = "10"',
            'limits.max_order_rate: expected a count per time like "10/1s", got "10"',
        ),
        ("[limits]\nmax_daily_loss = 5", "limits.max_daily_loss: expected a table, got 5"),
        (
            "[limits]\nmax_daily_loss = { USDT = 0 }",
            "limits.max_daily_loss: expected amounts above 0 by currency",
        ),
        (
            '[limits]\nself_trade = "no"',
            "limits.self_trade: expected one of reject, cancel_newest, cancel_oldest",
        ),
        (
            '[limits]\ntrading_hours = "8-20"',
            'limits.trading_hours: expected hours like "08:00-20:00"',
        ),
        (
            '[limits]\nduplicate_window = "0s"',
            'limits.duplicate_window: expected a duration like "250ms"',
        ),
        (
            '[limits]\nmax_volume_share = "0.1"',
            "limits.max_volume_share: needs volume_window",
        ),
        (
            '[limits]\ntimezone = "Mars/Base"',
            "limits.timezone: expected a time zone such as",
        ),
        (
            "[limits.accounts.mian]\nmax_position = 1",
            "limits.accounts.mian: unknown account 'mian'; did you mean 'main'?",
        ),
        (
            "[limits.strategies.ema]\nmax_postion = 1",
            "limits.strategies.ema.max_postion: unknown key",
        ),
        (
            "[limits]\ninstruments = []",
            "limits.instruments: expected at least one entry; leave it out to limit nothing",
        ),
        (
            '[limits]\ninstruments = [""]',
            "limits.instruments: expected names or patterns, each an entry of its own",
        ),
        (
            '[limits]\ninstruments = ["venue: spot"]',
            "limits.instruments: expected names or patterns like",
        ),
        (
            '[limits]\ninstruments = ["venue:spot:*,venue:perpetual:*"]',
            "limits.instruments: expected names or patterns, each an entry of its own",
        ),
        ("[limits]\naccounts = 3", "limits.accounts: expected a table, got 3"),
    ],
)
def test_a_mistake_is_told_at_its_place(good, path, installed, section, said):
    line = good.count("\n") + (1 if "accounts." in section and "mian" in section else 2)
    with pytest.raises(ConfigError) as refused:
        parse_backtest_config(f"{good}{section}\n", path, installed)
    assert str(refused.value).startswith(f"backtest.toml:{line}: {said}")


def test_budget_and_faults_of_checks_are_configured_beside_them(good, path, installed):
    text = good.replace("[risk]\n", '[risk]\nbudget = "2ms"\nmost_faults = 5\n')
    config = parse_backtest_config(text, path, installed)
    assert (config.risk.budget, config.risk.most_faults) == (2_000_000, 5)
    with pytest.raises(ConfigError, match=r"risk\.budget: expected more than 0, got 0s"):
        parse_backtest_config(good.replace("[risk]\n", '[risk]\nbudget = "0s"\n'), path, installed)


def test_every_limit_of_the_section_is_one_that_the_broker_knows():
    with pytest.raises(ValueError, match="there is no limit"):
        check_limit("max_order_sise", "")
    for field in attrs.fields(LimitsSection):
        if field.name != "timezone":
            check_limit(field.name, "")
