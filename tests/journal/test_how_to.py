"""The how-to page's Python runs as it stands."""

import re
from pathlib import Path

from kungfu_core import events
from kungfu_core.enums import Side
from kungfu_core.journal import Writer

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "read-journals.md"


def test_the_pages_python_runs_in_order(tmp_path, monkeypatch, capsys):
    with Writer(tmp_path / "runtime" / "data" / "fut", "binance", "MD") as writer:
        writer.append(events.Trade(price="1.50", size="2", side=Side.BUY))
    monkeypatch.chdir(tmp_path)
    scope = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(code, scope)
    assert capsys.readouterr().out.endswith("1.50 2 BUY\n")
    assert scope["prices"].tolist() == [1.5]
    assert scope["table"]["price"].to_pylist() == [1.5]
