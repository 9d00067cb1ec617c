"""Turn a table of a TOML file into an instance of an attrs class, and say what is wrong where.

Keys are strict and values are never coerced: an int is not a bool, text is not a number, and a
decimal fraction reaches a Decimal field with the digits that stand in the file.
"""

import difflib
import operator
import pathlib
import re
from collections import abc
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ForbiddenExtraKeysError,
    IterableValidationNote,
    StructureHandlerNotFoundError,
)

from kungfu_core.toml_lines import Path
from kungfu_core.values import Duration, Time, parse_decimal, parse_duration, parse_time, shown

_T = TypeVar("_T")


@attrs.frozen
class Problem:
    """One thing that is wrong: the path of the key in the file, and a sentence."""

    path: Path
    message: str


def structure(table: object, wanted: type[_T], path: Path) -> tuple[_T | None, list[Problem]]:
    """Make an instance of an attrs class (or of another type that cattrs knows) from TOML values.

    Args:
        table: what `tomllib` gave, read with `parse_float=Decimal`.
        wanted: the class; its fields are the keys, under their attrs aliases.
        path: where the table stands in the file.

    Returns:
        The instance and no problems, or None and every problem found.
    """
    try:
        return _CONVERTER.structure(table, wanted), []
    except Exception as error:  # noqa: BLE001 - converters and validators of plugins may raise anything
        return None, list(_problems(error, wanted, table, path))


def unknown_key(key: str, known: Iterable[str], what: str = "key") -> str:
    """Say that a key is unknown, and which it may have been meant to be."""
    choices = list(known)
    near = difflib.get_close_matches(key, choices, n=1)
    if near:
        return f"unknown {what} {key!r}; did you mean {near[0]!r}?"
    return f"unknown {what} {key!r}; expected {' or '.join(map(repr, choices)) or 'none'}"


def _problems(
    error: BaseException,
    wanted: Any,  # noqa: ANN401
    table: object,
    path: Path,
) -> Iterator[Problem]:
    """Walk the tree of errors that cattrs raised."""
    if isinstance(error, cattrs.ClassValidationError):
        yield from _class_problems(error, table, path)
    elif isinstance(error, cattrs.IterableValidationError):
        for child in error.exceptions:
            note = next(n for n in child.__notes__ if isinstance(n, IterableValidationNote))
            step = note.index
            yield from _problems(child, note.type, table[step], (*path, step))  # type: ignore[index]
    elif isinstance(error, StructureHandlerNotFoundError):
        yield Problem(path, f"its type {wanted!r} cannot be configured: a fault of its declaration")
    else:
        yield Problem(path, _text(error))


def _class_problems(
    error: cattrs.ClassValidationError, table: object, path: Path
) -> Iterator[Problem]:
    assert isinstance(table, dict)  # noqa: S101 - _class_hook saw to it
    fields = _fields(error.cl)
    found = list(_converter_problems(error.cl, table, path))
    unplaced = []
    for child in error.exceptions:
        notes = getattr(child, "__notes__", ())
        note = next((n for n in notes if isinstance(n, AttributeValidationNote)), None)
        if isinstance(child, ForbiddenExtraKeysError):
            free = [name for name in fields if name not in table]
            found += [
                Problem((*path, key), unknown_key(key, free or fields))
                for key in sorted(child.extra_fields)
            ]
        elif note is None:
            unplaced.append(child)
        elif isinstance(child, KeyError) and note.name not in table:
            found.append(Problem(path, f"missing key {note.name!r}"))
        else:
            key = note.name
            found += _problems(child, note.type, table.get(key), (*path, key))
    wrong = {problem.path[len(path)] for problem in found if len(problem.path) > len(path)}
    sound = {key: value for key, value in table.items() if key not in wrong}
    found += _validator_problems(error.cl, sound, path)
    yield from found or [Problem(path, _text(child)) for child in unplaced]


def _converter_problems(cl: type, table: dict[str, Any], path: Path) -> Iterator[Problem]:
    """Say which fields' converters refuse; cattrs leaves those to the class, which stops at one."""
    for name, field in _fields(cl).items():
        convert = field.converter
        if name in table and convert and not isinstance(convert, attrs.Converter):
            try:
                convert(table[name])
            except Exception as refusal:  # noqa: BLE001 - converters may raise anything
                yield Problem((*path, name), _text(refusal).removeprefix(f"{name}: "))


def _validator_problems(cl: type, sound: dict[str, Any], path: Path) -> Iterator[Problem]:
    """Say which fields' validators refuse, all of them; attrs itself stops at the first."""
    attrs.validators.set_disabled(True)
    try:
        instance: Any = _CONVERTER.structure(sound, cl)
    except Exception:  # noqa: BLE001 - without the keys that are wrong it cannot be made
        return
    finally:
        attrs.validators.set_disabled(False)
    for name, field in _fields(cl).items():
        if field.validator is not None and name in sound:
            try:
                field.validator(instance, field, getattr(instance, field.name))
            except Exception as refusal:  # noqa: BLE001 - validators may raise anything
                yield Problem((*path, name), _text(refusal).removeprefix(f"{name}: "))


def _fields(cl: type) -> dict[str, "attrs.Attribute[Any]"]:
    return {field.alias: field for field in attrs.fields(cl) if field.init and field.alias}


