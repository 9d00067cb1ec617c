"""`journal.*` and `clock.now` in C++, beside copying the same bytes and the kernel's clock."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Build and run native/bench/figures.cpp."""
    names = ("journal.append", "journal.scan", "clock.now")
    if beginnings and not any(n.startswith(tuple(beginnings)) for n in names):
        return
    _run("cmake", "-S", str(ROOT), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=Release")
    _run("cmake", "--build", str(BUILD), "--parallel", "--target", "bench_figures")
    for line in _run(str(BUILD / "bench_figures"), *beginnings).splitlines():
        yield json.loads(line)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
