"""The clock from Python."""

import time

from kungfu_core._native import Clock


def test_system_time_differs_from_the_systems_by_no_more_than_its_bound():
    clock = Clock()
    for _ in range(20_000):
        steps = clock.steps
        before = time.time_ns()
        now = clock.now()
        after = time.time_ns()
        bound = clock.error_bound()
        if after < before or clock.steps != steps:
            continue  # somebody set the system's clock just now
        assert before - bound <= now <= after + bound
    assert clock.source in {"kernel", "counter"}


def test_simulated_time_has_no_error_and_no_steps():
    clock = Clock(simulated_from=7)
    assert (clock.now(), clock.error_bound(), clock.source) == (7, 0, "simulated")
    assert (clock.steps, clock.last_step) == (0, 0)
