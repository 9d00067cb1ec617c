"""A strategy can be given as a file; what is wrong with the file is told with its line."""

import pytest

from kungfu_core.errors import ConfigError

pytest.importorskip("kungfu_core.strategy")

from kungfu_core.strategy_file import load_strategy_file

HEAD = "import attrs\nfrom kungfu_core.strategy import Strategy\n"
ONE = HEAD + "@attrs.define(eq=False)\nclass One(Strategy):\n    length: int = 3\n"
TWO = ONE + "@attrs.define(eq=False)\nclass Two(One):\n    pass\n"


@pytest.fixture
def write(tmp_path):
    def put(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return put


def test_only_class_is_taken(write):
    """A file with one strategy needs no class name; what it imports does not count."""
    path = write(ONE)
    strategy = load_strategy_file(path)
    assert strategy.__name__ == "One"
    assert strategy(length=5).length == 5
    assert load_strategy_file(path) is strategy


def test_class_is_chosen_by_name(write):
    """With several the configuration says which."""
    assert load_strategy_file(write(TWO), "Two").__name__ == "Two"


def test_files_of_one_name_are_different_modules(write, tmp_path):
    """Two strategies may both be called strategy.py."""
    (tmp_path / "other").mkdir()
    first = load_strategy_file(write(ONE))
    second = load_strategy_file(write(ONE, "other/mine.py"))
    assert first is not second


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (TWO, None, r"mine\.py has several strategies, say class = ...; it has One, Two$"),
        (TWO, "Three", r"mine\.py has no strategy class 'Three'; it has One, Two$"),
        (HEAD, None, r"mine\.py has no class derived from kungfu_core\.Strategy$"),
        ("x = 1\ny = (\n", None, r"mine\.py:2: SyntaxError: '\(' was never closed$"),
        ("x = 1\nimport nothing_like_it\n", None, r"mine\.py:2: ModuleNotFoundError: No module"),
        ("\n\nraise SystemExit(2)\n", None, r"mine\.py:3: SystemExit: 2$"),
    ],
)
def test_fault_of_a_file_is_told(write, text, name, message):
    """One sentence names the file, the line and the fault."""
    with pytest.raises(ConfigError, match=message):
        load_strategy_file(write(text), name)


def test_mended_file_is_read_again(write):
    """A file that failed leaves no half of itself behind."""
    path = write("raise OSError")
    with pytest.raises(ConfigError):
        load_strategy_file(path)
    path.write_text(ONE)
    assert load_strategy_file(path).__name__ == "One"
