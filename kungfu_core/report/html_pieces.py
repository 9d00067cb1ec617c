"""The pieces that the page is made of; what goes in is HTML already, unless it says otherwise."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from kungfu_core.report import figures
from kungfu_core.report.figures import column
from kungfu_core.report.summary import InstrumentResult

_TEXT, _NUMBER = "", "number"


def card_list(cards: Iterable[tuple[str, str, str]]) -> str:
    """Write headline figures: name and figure as HTML, and a remark as text."""
    shown = "".join(
        f'<dl class="card"><dt>{name}</dt><dd>{value} <small>{escape(remark)}</small></dd></dl>\n'
        for name, value, remark in cards
    )
    return f'<div class="cards">\n{shown}</div>\n'


def html_table(headers: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int) -> str:
    """Write a table of cells that are HTML already; the first columns are text, others figures."""
    kinds = [_TEXT if i < text_columns else _NUMBER for i in range(len(headers))]
    head = "".join(_cell("th", kind, text) for kind, text in zip(kinds, headers, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', k, text) for k, text in zip(kinds, row, strict=True))}</tr>\n"
        for row in rows
    )
    return (
        '<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _cell(tag: str, kind: str, text: str) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    css = f' class="{kind}"' if kind else ""
    return f"<{tag}{scope}{css}>{text}</{tag}>"


def html_figure(caption: str, chart: str) -> str:
    """Write a chart under its caption."""
    return f"<figure>\n<figcaption>{caption}</figcaption>\n{chart}\n</figure>\n"


def html_gains(values: Sequence[Decimal | None]) -> list[str]:
    """Write a column of signed amounts, in colour."""
    return [html_gain(v, t) for v, t in zip(values, column(values, signed=True), strict=True)]


def html_gain(value: Decimal | None, text: str) -> str:
    """Colour a figure as a gain or a loss."""
    if not value:
        return text
    return f'<span class="{"gain" if value > 0 else "loss"}">{text}</span>'


def html_name(text: str) -> str:
    """Write a text that is not to be broken into lines."""
    return f'<span class="name">{escape(text)}</span>'


def maker_share(result: InstrumentResult) -> str:
    """Write how many of the fills made liquidity, in percent."""
    return f"{100 * result.maker_fills // result.fills} %" if result.fills else figures.ABSENT


def html_verdict(failures: Sequence[str]) -> str:
    """Write whether a rule held."""
    if not failures:
        return '<span class="gain">yes</span>'
    return f'<span class="loss">no, {len(failures):,} do not</span>'
