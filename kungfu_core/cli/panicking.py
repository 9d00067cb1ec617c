"""`kungfu panic`: cancel everything of an account at its venue, and close its positions."""

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path

from kungfu_core.cli.options import add_json, add_no_plugin

_EPILOG = """\
Needs no running node and asks no questions: it goes to the venue itself, cancels regular and algo
orders, and asks again until none is left. A running node is not stopped by it, and may place new
orders; stop it first if you can. The exit status is 1 if anything is left.

examples:
  kungfu panic main --config node.toml
  kungfu panic main --config node.toml --flatten
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("account", metavar="ACCOUNT", help="the account, as the file names it")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        required=True,
        help="the configuration that says which gateway the account is with",
    )
    parser.add_argument("--flatten", action="store_true", help="close its positions, too")
    add_no_plugin(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kungfu_core.config import read_account_gateway  # noqa: PLC0415 - --help needs none of it
    from kungfu_core.errors import PluginError  # noqa: PLC0415
    from kungfu_core.panicking import panic  # noqa: PLC0415
    from kungfu_core.plugins import Plugins  # noqa: PLC0415

    plugins = Plugins(arguments.blocked)
    gateway = read_account_gateway(arguments.config, arguments.account, plugins)
    if gateway.spec.access is None:
        raise PluginError(
            f"gateway {gateway.spec.name!r} has no venue that could be reached without a session"
        )
    try:
        access = gateway.spec.access(gateway.config, arguments.account)
    except Exception as error:
        raise PluginError(f"gateway {gateway.name!r} cannot reach its venue: {error}") from error

    def note(step: str) -> None:
        if not arguments.as_json:
            sys.stdout.write(f"{step}\n")
            sys.stdout.flush()

    with closing(access):
        outcome = panic(access, flatten=arguments.flatten, note=note)
    if arguments.as_json:
        said = {"done": outcome.done, "failures": outcome.failures, "left": outcome.left}
        sys.stdout.write(json.dumps(said) + "\n")
    elif outcome.left:
        sys.stdout.write("STILL THERE:\n" + "".join(f"  {thing}\n" for thing in outcome.left))
    else:
        sys.stdout.write(f"Nothing is left; {outcome.done} requests were needed.\n")
    return 1 if outcome.left else 0
