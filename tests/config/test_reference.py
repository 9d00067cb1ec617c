"""The reference page of the configuration has every section and every key."""

import re
from pathlib import Path

import attrs
import pytest

from kungfu_core import config
from kungfu_core.limits import LimitsSection
from kungfu_core.values import parse_time

LIMITS_PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "limits.md").read_text()
TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text()
SECTIONS = {
    "session": config.SessionSection,
    "orders": config.OrdersSection,
    "data": config.DataSection,
    "market": config.MarketSection,
    "accounts": config.AccountSection,
}


def documented(section):
    """The keys in the part of the page whose heading names the section."""
    parts = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (part,) = (p for p in parts if f"[{section}" in p.partition("\n")[0])
    return set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))


@pytest.mark.parametrize("section", ["session", "orders", "accounts"])
def test_keys_of_a_section_are_documented(section):
    """The page and the class have the same keys."""
    assert documented(section) == {field.alias for field in attrs.fields(SECTIONS[section])}


def test_keys_of_the_market_are_documented():
    """Both kinds of market stand in one part."""
    keys = {f.alias for name in ("data", "market") for f in attrs.fields(SECTIONS[name])}
    assert documented("data") == keys


def test_every_section_is_documented(path, installed):
    """Each section that the message about an unknown one offers is a heading."""
    with pytest.raises(config.ConfigError) as caught:
        config.parse_backtest_config("[x]", path, installed)
    offered = str(caught.value).partition("expected ")[2].partition("\n")[0]
    sections = re.findall(r"'(\w+)'", offered)
    assert len(sections) == 10
    assert all(re.search(rf"^## .*\[{section}\b", TEXT, re.MULTILINE) for section in sections)


def test_default_start_is_documented():
    """The fixed moment at which a venue's own market begins."""
    (written,) = re.findall(r'`start` \| time, default `"(.*?)"`', TEXT)
    assert parse_time(written) == config.DEFAULT_START


def test_every_limit_is_documented():
    """The page on limits has a section for every key, and for no other."""
    headings = re.findall(r"^### (.*)$", LIMITS_PAGE, re.MULTILINE)
    keys = {key for heading in headings for key in re.findall(r"`(\w+)`", heading)}
    assert keys == {field.name for field in attrs.fields(LimitsSection)}


def test_the_window_of_a_volume_has_no_default():
    """A share without it is refused, so the page must not promise one."""
    section = LIMITS_PAGE.split("\n### `max_volume_share`")[1].split("\n## ")[0]
    assert LimitsSection().volume_window is None
    assert "default" not in section


def test_every_limit_has_an_example_that_can_be_set(good, path, installed):
    """All of them together are a `[limits]` in which no key is missing."""
    _, *sections = re.split(r"^### ", LIMITS_PAGE, flags=re.MULTILINE)
    examples = [re.findall(r"```toml\n(.*?)```", section, re.DOTALL) for section in sections]
    text = "\n[limits]\n" + "".join(example for (example,) in examples)
    limits = config.parse_backtest_config(good + text, path, installed).limits.everything
    assert [f.name for f in attrs.fields(LimitsSection) if getattr(limits, f.name) is None] == []


def test_the_first_example_of_limits_can_be_set(good, path, installed):
    """It names a strategy, which the configuration has to have."""
    example = re.findall(r"```toml\n(.*?)```", LIMITS_PAGE, re.DOTALL)[0].replace("trend", "ema")
    limits = config.parse_backtest_config(f"{good}\n{example}", path, installed).limits
    assert limits.strategies["ema"].max_position == 2
