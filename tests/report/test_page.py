"""The HTML page: self-contained, well-formed, and every fill on it."""

import random
import re
from html.parser import HTMLParser

import pytest
from scripted_run import PERP, SPOT

from kungfu_core.enums import Side
from kungfu_core.report import summarize, write_html
from kungfu_core.report.chart_data import FillMark
from kungfu_core.report.charts import price_chart

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and collects attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.ids = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.note(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def note(self, attrs):
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]


def random_trading(script, fills):
    rng = random.Random(4)
    script.define(PERP)
    script.define(SPOT)
    script.deposit(0, "USDT", "10000")
    price = 10000
    for i in range(0, fills * 10, 10):
        price += rng.randint(-100, 100)
        at = f"{price / 100:.2f}"
        script.quote(i, PERP, f"{price / 100 - 0.05:.2f}", f"{price / 100 + 0.05:.2f}")
        side = rng.choice([Side.BUY, Side.SELL])
        script.trade_now(i, PERP, side, f"{rng.randint(1, 5)}", at, fee=("0.01", "USDT"))
        script.trade_now(i + 5, SPOT, side, "1", at, fee=("0.001", "ETH"))


@pytest.fixture
def page(script, tmp_path):
    random_trading(script, 30)
    folder = script.finish(wall_seconds=1.5, events=10)
    write_html(folder, summarize(folder), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


def test_the_page_is_well_formed_and_its_ids_are_unique(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))


def test_the_page_needs_nothing_else(page):
    assert "://" not in page
    assert "<script" not in page
    assert "@import" not in page
    links = [v for name, v in Page(page).attributes if name in ("src", "href", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert all(link.startswith("#") for link in re.findall(r"url\((.*?)\)", page))


def test_references_within_charts_lead_somewhere(page):
    parsed = Page(page)
    links = [v[1:] for name, v in parsed.attributes if name == "href"]
    assert set(links + re.findall(r"url\(#(.*?)\)", page)) <= set(parsed.ids)


def test_every_fill_is_drawn(page):
    marks = re.findall(r'id="price\d+-(?:buys|sells)">\s*<path d="(.*?)"', page, re.DOTALL)
    assert sum(mark.count("M") for mark in marks) == 60


def test_equal_runs_give_equal_pages(script, tmp_path):
    random_trading(script, 5)
    folder = script.finish()
    for name in ("a", "b"):
        write_html(folder, summarize(folder), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_names_cannot_break_out_of_the_page(script, tmp_path):
    script.deposit(0, "<b>&", "1")
    folder = script.finish(id="<script>alert(1)</script>")
    write_html(folder, summarize(folder), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in text


def test_each_of_many_fills_has_a_mark_in_its_place():
    """Time and price are linear in the chart: each mark is a tenth of a pixel off at most."""
    rng = random.Random(7)
    span, prices = 10**12, [100 + rng.random() * 50 for _ in range(3000)]
    fills = [
        FillMark(rng.randrange(span), price, rng.choice([Side.BUY, Side.SELL]))
        for price in [*prices, 99.0, 151.0]
    ]
    chart = price_chart("c", "many fills", [], fills, [], span=(0, span), units=("USDT", "BTC"))
    tips = {
        Side[kind.upper()]: re.findall(r"M (\S+) (\S+)", path)
        for kind, path in re.findall(r'id="c-(buy|sell)s">\s*<path d="(.*?)"', chart, re.DOTALL)
    }
    drawn = {side: {(float(x), float(y)) for x, y in found} for side, found in tips.items()}
    lowest = max(y for found in drawn.values() for _, y in found)
    highest = min(y for found in drawn.values() for _, y in found)
    left, width = 960 * 0.085, 960 * 0.905
    for fill in fills:
        x = left + width * fill.time / span
        y = lowest + (highest - lowest) * (fill.price - 99) / (151 - 99)
        assert any(abs(x - a) < 0.11 and abs(y - b) < 0.2 for a, b in drawn[fill.side])
    assert sum(map(len, drawn.values())) <= len(fills)
