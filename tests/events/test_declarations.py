"""Declared once: stub, classes and public names agree with the declarations."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kungfu_core
from kungfu_core import event_types, events, views
from kungfu_core._native import Field as NativeField

ROOT = Path(__file__).parents[2]
STUB = (ROOT / "kungfu_core" / "events.pyi").read_text()
CLASSES = {node.name: node for node in ast.parse(STUB).body if isinstance(node, ast.ClassDef)}


def test_the_committed_stub_is_the_generated_one():
    command = [sys.executable, ROOT / "native" / "generate.py", "--stub"]
    generated = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert ast.dump(ast.parse(STUB)) == ast.dump(ast.parse(generated))


def test_every_declared_type_has_its_class():
    assert [c.__event_type__ for c in events.EVENT_CLASSES] == list(event_types.EVENT_TYPES)
    assert {c.__name__ for c in events.EVENT_CLASSES} <= set(CLASSES)
    for event_class in events.EVENT_CLASSES:
        assert getattr(events, event_class.__name__) is event_class
        assert event_class.__doc__ == event_class.__event_type__.doc


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_has_the_attributes_of_the_class(name):
    """And the constructor takes what the stub says, in that order."""
    node, event_class = CLASSES[name], getattr(events, name)
    typed = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
    real = {n for n, value in vars(event_class).items() if isinstance(value, NativeField)}
    assert typed == real
    (init,) = (n for n in node.body if isinstance(n, ast.FunctionDef))
    arguments = [a.arg for a in init.args.args[1:]]
    assert arguments == list(event_class().as_dict())


def test_numbers_and_names_of_types_are_unique():
    for key in ("number", "name"):
        values = [getattr(t, key) for t in event_types.EVENT_TYPES]
        assert len(set(values)) == len(values)
    assert all(0 < t.number < 1000 for t in event_types.EVENT_TYPES)


def test_members_are_aligned_and_do_not_overlap():
    """As a C++ compiler would lay them out without any padding of its own."""
    for declared in (*event_types.EVENT_TYPES, event_types.HEADER, event_types.LEVEL):
        end = 0
        for member in declared.members:
            if member.kind != "text":
                assert member.offset % member.size == 0
            assert member.offset >= end
            end = member.offset + member.size
        assert declared.size % 8 == 0
        assert declared.size - end < 8


GENERATE = """
import sys
sys.path.insert(0, "native")
from generate import EventType, struct
from kungfu_core.schema import Field
fields = (Field("a", "u32", ""), Field("b", "u8", "", since=2), Field("c", "u64", "", since=3))
print(struct(EventType("grown", 3, "", fields)))
"""


def test_a_struct_has_the_padding_that_lies_between_versions():
    """And none where alignment alone makes room; the compiler checks every offset besides."""
    command = [sys.executable, "-c", GENERATE]
    text = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    members = [line.strip() for line in text.splitlines() if line.startswith("    std::")]
    assert members == [
        "std::uint32_t a;",
        "std::uint8_t padding_4_[4];",
        "std::uint8_t b;",
        "std::uint64_t c;",
    ]
    assert "offsetof(Grown, b) == 8" in text
    assert "sizeof(Grown) == 24" in text


def test_a_class_is_made_once_for_a_declaration():
    assert views.view_class(event_types.TRADE) is events.Trade


@pytest.mark.parametrize("name", kungfu_core.__all__)
def test_every_public_name_exists(name):
    assert getattr(kungfu_core, name) is not None


def test_public_names_are_the_ones_that_type_checkers_see():
    source = ast.parse((ROOT / "kungfu_core" / "__init__.py").read_text())
    guarded = next(n for n in source.body if isinstance(n, ast.If))
    seen = {alias.asname for node in guarded.body for alias in node.names}
    functions = {n.name for n in source.body if isinstance(n, ast.FunctionDef)}
    public = {n for n in functions if not n.startswith("_")}
    assert seen | public == set(kungfu_core.__all__) - {"__version__"}


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'kungfu_core' has no attribute 'Trad'"):
        _ = kungfu_core.Trad


def test_importing_the_package_loads_next_to_nothing():
    """Names are loaded when they are used: --help has 200 ms."""
    code = "import sys, kungfu_core; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "kungfu_core" in loaded
    heavy = {"attrs", "attr", "decimal", "numpy", "pluggy", "cattrs"}
    assert not heavy & set(loaded)
    assert not [m for m in loaded if m.startswith("kungfu_core.")]
