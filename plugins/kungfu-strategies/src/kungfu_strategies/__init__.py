"""Example strategies, and the demos that show them at work."""
