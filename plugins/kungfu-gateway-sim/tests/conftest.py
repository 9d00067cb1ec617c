"""Builds the native test drivers once and gives tests a way to run scripts through them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKOUT = ROOT.parent.parent
FLAGS = [
    "-std=c++17",
    "-O0",
    "-D_GLIBCXX_ASSERTIONS",
    "-fsanitize=undefined",
    "-fno-sanitize-recover",
]

Said = dict[str, str]
"""One event that the venue appended: its fields, and `at`, `output` and `kind`."""


def _include_folders(build: Path) -> list[Path]:
    """Where the core's headers are: in this checkout, or in the installed core."""
    if (CHECKOUT / "native" / "generate.py").is_file():
        subprocess.run([sys.executable, CHECKOUT / "native" / "generate.py", build], check=True)
        return [CHECKOUT / "native" / "include", build]
    import kungfu_core

    return [Path(kungfu_core.get_include())]


def _build(folder: Path, driver: str, sources: list[str]) -> Path:
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        pytest.skip("no C++ compiler: the native drivers cannot be built")
    includes = [f"-I{path}" for path in [ROOT / "native", *_include_folders(folder)]]
    paths = [ROOT / "tests" / "native" / f"{driver}.cpp", *(ROOT / "native" / s for s in sources)]
    objects = [folder / f"{path.stem}.o" for path in paths]
    compilers = [
        subprocess.Popen([compiler, *FLAGS, *includes, "-c", path, "-o", made])
        for path, made in zip(paths, objects, strict=True)
    ]
    assert [c.wait() for c in compilers] == [0] * len(compilers)
    program = folder / driver
    subprocess.run([compiler, *FLAGS, *objects, "-o", program], check=True)
    return program


def _run(program: Path, script: str) -> str:
    done = subprocess.run([program], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def run_engine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Run calls of the matching engine, one a line; gives the lines that it printed."""
    program = _build(tmp_path_factory.mktemp("engine"), "engine_driver", ["matching_engine.cpp"])
    return lambda script: _run(program, script).splitlines()


@pytest.fixture(scope="session")
def run_venue(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Said]]:
    """Run a script of the venue driver; gives the events that the venue appended."""
    sources = ["venue.cpp", "recorded_market.cpp", "synthetic_market.cpp", "matching_engine.cpp"]
    program = _build(tmp_path_factory.mktemp("venue"), "venue_driver", sources)

    def run(script: str) -> list[Said]:
        said = []
        for line in _run(program, script).splitlines():
            at, output, kind, *fields = line.split(" ")
            said.append(
                {"at": at, "output": output, "kind": kind} | dict(f.split("=", 1) for f in fields)
            )
        return said

    return run
