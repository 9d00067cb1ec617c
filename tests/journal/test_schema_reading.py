"""A schema in a journal makes the type again that wrote it."""

import pytest

from kungfu_core import events
from kungfu_core.errors import JournalError
from kungfu_core.journal import Journal, Reader
from kungfu_core.schema import EventType, Field
from kungfu_core.schema_reading import event_type_of
from kungfu_core.views import view_class


@pytest.mark.parametrize("event_class", events.EVENT_CLASSES, ids=lambda c: c.__name__)
def test_every_core_type_comes_back_from_its_schema(event_class):
    declared = event_class.__event_type__
    made = event_type_of(declared.schema, declared.number)
    assert made.schema == declared.schema
    assert made.members == declared.members


@pytest.mark.parametrize(
    "schema",
    [
        "",
        "[]",
        '{"name":"x"}',
        '{"fields":[{"kind":"u3","name":"a","offset":0}],"name":"x","size":8,"version":1}',
        '{"fields":[{"kind":"u8","name":"a","offset":4}],"name":"x","size":8,"version":1}',
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(schema):
    with pytest.raises(JournalError, match="layout"):
        event_type_of(schema, 1000)


def test_an_old_layout_of_a_type_is_read_by_the_journals_own_description(open_writer, tmp_path):
    """The class of today would refuse the file; the one that the file describes reads it."""
    old = view_class(EventType("signal", 1, "", (Field("a", "u8", ""),), number=1000))
    new = view_class(EventType("signal", 1, "", (Field("a", "u16", ""),), number=1000))
    with open_writer(event_classes=[old]) as writer:
        writer.append(old(a=7))
    journal = Journal(tmp_path, "venue", "MD")
    with pytest.raises(JournalError, match="another layout"):
        list(Reader(journal, event_classes=[new]))
    assert [e.a for e in Reader(journal, event_classes=journal.event_classes())] == [7]
