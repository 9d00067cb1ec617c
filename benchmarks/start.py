"""`import.core` and `cli.help`: what starting costs, beside a Python that does nothing."""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from measuring import compare, is_wanted

ROUNDS = 21
KUNGFU = str(Path(sysconfig.get_path("scripts")) / "kungfu")
NOTHING = (sys.executable, "-c", "pass")


def figures(beginnings: list[str]) -> Iterator[dict[str, Any]]:
    """Run processes, and take the time from start to end."""
    commands = {
        "import.core": (sys.executable, "-c", "import kungfu_core"),
        "cli.help": (KUNGFU, "--help"),
    }
    for name, command in commands.items():
        if is_wanted(name, beginnings):
            yield compare(name, "ms", partial(_took, command), partial(_took, NOTHING), ROUNDS)


def _took(command: tuple[str, ...]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3
