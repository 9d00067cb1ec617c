"""`journal.*`, `clock.now` and `broker.*` in C++, each beside a reference of the same run."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import is_wanted

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"

PROGRAMS = {
    "bench_journal": (
        "journal.append",
        "journal.bulk",
        "journal.scan",
        "journal.merge32",
        "journal.seek",
    ),
    "bench_compression": ("journal.compress", "journal.compressed_seek"),
    "bench_broker": ("broker.quote", "broker.life", "broker.order"),
    "bench_broker_session": ("broker.session", "broker.rebuild", "broker.restart"),
    "bench_latency": ("clock.now", "journal.handover", "journal.wakeup"),
}
"""The programs of native/bench, and what each measures, or how the names of it begin."""


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Build and run the programs that measure what is wanted."""
    wanted = [
        program
        for program, names in PROGRAMS.items()
        if any(_may_want(name, beginnings) for name in names)
    ]
    if wanted:
        _run("cmake", "-S", str(ROOT), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=Release",
             "-DKUNGFU_OPTIMIZE_AS_WHOLE=ON")  # fmt: skip
    for program in wanted:
        _run("cmake", "--build", str(BUILD), "--parallel", "--target", program)
        for line in _run(str(BUILD / program), *beginnings).splitlines():
            yield json.loads(line)


def _may_want(name: str, beginnings: list[str]) -> bool:
    """Whether a name, or one that goes on from it, is asked for."""
    return is_wanted(name, beginnings) or any(b.startswith(f"{name}.") for b in beginnings)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
