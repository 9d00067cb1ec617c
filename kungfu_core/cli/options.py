"""Options that several commands take, worded once."""

import argparse


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument(
        "--home", metavar="DIR", help="keep runs and datasets here (default: KF_HOME or ./runtime)"
    )


def add_no_plugin(parser: argparse.ArgumentParser) -> None:
    """Add `--no-plugin`, into `arguments.blocked`."""
    parser.add_argument(
        "--no-plugin",
        metavar="NAME",
        dest="blocked",
        action="append",
        default=[],
        help="do not load this plugin (or all of this distribution); may be repeated",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`, into `arguments.as_json`."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