_ATTRS_NUMBER = re.compile(r"(Length of )?'\w+' must be (>=|<=|<|>) (.*): (.*)", re.DOTALL)
"""What the validators of attrs say of a number; they name the field, as the path does already."""

_COMPARED = {">=": "at least", "<=": "at most", "<": "less than", ">": "more than"}


def _text(error: BaseException) -> str:
    """Give an exception's sentence; attrs validators put more into the arguments."""
    sentence = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    if match := _ATTRS_NUMBER.fullmatch(sentence):
        length, relation, bound, got = match.groups()
        return (
            f"expected {'a length of ' if length else ''}{_COMPARED[relation]} {bound}, got {got}"
        )
    match error.args:
        case (str(), attrs.Attribute(), list() | tuple() as choices, value):  # of attrs' in_()
            return f"expected one of {', '.join(map(shown, choices))}, got {shown(value)}"
    if isinstance(error, ValueError | TypeError) and sentence:
        return sentence
    return f"{type(error).__name__}: {sentence}" if sentence else type(error).__name__


def _expect(kind: type, expected: str, value: object) -> None:
    if type(value) is not kind:
        raise ValueError(f"expected {expected}, got {shown(value)}")


def _float(value: object) -> float:
    if not isinstance(value, Decimal):
        _expect(int, "a number", value)
    return float(value)  # type: ignore[arg-type]


def _checked(kind: type, expected: str, value: Any) -> Any:  # noqa: ANN401
    _expect(kind, expected, value)
    return value


_SCALARS: dict[Any, Callable[[Any], object]] = {
    bool: partial(_checked, bool, "true or false"),
    int: partial(_checked, int, "a whole number"),
    str: partial(_checked, str, "text in quotes"),
    pathlib.Path: lambda value: pathlib.Path(_checked(str, "a path in quotes", value)),
    float: _float,
    Decimal: parse_decimal,
    Duration: parse_duration,
    Time: parse_time,
}
_ARRAYS = {list: list, tuple: tuple, set: set, frozenset: frozenset, abc.Sequence: tuple}
_MAPPINGS = (dict, abc.Mapping)


def _enum(value: object, wanted: type[Enum]) -> Enum:
    """Take an enum's member by its name, in any case."""
    members = {name.lower(): member for name, member in wanted.__members__.items()}
    if not isinstance(value, str) or value.lower() not in members:
        raise ValueError(f"expected one of {', '.join(members)}, got {shown(value)}")
    return members[value.lower()]


def _is_array(wanted: Any) -> bool:  # noqa: ANN401
    arguments = get_args(wanted)
    uniform = len(arguments) == 1 or arguments[1:] == (Ellipsis,)
    return uniform and get_origin(wanted) in _ARRAYS


def _array(value: object, wanted: Any) -> object:  # noqa: ANN401
    _expect(list, "an array", value)
    items = _each(enumerate(value), get_args(wanted)[0], wanted)  # type: ignore[arg-type]
    return _ARRAYS[get_origin(wanted)](item for _, item in items)


def _is_mapping(wanted: Any) -> bool:  # noqa: ANN401
    return get_origin(wanted) in _MAPPINGS and get_args(wanted)[0] is str


def _mapping(value: object, wanted: Any) -> object:  # noqa: ANN401
    _expect(dict, "a table", value)
    return dict(_each(value.items(), get_args(wanted)[1], wanted))  # type: ignore[attr-defined]


def _each(
    items: Iterable[tuple[Any, object]],
    item_type: Any,  # noqa: ANN401
    wanted: Any,  # noqa: ANN401
) -> list[tuple[Any, Any]]:
    """Structure every item, and raise what is wrong with any of them together."""
    made, errors = [], []
    for step, item in items:
        try:
            made.append((step, _CONVERTER.structure(item, item_type)))
        except Exception as error:  # noqa: BLE001 - converters of plugins may raise anything
            error.__notes__ = [
                *getattr(error, "__notes__", ()),
                IterableValidationNote(f"at {step!r}", step, item_type),
            ]
            errors.append(error)
    if errors:
        raise cattrs.IterableValidationError(f"in {wanted}", errors, wanted)
    return made


def _class_hook(wanted: type, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    make: Callable[[Any, Any], Any] = converter.gen_structure_attrs_fromdict(wanted)

    def hook(value: object, _: object) -> object:
        _expect(dict, "a table", value)
        return make(value, wanted)

    return hook


def _scalar(value: object, wanted: Any, read: Callable[[Any], object]) -> object:  # noqa: ANN401
    # cattrs finds hooks by subclass, and an IntEnum is an int.
    is_enum = isinstance(wanted, type) and issubclass(wanted, Enum)
    return _enum(value, wanted) if is_enum else read(value)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(
        forbid_extra_keys=True, prefer_attrib_converters=True, use_alias=True
    )
    for kind, read in _SCALARS.items():
        if isinstance(kind, type):
            converter.register_structure_hook(kind, partial(_scalar, read=read))
        else:
            converter.register_structure_hook_func(
                partial(operator.is_, kind), partial(_scalar, read=read)
            )
    converter.register_structure_hook(Enum, _enum)
    converter.register_structure_hook_func(_is_array, _array)
    converter.register_structure_hook_func(_is_mapping, _mapping)
    converter.register_structure_hook_factory(attrs.has, _class_hook)
    return converter


_CONVERTER = _make_converter()
