"""Print kungfu_core/_native.pyi: the types of the installed extension, as nanobind tells them.

python native/stub.py
"""

import re
import sys

from nanobind.stubgen import StubGen

from kungfu_core import _native


class Stub(StubGen):
    """nanobind's generator, for a module that has a descriptor class among its classes."""

    def put_docstr(self, docstr: object) -> None:
        """Write a docstring; that of `Field` is the one of the field, so the class has none."""
        if isinstance(docstr, str):
            super().put_docstr(docstr)


# What nanobind cannot know: classes that are written against CPython, and what containers hold.
KNOWN = {
    "def __get__(self, instance, owner=None, /):": (
        "def __init__(self, reading: str, *place: Any) -> None: ...\n\n"
        "    def __get__(self, instance: object, owner: object = None, /) -> Any:"
    ),
    "__bytes__: types.MethodDescriptorType = ...": (
        "def __init__(self, *values: Any, **fields: Any) -> None: ...\n\n"
        "    def __bytes__(self) -> bytes:\n"
        '        """The payload as it stands in the journal."""'
    ),
    "append: types.MethodDescriptorType = ...": (
        "def append(self, event: object, destination: int = 0, cause: object | None = None) -> int:"
        '\n        """Append an event and return its sequence."""'
    ),
    'def __iter__(self, /):\n        """Implement iter(self)."""': "def __iter__(self) -> Any: ...",
    'def __next__(self, /):\n        """Implement next(self)."""': "def __next__(self) -> Any: ...",
    "from typing_extensions import CapsuleType\n": "",
    "component: CapsuleType": "component: object",
    "import types\n": "from typing import Any\n",
}
CONTAINERS = {"list": "list[Any]", "tuple": "tuple[Any, ...]", "dict": "dict[Any, Any]"}


def generate() -> str:
    """Give the text of the stub."""
    stub = Stub(_native, quiet=True)
    stub.put(_native)
    text: str = stub.get()
    for told, known in KNOWN.items():
        text = text.replace(told, known)
    text = text.replace("-> object:", "-> Any:")
    # Python tells of this method from 3.12 on; the stub is the same from all.
    text = re.sub(
        r'\n    def __buffer__\(self, flags, /\):\n        """.*?"""\n', "", text, flags=re.DOTALL
    )
    return re.sub(r"(?<=: |> )(list|tuple|dict)(?=[,):])", lambda m: CONTAINERS[m[1]], text)


if __name__ == "__main__":
    sys.stdout.write(generate())
