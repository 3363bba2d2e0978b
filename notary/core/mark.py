"""How far this log is signed: the size and root of the newest checkpoint that may have left the service.

The mark is kept beside the keys and not in the store, so that a store that went back in time is
found out by what it no longer knows (docs/design/0012-restored-stores.md). Pure.
Test: tests/unit/store/test_mark.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from notary.errors import Contradiction


@dataclass(frozen=True)
class Mark:
    """A checkpoint by the two values that it signs: the size of the batch log and its root."""

    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.size} batches, root {self.root.hex()}"


class SignedMark(Protocol):
    """Where the mark is kept. It never goes back."""

    def read(self) -> Mark | None:
        """The mark; None if none was ever kept here. Raises CallerError if it can't be read."""
        ...

    def raise_to(self, mark: Mark) -> None:
        """Keep the mark, durable when this returns; an equal one changes nothing.

        Raises Contradiction STORE_BEHIND_SIGNED if a larger one is kept, or another root for that
        size: whoever asks has an older store than whoever wrote it.
        """
        ...


def behind(kept: Mark, found: Mark | None) -> Contradiction:
    """What is wrong when the store has not what the mark says; `found` is what it has there."""
    has = "nothing of that size" if found is None else str(found)
    return Contradiction(
        "STORE_BEHIND_SIGNED",
        f"a checkpoint of {kept} was signed, and the store has {has}: it is older than its keys. "
        "Restore a newer backup; docs/operations.md says what to do if there is none.",
    )
