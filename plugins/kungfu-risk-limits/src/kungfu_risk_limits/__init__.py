"""Limits that every order passes: size, notional, position, price and rate."""
