"""`kungfu journal` on a home with a dataset and a run."""

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kungfu_core import _native, events
from kungfu_core.enums import LogLevel, Side
from kungfu_core.event_types import TRADE
from kungfu_core.journal import Writer
from kungfu_core.schema import EventType, Field
from kungfu_core.views import view_class


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    with Writer(
        root / "data" / "august", "venue", "MD", scope="august", clock=_native.Clock(1)
    ) as w:
        w.append(events.Instrument(instrument=9, tick="0.1", name="venue:spot:BTCUSDT"))
        emit = w.emitter(TRADE)
        for n in range(50):
            w.at(1_723_161_600_000_000_000 + n, 0)
            emit(9, n, f"{n}.10", 1, n, Side.BUY, False)
        w.append(events.BookDelta(instrument=9, levels=[("1.5", "2", Side.BUY)]))
    with Writer(root / "runs" / "r1" / "journal", "broker", "BROKER", clock=_native.Clock(1)) as w:
        w.append(events.Log(message="hello"))
    return root


def test_ls_names_every_journal(kungfu):
    assert kungfu("ls").stdout.split("\n")[2].startswith("runs/r1/broker/BROKER")
    listed = json.loads(kungfu("ls", "--json").stdout)
    assert [row["journal"] for row in listed] == ["runs/r1/broker/BROKER", "data/august/venue/MD"]
    assert listed[1]["pages"] == 1


def test_an_empty_home_says_so(kungfu, tmp_path):
    done = kungfu("ls", "--home", tmp_path / "nothing")
    assert (done.returncode, done.stdout) == (0, f"There are no journals in {tmp_path}/nothing.\n")


def test_show_prints_events_with_names_for_ids(kungfu):
    done = kungfu("show", "venue/MD", "--type", "trade", "--limit", 2)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert "2024-08-09T00:00:00.000000001Z  trade" in lines[3]
    assert "instrument=venue:spot:BTCUSDT" in lines[3]
    assert "price=1.10" in lines[3]


def test_show_takes_a_time_range(kungfu):
    done = kungfu("show", "MD", "--since", "2024-08-09T00:00:00.000000010Z", "--json",
                  "--until", "1723161600000000012")  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["trade_id"] for row in rows] == [10, 11]
    assert rows[0]["price"] == "10.10"
    assert rows[0]["type"] == "trade"


def test_types_that_only_the_journal_knows_are_shown(kungfu, home):
    fields = (Field("strength", "number", ""), Field("level", "enum", "", LogLevel))
    signal = view_class(EventType("signal", 2, "", fields, number=1000))
    with Writer(home / "journal", "mine", "SIG", event_classes=[signal]) as writer:
        writer.append(signal(strength="0.50", level=LogLevel.INFO))
    (row,) = map(json.loads, kungfu("show", "SIG", "--json").stdout.splitlines())
    assert (row["type"], row["strength"], row["level"]) == ("signal", "0.50", "INFO")
    assert "0.50" in kungfu("export", "SIG", "--type", "signal", "--format", "csv").stdout


def test_show_takes_several_types_and_names_of_sources_and_instruments(kungfu):
    shown = kungfu("show", "MD", "--type", "book_delta", "--type", "instrument", "--json")
    assert [json.loads(line)["type"] for line in shown.stdout.splitlines()] == [
        "instrument", "book_delta",
    ]  # fmt: skip
    named = ("--source", "venue", "--instrument", "venue:spot:BTCUSDT", "--limit", "99")
    assert kungfu("show", "MD", *named, "--json").stdout.count("\n") == 52
    assert kungfu("show", "MD", *named, "--until", "1").stdout == "No such events.\n"


def test_seek_says_where_the_event_stands(kungfu):
    found = json.loads(kungfu("seek", "MD", "1723161600000000010", "--json").stdout)
    assert (found["journal"], found["page"]) == ("august/venue/MD", 1)
    assert found["event"]["trade_id"] == 10
    frame = Path(found["file"]).read_bytes()[found["offset"] :]
    assert int.from_bytes(frame[8:16], "little") == found["event"]["sequence"] == 12
    assert int.from_bytes(frame[16:24], "little") == found["event"]["gen_time"]
    shown = kungfu("seek", "MD", "2024-08-09 00:00:00.00000001")
    assert f"offset    {found['offset']}\n" in shown.stdout
    assert "price=10.10" in shown.stdout


def test_stat_counts(kungfu):
    found = json.loads(kungfu("stat", "MD", "--json").stdout)
    assert found["events"] == 52
    assert [(t["name"], t["events"]) for t in found["types"]] == [
        ("instrument", 1), ("trade", 50), ("book_delta", 1),
    ]  # fmt: skip
    assert sum(found["rates"]["events"]["trade"]) == 50
    assert "52, every checksum right" in kungfu("stat", "MD").stdout


def test_stat_draws_rates_and_latencies(kungfu, home):
    with Writer(home / "journal", "slow", "OUT") as writer:
        for n in range(100):
            writer.at(1_000_000_000 * (n + 1), 1_000_000_000 * (n + 1) - 1000 * (n + 1))
            writer.append(events.Log(message="late"))
    latencies = json.loads(kungfu("stat", "OUT", "--json").stdout)["latencies_ns"]["log"]
    assert (latencies["events"], latencies["max"]) == (100, 100_000)
    assert 50_000 <= latencies["p50"] <= 50_000 * 9 / 8
    assert sum(count for _, count in latencies["buckets"]) == 100
    drawn = kungfu("stat", "OUT").stdout
    assert re.search("[▆█]{40}\n", drawn)  # an even rate
    assert "100 µs" in drawn


