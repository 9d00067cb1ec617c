"""The installed distribution is found and loaded, and its parameters are checked."""

from decimal import Decimal

import pytest

from kungfu_algos.iceberg import Iceberg
from kungfu_algos.schedule import Twap
from kungfu_algos.vwap import Vwap
from kungfu_core.plugins import Plugins, Status
from kungfu_core.structuring import structure


def test_plugin_is_loaded():
    plugins = Plugins()
    (report,) = (r for r in plugins.reports if r.distribution == "kungfu-algos")
    assert (report.status, report.cause) == (Status.LOADED, "")
    found = [plugins.algorithms.get(name).algorithm for name in ("twap", "vwap", "iceberg")]
    assert found == [Twap, Vwap, Iceberg]


@pytest.mark.parametrize(
    ("algorithm", "parameters", "key"),
    [
        (Twap, {}, "duration"),
        (Twap, {"duration": "0s"}, "duration"),
        (Twap, {"duration": "1m", "parts": 0}, "parts"),
        (Vwap, {"duration": "1m", "profile": [1, -1]}, "profile"),
        (Vwap, {"duration": "1m", "profile": [0, 0]}, "profile"),
        (Vwap, {"duration": "1m", "days": 0}, "days"),
        (Iceberg, {"display_size": "0"}, "display_size"),
        (Iceberg, {"display_size": 1, "hidden": 2}, "hidden"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(algorithm, parameters, key):
    made, problems = structure(parameters, algorithm, ())
    assert made is None
    assert key in "".join(str(problem) for problem in problems)


def test_parameters_are_read_exactly():
    made, problems = structure({"duration": "1m", "profile": ["0.1", 2]}, Vwap, ())
    assert problems == []
    assert (made.duration, made.profile) == (60 * 10**9, (Decimal("0.1"), Decimal(2)))
