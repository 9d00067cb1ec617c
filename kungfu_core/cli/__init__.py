"""The `kungfu` command: finds the subcommand, imports only that, and turns errors into messages.

A subcommand is a module with `configure(parser)` and `run(arguments) -> int`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "init": ("kungfu_core.cli.init", "write a first strategy and a configuration that runs it"),
    "demo": ("kungfu_core.cli.demo", "see a strategy trade on a simulated venue"),
    "import": ("kungfu_core.cli.importing", "turn recorded raw exchange streams into a dataset"),
    "backtest": ("kungfu_core.cli.backtest", "run strategies on recorded or simulated markets"),
    "journal": (
        "kungfu_core.cli.journal",
        "list, show, follow, measure, export, import and look after journals",
    ),
    "orders": ("kungfu_core.cli.books.orders", "show the orders of a running or finished session"),
    "positions": ("kungfu_core.cli.books.positions", "show what accounts or strategies hold"),
    "balances": ("kungfu_core.cli.books.balances", "show what accounts have of currencies"),
    "risk": ("kungfu_core.cli.books.risk", "show what keeps orders from going out"),
    "reconcile": (
        "kungfu_core.cli.books.reconcile",
        "show differences between broker and venues, and what was done",
    ),
    "panic": ("kungfu_core.cli.panicking", "cancel all that an account has open, node or no node"),
    "plugins": ("kungfu_core.cli.plugins", "tell what is installed and what could not be loaded"),
}

_EPILOG = """\
the way in:
  kungfu demo                  a session on a simulated venue, with a report
  kungfu init                  a configuration and a strategy of your own, ready to run
  kungfu backtest backtest.toml
  kungfu plugins               what is installed

environment:
  KF_HOME        where runs, datasets and logs are kept (default: ./runtime)
  KF_LOG_LEVEL   debug, info, warning or error (default: warning)

`kungfu COMMAND --help` has examples.
"""

_USER_INTERRUPT = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, `sys.argv` if none is given, and return its exit status.

    0 is success, 1 an error that is told on standard error, 2 a command line that cannot be
    understood, 130 an interrupt.
    """
    arguments_given = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until we end
    try:
        parser = _parser(arguments_given)
        arguments, unknown = parser.parse_known_args(arguments_given)
        if unknown:  # the parser of all commands would print their usage, not the command's
            arguments.usage_error(f"unrecognized arguments: {' '.join(unknown)}")
        if "run" not in arguments:
            parser.print_help()
            return 2
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _USER_INTERRUPT
    except OSError as error:
        if error.filename is not None:
            sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
            return 1
        # Nothing may be written there at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever reads a pipe may have seen enough
            sys.stderr.write(f"error: cannot write the output: {error}\n")
        return 1
    return status


def _run(arguments: argparse.Namespace) -> int:
    from kungfu_core.cli.terminal import complain  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.errors import KungfuError  # noqa: PLC0415

    try:
        _set_up_logging()
        status: int = arguments.run(arguments)
    except KungfuError as error:
        complain(str(error))
        return 1
    return status


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the command that is asked for has its module imported."""
    parser = argparse.ArgumentParser(
        prog="kungfu",
        description="Event-sourced trading: backtest, journal and plugins.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.set_defaults(usage_error=parser.error)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    asked = next((word for word in argv if not word.startswith("-")), None)
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == asked:
            module = importlib.import_module(module_name)
            command.set_defaults(run=module.run, usage_error=command.error)
            module.configure(command)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and seldom asked for

        print(f"kungfu {version('kungfu-core')}")  # noqa: T201
        parser.exit()


def _set_up_logging() -> None:
    import logging  # noqa: PLC0415 - --help needs no logging

    from kungfu_core.errors import ConfigError  # noqa: PLC0415

    levels = ("debug", "info", "warning", "error")
    level = os.environ.get("KF_LOG_LEVEL", "warning").lower()
    if level not in levels:
        raise ConfigError(f"KF_LOG_LEVEL is {level!r}: expected one of {', '.join(levels)}")
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
