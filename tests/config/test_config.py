"""A backtest's configuration: what it gives, and what it says about mistakes."""

from decimal import Decimal
from pathlib import Path

import pytest

from kungfu_core.config import PositionMode, parse_backtest_config, read_backtest_config
from kungfu_core.errors import ConfigError


def complaint(text, installed):
    with pytest.raises(ConfigError) as caught:
        parse_backtest_config(text, Path("b.toml"), installed)
    return str(caught.value)


def test_good_configuration(good, path, installed):
    """Every section arrives as a checked value."""
    config = parse_backtest_config(good, path, installed)
    assert config.session.seed == 7
    assert config.place("risk", "checks") == "backtest.toml:17"
    assert config.data is None
    assert config.market.duration == 60_000_000_000
    assert config.gateways["sim"].spec.name == "venue"
    assert config.gateways["sim"].config.latency == 250_000
    assert config.accounts["main"].balances == {"USDT": Decimal(100000)}
    assert config.strategies["ema"].account == "main"
    assert config.text == good


def test_an_account_has_terms(good, path, installed):
    """One position and no leverage, unless the file says otherwise."""
    account = parse_backtest_config(good, path, installed).accounts["main"]
    assert (account.position_mode, account.leverage) == (PositionMode.NET, 1)
    terms = 'position_mode = "hedge"\nleverage = 5\nleverages = { "v:perpetual:X" = "12.5" }\n'
    told = good.replace("[accounts.main]\n", f"[accounts.main]\n{terms}")
    account = parse_backtest_config(told, path, installed).accounts["main"]
    assert (account.position_mode, account.leverage) == (PositionMode.HEDGE, 5)
    assert account.leverages == {"v:perpetual:X": Decimal("12.5")}


def test_digits_of_a_decimal_survive(good, path, installed):
    """An unquoted decimal fraction is never a float on its way."""
    config = parse_backtest_config(good, path, installed)
    assert str(config.gateways["sim"].config.maker_fee) == "0.00020"


def test_checks_run_by_their_order_then_as_listed(good, path, installed):
    """A check's own order comes first; equal orders run as the file lists them."""
    config = parse_backtest_config(good, path, installed)
    assert [check.name for check in config.risk_checks] == ["others", "limits", "late"]


def test_strategy_instances_are_fresh(good, path, installed):
    """One configuration can be run twice without the first run's state."""
    configured = parse_backtest_config(good, path, installed).strategies["ema"]
    first, second = configured.create(), configured.create()
    assert (first.instrument, first.fast, first.slow) == ("BTCUSDT", 3, 20)
    assert first is not second


@pytest.mark.parametrize("value", ["[" * 3000 + "]" * 3000, "9" * 5000])
def test_what_the_toml_reader_cannot_hold_is_one_message(installed, value):
    assert complaint(f"seed = {value}\n", installed).startswith("b.toml: not TOML: ")


