"""Sessions that are programs of their own; the matrix of tests is tox.ini's, called by `tests`."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint"]

PLUGINS = sorted(str(path.parent) for path in Path("plugins").glob("*/pyproject.toml"))
NATIVE = ("native", "plugins")


def install_everything(session: nox.Session, *more: str) -> None:
    """Install the core with all extras, and every plugin, as a user would."""
    session.install(
        ".[arrow,duckdb,numpy,polars,report,zstd]", *(f"./{path}" for path in PLUGINS), *more
    )


@nox.session
def demo(session: nox.Session) -> None:
    """Trade on a simulated venue; arguments go to `kungfu demo`."""
    install_everything(session)
    session.run("kungfu", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the matrix; arguments go to tox."""
    session.install("tox")
    session.run("tox", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check formatting, style, types, dependency direction and that stubs are up to date."""
    install_everything(session)
    session.install("--group", "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")
    check_stubs(session)
    session.run("mypy", "kungfu_core", *(f"{path}/src" for path in PLUGINS))
    sources = cpp_files()
    session.run("clang-format", "--dry-run", "--Werror", *sources)
    clang_tidy(session)


def cpp_files() -> list[str]:
    """Every C++ file of ours."""
    return sorted(
        str(path)
        for room in NATIVE
        for path in Path(room).rglob("*")
        if path.suffix in {".cpp", ".hpp", ".h"} and not {"build", "third_party"} & {*path.parts}
    )


def clang_tidy(session: nox.Session) -> None:
    """Run clang-tidy over the native library, as CMake compiles it."""
    session.run("cmake", "-S", ".", "-B", "build/tidy", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
                silent=True)  # fmt: skip
    rooms = ("journal", "component", "broker")
    sources = sorted(str(path) for room in rooms for path in Path("native", room).glob("*.cpp"))
    session.run("python", "native/tidy.py", "build/tidy", *sources)


def check_stubs(session: nox.Session) -> None:
    """Compare the committed stubs with fresh ones."""
    for stub, command in STUBS.items():
        fresh = session.run("python", *command, silent=True)
        if fresh != Path(stub).read_text(encoding="utf-8"):
            session.error(f"{stub} is out of date: run `nox -s stubs`")


STUBS = {
    "kungfu_core/_native.pyi": ("native/stub.py",),
    "kungfu_core/events.pyi": ("native/generate.py", "--stub"),
}


@nox.session
def stubs(session: nox.Session) -> None:
    """Write the stubs of the extension and of the event classes."""
    session.install(".", "nanobind>=3.1")
    for stub, command in STUBS.items():
        fresh = session.run("python", *command, silent=True)
        assert isinstance(fresh, str)  # noqa: S101 - silent gives text
        Path(stub).write_text(fresh, encoding="utf-8")


@nox.session(venv_backend="none")
@nox.parametrize("sanitizers", ["address,undefined", "thread"])
def sanitize(session: nox.Session, sanitizers: str) -> None:
    """Run the native tests under sanitizers."""
    folder = f"build/sanitize-{sanitizers.replace(',', '-')}"
    flags = f"-fsanitize={sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g"
    session.run("cmake", "-S", ".", "-B", folder, "-DCMAKE_BUILD_TYPE=None",
                f"-DCMAKE_CXX_FLAGS={flags}", external=True)  # fmt: skip
    session.run("cmake", "--build", folder, "--parallel", external=True)
    session.run("ctest", "--test-dir", folder, "--output-on-failure", *session.posargs,
                external=True)  # fmt: skip


@nox.session
def torture(session: nox.Session) -> None:
    """Kill, fill, spoil and starve journals and nodes; arguments are names, and `--json`."""
    session.install("tqdm", ".")
    session.run("python", "tests/torture", *session.posargs)


FUZZERS = {"page": 8192, "index": 2048, "compressed": 12288, "layout": 4096}
"""Each fuzzer, and how many bytes it tries at most."""


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """Fuzz readers of files; arguments are fuzzers' names, and options of libFuzzer.

    Each runs a minute, or `-max_total_time=SECONDS`, and leaves what it finds in build/fuzz.
    """
    if shutil.which("clang++") is None:
        session.error("clang++ with libFuzzer is needed: apt-get install clang")
    options = [argument for argument in session.posargs if argument.startswith("-")]
    names = [argument for argument in session.posargs if argument not in options] or list(FUZZERS)
    if unknown := [name for name in names if name not in FUZZERS]:
        session.error(f"no fuzzer is named {', '.join(unknown)}; there are {', '.join(FUZZERS)}")
    flags = "-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -O1 -g"
    session.run("cmake", "-S", ".", "-B", "build/fuzz", "-DCMAKE_BUILD_TYPE=None",
                "-DCMAKE_CXX_COMPILER=clang++", "-DKUNGFU_FUZZ=ON", f"-DCMAKE_CXX_FLAGS={flags}",
                external=True)  # fmt: skip
    session.run("cmake", "--build", "build/fuzz", "--parallel", "--target", "fuzzers",
                external=True)  # fmt: skip
    for name in names:
        found = Path("build/fuzz/found", name)
        found.mkdir(parents=True, exist_ok=True)
        session.run(f"build/fuzz/{name}_fuzzer", f"-max_len={FUZZERS[name]}", "-max_total_time=60",
                    f"-artifact_prefix=build/fuzz/{name}-", *options,
                    str(found), f"native/fuzz/corpus/{name}", external=True)  # fmt: skip


@nox.session
def bench(session: nox.Session) -> None:
    """Measure; arguments are the beginnings of benchmark names, and `--json`."""
    install_everything(session)
    session.run("python", "benchmarks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    install_everything(session)
    session.install("--group", "docs")
    session.run("sphinx-build", "-n", "-W", "-b", "html", "docs", "docs/_build/html")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build source distributions and wheels of everything into dist/, and check them."""
    session.install("build", "twine", "abi3audit", "check-wheel-contents")
    shutil.rmtree("dist", ignore_errors=True)
    # A native plugin's source distribution builds against the core, which no index has.
    here = {"PIP_FIND_LINKS": str(Path("dist").resolve())}
    for path in [".", *PLUGINS]:
        session.run("python", "-m", "build", "--outdir", "dist", path, silent=True, env=here)
    built = sorted(str(path) for path in Path("dist").iterdir())
    session.run("twine", "check", "--strict", *built)
    session.run("abi3audit", "--strict", *(path for path in built if "-abi3-" in path))
