"""Whatever the bytes, a message gives events or one DataError."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kungfu_core.errors import DataError
from kungfu_gateway_binance.recording import Recording, looks_like_binance

GOOD = [
    {"stream": "btcusdt@trade", "data": {"e": "trade", "E": 2, "s": "BTCUSDT", "t": 4, "p": "1.5",
     "q": "0.1", "T": 2, "m": False, "M": True}},
    {"e": "trade", "E": 2, "T": 1, "s": "BTCUSDT", "t": 7, "p": "1.5", "q": "2", "X": "MARKET",
     "m": True},
    {"e": "aggTrade", "E": 3, "s": "BTCUSDT", "a": 5, "p": "2", "q": "3", "f": 1, "l": 5, "T": 1,
     "m": True},
    {"u": 5, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"},
    {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": 5, "u": 9, "pu": 4,
     "b": [["1", "2"]], "a": [["3", "0"]]},
    {"lastUpdateId": 7, "E": 1, "T": 1, "bids": [["1", "2"]], "asks": [["3", "1"]]},
    {"e": "markPriceUpdate", "E": 1, "s": "BTCUSDT", "p": "1", "i": "1", "r": "0.1", "T": 1},
    {"e": "kline", "E": 9, "s": "BTCUSDT", "k": {"t": 1, "T": 60000, "i": "1m", "o": "1", "c": "1",
     "h": "1", "l": "1", "v": "1", "n": 2, "x": True}},
    {"result": None, "id": 1},
]  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["-1", "1e400", "9" * 25, "0.5.5", "", "BTCUSDT", "trade", "\u0661"]),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
    max_leaves=5,
)  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


@st.composite
def mutated(draw):
    """A good message with one value replaced, or one member left out."""
    message = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    path = draw(st.sampled_from([p for p in places(message) if p]))
    inside = message
    for key in path[:-1]:
        inside = inside[key]
    if draw(st.booleans()):
        inside[path[-1]] = draw(values)
    else:
        del inside[path[-1]]
    return json.dumps(message).encode(errors="replace")


def only_data_errors(messages, play):
    try:
        play(messages)
    except DataError as e:
        assert str(e)  # noqa: PT017


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(good=st.lists(st.sampled_from(GOOD), max_size=4), bad=mutated())
def test_mutated_message_gives_events_or_a_data_error(good, bad, play):
    only_data_errors([*(json.dumps(m).encode() for m in good), bad], play)


@settings(max_examples=300)
@given(st.binary() | st.text().map(str.encode) | values.map(lambda v: json.dumps(v).encode()))
@example(b"[" * 100_000)
@example(b'{"e":' * 100_000)
@example(b'{"stream":"a@b","data":' + b"[" * 100_000)
@example(b'{"e":"trade","s":"\xff\xfe"}')
@example(b"")
def test_random_bytes_give_a_data_error(play, message):
    only_data_errors([message], play)
    assert looks_like_binance([message]) in (True, False)


@settings(max_examples=200)
@given(st.sampled_from(GOOD), st.data())
def test_cut_or_corrupted_bytes_give_events_or_a_data_error(play, good, data):
    text = bytearray(json.dumps(good).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    if data.draw(st.booleans()):
        text[place] = data.draw(st.integers(0, 255))
    else:
        del text[place:]
    only_data_errors([bytes(text)], play)


def test_recordings_are_recognised_by_any_message_of_theirs():
    lines = [json.dumps(m).encode() for m in GOOD]
    for line in lines[:-1]:
        assert looks_like_binance([b'{"result":null,"id":1}', line])
    assert not looks_like_binance([b'{"arg":{"channel":"trades"},"data":[]}', b"junk"])


def test_receive_before_begin_is_a_mistake_of_the_caller():
    with pytest.raises(RuntimeError):
        Recording().receive(b"{}")
