"""Judges evidence packages by the numbered steps of docs/spec/verification.md.

Nothing that decides trust is read from a package, and nothing here uses a network.

Values are NamedTuples: making a frozen dataclass costs half a millisecond at every start, and some
forty of them were a sixth of the time that a small package takes.
"""
