"""Event objects: attributes, immutability, equality, and types that plugins declare."""

import copy
import pickle
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core import enums, events, views
from kungfu_core.schema import EventType, Field, Tail

SIGNAL_ITEM = EventType("leg", 1, "One leg.", (Field("weight", "number", "Its weight."),))


class Mood(IntEnum):
    CALM = 1
    WILD = 9


SIGNAL = EventType(
    "test_signal",
    1,
    "What a plugin may declare: a field of every kind, and items.",
    (
        *(Field(kind, kind, f"A {kind}.") for kind in ("u8", "i8", "u16", "i16", "u32", "i32")),
        *(Field(kind, kind, f"A {kind}.") for kind in ("u64", "i64", "bool", "id", "time")),
        Field("level", "number", "A number."),
        Field("amount", "money", "An amount."),
        Field("mood", "enum", "An enum.", vocabulary=Mood),
        Field("label", "text", "Text.", width=8),
    ),
    Tail("legs", "items", "The legs.", SIGNAL_ITEM),
    number=4000,
)
Signal = views.view_class(SIGNAL)


def trade():
    return events.Trade(instrument=1, time=2, price="1.10", size="3", trade_id=4, side=1)


def integers(bits, *, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high)


SIGNALS = st.fixed_dictionaries(
    {f"u{n}": integers(n, signed=False) for n in (8, 16, 32, 64)}
    | {f"i{n}": integers(n, signed=True) for n in (8, 16, 32, 64)}
    | {
        "bool": st.booleans(),
        "id": integers(64, signed=False),
        "time": integers(64, signed=True),
        "level": st.none() | st.decimals(-1000, 1000, places=3),
        "amount": st.none() | st.decimals(-(10**20), 10**20, places=9),
        "mood": st.sampled_from(Mood),
        "label": st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=2
        ),
        "legs": st.lists(st.tuples(st.decimals(-9, 9, places=1))),
    }
)


@given(SIGNALS)
def test_a_plugin_type_holds_every_kind_of_field(values):
    """What goes in comes out, whatever the layout."""
    signal = Signal(**values)
    got = signal.as_dict()
    legs = got.pop("legs")
    assert list(got) == [f.name for f in SIGNAL.fields]
    assert got == {name: value for name, value in values.items() if name != "legs"}
    assert [leg.weight_exact for leg in legs] == [weight for (weight,) in values["legs"]]
    assert type(signal.mood) is Mood
    assert Signal(*(values[name] for name in (*got, "legs"))) == signal


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("signed", [False, True])
def test_integers_out_of_range_are_errors_that_name_the_field(bits, signed):
    name = f"{'i' if signed else 'u'}{bits}"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    for value in (low - 1, high + 1, 2**70, "1", 1.0):
        with pytest.raises(ValueError, match=f"^{name}: expected an integer"):
            Signal(**{name: value})


def test_text_that_would_be_cut_is_an_error():
    """Too long, with NUL, or not to be said in UTF-8."""
    for label in ("123456789", "äöüß1", "a\0", "\udcff", 5):
        with pytest.raises(ValueError, match=r"^label: expected"):
            Signal(label=label)
    assert Signal(label="12345678").label == "12345678"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_tail_keeps_every_character(text):
    assert events.Log(20, text).message == text


@given(st.binary())
def test_a_tail_of_bytes_keeps_every_byte(data):
    assert events.State(data).data == data


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="trade has no field 'prize'"):
        events.Trade(prize=1)
    with pytest.raises(TypeError, match="given twice"):
        events.Trade(1, instrument=1)
    with pytest.raises(TypeError, match="at most 7 values, got 8"):
        events.Trade(*range(8))


def test_an_enum_value_that_is_not_known_here_reads_as_its_number():
    """A later version may have more of them."""
    assert type(events.Trade(side=1).side) is enums.Side
    assert events.Trade(side=99).side == 99


def test_events_never_change():
    event = trade()
    for name in ("price", "price_exact", "sequence", "anything"):
        with pytest.raises(AttributeError):
            setattr(event, name, 1)
        with pytest.raises(AttributeError):
            delattr(event, name)


def test_equal_means_same_type_and_payload():
    assert trade() == trade()
    assert hash(trade()) == hash(trade())
    assert trade() != events.Trade(instrument=1, time=2, price="1.1", size="3", trade_id=4, side=2)
    assert events.MarkPrice(1, 2, "3") != events.IndexPrice(1, 2, "3")
    assert events.MarkPrice(1, 2, "3") != (1, 2, "3")


def test_repr_shows_exact_values_in_declared_order():
    assert repr(trade()) == (
        "Trade(instrument=1, time=2, price=1.10, size=3, trade_id=4, side=BUY, aggregate=False)"
    )


def test_a_copy_is_the_event_itself_and_a_pickle_an_error():
    """It never changes; and what a copy machine would make of it had no values."""
    event = trade()
    assert copy.copy(event) is event
    assert copy.deepcopy([event])[0] is event
    with pytest.raises(TypeError, match="a Trade cannot be pickled"):
        pickle.dumps(event)


def test_every_attribute_has_its_documentation():
    for event_class in events.EVENT_CLASSES:
        for field in event_class.__event_type__.fields:
            assert vars(event_class)[field.name].__doc__ == field.doc
