"""Which journals a home holds, and the references by which the command line names them.

A reference is the journal's place in the home: `journal/SOURCE/NAME` for what runs live,
`runs/ID/SOURCE/NAME` for a run, `data/DATASET/SOURCE/NAME` for a dataset.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from kungfu_core.errors import JournalError
from kungfu_core.home import Home
from kungfu_core.journal import Journal, list_journals


def catalog(home: Home) -> dict[str, Journal]:
    """List all journals of a home by their references, in order."""
    return {
        f"{prefix}/{journal.source}/{journal.name}": journal
        for prefix, root in _roots(home)
        for journal in list_journals(root)
    }


def _roots(home: Home) -> Iterator[tuple[str, Path]]:
    yield "journal", home.journal
    for run in _folders(home.runs):
        yield f"runs/{run.name}", run / "journal"
    for dataset in _folders(home.data):
        yield f"data/{dataset.name}", dataset


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def find(home: Home, reference: str) -> Journal:
    """Give the journal that a reference means; its end is enough where only one has it.

    Raises:
        JournalError: none has it, or several have; names what there is.
    """
    journals = catalog(home)
    wanted = reference.strip("/")
    fitting = [r for r in journals if r == wanted or r.endswith(f"/{wanted}")]
    if wanted in journals:
        return journals[wanted]
    if len(fitting) == 1:
        return journals[fitting[0]]
    if fitting:
        raise JournalError(
            f"journal {reference!r} is ambiguous, give more of its name: {', '.join(fitting)}"
        )
    if not journals:
        raise JournalError(f"journal {reference!r}: there are no journals in {home.root}")
    near = get_close_matches(wanted, journals, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise JournalError(f"there is no journal {reference!r} in {home.root}{hint}")


def matching(home: Home, references: Iterable[str]) -> dict[str, Journal]:
    """Give the journals that references and patterns (`journal/*/MD`) mean, by their references.

    Raises:
        JournalError: a reference means none or several, or a pattern means none.
    """
    journals = catalog(home)
    chosen: dict[str, Journal] = {}
    for reference in references:
        if set(reference) & set("*?["):
            fitting = {r: j for r, j in journals.items() if fnmatchcase(r, reference)}
            if not fitting:
                raise JournalError(f"no journal in {home.root} fits {reference!r}")
        else:
            found = find(home, reference)
            fitting = {r: j for r, j in journals.items() if j == found}
        chosen |= fitting
    return chosen
