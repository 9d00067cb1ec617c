"""On which line of a TOML text each key stands; `tomllib` gives the values without places."""

import re

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]\}#\r\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)


def key_lines(text: str) -> dict[Path, int]:
    """Map each key path to the line, counted from 1, where it first stands.

    A path holds keys and, for items of arrays (of tables, too), positions from 0.

    Args:
        text: a TOML document that `tomllib` accepts; other text gives an unspecified result.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self._skip_space()
        while self.position < len(self.text):
            if self._at("[["):
                table = self._table_header(2)
                index = self._tables.get(table, -1) + 1
                self._tables[table] = index
                table = (*table, index)
                self._note(table, self._line())
            elif self._at("["):
                table = self._table_header(1)
            else:
                self._key_and_value(table)
            self._skip_space()

    def _table_header(self, brackets: int) -> Path:
        self.position += brackets
        self._skip_space()
        path = self._key((), array_items=True)
        self._skip_space()
        self.position += brackets
        return path

    def _key_and_value(self, table: Path) -> None:
        path = self._key(table)
        self._skip_space()
        self.position += 1  # the equals sign
        self._value(path)

    def _key(self, table: Path, *, array_items: bool = False) -> Path:
        """Read a dotted key and note where each of its parts stands.

        In a table's header, a part that names an array of tables means the array's latest table.
        """
        path = table
        while True:
            if array_items and path in self._tables:
                path = (*path, self._tables[path])
            line = self._line()
            path = (*path, self._key_part())
            self._note(path, line)
            self._skip_space()
            if not self._at("."):
                return path
            self.position += 1
            self._skip_space()

    def _key_part(self) -> str:
        if self.text[self.position] in "\"'":
            return _unquote(self._string())
        return self._take(_BARE_KEY)

    def _value(self, path: Path) -> None:
        self._skip_space()
        if self._at("["):
            self._array(path)
        elif self._at("{"):
            self._inline_table(path)
        elif self.text[self.position] in "\"'":
            self._string()
        else:
            self._take(_SCALAR)

    def _array(self, path: Path) -> None:
        self.position += 1
        self._skip_space()
        index = 0
        while not self._at("]"):
            self._note((*path, index), self._line())
            self._value((*path, index))
            index += 1
            self._skip_separator()
        self.position += 1

    def _inline_table(self, path: Path) -> None:
        self.position += 1
        self._skip_space()
        while not self._at("}"):
            self._key_and_value(path)
            self._skip_separator()
        self.position += 1

    def _skip_separator(self) -> None:
        self._skip_space()
        if self._at(","):
            self.position += 1
            self._skip_space()

    def _string(self) -> str:
        for pattern in _STRINGS:
            if match := pattern.match(self.text, self.position):
                self.position = match.end()
                return match.group()
        raise ValueError(f"line {self._line()}: a string that does not end")

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if not match or match.end() == self.position:
            raise ValueError(f"line {self._line()}: not TOML")
        self.position = match.end()
        return match.group()

    def _skip_space(self) -> None:
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _at(self, token: str) -> bool:
        return self.text.startswith(token, self.position)

    def _line(self) -> int:
        return self.text.count("\n", 0, self.position) + 1

    def _note(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)


def _unquote(literal: str) -> str:
    import tomllib  # noqa: PLC0415 - escapes are its business, and quoted keys are rare

    key: str = tomllib.loads(f"key = {literal}")["key"]
    return key
