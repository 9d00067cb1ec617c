"""`journal.*` and `clock.now` in C++, each beside a reference of the same run."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
PROGRAMS = {
    "figures": ("journal.append", "journal.scan", "clock.now"),
    "compression": ("journal.compress", "journal.compressed_seek"),
}
"""The programs of native/bench, and what they measure."""


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Build and run the programs that measure what is wanted."""
    wanted = [
        program
        for program, names in PROGRAMS.items()
        if not beginnings or any(n.startswith(tuple(beginnings)) for n in names)
    ]
    if wanted:
        _run("cmake", "-S", str(ROOT), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=Release")
    for program in wanted:
        _run("cmake", "--build", str(BUILD), "--parallel", "--target", f"bench_{program}")
        for line in _run(str(BUILD / f"bench_{program}"), *beginnings).splitlines():
            yield json.loads(line)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
