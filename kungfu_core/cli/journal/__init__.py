"""`kungfu journal`: finds the action. An action is a module with `configure` and `run`."""

import argparse
from importlib import import_module

ACTIONS = {
    "ls": ("listing", "list the journals of the home"),
    "show": ("showing", "print events"),
    "follow": ("following", "print events as they are written, like tail -f"),
    "seek": ("seeking", "find the event at a time, and where it stands"),
    "stat": ("measuring", "verify every checksum, count, and draw rates and latencies"),
    "export": ("exporting", "write events to a file, or the whole journal as one archive"),
    "import": ("importing", "take in a journal that was exported as an archive"),
    "verify": ("verifying", "look for damage; changes nothing"),
    "repair": ("repairing", "make a damaged journal readable again"),
    "compact": ("compacting", "compress full pages"),
    "prune": ("pruning", "delete the oldest pages"),
}

_EPILOG = """\
A JOURNAL is named as `ls` lists it; its end is enough where only one has it (broker/BROKER).
Times are UTC: 2024-08-09, "2024-08-09 08:30", 2024-08-09T08:30:00.5Z, or nanoseconds since 1970.

examples:
  kungfu journal ls
  kungfu journal show MD --type trade --since "2024-08-09 08:30" --limit 5
  kungfu journal follow MD BROKER
  kungfu journal stat data/august/venue/MD
  kungfu journal export BROKER --type fill --format csv --output fills.csv
  kungfu journal export MD --format archive --output market.tar
  kungfu journal verify --all
  kungfu journal prune 'journal/*/MD' --older-than 30d

`kungfu journal ACTION --help` has more of each.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with arguments of its own."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (module_name, summary) in ACTIONS.items():
        module = import_module(f"{__name__}.{module_name}")
        action = actions.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(action)
        action.set_defaults(act=module.run, usage_error=action.error)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    status: int = arguments.act(arguments)
    return status
