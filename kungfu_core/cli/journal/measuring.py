"""`kungfu journal stat`: verify, count, and draw rates and latencies."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from kungfu_core.cli.journal.choosing import add_journal, journal_of
from kungfu_core.cli.options import add_home, add_json
from kungfu_core.cli.terminal import bars, size_text, styled, table

if TYPE_CHECKING:
    from kungfu_core.journal import PageInfo, Statistics
    from kungfu_core.journal_profile import Profile

_EPILOG = """\
Reads the whole journal and verifies every checksum. A latency is the time from an event's trigger
to the event itself. Each bar of a histogram spans a factor of two.

examples:
  kungfu journal stat data/august/venue/MD
  kungfu journal stat BROKER --json
"""

_STRETCHES = 40
_QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.epilog = _EPILOG
    add_journal(parser)
    add_home(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    from kungfu_core.journal_profile import profile  # noqa: PLC0415 - --help needs none of it

    journal = journal_of(arguments)
    found = journal.statistics()
    measured = profile(journal, found, _STRETCHES) if found.events else None
    if arguments.as_json:
        said = _described(found, measured)
        for page in journal.pages()[-1:]:
            said |= {
                "durability": page.durability,
                "clock": page.clock,
                "clock_error_ns": page.clock_error,
            }
        sys.stdout.write(json.dumps({"journal": journal.label} | said, indent=2) + "\n")
        return 0
    sys.stdout.write(styled(journal.label, "bold") + "\n")
    sys.stdout.write(_counts(found))
    if found.pages:
        sys.stdout.write(_last_page(journal.pages()[-1]))
    if measured is not None:
        sys.stdout.write(_rates(found, measured))
        if measured.latencies:
            sys.stdout.write(_latencies(measured))
    return 0


def _described(found: "Statistics", measured: "Profile | None") -> dict[str, Any]:
    import attrs  # noqa: PLC0415

    said = attrs.asdict(found)
    if measured is not None:
        said["rates"] = {
            "begin": measured.begin,
            "stretch_ns": measured.stretch,
            "events": measured.counts,
        }
        said["latencies_ns"] = {
            name: {
                "events": latencies.count,
                **{key: latencies.quantile(share) for key, share in _QUANTILES.items()},
                "max": latencies.largest,
                "buckets": [list(row) for row in latencies.buckets.items()],
            }
            for name, latencies in measured.latencies.items()
        }
    return said


def _counts(found: "Statistics") -> str:
    from kungfu_core.journal_export import utc_text  # noqa: PLC0415

    sealed = f"{found.sealed_pages} sealed" if found.pages else "none"
    lines = [
        f"  pages    {found.pages} ({sealed}), {size_text(found.file_bytes)}",
        f"  events   {found.events}, every checksum right",
    ]
    if found.events:
        lines += [
            f"  sequence {found.first_sequence} to {found.last_sequence}",
            f"  time     {utc_text(found.first_time)} to {utc_text(found.last_time)}",
        ]
    return "\n".join(lines) + "\n"


def _last_page(page: "PageInfo") -> str:
    error = "" if page.clock == "simulated" else f", within {page.clock_error} ns of the system's"
    return f"  clock    {page.clock}{error}\n  durability {page.durability}\n"


def _rates(found: "Statistics", measured: "Profile") -> str:
    from kungfu_core.report.figures import duration  # noqa: PLC0415

    rows = []
    for kind in found.types:
        counts = measured.counts.get(kind.name, [0])
        peak = f"{measured.rate(max(counts)):,.4g}"
        row = (kind.name, kind.version, kind.events, size_text(kind.bytes), peak, bars(counts))
        rows.append(row)
    drawn = f"rate, a bar is {duration(measured.stretch)}"
    return "\n" + table(rows, ["type", "version", "events", "size", "peak/s", drawn]) + "\n"


def _latencies(measured: "Profile") -> str:
    from kungfu_core.report.figures import duration  # noqa: PLC0415

    octaves = {
        name: _by_octave(latencies.buckets) for name, latencies in measured.latencies.items()
    }
    low = min(min(found) for found in octaves.values())
    high = max(max(found) for found in octaves.values())
    rows = [
        (
            name,
            latencies.count,
            *(duration(latencies.quantile(share)) for share in _QUANTILES.values()),
            duration(latencies.largest),
            bars([octaves[name].get(n, 0) for n in range(low, high + 1)]),
        )
        for name, latencies in measured.latencies.items()
    ]
    drawn = f"{duration(1 << low >> 1)} to {duration(1 << high)}"
    headers = ["latency", "events", *_QUANTILES, "max", drawn]
    return "\n" + table(rows, headers) + "\n"


def _by_octave(buckets: dict[int, int]) -> dict[int, int]:
    """Sum up buckets by the binary digits of their bounds."""
    octaves: dict[int, int] = {}
    for upper, count in buckets.items():
        octaves[upper.bit_length()] = octaves.get(upper.bit_length(), 0) + count
    return octaves
