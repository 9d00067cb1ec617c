"""`kungfu journal verify`, `repair` and `prune` on a home."""

import json
import subprocess
import sys

import pytest

from kungfu_core import _native, events
from kungfu_core.journal import Writer


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    for source, name in (("venue", "MD"), ("other", "MD"), ("broker", "BROKER")):
        clock = _native.Clock(1)
        with Writer(
            root / "journal", source, name, clock=clock, page_size=_native.MIN_PAGE_SIZE
        ) as writer:
            for n in range(1, 300):
                clock.set(n * 1_000_000_000)
                writer.append(events.Log(message="x" * 500))
    return root


@pytest.fixture
def damaged(home):
    """Damage one event of venue/MD, and give its page."""
    (page,) = (home / "journal").rglob("venue/MD.2.journal")
    data = bytearray(page.read_bytes())
    data[data.rindex(b"xxx")] ^= 1
    page.write_bytes(data)
    return page


def test_verify_says_what_is_damaged_and_fails(kungfu, damaged):
    done = kungfu("verify", "--all")
    assert done.returncode == 1
    told = done.stdout.splitlines()
    assert told[0] == "journal/broker/BROKER: sound; 4 pages, 299 events"
    assert told[2].startswith("journal/venue/MD: damaged; ")
    assert told[3].startswith(f"  damage  {damaged}: offset ")
    assert kungfu("verify", "other/MD", "BROKER").returncode == 0


def test_verify_tells_programs_the_same(kungfu, damaged):
    (found,) = json.loads(kungfu("verify", "venue/MD", "--json").stdout)
    assert found["damaged"] is True
    (finding,) = found["findings"]
    assert finding["file"] == str(damaged)
    assert finding["first_sequence"] == finding["last_sequence"] > 0


def test_repair_makes_the_journal_readable_and_says_what_was_lost(kungfu, damaged):
    assert kungfu("stat", "venue/MD").returncode == 1
    done = kungfu("repair", "venue/MD")
    assert done.returncode == 0
    assert done.stdout.startswith("journal/venue/MD: repaired, 1 event lost\n")
    assert json.loads(kungfu("stat", "venue/MD", "--json").stdout)["events"] == 298
    assert kungfu("repair", "venue/MD").stdout == "journal/venue/MD: nothing to repair\n"
    (after,) = json.loads(kungfu("repair", "venue/MD", "--json").stdout)
    assert (after["steps"], after["after"]["lost_events"]) == ([], 1)


def test_a_journal_that_is_written_is_not_repaired(kungfu, home, damaged):
    program = "import sys; from kungfu_core.journal import Writer; "
    program += "writer = Writer(sys.argv[1], 'venue', 'MD'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, home / "journal"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home,
    ) as process:  # fmt: skip
        process.stdout.readline()
        done = kungfu("repair", "venue/MD")
        process.communicate(b"\n")
    assert done.returncode == 1
    assert f"process {process.pid} has the journal open" in done.stderr


def test_prune_takes_a_pattern_an_age_and_a_size(kungfu, home):
    tried = kungfu("prune", "journal/*/MD", "--older-than", "30d", "--dry-run")
    assert tried.stdout.count("3 pages would go, ") == 2
    assert len(list(home.rglob("*.journal"))) == 12
    done = kungfu("prune", "journal/*/MD", "--older-than", "1970-01-02")
    assert done.stdout.count("3 pages deleted, ") == 2
    assert len(list(home.rglob("MD.*.journal"))) == 2
    assert len(list(home.rglob("BROKER.*.journal"))) == 4
    (size,) = json.loads(kungfu("prune", "BROKER", "--larger-than", "100KiB", "--json").stdout)
    assert size["bytes_left"] <= 100 * 1024
    assert [page["number"] for page in size["pages"]] == list(range(1, len(size["pages"]) + 1))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["verify"], 2, "expected one or more of JOURNAL, or --all"),
        (["verify", "MD", "--all"], 2, "expected one or more of JOURNAL, or --all"),
        (["verify", "MD"], 1, "journal 'MD' is ambiguous"),
        (["repair", "data/*"], 1, "fits 'data/*'"),
        (["prune", "BROKER"], 2, "expected --older-than AGE, --larger-than SIZE, or both"),
        (["prune", "BROKER", "--older-than", "3x"], 1, "like 36h, 30d or 8w, or a time"),
        (["prune", "BROKER", "--larger-than", "3GB"], 1, "20GiB, less than 16777216TiB, got '3GB'"),
        (["prune", "BROKER", "--larger-than", "16777216TiB"], 1, "less than 16777216TiB, got"),
        (["prune", "BROKER", "--older-than", "999999w"], 0, ""),
        (["verify", "--all", "--home", "nowhere"], 1, "error: there are no journals in "),
    ],
)
def test_mistakes_are_named(kungfu, arguments, status, message):
    done = kungfu(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
