"""Tables become attrs instances; nothing is coerced, and every problem has its place."""

from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path

import attrs
import pytest

from kungfu_core.structuring import structure
from kungfu_core.values import Duration, Time


class Colour(Enum):
    RED = "r"


class Level(IntEnum):
    LOW = 1


@attrs.frozen
class Part:
    size: int
    label: str = ""


def _even(value):
    if value % 2:
        raise ValueError("expected an even number")
    return value


@attrs.frozen
class Whole:
    flag: bool = False
    count: int = 0
    ratio: float = 0.0
    text: str = ""
    price: Decimal = Decimal(0)
    wait: Duration | None = None
    day: Time | None = None
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    folder: Path = Path()
    names: tuple[str, ...] = ()
    parts: list[Part] = attrs.field(factory=list)
    amounts: dict[str, Decimal] = attrs.field(factory=dict)
    even: int = attrs.field(default=0, converter=_even)
    small: int = attrs.field(default=0, validator=attrs.validators.lt(10))
    _hidden: int = 0


@pytest.mark.parametrize(
    ("key", "value", "made"),
    [
        ("flag", True, True),
        ("count", 3, 3),
        ("ratio", Decimal("0.5"), 0.5),
        ("ratio", 2, 2.0),
        ("price", Decimal("1.10"), Decimal("1.10")),
        ("wait", "1ms", 1_000_000),
        ("day", 5, 5),
        ("colour", "red", Colour.RED),
        ("level", "LOW", Level.LOW),
        ("folder", "a/b", Path("a/b")),
        ("names", ["a", "b"], ("a", "b")),
        ("parts", [{"size": 1}], [Part(1)]),
        ("amounts", {"X": "1"}, {"X": Decimal(1)}),
        ("even", 4, 4),
    ],
)
def test_value_is_taken(key, value, made):
    """Each type takes what TOML has for it."""
    instance, problems = structure({key: value}, Whole, ())
    assert problems == []
    assert getattr(instance, key) == made
    assert type(getattr(instance, key)) is type(made)


@pytest.mark.parametrize(
    ("table", "place", "message"),
    [
        ({"flag": 1}, "flag", "expected true or false, got 1"),
        ({"count": True}, "count", "expected a whole number, got true"),
        ({"count": Decimal("1.0")}, "count", "expected a whole number, got 1.0"),
        ({"ratio": "1"}, "ratio", 'expected a number, got "1"'),
        ({"ratio": True}, "ratio", "expected a number, got true"),
        ({"text": 5}, "text", "expected text in quotes, got 5"),
        ({"colour": "blue"}, "colour", 'expected one of red, got "blue"'),
        ({"level": 1}, "level", "expected one of low, got 1"),
        ({"names": "ab"}, "names", 'expected an array, got "ab"'),
        ({"names": ["a", 1]}, ("names", 1), "expected text in quotes, got 1"),
        ({"parts": [{}]}, ("parts", 0), "missing key 'size'"),
        ({"parts": [5]}, ("parts", 0), "expected a table, got 5"),
        ({"amounts": []}, "amounts", "expected a table, got an array"),
        (
            {"amounts": {"X": "y"}},
            ("amounts", "X"),
            'expected a decimal number like "0.1", got "y"',
        ),
        ({"even": 3}, "even", "expected an even number"),
        ({"small": 12}, "small", "expected less than 10, got 12"),
        ({"smal": 1}, "smal", "unknown key 'smal'; did you mean 'small'?"),
    ],
)
def test_problem_has_its_place(table, place, message):
    """What does not fit is told once, under its own key."""
    path = place if isinstance(place, tuple) else (place,)
    _, problems = structure(table, Whole, ("w",))
    assert [(problem.path, problem.message) for problem in problems] == [(("w", *path), message)]


def test_problems_of_all_kinds_are_found_together():
    """Types, converters, validators and keys are all checked in one go."""
    table = {"count": "x", "even": 3, "small": 12, "smal": 1, "parts": [{"size": "y", "z": 1}]}
    instance, problems = structure(table, Whole, ())
    assert instance is None
    assert {problem.path for problem in problems} == {
        ("count",),
        ("even",),
        ("small",),
        ("smal",),
        ("parts", 0, "size"),
        ("parts", 0, "z"),
    }


def test_class_that_cannot_be_configured_is_told():
    """A field of a type that TOML has nothing for is the declaration's fault."""

    @attrs.frozen
    class Odd:
        thing: object.__class__ | int

    _, problems = structure({"thing": 1}, Odd, ())
    assert len(problems) == 1


def test_exception_of_a_post_init_is_told():
    """What a class refuses as a whole is told at the table."""

    @attrs.frozen
    class Pair:
        low: int
        high: int

        def __attrs_post_init__(self):
            if self.low > self.high:
                raise ValueError("low must not be above high")

    _, problems = structure({"low": 2, "high": 1}, Pair, ("p",))
    assert [(p.path, p.message) for p in problems] == [(("p",), "low must not be above high")]
