"""Where a project's journals, runs, datasets and logs live: the folder that `KF_HOME` names."""

import contextlib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

import attrs

from kungfu_core.errors import ConfigError

_NUMBER = re.compile(r"[0-9a-f]{10}")
_FOLDERS = ("journal", "runs", "data", "log", "config", "cache")


@attrs.frozen
class Home:
    """The folders of one home; none exists before `create`.

    Attributes:
        root: the home itself.
    """

    root: Path

    @classmethod
    def locate(cls, root: str | os.PathLike[str] | None = None) -> "Home":
        """Give the home that is asked for, or else that of `KF_HOME`, or else `./runtime`."""
        return cls(Path(root or os.environ.get("KF_HOME") or "runtime").absolute())

    @property
    def journal(self) -> Path:
        """Journals of what runs live."""
        return self.root / "journal"

    @property
    def runs(self) -> Path:
        """Backtests, replays, paper sessions and demos, a folder each."""
        return self.root / "runs"

    @property
    def data(self) -> Path:
        """Imported datasets, a folder each."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """Text logs."""
        return self.root / "log"

    @property
    def config(self) -> Path:
        """Configuration files."""
        return self.root / "config"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.root / "cache"

    def create(self) -> None:
        """Make the folders that do not exist yet.

        Raises:
            ConfigError: that is not possible, or they cannot be written.
        """
        for folder in (self.root / name for name in _FOLDERS):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(self._unusable(error.strerror)) from error
            if not os.access(folder, os.W_OK | os.X_OK):
                raise ConfigError(self._unusable(f"{folder} is not writable"))

    def number(self) -> int:
        """Give the home's own number, 40 bits: made at random once, and kept in the home.

        It stands in the ids that live orders have at their venue, so that two homes, be it on two
        machines, do not take each other's orders for their own. A copy of a home has the same
        number: delete its file `number` before it trades.

        Raises:
            ConfigError: it cannot be kept or read, or the file holds something else.
        """
        self.create()
        file = self.root / "number"
        try:
            if not file.exists():
                made = self.root / f".number-{secrets.token_hex(4)}"
                made.write_text(f"{secrets.randbits(40):010x}\n")
                with contextlib.suppress(FileExistsError):  # another process was first
                    os.link(made, file)
                made.unlink()
            text = file.read_text().strip()
        except OSError as error:
            raise ConfigError(self._unusable(error.strerror)) from error
        if not _NUMBER.fullmatch(text):
            raise ConfigError(f"{file}: expected ten hexadecimal digits, got {text!r}")
        return int(text, 16)

    def new_run(self, command: str) -> Path:
        """Make the folder of a new run, `runs/<id>`; ids sort by time and say the command.

        Raises:
            ConfigError: the home is not writable.
        """
        self.create()
        started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        while True:
            folder = self.runs / f"{started}-{command}-{secrets.token_hex(2)}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise ConfigError(self._unusable(error.strerror)) from error
            return folder

    def _unusable(self, reason: str | None) -> str:
        return (
            f"cannot write in the home {self.root}: {reason}; "
            "set KF_HOME (or --home) to a folder that can be written"
        )
