"""Imported datasets: where they lie, and what they say about themselves."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from kungfu_core.errors import ConfigError, DataError
from kungfu_core.home import Home

DESCRIPTION = "dataset.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@attrs.frozen
class SourceFile:
    """A file that a dataset was imported from."""

    name: str
    sha256: str


@attrs.frozen
class Dataset:
    """An imported dataset, as `dataset.json` in its folder describes it.

    Attributes:
        folder: root of its journals.
        format: name of the recording format that read it.
        source: source of its journal `MD`.
        files: what it was imported from, in order.
        messages: messages received, by the venue's type names.
        events: events written, by type.
        instruments: canonical names, sorted.
        first_time: receive time of the first message, ns since 1970 UTC.
        last_time: latest receive time.
    """

    folder: Path
    format: str
    source: str
    files: tuple[SourceFile, ...]
    messages: dict[str, int]
    events: dict[str, int]
    instruments: tuple[str, ...]
    first_time: int
    last_time: int

    @property
    def name(self) -> str:
        """The name that configurations use."""
        return self.folder.name

    @property
    def begins(self) -> str:
        """The receive time of its first message, in UTC."""
        return _utc(self.first_time)

    @property
    def ends(self) -> str:
        """The latest receive time, in UTC."""
        return _utc(self.last_time)

    def as_json(self) -> str:
        """Describe it for programs; where it lies included."""
        described = {"name": self.name, "folder": str(self.folder)} | self._description()
        return json.dumps(described, indent=2, ensure_ascii=False) + "\n"

    def describe(self, folder: Path) -> None:
        """Write `dataset.json` into a folder."""
        text = json.dumps(self._description(), indent=2, ensure_ascii=False)
        folder.joinpath(DESCRIPTION).write_text(text + "\n", encoding="utf-8")

    def _description(self) -> dict[str, Any]:
        return {key: value for key, value in attrs.asdict(self).items() if key != "folder"}

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Read what a dataset says about itself.

        Raises:
            DataError: the folder is no dataset, or its description is damaged.
        """
        path = folder / DESCRIPTION
        try:
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            said["files"] = tuple(SourceFile(**file) for file in said["files"])
            said["instruments"] = tuple(said["instruments"])
            return cls(folder=folder, **said)
        except OSError as error:
            raise DataError(f"{folder} is not a dataset: {path.name}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path}: the description of the dataset is damaged") from error

    @classmethod
    def find(cls, home: Home, name: str) -> "Dataset":
        """Give the dataset of a name, or of a path to its folder.

        Raises:
            ConfigError: there is none; says which there are.
            DataError: its description is damaged.
        """
        folder = home.data / name if _NAME.fullmatch(name) else Path(name)
        if not folder.joinpath(DESCRIPTION).is_file():
            known = sorted(path.parent.name for path in home.data.glob(f"[!.]*/{DESCRIPTION}"))
            there = f"datasets there: {', '.join(known)}" if known else "there is none yet"
            raise ConfigError(f"no dataset {name!r} in {home.data}; {there} (see kungfu import)")
        return cls.load(folder)


def dataset_name(wanted: str | None, first_file: Path, option: str = "--name") -> str:
    """Check the wanted name, or take the first file's up to its first dot.

    Args:
        wanted: as the user gave it with `option`; None if it was not given.
        first_file: what the dataset is made from.
        option: which option names it, for the message.

    Raises:
        ConfigError: it cannot be the name of a dataset.
    """
    name = wanted if wanted is not None else first_file.name.partition(".")[0]
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"dataset name {name!r}: expected letters, digits and ._-, beginning with a letter or "
            "digit" + ("" if wanted is not None else f"; give one with {option}")
        )
    return name


def _utc(time: int) -> str:
    return datetime.fromtimestamp(time // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
