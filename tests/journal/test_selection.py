"""What a selection gives is what picking events one by one gives."""

import subprocess
import sys
from collections import Counter

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import _native, events
from kungfu_core.enums import Side
from kungfu_core.errors import JournalCorrupt, JournalError
from kungfu_core.event_types import TRADE
from kungfu_core.journal import Journal, Reader, Writer

DAY = 1_723_161_600_000_000_000  # 2024-08-09
SECOND = 1_000_000_000
A, B = (_native.id_of(f"venue:spot:{name}") for name in "AB")
COUNT = 600


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """A trade each second, of two instruments in turn; every tenth is followed by a log."""
    root = tmp_path_factory.mktemp("selection")
    with Writer(
        root, "venue", "MD", clock=_native.Clock(DAY), page_size=_native.MIN_PAGE_SIZE
    ) as writer:
        for number, name in ((A, "A"), (B, "B")):
            writer.append(events.Instrument(instrument=number, name=f"venue:spot:{name}"))
        emit = writer.emitter(TRADE)
        for n in range(COUNT):
            time = DAY + n * SECOND
            writer.at(time, time - 100 if n % 2 else 0)
            emit(B if n % 2 else A, time, f"{n}.5", 1, n, Side.BUY, False)
            if n % 10 == 0:
                writer.append(events.Log(message=str(n)))
    return writer.journal


def trade_ids(selection):
    return [event.trade_id for event in selection]


def test_iterating_over_a_journal_gives_every_event(journal):
    assert list(journal) == list(Reader(journal))
    assert len(list(journal)) == COUNT + COUNT // 10 + 2


def test_a_slice_takes_what_a_user_writes_and_leaves_out_its_end(journal):
    trades = journal.where("trade")
    assert trade_ids(trades["2024-08-09 00:01":"2024-08-09T00:01:02Z"]) == [60, 61]
    assert trade_ids(trades[DAY + 598 * SECOND :]) == [598, 599]
    assert trade_ids(trades[:"2024-08-09 00:00:01"]) == [0]
    assert trade_ids(trades["2024-08-09 00:00:58":][:"2024-08-09 00:01"]) == [58, 59]
    assert list(journal["2024-08-10":]) == []


@given(st.data())
def test_every_view_of_a_selection_has_the_same_events(journal, data):
    moment = st.none() | st.integers(DAY - SECOND, DAY + (COUNT + 1) * SECOND)
    since, until = data.draw(moment), data.draw(moment)
    instrument = data.draw(st.sampled_from([None, "venue:spot:A", "venue:spot:B", A]))
    number = _native.id_of(instrument) if isinstance(instrument, str) else instrument
    expected = [
        event.trade_id
        for event in Reader(journal)
        if isinstance(event, events.Trade)
        and (since is None or event.gen_time >= since)
        and (until is None or event.gen_time < until)
        and (number is None or event.instrument == number)
    ]
    chosen = journal[since:until].where(events.Trade, instrument=instrument)
    assert trade_ids(chosen) == expected
    assert chosen.to_numpy()["trade_id"].tolist() == expected
    assert chosen.to_arrow()["trade_id"].to_pylist() == expected
    assert chosen.to_polars()["trade_id"].to_list() == expected
    found = chosen.sql("select trade_id from trade order by 1")
    assert found["trade_id"].to_pylist() == expected


