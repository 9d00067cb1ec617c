"""The line scanner finds every key that tomllib reads, on the line where it stands."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kungfu_core.toml_lines import key_lines


def paths(value, path=()):
    """Every path in what tomllib read."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def test_every_kind_of_key():
    """Tables, arrays of tables, dotted and quoted keys, inline tables and multi-line strings."""
    text = '''\
# a comment with [brackets] = "and" quotes
title = "x" # y = 1
a.b.c = 1

[table]
"quoted key" = """
fake = 1
[fake]
"""
literal = \'\'\'
  fake = 'it''s'
\'\'\'
list = [
  1,  # one ]
  { x = "}", y = [2, 3] },
  "]",
]

[table."sub.table".deep]
day = 1979-05-27 07:32:00
'single' = '\\'
[[fruit]]
name = "apple"
[fruit.skin]
colour = "red"
[[fruit.kind]]
name = "green"
[[fruit]]
name = "pear"
'''
    lines = key_lines(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    assert lines["a", "b", "c"] == 3
    assert lines["table", "quoted key"] == 6
    assert lines["table", "literal"] == 10
    assert lines["table", "list", 1, "y", 1] == 15
    assert lines["table", "sub.table", "deep"] == 19
    assert lines["fruit", 0, "kind", 0, "name"] == 27
    assert lines["fruit", 1] == 28
    assert lines["fruit", 1, "name"] == 29


KEY = st.text("ab_1-", min_size=1, max_size=3) | st.text(max_size=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALAR = (
    st.integers(-9, 9) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=8,
)
DOCUMENT = st.dictionaries(KEY, VALUE, max_size=5)


class Writer:
    """Writes a document as TOML in a style drawn at random, and notes where each key stands."""

    def __init__(self, draw):
        self.draw = draw
        self.text = ""
        self.lines = {}

    def line(self):
        return self.text.count("\n") + 1

    def put(self, text):
        self.text += text

    def blank(self):
        self.put(self.draw(st.sampled_from(["", "", "\n", "# [x] = 1\n", "   # '''\n\n"])))

    def space(self):
        """What may stand between the items of an array."""
        self.put(self.draw(st.sampled_from(["", " ", "\n", " # ] , \n"])))

    def key(self, key):
        bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
        self.put(key if bare and self.draw(st.booleans()) else quoted(key))

    def value(self, value, path):
        if isinstance(value, dict):
            self.inline_table(value, path)
        elif isinstance(value, list):
            self.array(value, path)
        elif isinstance(value, str):
            self.string(value)
        else:
            self.put(json.dumps(value))

    def string(self, value):
        multiline = '"""\n' + quoted(value)[1:-1].replace("\\n", "\n") + '"""'
        style = self.draw(st.sampled_from([quoted(value), multiline]))
        if "'" not in value and value.isprintable():
            style = self.draw(st.sampled_from([style, f"'{value}'"]))
        self.put(style)

    def array(self, items, path):
        self.put("[")
        for index, item in enumerate(items):
            self.space()
            self.lines[*path, index] = self.line()
            self.value(item, (*path, index))
            self.space()
            if index + 1 < len(items):
                self.put(",")
        self.space()
        self.put("]")

    def inline_table(self, table, path):
        self.put("{ ")
        for number, (key, item) in enumerate(table.items()):
            self.put(", " if number else "")
            self.lines[*path, key] = self.line()
            self.key(key)
            self.put(" = ")
            self.value(item, (*path, key))
        self.put(" }")

    def header(self, path, brackets=1):
        self.put("[" * brackets)
        keys = [part for part in path if isinstance(part, str)]
        for number, key in enumerate(keys):
            self.put(" . " if number else "")
            self.key(key)
        self.put("]" * brackets + "\n")

    def table(self, table, path):
        """Write plain keys first, then tables that get headers of their own."""
        with_headers = {k: v for k, v in table.items() if self.wants_header(v)}
        for key, item in table.items():
            if key not in with_headers:
                self.blank()
                self.lines[*path, key] = self.line()
                self.key(key)
                self.put(" = ")
                self.value(item, (*path, key))
                self.put("\n")
        for key, item in with_headers.items():
            self.lines[*path, key] = self.line()
            for index, part in enumerate(item if isinstance(item, list) else [item]):
                self.blank() if index else None
                inner = (*path, key, index) if isinstance(item, list) else (*path, key)
                self.lines.setdefault(inner, self.line())
                self.header((*path, key), 2 if isinstance(item, list) else 1)
                self.table(part, inner)

    def wants_header(self, value):
        tables = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
        return (isinstance(value, dict) or tables) and self.draw(st.booleans())


def quoted(text):
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


@given(DOCUMENT, st.data())
def test_scanner_against_tomllib(document, data):
    """Whatever the style, the scanner's paths are tomllib's, and its lines are the writer's."""
    writer = Writer(data.draw)
    writer.table(document, ())
    try:
        read = tomllib.loads(writer.text)
    except tomllib.TOMLDecodeError as error:
        pytest.fail(f"the writer wrote no TOML: {error}\n{writer.text}")
    lines = key_lines(writer.text)
    assert set(lines) == set(paths(read))
    assert lines == writer.lines
