"""Plays a configuration as a run of its own, with its journals and `run.json` in a new folder."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs

from kungfu_core.config import BacktestConfig
from kungfu_core.datasets import Dataset
from kungfu_core.errors import KungfuError
from kungfu_core.home import Home
from kungfu_core.plugins import Plugins
from kungfu_core.session import Progress, SessionResult, SimulatedSession


@attrs.frozen
class Run:
    """A finished run: its folder, what the session came to, and how long it took on the wall."""

    folder: Path
    result: SessionResult
    wall_seconds: float


def play(
    config: BacktestConfig,
    plugins: Plugins,
    home: Home,
    *,
    command: str,
    progress: Progress | None = None,
) -> Run:
    """Run a simulated session.

    Args:
        config: the checked configuration.
        plugins: what it was checked against.
        home: has the datasets, and gets the run.
        command: the run's id names it.
        progress: told how far the simulated time is.

    Raises:
        KungfuError: the data or a component is at fault.
    """
    names = config.data.datasets if config.data is not None else ()
    datasets = [Dataset.find(home, name) for name in names]
    folder = home.new_run(command)
    started = datetime.now(UTC)
    begin = time.perf_counter()
    result = SimulatedSession(config, plugins, datasets, folder).run(progress)
    run = Run(folder, result, time.perf_counter() - begin)
    _describe(run, config, datasets, command, started)
    return run


def _describe(
    run: Run,
    config: BacktestConfig,
    datasets: Sequence[Dataset],
    command: str,
    started: datetime,
) -> None:
    described = {
        "id": run.folder.name,
        "command": command,
        "config": str(config.path),
        "datasets": [str(d.folder) for d in datasets],
        "started": started.isoformat(),
        "wall_seconds": run.wall_seconds,
        "events": run.result.events,
        "faults": [
            *(fault.strategy for fault in run.result.faults),
            *(check.name for check in run.result.failed_checks),
        ],
    }
    path = run.folder / "run.json"
    try:
        path.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise KungfuError(f"cannot write {path}: {error.strerror}") from error
