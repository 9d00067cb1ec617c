"""What a person sees of a run: progress while it goes, then its summary and its report."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from textwrap import shorten

from kungfu_core.backtesting import Run
from kungfu_core.cli.terminal import complain, is_terminal
from kungfu_core.faults import exception_text, place
from kungfu_core.report import print_summary, summarize, summary_json, write_html
from kungfu_core.session import Progress

_LONGEST_CAUSE = 300


@contextmanager
def session_progress() -> Iterator[Progress | None]:
    """Give what moves a bar over simulated time; None where no person looks on."""
    if not is_terminal(sys.stderr):
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal shows a bar

    form = "{desc} {percentage:3.0f}% |{bar}| {n:.0f} of {total:.0f} s of market time{postfix}"
    with tqdm(desc="simulating", bar_format=form, leave=False) as bar:
        begin: list[int] = []

        def progress(now: int, end: int, handled: int) -> None:
            begin[:] = begin or [now]
            bar.total = (end - begin[0]) / 1e9
            bar.n = (now - begin[0]) / 1e9
            bar.set_postfix_str(f"{handled:,} events")

        yield progress


def present(run: Run, *, as_json: bool, report: bool) -> int:
    """Show a finished run; gives the exit code, 1 if a strategy or a risk check failed.

    Raises:
        KungfuError: its journals cannot be read, or the report cannot be written.
    """
    summary = summarize(run.folder)
    page = run.folder / "report.html" if report and _can_draw() else None
    if page is not None:
        write_html(run.folder, summary, page)
    if as_json:
        described = summary_json(summary) | {"report": str(page) if page else None}
        sys.stdout.write(json.dumps(described) + "\n")
    else:
        print_summary(summary, sys.stdout, colour=is_terminal(sys.stdout))
        sys.stdout.write(f"\njournals  {run.folder / 'journal'}\n")
        sys.stdout.write(f"report    {page}\n" if page else "")
    for fault in run.result.faults:
        complain(
            f"strategy {fault.strategy!r} was stopped by "
            f"{shorten(exception_text(fault.exception), _LONGEST_CAUSE)}{place(fault.exception)}; "
            "its STRATEGY journal has the traceback"
        )
    for check in run.result.failed_checks:
        sys.stderr.write(check.traceback)
        complain(
            f"risk check {check.name!r} failed {check.failures:,} "
            f"{'time' if check.failures == 1 else 'times'}, above is the traceback of the first: "
            f"{shorten(check.said, _LONGEST_CAUSE)}{check.place}"
        )
    return 1 if run.result.faults or run.result.failed_checks else 0


def _can_draw() -> bool:
    """Whether the page can be made; says on standard error what is missing for it."""
    if find_spec("matplotlib") is not None:
        return True
    sys.stderr.write("no report page without matplotlib: pip install 'kungfu-core[report]'\n")
    return False
