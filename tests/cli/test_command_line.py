"""The frame of the command line: help, usage, errors, logging levels."""

import importlib
import re
import resource
import subprocess
import sys

import pytest

from kungfu_core.cli import COMMANDS, main
from kungfu_core.cli.journal import ACTIONS
from kungfu_core.errors import ConfigError


def test_help_names_every_command(kungfu):
    """The first page names all commands and where things are kept."""
    result = kungfu("--help")
    assert result.returncode == 0
    named = re.findall(r"^    (\w+)(?: |$)", result.stdout, re.MULTILINE)
    assert named == list(COMMANDS)
    assert "KF_HOME" in result.stdout
    assert "KF_LOG_LEVEL" in result.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_a_command_has_examples(kungfu, command):
    """Whoever asks how a command works sees it used."""
    result = kungfu(command, "--help")
    assert result.returncode == 0, result.stderr
    assert f"kungfu {command}" in result.stdout
    assert "examples:" in result.stdout


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_help_of_a_journal_action_has_examples(kungfu, action):
    """Each action teaches by examples of its own."""
    result = kungfu("journal", action, "--help")
    assert result.returncode == 0, result.stderr
    assert f"examples:\n  kungfu journal {action}" in result.stdout


def test_help_is_quick_and_imports_no_plugin_machinery(kungfu):
    """`kungfu --help` stays under its 200 ms because it imports next to nothing."""
    code = "import sys; sys.argv = ['kungfu', '--help']; from kungfu_core.cli import main\n"
    code += "try: main()\nexcept SystemExit: print(*sys.modules)"
    modules = _python(code).split()
    assert not {"pluggy", "cattrs", "importlib.metadata", "tabulate", "numpy"} & set(modules)
    assert min(_seconds(kungfu) for _ in range(5)) < 0.2


def _python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]


def _seconds(kungfu):
    """Processor time, which a busy machine lengthens less than the wall's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kungfu("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_version(kungfu):
    """The version is that of the distribution."""
    assert re.fullmatch(r"kungfu \d+\.\d+\.\d+\S*\n", kungfu("--version").stdout)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--nonsense"], ["plugins", "show"], ["plugins", "list", "x"]]
)
def test_command_line_that_cannot_be_understood(kungfu, arguments):
    """A usage error is 2 and says how it is meant."""
    result = kungfu(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: kungfu")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "whose"),
    [
        (["risk", "--foo"], "kungfu risk"),
        (["orders", "A", "B"], "kungfu orders"),
        (["journal", "ls", "--foo"], "kungfu journal ls"),
        (["--foo"], "kungfu"),
    ],
)
def test_what_a_command_does_not_take_is_answered_with_its_own_usage(kungfu, arguments, whose):
    result = kungfu(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"usage: {whose} [-h]")
    assert f"\n{whose}: error: unrecognized arguments: {arguments[-1]}\n" in result.stderr


def test_no_command_shows_the_help(kungfu):
    """Nothing at all is a question."""
    result = kungfu()
    assert result.returncode == 2
    assert "kungfu demo" in result.stdout


@pytest.fixture
def command(monkeypatch):
    """Let `kungfu plugins` do something else."""
    module = importlib.import_module("kungfu_core.cli.plugins")
    return lambda action: monkeypatch.setattr(module, "run", action)


def _raise(error):
    raise error


def test_error_is_a_message_and_status_1(command, capsys):
    """A KungfuError is told as it stands, without a traceback."""
    command(lambda _: _raise(ConfigError("b.toml:3: wrong")))
    assert main(["plugins"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "error: b.toml:3: wrong\n"
    assert captured.out == ""


def test_interrupt_is_130(command):
    """Ctrl-C ends with the status that shells expect."""
    command(lambda _: _raise(KeyboardInterrupt()))
    assert main(["plugins"]) == 130


def test_unknown_log_level_is_told(kungfu):
    """KF_LOG_LEVEL has four values."""
    result = kungfu("plugins", KF_LOG_LEVEL="loud")
    assert result.returncode == 1
    assert result.stderr == (
        "error: KF_LOG_LEVEL is 'loud': expected one of debug, info, warning, error\n"
    )


def test_reader_that_has_seen_enough(kungfu, tmp_path):
    """Whoever closes our output gets no traceback."""
    code = "import os, sys; sys.argv = ['kungfu', 'plugins']; sys.stdout.flush()\n"
    code += "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
    code += "from kungfu_core.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == ""


def test_output_that_cannot_be_written(tmp_path):
    """A file that may not grow is one message; no output at all is nobody's fault."""
    limited = f"ulimit -f 0; exec {sys.executable} -m kungfu_core plugins > plugins.txt"
    result = subprocess.run(
        ["/bin/sh", "-c", limited], stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot write the output: ")
    assert result.stderr.count("\n") == 1
    closed = f"exec >&-; exec {sys.executable} -m kungfu_core plugins"
    result = subprocess.run(
        ["/bin/sh", "-c", closed], stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path
    )
    assert (result.returncode, result.stderr) == (0, "")
