"""Runs the command line as a user does: in a process of its own."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def kungfu(tmp_path):
    """Run `kungfu ARGUMENTS` in an empty folder."""

    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KF_")}

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "kungfu_core", *map(str, arguments)],
            cwd=tmp_path,
            env={**inherited, "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def install(tmp_path):
    """Put a distribution with one plugin, in a folder as an installer leaves it; its PYTHONPATH."""

    def put(distribution, source, plugin=None):
        site = tmp_path / "site"
        module = distribution.replace("-", "_")
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text(
            f"[kungfu.plugins]\n{plugin or module} = {module}\n"
        )
        (site / f"{module}.py").write_text(source)
        return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))

    return put
