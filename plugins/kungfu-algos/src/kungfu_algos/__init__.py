"""Execution algorithms: they work one order by many smaller ones."""
