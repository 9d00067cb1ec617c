"""Runs torture: `nox -s torture -- [NAME...] [--json]`, names as far as they are given.

Each trial is a native program that also is a test of its own, with a short form; here it is run
long, round by round, each round from another seed. What it counted is added up. Any violation, or
less than was asked for, makes the exit status 1.
"""

import argparse
import json
import sys

from trials import TRIALS, Outcome, build, run


def main() -> int:
    """Torture what is asked for.

    Returns:
        0, or 1 if any trial failed, or 2 if there is none of that name.
    """
    parser = argparse.ArgumentParser(prog="nox -s torture --", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    wanted = [t for t in TRIALS if t.name.startswith(tuple(arguments.names or [""]))]
    if not wanted:
        known = ", ".join(trial.name for trial in TRIALS)
        sys.stderr.write(f"no trial begins with any of {arguments.names}; there are {known}\n")
        return 2
    build(wanted)
    passed = True
    for trial in wanted:
        outcome = run(trial)
        passed = passed and outcome.passed
        line = json.dumps(outcome.figure()) if arguments.json else _line(outcome)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        for problem in outcome.problems:
            sys.stderr.write(f"{trial.name}: {problem}\n")
    return 0 if passed else 1


def _line(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"{outcome.trial.name:<20} skipped: {outcome.skipped}"
    trial = outcome.trial
    counts = ", ".join(f"{name} {count}" for name, count in outcome.counts.items())
    verdict = "passed" if outcome.passed else "FAILED"
    return f"{trial.name:<20} {verdict}: {counts} (asked for {trial.least} {trial.unit})"


if __name__ == "__main__":
    sys.exit(main())
