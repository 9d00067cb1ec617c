"""What every test of the checkout shares: how hypothesis searches."""

from hypothesis import HealthCheck, settings

# Time says nothing on a machine that others use; what a test must not exceed is counted, not timed.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("default")
