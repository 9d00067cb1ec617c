"""The summary needs the core alone; the page says what it lacks."""

import subprocess
import sys

from scripted_run import PERP

from kungfu_core.enums import Side

PROGRAM = """
import sys
sys.modules.update(numpy=None, matplotlib=None)
from pathlib import Path
from kungfu_core.errors import KungfuError
from kungfu_core.report import print_summary, summarize, summary_json, write_html
run = Path(sys.argv[1])
summary = summarize(run)
print_summary(summary, sys.stdout, False)
summary_json(summary)
try:
    write_html(run, summary, run / "report.html")
except KungfuError as error:
    print(error)
"""


def test_without_numpy_and_matplotlib_there_is_a_summary_and_a_clear_message(script):
    script.define(PERP)
    script.deposit(0, "USDT", "100")
    script.trade_now(1, PERP, Side.BUY, "1", "10")
    run = script.finish()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(run)], capture_output=True, text=True, check=True,
        cwd=run,
    )  # fmt: skip
    assert "Profit by instrument" in done.stdout
    assert "pip install 'kungfu-core[report]'" in done.stdout.splitlines()[-1]
    assert not list(run.glob("report*"))
