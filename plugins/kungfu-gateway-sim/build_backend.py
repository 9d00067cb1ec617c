"""scikit-build-core, asked for the core only where its headers cannot be had otherwise.

In a checkout the core's sources stand two folders up, and a build with build isolation has to work
although no index may have the core yet. Anywhere else (an sdist) the core is a build requirement
like any other.
"""

from pathlib import Path

from scikit_build_core import build as _backend
from scikit_build_core.build import *  # noqa: F403 - PEP 517 and 660 hooks, as they are

CORE = "kungfu-core>=0.1,<1"
_IN_CHECKOUT = (Path(__file__).parent / ".." / ".." / "native" / "generate.py").is_file()


def _with_core(requirements: list[str]) -> list[str]:
    return requirements if _IN_CHECKOUT else [*requirements, CORE]


def get_requires_for_build_wheel(config_settings: dict[str, str] | None = None) -> list[str]:
    """Say what building a wheel needs."""
    return _with_core(_backend.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings: dict[str, str] | None = None) -> list[str]:
    """Say what an editable install needs."""
    return _with_core(_backend.get_requires_for_build_editable(config_settings))