def test_a_byte_order_mark_is_no_mistake(good, tmp_path, installed):
    """Editors of some systems write one."""
    file = tmp_path / "b.toml"
    file.write_text(good, encoding="utf-8-sig")
    assert read_backtest_config(file, installed).session.seed == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[session]",
            "[sesion]",
            "b.toml:1: sesion: unknown section 'sesion'; did you mean 'session'?",
        ),
        (
            'duration = "60s"',
            'duration = "90000d"\nstart = "2200-01-01T00:00:00Z"',
            "b.toml:5: market.duration: expected to end before the year 2262",
        ),
        (
            '"100000"',
            '"1e400"',
            "b.toml:14: accounts.main.balances: balances.USDT has more than 18 digits",
        ),
        (
            '"100000"',
            '"1e-19"',
            "b.toml:14: accounts.main.balances: balances.USDT has more than 18 digits",
        ),
        (
            "USDT =",
            '"US DT" =',
            "b.toml:14: accounts.main.balances: expected a currency of 1 to 16",
        ),
        ("seed = 7", "sed = 7", "b.toml:2: session.sed: unknown key 'sed'; did you mean 'seed'?"),
        ("seed = 7", 'seed = "7"', 'b.toml:2: session.seed: expected a whole number, got "7"'),
        ("seed = 7", "seed = -7", "b.toml:2: session.seed: expected at least 0, got -7"),
        (
            '"60s"',
            "60",
            'b.toml:5: market.duration: expected a duration like "250us", "5ms" or "1m", got 60',
        ),
        ('"60s"', '"0s"', "b.toml:5: market.duration: expected more than 0, got 0s"),
        (
            "latency",
            "latencyy",
            "b.toml:9: gateways.sim.latencyy: unknown key 'latencyy'; did you mean 'latency'?",
        ),
        (
            'plugin = "venue"',
            'plugin = "venu"',
            "b.toml:8: gateways.sim.plugin: there is no gateway 'venu'; did you mean 'venue'?; ",
        ),
        ('plugin = "venue"', "", "b.toml:7: gateways.sim: missing key 'plugin'"),
        (
            'gateway = "sim"',
            'gateway = "sin"',
            "b.toml:13: accounts.main.gateway: unknown gateway 'sin'; did you mean 'sim'?",
        ),
        (
            '"100000"',
            '"100,000"',
            'b.toml:14: accounts.main.balances.USDT: expected a decimal number like "0.1", got',
        ),
        (
            '"limits"]',
            '"limit"]',
            "b.toml:17: risk.checks[2]: there is no risk check 'limit'; did you mean 'limits'?; ",
        ),
        (
            '"others", "limits"]',
            '"limits", "limits"]',
            "b.toml:17: risk.checks[2]: 'limits' stands there twice",
        ),
        (
            'strategy = "cross"',
            "",
            "b.toml:22: strategies.ema: expected either strategy = NAME or file = PATH",
        ),
        (
            'strategy = "cross"',
            'strategy = "bare"',
            "b.toml:22: strategies.ema: Bare is not an attrs class: add @attrs.define",
        ),
        (
            "fast = 3",
            "fast = 0",
            "b.toml:27: strategies.ema.params.fast: expected more than 0, got 0",
        ),
        (
            'instrument = "BTCUSDT"',
            "",
            "b.toml:25: strategies.ema.params: missing key 'instrument'",
        ),
        (
            'strategy = "cross"',
            'file = "nowhere.py"',
            "b.toml:23: strategies.ema.file: no such file: ",
        ),
        (
            "[market]\n",
            '[data]\ndatasets = ["x"]\n[market]\n',
            "b.toml:6: market: expected either [data] or [market], not both",
        ),
        (
            '[market]\nduration = "60s"',
            "",
            "b.toml:1: missing section [data] (a recorded market) or [market] (the venue's own)",
        ),
        ("[risk]", "[risk", "b.toml: not TOML: "),
        (
            '"100000"',
            '"-1"',
            "b.toml:14: accounts.main.balances: balances.USDT must not be negative: -1",
        ),
        (
            "[accounts.main]\n",
            '[accounts.main]\nposition_mode = "both"\n',
            'b.toml:13: accounts.main.position_mode: expected one of net, hedge, got "both"',
        ),
        (
            "[accounts.main]\n",
            "[accounts.main]\nleverage = 0\n",
            "b.toml:13: accounts.main.leverage: leverage must be above 0 and at most 1000: 0",
        ),
        (
            "[accounts.main]\n",
            '[accounts.main]\nleverages = { "x:y" = 1001 }\n',
            "b.toml:13: accounts.main.leverages: leverages.x:y must be above 0 and at most 1000",
        ),
        (
            "[market]",
            '[orders]\nmissed_trigger = "maybe"\n\n[market]',
            'b.toml:5: orders.missed_trigger: expected one of "ask", "fire", "cancel", got "maybe"',
        ),
        (
            "[market]",
            '[orders]\nday_zone = "Mars/Base"\n\n[market]',
            "b.toml:5: orders.day_zone: expected a time zone such as",
        ),
        (
            '[market]\nduration = "60s"',
            "[data]\ndatasets = []",
            "b.toml:5: data.datasets: expected a length of at least 1, got 0",
        ),
        (
            "[risk]",
            "[risk]\nmost_faults = 0",
            "b.toml:17: risk.most_faults: expected at least 1, got 0",
        ),
        (
            "[accounts.main]",
            '[accounts."../main"]',
            "b.toml:12: accounts.../main: expected a name of letters, digits, '.', '_' and '-'",
        ),
    ],
)
def test_mistake_is_told_with_file_line_and_key(good, installed, old, new, message):
    """Each mistake gives exactly one message that says where it is and what was expected."""
    assert good.count(old) == 1
    assert complaint(good.replace(old, new), installed).startswith(message)


def test_all_problems_are_told_at_once_in_file_order(good, installed):
    """Nobody has to run the command once for every mistake."""
    text = good.replace("seed = 7", "seed = true").replace("fast = 3", "fast = -1\nslow = -2")
    assert complaint(text, installed).splitlines() == [
        "b.toml:2: session.seed: expected a whole number, got true",
        "b.toml:27: strategies.ema.params.fast: expected more than 0, got -1",
        "b.toml:28: strategies.ema.params.slow: expected more than 0, got -2",
    ]


CALLBACKS = """\
import attrs
from kungfu_core import Strategy

@attrs.define(eq=False)
class Mine(Strategy):
    def on_start(self, context, *more):
        pass

    def on_trade(self, context):
        pass
"""


def test_a_callback_that_cannot_be_called_is_told_with_its_line(good, installed, tmp_path):
    """The call itself would fail in no line of the strategy's file."""
    (tmp_path / "mine.py").write_text(CALLBACKS)
    text = good[: good.index("[strategies.ema]")] + '[strategies.ema]\nfile = "mine.py"\n'
    with pytest.raises(ConfigError) as caught:
        parse_backtest_config(text, tmp_path / "b.toml", installed)
    assert str(caught.value) == (
        f"{tmp_path / 'b.toml'}:22: strategies.ema: Mine.on_trade (mine.py, line 9): "
        "expected (self, context, trade), got (self, context)"
    )


def test_several_accounts_must_be_chosen_from(good, installed):
    """With two accounts a strategy has to say which."""
    text = good + '[accounts.second]\ngateway = "sim"\n'
    assert (
        complaint(text, installed)
        == "b.toml:22: strategies.ema: missing key 'account': one of main, second"
    )


def test_data_ends_after_it_starts(good, installed):
    """An empty stretch of data is a mistake."""
    data = '[data]\ndatasets = ["x"]\nstart = "2024-08-09T01:00:00Z"\nend = 2024-08-09T00:00:00Z'
    text = good.replace('[market]\nduration = "60s"', data)
    assert complaint(text, installed) == "b.toml:7: data.end: expected a time after start"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_file_that_cannot_be_read(tmp_path, installed, content):
    """A file that is missing or is no text is named."""
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.toml"):
        read_backtest_config(path, installed)


def test_components_have_names_of_their_own(good, installed):
    """Gateways, strategies and the core's own components write journals under their names."""
    text = good.replace("ema", "sim") + '[gateways.broker]\nplugin = "venue"\n'
    assert complaint(text, installed).splitlines() == [
        "b.toml:22: strategies.sim: 'sim' is the name of a gateway, too",
        "b.toml:28: gateways.broker: 'broker' is the name of a part of the core",
    ]
