"""What a run left behind: its journals, the market that it played, and `run.json`."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from kungfu_core._native import id_of
from kungfu_core.errors import DataError
from kungfu_core.journal import Journal, Statistics, list_journals

MARKET = "MD"
BROKER = "BROKER"
GATEWAY = "TD"
STRATEGY = "STRATEGY"
ALGORITHM = "ALGORITHM"
SESSION = "SESSION"


@attrs.frozen
class RunFolder:
    """A run's folder, opened for reading.

    Attributes:
        path: the folder.
        facts: what `run.json` says; empty without one.
        own: the journals of the run's components, market data left out, with what is in them.
        market: the journals with the market that was played, or that the run's gateways made.
        missing: datasets that `run.json` names and that are not there any more.
    """

    path: Path
    facts: Mapping[str, Any]
    own: Mapping[Journal, Statistics]
    market: tuple[Journal, ...]
    missing: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Find and check the journals of a run.

        Raises:
            DataError: the folder is no run, or its `run.json` is not what a run writes.
            JournalCorrupt: a journal of the run is damaged; names file and offset.
        """
        journals = list_journals(path / "journal") if path.is_dir() else []
        own = {j: j.statistics() for j in journals if j.name != MARKET}
        own = {journal: found for journal, found in own.items() if found.events}
        if not own:
            raise DataError(f"{path}: not a run: expected journals with events under its journal/")
        facts = _facts(path / "run.json")
        datasets = facts.get("datasets") or ()
        if not isinstance(datasets, list | tuple):
            raise DataError(f"{path / 'run.json'}: datasets: expected a list of paths")
        market = [j for j in journals if j.name == MARKET]
        missing = []
        for dataset in map(str, datasets):
            found = _dataset_journals(Path(dataset))
            market += found
            if not found:
                missing.append(dataset)
        return cls(path, facts, own, tuple(dict.fromkeys(market)), tuple(missing))

    @property
    def first_time(self) -> int:
        """Of the first event of the run's own components, ns."""
        return min(found.first_time for found in self.own.values())

    @property
    def last_time(self) -> int:
        """Of their last event, ns."""
        return max(found.last_time for found in self.own.values())

    def names(self) -> dict[int, str]:
        """Give the names behind the ids of sources and accounts."""
        names: dict[int, str] = {}
        for journal in (*self.own, *self.market):
            names |= {id_of(journal.source): journal.source} | journal.names()
        return names

    def number(self, key: str) -> Decimal | None:
        """Give a number from `run.json`; None if it is not there."""
        value = self.facts.get(key)
        return value if isinstance(value, Decimal) else None

    def text(self, key: str) -> str:
        """Give a text from `run.json`; empty if it is not there."""
        value = self.facts.get(key)
        return value if isinstance(value, str) else ""


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        facts = json.loads(path.read_bytes(), parse_float=Decimal, parse_int=Decimal)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(facts, dict):
        raise DataError(f"{path}: expected a JSON object")
    return facts


def _dataset_journals(root: Path) -> list[Journal]:
    found: Iterable[Journal] = list_journals(root / "journal") or list_journals(root)
    return [journal for journal in found if journal.name == MARKET]
