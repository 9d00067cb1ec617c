"""A trading node that is killed anywhere knows in the end what its venue knows: the short form."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "torture" / "broker_kill.py"


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "resend"), [(1, "0"), (2, "0"), (3, "60")])
def test_a_killed_node_loses_and_doubles_nothing(seed, resend, tmp_path):
    """Real processes, a real socket, kill -9; the venue's own ledger is the truth."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "12", str(seed), resend],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert int(counts["orders"]) > 20
    assert int(counts["fills"]) > 20
    assert (int(counts["sent_again"]) > 0) == (resend != "0")
