"""What a person sees of a run: progress while it goes, then its summary and its report."""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten

from kungfu_core.backtesting import Run
from kungfu_core.cli.terminal import complain, is_terminal
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
    """Show a finished run; gives the exit code, 1 if a strategy was stopped by an exception.

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
        # Plain str() of an exception may raise, too.
        said = "".join(traceback.format_exception_only(fault.exception)).strip()
        said = said.removeprefix(f"{type(fault.exception).__module__}.")
        complain(
            f"strategy {fault.strategy!r} was stopped by {shorten(said, _LONGEST_CAUSE)}"
            f"{_place(fault.exception)}; its STRATEGY journal has the traceback"
        )
    return 1 if run.result.faults else 0


def _place(exception: BaseException) -> str:
    """Say where in the strategy's own file it came from; the core calls that file and no other."""
    core = Path(__file__).parents[1]
    frames = traceback.extract_tb(exception.__traceback__)
    outside = [frame for frame in frames if core not in Path(frame.filename).parents]
    own = [frame for frame in outside if frame.filename == outside[0].filename]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _can_draw() -> bool:
    """Whether the page can be made; says on standard error what is missing for it."""
    if find_spec("matplotlib") is not None:
        return True
    sys.stderr.write("no report page without matplotlib: pip install 'kungfu-core[report]'\n")
    return False