def test_stat_of_a_journal_without_triggers_draws_no_latencies(kungfu):
    assert "p99" not in kungfu("stat", "BROKER").stdout


def test_a_journal_travels_as_one_file(kungfu, tmp_path):
    archive, there = tmp_path / "market.tar", ("--home", tmp_path / "there")
    done = kungfu("export", "MD", "--format", "archive", "--output", archive, "--json")
    assert json.loads(done.stdout) == {"file": str(archive), "pages": 1, "bytes": 16 << 20}
    done = kungfu("import", archive, *there)
    assert done.stdout == f"imported {archive} as data/august/venue/MD: pages: 1, 16.0 MiB\n"
    assert kungfu("show", "MD", *there, "--json").stdout == kungfu("show", "MD", "--json").stdout
    again = kungfu("import", archive, *there, "--as", "second", "--json")
    assert json.loads(again.stdout)["identity"] == "august/venue/MD"
    refused = kungfu("import", archive, *there)
    assert (refused.returncode, "--as another name" in refused.stderr) == (1, True)


def test_export_writes_the_same_events_in_every_format(kungfu, tmp_path):
    paths = {form: tmp_path / f"trades.{form}" for form in ("jsonl", "csv", "parquet")}
    for form, path in paths.items():
        done = kungfu("export", "MD", "--type", "trade", "--format", form, "--output", path)
        assert done.stdout == f"{path}: 50 events\n", done.stderr
    lines = [json.loads(line) for line in paths["jsonl"].read_text().splitlines()]
    with paths["csv"].open() as file:
        cells = list(csv.DictReader(file))
    table = pq.read_table(paths["parquet"], columns=["price", "trade_id"]).to_pylist()
    assert len(lines) == len(cells) == len(table) == 50
    for line, cell, row in zip(lines, cells, table, strict=True):
        assert line["price"] == cell["price"]
        assert row["price"] == float(line["price"])
        assert line["trade_id"] == int(cell["trade_id"]) == row["trade_id"]
    assert kungfu("export", "MD").stdout.count("\n") == 52


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["show", "data/august/venue/TD"], 1, "did you mean data/august/venue/MD?"),
        (
            ["show", "MD", "--type", "trades"],
            1,
            "knows no event type 'trades', only: type_definition",
        ),
        (["show", "MD", "--since", "yesterday"], 1, "--since: expected a time"),
        (["show", "MD", "--since", "\u00b2"], 1, "--since: expected a time"),
        (["show", "MD", "--limit", "0"], 2, "expected 1 or more"),
        (["export", "MD", "--output", "."], 1, "cannot write .: it is a folder, expected the"),
        (["export", "MD", "--output", ""], 1, "cannot write .: it is a folder, expected the"),
        (["export", "MD", "--format", "csv"], 2, "needs a --type"),
        (["export", "MD", "--type", "trade", "--format", "parquet"], 2, "needs an --output"),
        (["export", "MD", "--output", "/nowhere/x"], 1, "cannot write /nowhere/x: No such file"),
        (["export", "MD", "--format", "archive"], 2, "needs an --output"),
        (
            ["export", "MD", "--format", "archive", "--output", "x", "--type", "trade"],
            2,
            "takes the whole journal",
        ),
        (["export", "MD", "--format", "archive", "--output", "/nowhere/x"], 1, "cannot write"),
        (["show", "MD", "--instrument", "BTC"], 1, "did you mean venue:spot:BTCUSDT?"),
        (["show", "MD", "--source", "nobody"], 1, "knows no source 'nobody'"),
        (["seek", "MD", "2030-01-01"], 1, "august/venue/MD has no event at 2030-01-01 or later"),
        (["seek", "MD", "soon"], 1, "TIME: expected a time"),
        (["follow", "MD", "TD"], 1, "there is no journal 'TD'"),
        (["follow", "MD", "MD"], 1, "joined already"),
        (["follow", "MD", "--type", "trades"], 1, "knows no event type 'trades'"),
        (["follow", "MD", "--last", "-1"], 2, "expected 0 or more"),
        (["import", "nothing.tar"], 1, "cannot import nothing.tar"),
        (["import", "nothing.tar", "--as", "../x"], 1, "cannot import nothing.tar"),
        ([], 2, "ACTION"),
    ],
)
def test_mistakes_are_named(kungfu, arguments, status, message):
    done = kungfu(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_export_writes_to_links_pipes_and_devices_as_they_are(kungfu, tmp_path):
    link, target, pipe = tmp_path / "link", tmp_path / "target", tmp_path / "pipe"
    link.symlink_to(target)
    assert kungfu("export", "MD", "--output", link).returncode == 0
    assert link.is_symlink()
    assert target.read_text().count("\n") == 52
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        assert kungfu("export", "MD", "--output", pipe).returncode == 0
        assert reader.communicate()[0] == target.read_text()
    assert pipe.is_fifo()


def test_damage_stops_an_export_and_leaves_no_file(kungfu, home, tmp_path):
    (page,) = (home / "data").rglob("*.journal")
    data = bytearray(page.read_bytes())
    data[data.rindex((1_723_161_600_000_000_030).to_bytes(8, "little")) + 70] ^= 1
    page.write_bytes(data)
    done = kungfu("export", "MD", "--output", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert f"{page}: offset" in done.stderr
    assert not list(tmp_path.glob("*out.jsonl*"))
