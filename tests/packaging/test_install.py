"""What a user installs: wheels, source distributions, a clone, an editable checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent.name for path in CHECKOUT.glob("plugins/*/pyproject.toml"))
CORE = "kungfu-core>=0.1,<1"
MEGABYTE = 1_000_000


def statuses(environment):
    plugins = json.loads(environment.run("kungfu", "plugins", "--json"))["plugins"]
    return {plugin["distribution"]: plugin["status"] for plugin in plugins}


def test_wheels_install_into_an_empty_environment(wheels, environment):
    """Every plugin, and nothing else but what they need, is there and loads."""
    environment.install("--find-links", wheels, CORE, *PLUGINS)
    assert statuses(environment) == dict.fromkeys(PLUGINS, "loaded")


def test_core_and_what_it_needs_take_less_than_20_megabytes(wheels, environment):
    environment.install("--find-links", wheels, CORE)
    size = sum(f.lstat().st_size for f in environment.folder.rglob("*") if f.is_file())
    assert size < 20 * MEGABYTE
    assert statuses(environment) == {}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_brings_all_that_it_needs(wheels, environment, plugin):
    environment.install("--find-links", wheels, plugin)
    assert statuses(environment) == {plugin: "loaded"}


def test_extension_modules_use_the_stable_abi_only(wheels):
    """One wheel for all interpreters is legal."""
    extensions = sorted(wheels.glob("*-cp311-abi3-*.whl"))
    assert len(extensions) == 2
    audit = [sys.executable, "-m", "abi3audit", "--strict", "--report", *map(str, extensions)]
    done = subprocess.run(audit, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["specs"]) == 2


def test_source_distributions_build_far_from_the_checkout(
    wheels, fresh_clone, environment, tmp_path, monkeypatch
):
    """They contain all that a build needs; a native plugin's takes the core from the wheels."""
    sdists, built = tmp_path / "sdists", tmp_path / "built"
    for source in (fresh_clone, fresh_clone / "plugins" / "kungfu-gateway-sim"):
        command = [sys.executable, "-m", "build", "--sdist", "--outdir", sdists, source]
        subprocess.run(command, check=True, capture_output=True)
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}"
    monkeypatch.setenv("PIP_FIND_LINKS", links.strip())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", built]
    subprocess.run([*pip, *sdists.iterdir()], check=True, cwd=tmp_path)
    environment.install("--find-links", wheels, *built.iterdir())
    assert statuses(environment) == {"kungfu-gateway-sim": "loaded"}


def test_editable_install_sees_an_edit(fresh_clone, environment):
    environment.install("--editable", fresh_clone)
    package = fresh_clone / "kungfu_core"
    (package / "an_edit.py").write_text('print("seen")\n')
    assert environment.run("python", "-c", "import kungfu_core.an_edit") == "seen\n"
    where = environment.run("python", "-c", "from kungfu_core import _native; print(_native)")
    assert "_native.abi3.so" in where
