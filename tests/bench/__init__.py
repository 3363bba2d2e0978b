"""Measurements: `make bench`. Each row is a ratio against a reference of the same run."""