def test_filters_narrow_each_other(journal):
    both = journal.where("trade", "log")
    assert Counter(type(event) for event in both) == {events.Trade: COUNT, events.Log: COUNT // 10}
    assert {type(event) for event in both.where("trade", "instrument")} == {events.Trade}
    assert list(journal.where("trade").where("log")) == []
    assert list(journal.where(instrument=A).where(instrument=B)) == []
    assert len(list(journal.where("trade", source="venue"))) == COUNT
    assert list(journal.where(source=1)) == []
    assert len(journal.where("trade", source="venue").to_numpy()) == COUNT
    assert len(journal.where("log", instrument=A).to_numpy()) == 0  # a log has no instrument


def test_a_journal_that_does_not_exist_yet_has_no_events(tmp_path):
    assert list(Journal(tmp_path, "venue", "MD")) == []
    assert len(Journal(tmp_path, "venue", "MD").where(events.Trade).to_numpy(events.Trade)) == 0


def test_tables_have_names_for_ids_and_nulls_for_none(journal):
    table = journal.where("trade").to_arrow()
    assert table["instrument"].to_pylist()[:2] == ["venue:spot:A", "venue:spot:B"]
    assert table["source"].to_pylist()[0] == "venue"
    assert set(table["destination"].to_pylist()) == {None}
    assert table["trigger_time"].is_null().to_pylist()[:2] == [True, False]
    assert table["trigger_time"].cast(pa.int64()).to_pylist()[1] == DAY + SECOND - 100
    frame = journal.to_polars(events.Trade)
    assert frame.filter(pl.col("instrument") == "venue:spot:A").height == COUNT // 2


def test_an_id_without_a_name_stays_readable_and_names_may_repeat(open_writer):
    writer = open_writer()
    for number in (1, 2):
        writer.append(events.Instrument(instrument=number, name="twice"))
    for number in (1, 2, 255):
        writer.append(events.Trade(instrument=number))
    named = writer.journal.to_polars(events.Trade)["instrument"].to_list()
    assert named == ["twice", "twice", "0x00000000000000ff"]


def test_sql_sees_every_nanosecond_and_every_type(journal):
    found = journal.sql("""
        select instrument, count(*) as events,
               avg(epoch_ns(trade.gen_time) - epoch_ns(trade.trigger_time)) as latency
        from trade group by 1 order by 1
    """)
    assert found.to_pylist() == [
        {"instrument": "venue:spot:A", "events": COUNT // 2, "latency": None},
        {"instrument": "venue:spot:B", "events": COUNT // 2, "latency": 100.0},
    ]
    since = journal.sql("select count(*) c from TRADE where gen_time >= '2024-08-09 00:09:59'")
    assert since["c"].to_pylist() == [1]
    joined = journal.sql("select count(*) c from log join trade using (gen_time)")
    assert joined["c"].to_pylist() == [COUNT // 10]


def test_sql_reads_only_what_the_query_names(open_writer):
    """A damaged event of another type would be noticed."""
    writer = open_writer()
    writer.append(events.Log(message="hello"))
    writer.append(events.Log(message="world"))
    (page,) = writer.journal.pages()
    assert writer.journal.sql("select count(*) c from log")["c"].to_pylist() == [2]
    with open(page.path, "r+b") as file:  # noqa: PTH123
        file.write(b"\0")
    with pytest.raises(JournalCorrupt):
        writer.journal.sql("select count(*) c from log")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda j: j.where("trad"), "knows no event type 'trad', only: .*trade"),
        (lambda j: j.where(instrument="venue:spot:C"), "no instrument 'venue:spot:C'; did you"),
        (lambda j: j.where(source="venu"), "knows no source 'venu'; did you mean venue?"),
        (lambda j: j["2024-08-09":].to_arrow(), "events of one type: say which"),
        (lambda j: j.where("trade").to_numpy("log"), "'log' were not selected, only: trade"),
        (lambda j: j.where("trade").sql("select * from log"), "Table with name log"),
        (lambda j: j.sql("selekt"), "(?s)venue/MD: Parser Error.*tables: .*trade"),
    ],
)
def test_a_mistake_is_named(journal, ask, message):
    with pytest.raises(JournalError, match=message):
        ask(journal)


def test_a_journal_is_sliced_by_time_only(journal):
    with pytest.raises(TypeError, match="by time"):
        journal[5]
    with pytest.raises(TypeError, match="by time"):
        journal[::2]
    with pytest.raises(ValueError, match="expected a time"):
        journal["yesterday":]


def test_variables_of_the_program_are_no_tables(journal):
    mine = journal.where("trade").to_arrow()
    with pytest.raises(JournalError, match="mine does not exist"):
        journal.sql("select * from mine")
    assert mine.num_rows == COUNT


@pytest.mark.parametrize(
    ("missing", "call"),
    [("polars", "to_polars(events.Trade)"), ("duckdb", "sql('select 1')"),
     ("arrow", "to_arrow(events.Trade)")],
)  # fmt: skip
def test_a_missing_extra_is_named(journal, missing, call):
    module = {"arrow": "pyarrow"}.get(missing, missing)
    code = f"""
import sys
sys.modules[{module!r}] = None
from kungfu_core import events
from kungfu_core.errors import KungfuError
from kungfu_core.journal import Journal
try:
    Journal({journal.root!r}, "venue", "MD").{call}
except KungfuError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert f"pip install 'kungfu-core[{missing}]'" in done.stdout
