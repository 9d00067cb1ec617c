"""What is installed, what importing it costs, and which way dependencies point."""

import ast
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import kungfu_core

CHECKOUT = Path(__file__).resolve().parents[2]
HEAVY = {"attrs", "cattrs", "duckdb", "matplotlib", "numpy", "pandas", "pluggy", "polars",
         "pyarrow", "tabulate", "tqdm"}  # fmt: skip
DECLARATIONS = {
    f"kungfu_core/{name}" for name in ("schema", "enums", "event_types", "order_states")
}

# Who may include whom in native/: a room sees the rooms after it.
ROOMS = ("bindings", "broker", "component", "journal", "clock")


def test_tests_run_against_an_installed_core():
    """Not against the source tree, which has no extension."""
    installed = Path(kungfu_core.__file__).parent
    assert (installed / "py.typed").is_file()
    assert distribution("kungfu-core").version
    assert installed != CHECKOUT / "kungfu_core" or "editable" in str(
        distribution("kungfu-core").read_text("direct_url.json")
    )


def test_headers_and_cmake_package_are_installed():
    """What native plugins compile against, generated headers among them."""
    headers = Path(kungfu_core.get_include()) / "kungfu"
    assert {"abi.h", "events.hpp", "frame.h", "enums.hpp"} <= {f.name for f in headers.iterdir()}
    assert (Path(kungfu_core.get_cmake_dir()) / "kungfu_coreConfig.cmake").is_file()


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import kungfu_core"], ["-m", "kungfu_core", "--help"]],
    ids=["import", "help"],
)
def test_start_imports_nothing_heavy(arguments, tmp_path):
    """Starting stays fast, however many plugins are installed."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "kungfu_core" in imported
    assert imported & (HEAVY | {"kungfu_core._native", "kungfu_core.plugins"}) == set()
    assert {name for name in imported if name.startswith("kungfu_") and "core" not in name} == set()


def test_declarations_import_nothing_but_the_standard_library_and_each_other():
    """They are read before anything is built or installed."""
    imported = {
        name
        for module in DECLARATIONS
        for node in ast.walk(ast.parse((CHECKOUT / f"{module}.py").read_text(encoding="utf-8")))
        for name in names_imported(node)
    }
    assert {n for n in imported if n.split("/")[0] not in sys.stdlib_module_names} <= DECLARATIONS


def names_imported(node):
    if isinstance(node, ast.ImportFrom):
        whole = str(node.module).replace(".", "/")
        deep = whole == "kungfu_core"
        return [f"{whole}/{alias.name}" for alias in node.names] if deep else [whole]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_native_rooms_include_only_downwards():
    wrong = [
        f"{source.relative_to(CHECKOUT)} includes {room}/"
        for at, home in enumerate(ROOMS)
        for source in (CHECKOUT / "native" / home).glob("*.[ch]pp")
        for room in re.findall(r'#include "(\w+)/', source.read_text(encoding="utf-8"))
        if room in ROOMS[:at]
    ]
    assert wrong == []


def test_public_headers_need_nothing_of_the_core_but_themselves():
    """Plugins compile against them alone."""
    headers = (CHECKOUT / "native" / "include" / "kungfu").glob("*.h*")
    rooms = {
        room
        for header in headers
        for room in re.findall(r'#include "(\w+)/', header.read_text(encoding="utf-8"))
    }
    assert rooms == {"kungfu"}


def test_the_core_names_no_exchange():
    """Every exchange is a plugin; the core does not know that any of them exists."""
    venues = re.compile(r"binance|bybit|coinbase|deribit|kraken|\bokx\b", re.IGNORECASE)
    sources = [
        path
        for room in ("kungfu_core", "native")
        for path in (CHECKOUT / room).rglob("*")
        if path.suffix in {".py", ".pyi", ".hpp", ".cpp", ".h", ".css"}
    ]
    assert len(sources) > 100
    named = [p for p in sources if venues.search(p.read_text(encoding="utf-8"))]
    assert named == []
