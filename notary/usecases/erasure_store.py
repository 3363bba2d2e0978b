"""What erasing needs of the store: the port, and its values.

Spec: docs/spec/erasure.md §1, §3. Implemented by notary.adapters.store.erasing. Test:
tests/unit/store/test_erase.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from notary.core.erasures import Target
from verifier.format.digests import Digest


class StoredContent(NamedTuple):
    """A record whose content is or was here."""

    record_id: int
    agency_id: int
    idempotency_digest: bytes
    leaf_hash: Digest
    has_content: bool


class StoredPlace(NamedTuple):
    """A record at its place, with what an erasure of it would take.

    `kept` counts stretches of source files, `originals` are sizes in bytes before sealing.
    """

    position: int
    leaf: bytes
    content: StoredContent
    kept: int
    originals: tuple[int, ...] = ()


class ErasuresSeen(Protocol):
    """Records, and what the log says of their erasure, as one transaction sees them."""

    def agency_of(self, matter_key: bytes) -> int | None:
        """The agency of a matter; None if there is no such matter."""
        ...

    def places(
        self, agency_id: int, matter_key: bytes, positions: Sequence[int]
    ) -> Mapping[int, StoredPlace]:
        """The records at these positions of the agency's matter, by position; unknown ones are left out."""
        ...

    def contents(self, targets: Sequence[Target]) -> Mapping[Target, StoredContent]:
        """The stored records among these, as they are named: another leaf at the place is another record."""
        ...

    def object_names(self, contents: Sequence[StoredContent]) -> list[bytes]:
        """The names of the originals of these records."""
        ...

    def tombstones(self, agency_id: int, targets: Sequence[Target]) -> Mapping[Target, int]:
        """Of the agency's records those that the log says were erased, and at which position it says so."""
        ...


class ErasureStore(Protocol):
    """Where content stands. Raises NothingHappened if it can't be had, Contradiction if it is damaged."""

    def reading(self) -> AbstractContextManager[ErasuresSeen]:
        """One unchanging view."""
        ...

    def empty(self, contents: Sequence[StoredContent]) -> None:
        """Empty the records, and everything beside them that says the same; then take the bytes off the disk.

        Raises NothingHappened STORE_BUSY when the records are empty and old bytes may stand somewhere yet.
        """
        ...
