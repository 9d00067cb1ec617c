"""A dataset's folder gets its name only when everything in it is there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kungfu_core.errors import ConfigError


@contextmanager
def new_dataset_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give a folder that gets its name when all is well, and is gone when anything is not.

    What a killed import left is wiped; a lock, which a crash releases, tells it from a running one.

    Raises:
        ConfigError: it cannot be made, or another import took the name.
    """
    folder = parent / f".{name}.importing"
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigError(f"cannot write in {parent}: {error.strerror}") from error
    try:
        _lock(lock, folder)
        try:
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield folder
            _rename(folder, parent / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == folder.stat().st_ino:
            return
    except OSError:
        pass  # held by another import, or renamed by it just now
    raise ConfigError(f"another import is writing {folder}")


def _rename(folder: Path, wanted: Path) -> None:
    try:
        folder.rename(wanted)
    except OSError as error:
        raise ConfigError(f"cannot put dataset {wanted} in place: {error.strerror}") from error
