"""The trials: which program each is, how long it runs, and what its counts come to."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import field, frozen
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "torture"
SKIPPED = 77  # as CTest has it


@frozen
class Trial:
    """A program, and how much of it is asked for.

    The program is given an amount and a seed; it prints lines of "name count", says on stderr what
    was violated, and ends with 0, 77 (with "skipped: why" on stdout) or anything else.
    """

    name: str
    program: str  # a native one by its name, or a file of Python beside this one
    unit: str  # the count that says how much was done
    least: int
    amount: int  # the program's first argument, in each round
    rounds: int

    @property
    def is_python(self) -> bool:
        """Whether the program runs in this environment's Python; then kungfu must be installed."""
        return self.program.endswith(".py")

    @property
    def command(self) -> list[str]:
        """How the program is started."""
        if self.is_python:
            return [sys.executable, str(Path(__file__).parent / self.program)]
        return [str(BUILD / self.program)]


TRIALS = (
    Trial("journal.kill", "journal_crash", "kills", 1000, 60, 20),
    Trial("journal.disk_full", "journal_disk_full", "fills", 1000, 100, 10),
    Trial("journal.damage", "journal_damage_live", "damages", 1000, 100, 10),
    Trial("journal.readers", "journal_readers", "events", 500_000, 50_000, 10),
    Trial("journal.large", "journal_large", "file_mebibytes", 4096 + 1, 4608, 1),
    Trial("journal.power_loss", "journal_power_loss", "power_cuts", 1200, 120, 10),
    Trial("broker.kill", "broker_kill.py", "kills", 300, 30, 10),
)


@frozen
class Outcome:
    """What a trial's rounds came to."""

    trial: Trial
    counts: dict[str, int] = field(factory=dict)
    problems: list[str] = field(factory=list)
    skipped: str = ""

    @property
    def value(self) -> int:
        """How much was done, in the trial's unit."""
        return self.counts.get(self.trial.unit, 0)

    @property
    def passed(self) -> bool:
        """Whether nothing was violated, and as much was done as was asked for."""
        return bool(self.skipped) or (not self.problems and self.value >= self.trial.least)

    def figure(self) -> dict[str, Any]:
        """As one JSON object."""
        trial = self.trial
        if self.skipped:
            return {"name": trial.name, "skipped": self.skipped}
        return {
            "name": trial.name,
            "value": self.value,
            "unit": trial.unit,
            "reference": trial.least,
            "ratio": round(self.value / trial.least, 3),
            "passed": self.passed,
            **{name: count for name, count in self.counts.items() if name != trial.unit},
        }


def build(trials: Iterable[Trial]) -> None:
    """Build the programs of these trials.

    Raises:
        subprocess.CalledProcessError: CMake or the compiler failed; they have said why.
    """
    programs = [trial.program for trial in trials if not trial.is_python]
    if not programs:
        return
    configure = ["cmake", "-S", str(ROOT), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=Release"]
    compile_ = ["cmake", "--build", str(BUILD), "--parallel", "2", "--target", *programs]
    for command in (configure, compile_):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run(trial: Trial) -> Outcome:
    """Run all rounds of a trial, or those up to the first that fails."""
    counts: Counter[str] = Counter()
    for seed in tqdm(range(1, trial.rounds + 1), trial.name, disable=None, leave=False):
        command = [*trial.command, str(trial.amount), str(seed)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        if done.returncode == SKIPPED:
            return Outcome(trial, skipped=lines[-1].removeprefix("skipped: ") if lines else "")
        for line in lines:
            name, _, count = line.partition(" ")
            counts[name] += int(count)
        if done.returncode != 0:
            said = done.stderr.strip() or f"ended with status {done.returncode}"
            return Outcome(trial, dict(counts), [f"seed {seed}: {said}"])
    return Outcome(trial, dict(counts))
