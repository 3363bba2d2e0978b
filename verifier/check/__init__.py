"""Judges evidence packages by the numbered steps of docs/spec/verification.md.

Nothing that decides trust is read from a package, and nothing here uses a network.
"""
