"""The how-to on writing a risk check lists all that a risk check can look at."""

import inspect
import re
from pathlib import Path

from kungfu_core import RiskView

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-risk-check.md").read_text()


def test_every_member_of_the_view_is_documented_with_its_arguments():
    rows = re.findall(r"^\| `(\w+)(?:\((.*)\))?` \|", PAGE, re.MULTILINE)
    methods = {n: m for n, m in vars(RiskView).items() if n[0] != "_" and inspect.isfunction(m)}
    called = {n: ", ".join([*inspect.signature(m).parameters][1:]) for n, m in methods.items()}
    assert dict(rows) == called | dict.fromkeys(RiskView.__annotations__, "")
