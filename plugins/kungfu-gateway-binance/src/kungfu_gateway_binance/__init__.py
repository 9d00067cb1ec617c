"""Binance spot and USD-M futures: the market-data half of the dialect, and recorded raw streams."""
