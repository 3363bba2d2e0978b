"""Owns what a log states of the log that it continues (docs/spec/format.md §7, `predecessor`).

Proved by tests/unit/format/test_predecessor.py.
"""

from typing import NamedTuple

from verifier.format.digests import Digest
from verifier.format.heads import check_log_name
from verifier.format.jsonc import Json
from verifier.format.members import Members

KIND = "custody"
CLAIM = "predecessor"


class Predecessor(NamedTuple):
    """A signed checkpoint of another log, from which this one continues."""

    log: str
    size: int
    root: Digest

    def __str__(self) -> str:
        return f"{self.log} from size {self.size}, root {self.root.hex()}"


def read(value: Json) -> Predecessor:
    """Read the claim's value. Raises FormatError MEMBER_… or LOG_NAME."""
    members = Members(value, CLAIM)
    log = check_log_name(members.text("log"))
    predecessor = Predecessor(log, members.integer("size", 1), members.hex32("root"))
    members.done()
    return predecessor


def write(predecessor: Predecessor) -> Json:
    """The claim's value."""
    return {"log": predecessor.log, "size": predecessor.size, "root": predecessor.root.hex()}
