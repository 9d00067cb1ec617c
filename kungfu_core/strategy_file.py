"""Take a strategy class from a Python file that the configuration names."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from kungfu_core.errors import ConfigError
from kungfu_core.schema import fnv1a64


def load_strategy_file(path: Path, class_name: str | None = None) -> type:
    """Import a file and give the strategy class in it.

    Args:
        path: the file; it is imported under a name of its own, once for each resolved path.
        class_name: which class; needed only where the file has several.

    Raises:
        ConfigError: there is no such file or class, or importing the file raises.
    """
    module = _import(path.resolve())
    from kungfu_core.strategy import Strategy  # noqa: PLC0415 - only now is it known to be needed

    classes = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    }
    if class_name is not None:
        if class_name in classes:
            return classes[class_name]
        raise ConfigError(f"{path} has no strategy class {class_name!r}; {_listed(classes)}")
    if len(classes) == 1:
        return next(iter(classes.values()))
    if classes:
        raise ConfigError(f"{path} has several strategies, say class = ...; {_listed(classes)}")
    raise ConfigError(f"{path} has no class derived from kungfu_core.Strategy")


def _import(path: Path) -> ModuleType:
    name = f"kungfu_strategy_{path.stem}_{fnv1a64(str(path).encode()):016x}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise ConfigError(f"no such file: {path}")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # attrs and typing look a class's module up there
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ConfigError(f"{path}{_place(error, path)}: {_described(error)}") from error
    return module


def _place(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f":{lines[-1]}" if lines else ""


def _described(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"


def _listed(classes: dict[str, type]) -> str:
    return f"it has {', '.join(classes)}" if classes else "it has none"
