"""`kungfu import` as a user runs it: one process, one dataset or one message."""

import gzip
import json
import os
import subprocess
import sys

import pytest

TRADE = {"e": "trade", "E": 2, "s": "BTCUSDT", "t": 4, "p": "1.5", "q": "0.1", "T": 2, "m": False,
         "M": True}  # fmt: skip
T = 1_723_161_254_000_000_000


def kungfu_import(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "kungfu_core", "import", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"KF_HOME": str(folder / "home")} | environment,
    )


def recording(folder, *messages):
    path = folder / "tape.gz"
    lines = "".join(f"{T + i} {json.dumps(m)}\n" for i, m in enumerate(messages))
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))
    return path


def assert_one_error(done, said):
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_missing_file_is_one_message(tmp_path):
    done = kungfu_import(tmp_path, "nowhere.gz")
    assert_one_error(done, "nowhere.gz: cannot be read: No such file or directory")
    assert not (tmp_path / "home").exists()


@pytest.fixture
def _binance():
    pytest.importorskip("kungfu_gateway_binance", reason="kungfu-gateway-binance is not installed")


@pytest.mark.usefixtures("_binance")
class TestWithTheBinancePlugin:
    def test_dataset_is_told_as_text_and_as_json(self, tmp_path):
        path = recording(tmp_path, TRADE)
        done = kungfu_import(tmp_path, path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "binance:spot:BTCUSDT" in done.stdout
        said = json.loads(kungfu_import(tmp_path, path, "--name", "again", "--json").stdout)
        assert said["events"] == {"instrument": 1, "trade": 1}
        assert said["folder"] == str(tmp_path / "home" / "data" / "again")

    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            (TRADE | {"q": "-1"}, "line 3: trade: 'q' must be a decimal number above zero"),
            ({"e": "24hrTicker"}, "line 3: unknown message type '24hrTicker'"),
            ("text", "line 3: not a JSON message of Binance"),
        ],
    )
    def test_bad_message_is_one_message_and_leaves_no_dataset(self, bad, said, tmp_path):
        done = kungfu_import(tmp_path, recording(tmp_path, TRADE, TRADE, bad))
        assert_one_error(done, said)
        assert list((tmp_path / "home" / "data").iterdir()) == []

    def test_truncated_file_is_one_message(self, tmp_path):
        path = recording(tmp_path, *[TRADE | {"t": i, "p": f"{i}.5"} for i in range(2000)])
        path.write_bytes(path.read_bytes()[:-30])
        assert_one_error(kungfu_import(tmp_path, path), "cut off or damaged")
        assert list((tmp_path / "home" / "data").iterdir()) == []

    def test_home_that_cannot_be_written_is_one_message(self, tmp_path):
        (tmp_path / "home").write_text("in the way")
        done = kungfu_import(tmp_path, recording(tmp_path, TRADE))
        assert_one_error(done, "cannot write in the home")

    def test_unknown_format_names_the_ones_there_are(self, tmp_path):
        done = kungfu_import(tmp_path, recording(tmp_path, TRADE), "--format", "binanse")
        assert_one_error(done, "did you mean 'binance'?")
