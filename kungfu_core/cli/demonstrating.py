"""Runs a demo: a configuration that a plugin brings, on its own market or on a recording."""

import sys
import webbrowser
from pathlib import Path

import attrs

from kungfu_core.backtesting import play
from kungfu_core.cli.presenting import present, session_progress
from kungfu_core.cli.terminal import progress_bar
from kungfu_core.config import BacktestConfig, parse_backtest_config
from kungfu_core.datasets import Dataset, dataset_name
from kungfu_core.errors import ConfigError, PluginError
from kungfu_core.home import Home
from kungfu_core.importing import identify, import_recordings
from kungfu_core.interfaces import DemoSpec
from kungfu_core.plugins import Plugins


def demonstrate(
    *,
    home: Home,
    plugins: Plugins,
    data: Path | None,
    seed: int | None,
    as_json: bool,
    open_report: bool,
) -> int:
    """Run a demo and show it; gives the exit code.

    Raises:
        KungfuError: the recording cannot be read, or no installed plugin brings a demo.
    """
    demo = _find(plugins, recorded=data is not None)
    dataset = None if data is None else _dataset(home, plugins, data)
    config = _config(demo, plugins, dataset, seed)
    if not as_json:
        market = f"the recording {data}" if data else f"a generated one, seed {config.session.seed}"
        sys.stdout.write(f"{demo.title}\nThe market is {market}.\n\n")
        sys.stdout.flush()
    with session_progress() as progress:
        run = play(config, plugins, home, command="demo", progress=progress)
    code = present(run, as_json=as_json, report=True)
    if open_report:
        webbrowser.open((run.folder / "report.html").as_uri())
    return code


def _find(plugins: Plugins, *, recorded: bool) -> DemoSpec:
    """Give the first demo, by name, of the kind that is asked for.

    Raises:
        PluginError: no plugin brings one.
    """
    for entry in plugins.demos:
        spec = entry.load()
        if spec.recorded == recorded:
            return spec
    kind = "plays a recording" if recorded else "has a market of its own"
    raise PluginError(f"no installed plugin brings a demo that {kind}; see `kungfu plugins`")


def _config(
    demo: DemoSpec, plugins: Plugins, dataset: Dataset | None, seed: int | None
) -> BacktestConfig:
    """Check the demo's configuration, with the recording as its market if there is one.

    Raises:
        ConfigError: the seed is negative, or the plugin's configuration is wrong.
    """
    text = demo.config(dataset.instruments if dataset else ())
    if dataset is not None:
        text += f"\n[data]\ndatasets = ['''{dataset.folder}''']\n"
    config = parse_backtest_config(text, Path(f"demo-{demo.name}.toml"), plugins)
    if seed is None:
        return config
    if seed < 0:
        raise ConfigError(f"--seed: expected 0 or more, got {seed}")
    return attrs.evolve(config, session=attrs.evolve(config.session, seed=seed))


def _dataset(home: Home, plugins: Plugins, file: Path) -> Dataset:
    """Give the dataset of a recording: the one imported earlier from this very file, or a new one.

    Raises:
        DataError: the file cannot be read, or is not a recording that a plugin knows.
    """
    (source,) = identify([file])
    name = f"{dataset_name(None, file)}-{source.sha256[:8]}"
    if (home.data / name).is_dir():
        return Dataset.load(home.data / name)
    with progress_bar("import", "B") as progress:
        return import_recordings(home, plugins.recordings, [file], name=name, progress=progress)
