"""`kungfu journal follow` on journals that are being written."""

import json
import os
import select
import signal
import subprocess
import sys
from threading import Thread

import pytest

from kungfu_core import _native, events
from kungfu_core.journal import Reader, Writer

# A shell's background jobs ignore interrupts, and what they start does, too.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from kungfu_core.cli import main
sys.exit(main(["journal", "follow", *sys.argv[1:]]))
"""
PATIENCE = 60
"""Seconds after which a test gives up; none waits so long if all is well."""


class Following:
    """The command, as it runs."""

    def __init__(self, home, arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=home, env={**os.environ, "KF_HOME": str(home), "NO_COLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip

    def line(self):
        text = b""
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert ready, "nothing more was printed"
            byte = self.process.stdout.read(1)
            assert byte, self.process.stderr.read()
            text += byte
        return text.decode()

    def event(self):
        return json.loads(self.line())

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self):
        status = self.process.wait(PATIENCE)
        return status, self.process.stderr.read().decode()


@pytest.fixture
def market(tmp_path):
    with Writer(tmp_path / "journal", "venue", "MD") as writer:
        yield writer


@pytest.fixture
def broker(tmp_path):
    with Writer(tmp_path / "journal", "broker", "BROKER") as writer:
        yield writer


@pytest.fixture
def follow(tmp_path):
    started = []

    def start(*arguments):
        started.append(Following(tmp_path, arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()
        one.process.stderr.close()


def test_it_shows_the_last_events_then_what_is_written_and_ends_at_an_interrupt(follow, market):
    for n in range(20):
        market.append(events.Trade(trade_id=n))
    following = follow("MD", "--last", "3", "--json")
    assert [following.event()["trade_id"] for _ in range(3)] == [17, 18, 19]
    for n in range(20, 23):
        market.append(events.Trade(trade_id=n))
        assert following.event()["trade_id"] == n
    assert following.interrupt() == (130, "")


def test_several_journals_are_merged_and_named(follow, market, broker):
    market.append(events.Trade(trade_id=1))
    broker.append(events.Fill(trade_id="2"))
    following = follow("BROKER", "MD", "--json")
    shown = [following.event() for _ in range(2)]
    assert [row["journal"] for row in shown] == ["venue/MD", "broker/BROKER"]
    broker.append(events.Fill(trade_id="3"))
    assert following.event()["trade_id"] == "3"
    market.append(events.Trade(trade_id=4))
    assert following.event()["trade_id"] == 4


def test_a_filter_holds_for_what_is_written_later_and_new_names_are_learnt(follow, market):
    market.append(events.Log(message="first"))
    following = follow("MD", "--type", "trade", "--type", "log")
    assert "venue/MD  log" in following.line()
    number = _native.id_of("venue:spot:NEW")
    market.append(events.Instrument(instrument=number, name="venue:spot:NEW"))
    market.append(events.Trade(instrument=number))
    assert "trade           instrument=venue:spot:NEW" in following.line()


def test_it_begins_at_a_time(follow, market):
    for n in range(5):
        market.at(1_723_161_600_000_000_000 + n)
        market.append(events.Trade(trade_id=n))
    following = follow("MD", "--since", "2024-08-09T00:00:00.000000003Z", "--json")
    assert [following.event()["trade_id"] for _ in range(2)] == [3, 4]


def test_it_goes_on_over_pages(follow, tmp_path):
    root = tmp_path / "journal"
    with Writer(root, "venue", "MD", page_size=_native.MIN_PAGE_SIZE) as writer:
        writer.append(events.Trade(trade_id=0))
        following = follow("MD", "--json")
        assert following.event()["trade_id"] == 0
        for n in range(1, 1500):
            writer.append(events.Trade(trade_id=n))
        assert len(writer.journal.pages()) > 2
        assert [following.event()["trade_id"] for _ in range(1, 1500)] == list(range(1, 1500))


def test_it_ends_when_nobody_reads_it_any_more_though_nothing_is_written(follow, market):
    market.append(events.Trade(trade_id=1))
    following = follow("MD")
    following.line()
    following.process.stdout.close()
    assert following.ended() == (1, "")


def test_plugins_types_with_equal_numbers_in_two_journals_are_told_apart(follow, tmp_path):
    from kungfu_core.schema import EventType, Field
    from kungfu_core.views import view_class

    for source, name in (("one", "signal"), ("two", "noise")):
        kind = view_class(EventType(name, 1, "", (Field(f"of_{name}", "u64", ""),), number=1000))
        with Writer(tmp_path / "journal", source, "SIG", event_classes=[kind]) as writer:
            writer.append(kind(7))
    following = follow("one/SIG", "two/SIG", "--json")
    shown = [following.event() for _ in range(2)]
    assert [(row["type"], row.get("of_signal"), row.get("of_noise")) for row in shown] == [
        ("signal", 7, None), ("noise", None, 7),
    ]  # fmt: skip


def test_waiting_ends_at_once_where_there_is_something_or_no_time(market):
    reader = Reader(market.journal)
    assert not reader.wait(0)
    market.append(events.Trade(trade_id=1))
    assert reader.wait(PATIENCE)
    assert next(reader).trade_id == 1


def test_waiting_ends_when_something_is_written(market):
    reader = Reader(market.journal)
    thread = Thread(target=lambda: market.append(events.Trade(trade_id=1)))
    thread.start()
    assert reader.wait(PATIENCE)
    thread.join()
